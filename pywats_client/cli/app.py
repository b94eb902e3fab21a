"""The command line: its commands, and how they end."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from pywats_client.cli import authoring, index
from pywats_client.cli.config import app as config
from pywats_client.cli.convert import convert
from pywats_client.cli.converters import app as converters
from pywats_client.cli.demo import demo
from pywats_client.cli.emulator import emulator
from pywats_client.cli.ending import ended
from pywats_client.cli.formats import app as formats
from pywats_client.cli.history import commands, events, first_pass_yield, trace
from pywats_client.cli.instances import instances
from pywats_client.cli.lifecycle import pause, reload, restart, resume, start, stop
from pywats_client.cli.login import login
from pywats_client.cli.logs import logs
from pywats_client.cli.paths import paths
from pywats_client.cli.queue import app as queue
from pywats_client.cli.service import service
from pywats_client.cli.sources import app as sources
from pywats_client.cli.status import ping, status
from pywats_client.cli.submit import submit
from pywats_client.cli.tui import tui
from pywats_client.cli.version import version
from pywats_client.errors import ExitCode


class Commands(TyperGroup):
    """All commands; what they raise ends here."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; its exit code is that of what it raises."""
        try:
            code = ended(lambda: super(Commands, self).invoke(ctx))
        except typer.Abort:  # Ctrl-C at a question
            code = ExitCode.INTERRUPTED
        raise typer.Exit(code)


app = typer.Typer(
    cls=Commands,
    name="pywats-client",
    help="Turns the result files of test stations into WATS reports and uploads them, whatever happens.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, and those may hold a token
)
for verb in (authoring.new, authoring.test, index.search, index.install, index.update, index.remove):
    converters.command()(verb)
app.add_typer(config, name="config", rich_help_panel="Setting up")
app.add_typer(queue, name="queue", rich_help_panel="Files and reports")
app.add_typer(converters, name="converters", rich_help_panel="Files and reports")
app.add_typer(formats, name="formats", rich_help_panel="Files and reports")
app.add_typer(sources, name="sources", rich_help_panel="Files and reports")
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "The service": (service, start, stop, restart, pause, resume, reload, instances),
    "What it does": (status, tui, ping, trace, first_pass_yield, logs, events),
    "Files and reports": (convert, submit),
    "Setting up": (login, paths, version, commands),
    "To try it": (demo, emulator),
}
for panel, functions in PANELS.items():
    for function in functions:
        name = "yield" if function is first_pass_yield else None
        app.command(name, rich_help_panel=panel)(function)
app.command("gui", hidden=True)(tui)
