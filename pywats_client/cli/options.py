"""Options that several commands share, and the instance that they name."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pywats_client.errors import ExitCode, PywatsError
from pywats_client.paths import Instance

InstanceId = Annotated[
    str, typer.Option("--instance-id", metavar="ID", help="The instance: one machine may run several.")
]
Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Keep everything of every instance below this folder."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class NoInstance(PywatsError):
    """There is no instance of that name."""

    exit_code = ExitCode.NO_INSTANCE


def known_instance(instance_id: str, home: Path | None) -> Instance:
    """The instance for commands that need one that is there; NoInstance where nothing configures it."""
    instance = Instance.find(instance_id, home)
    if not instance.config.exists() and not os.environ.get("PYWATS_SERVER_URL"):
        raise NoInstance(
            f"there is no instance {instance.id!r}: {instance.config} does not exist; "
            f"`pywats-client config init --instance-id {instance.id}` makes it"
        )
    return instance
