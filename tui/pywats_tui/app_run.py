"""The dashboard as the command line starts it."""

import gc
import os
import sys
from pathlib import Path

from pywats_client.errors import ExitCode, PywatsError
from pywats_client.paths import Instance
from pywats_tui.app import PywatsTui


class NoTerminal(PywatsError):
    """There is nothing to show a dashboard on."""

    exit_code = ExitCode.USAGE


def run(instance_id: str, home: Path | None, *, is_view_only: bool = False, theme: str = "dark") -> int:
    """Show the dashboard until it is left; the exit code: 0, 1 after a fault of ours, 128 + n after signal n.

    Raises NoTerminal, or ConfigError for an id that is no instance id.
    """
    instance = Instance.find(instance_id, home)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # Textual reads the one and draws on the other
        raise NoTerminal("the dashboard needs a terminal; `pywats-client status` prints how the service is")
    gc.freeze()
    gc.enable()
    app = PywatsTui(instance, is_view_only=is_view_only, theme=theme)
    app.run()
    _let_go()
    return app.return_code or ExitCode.DONE


def _let_go() -> None:
    """Of a terminal that has gone: Python would end with code 120 because it cannot say goodbye to it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
