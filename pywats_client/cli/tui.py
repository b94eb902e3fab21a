"""`pywats-client tui`, which older documents call `gui`."""

import gc
from typing import Annotated, Literal

import typer

from pywats_client.cli.options import Home, InstanceId
from pywats_client.errors import PywatsError

ViewOnly = Annotated[bool, typer.Option("--view-only", help="Only show; hide every key that changes something.")]
Theme = Annotated[Literal["dark", "light", "contrast"], typer.Option("--theme", help="How it is painted.")]


def tui(
    instance_id: InstanceId = "default", home: Home = None, view_only: ViewOnly = False, theme: Theme = "dark"
) -> None:
    """Show the dashboard of a service in this terminal; `q` leaves it, and the service goes on."""
    gc.disable()  # what is loaded now stays: looking for garbage in it takes a tenth of the start; `run` enables it
    try:
        from pywats_tui.app_run import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("textual", "rich", "pywats_tui"):
            raise
        raise PywatsError("the dashboard is not installed: pip install 'pywats-client[tui]'") from None
    raise typer.Exit(run(instance_id, home, is_view_only=view_only, theme=theme))
