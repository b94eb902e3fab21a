"""How a command ends: an error of ours is its sentence and its exit code, never a traceback."""

import os
import sys
from collections.abc import Callable

from pywats_client.cli.output import say
from pywats_client.errors import ExitCode, PywatsError


def ended(run: Callable[[], object]) -> int:
    """Run a command to its end; the exit code: what it returns, or that of what it raised."""
    try:
        try:
            code = run()
        finally:
            sys.stdout.flush()  # a reader that has gone is noticed here, not when Python ends
        return code if isinstance(code, int) else ExitCode.DONE
    except PywatsError as error:
        say(f"error: {error}")
        return error.exit_code
    except BrokenPipeError:
        _let_go()
        return ExitCode.DONE
    except OSError as error:
        say(f"error: {error.strerror}: {error.filename}" if error.filename else f"error: {error}")
        return ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _let_go() -> None:
    """Who reads us has what it wanted, as in `… | head`: no fault of anybody's, and no output from here on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
