"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

InstanceId = Annotated[
    str, typer.Option("--instance-id", metavar="ID", help="The instance: one machine may run several.")
]
Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Keep everything of every instance below this folder."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
