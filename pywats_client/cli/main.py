"""The command `pywats-client`: its commands, and how their errors become a sentence and an exit code."""

import errno
import io
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from pywats_client.cli.config import app as config
from pywats_client.cli.convert import convert
from pywats_client.cli.demo import demo
from pywats_client.cli.emulator import emulator
from pywats_client.cli.login import login
from pywats_client.cli.output import say
from pywats_client.cli.paths import paths
from pywats_client.cli.queue import app as queue
from pywats_client.cli.service import service
from pywats_client.cli.submit import submit
from pywats_client.cli.version import version
from pywats_client.errors import ExitCode, PywatsError


class Commands(TyperGroup):
    """All commands; what they raise ends here."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command. An error of ours becomes its sentence and its exit code, never a traceback."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a reader that has gone is noticed here, not when Python ends
            return result
        except PywatsError as error:
            say(f"error: {error}")
            raise typer.Exit(error.exit_code) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # who reads us has gone, which typer ends quietly
                raise
            say(f"error: {error.strerror}: {error.filename}" if error.filename else f"error: {error}")
            raise typer.Exit(ExitCode.FAILED) from error
        except typer.Abort as error:  # Ctrl-C at a question
            raise typer.Exit(ExitCode.INTERRUPTED) from error


app = typer.Typer(
    cls=Commands,
    name="pywats-client",
    help="Turns the result files of test stations into WATS reports and uploads them, whatever happens.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, and those may hold a token
)
app.add_typer(config, name="config")
app.add_typer(queue, name="queue")
for command in (service, submit, convert, emulator, demo, login, paths, version):
    app.command()(command)


def main() -> None:
    """The entry point."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()
