"""The instance that a command line names, and how commands are written for it."""

import os
from pathlib import Path

from pywats_client.errors import ExitCode, PywatsError
from pywats_client.paths import Instance


class NotUnderstood(PywatsError):
    """The command line asks for what cannot be."""

    exit_code = ExitCode.USAGE


class NoInstance(PywatsError):
    """There is no instance of that name."""

    exit_code = ExitCode.NO_INSTANCE


def known_instance(instance_id: str, home: Path | None) -> Instance:
    """The instance for commands that need one that is there; NoInstance where nothing configures it."""
    instance = Instance.find(instance_id, home)
    if not instance.config.exists() and not os.environ.get("PYWATS_SERVER_URL"):
        raise NoInstance(
            f"there is no instance {instance.id!r}: {instance.config} does not exist; "
            f"`{command('config init', instance.id, instance.home)}` makes it, "
            f"`{command('instances')}` shows those that are there"
        )
    return instance


def command(verb: str, instance_id: str = "default", home: Path | None = None) -> str:
    """A command as it is to be typed for this instance."""
    from shlex import quote

    more = f" --instance-id {instance_id}" if instance_id != "default" else ""
    return f"pywats-client {verb}{more}" + (f" --home {quote(str(home))}" if home else "")
