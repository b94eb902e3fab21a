"""A service in the background: how it is started, and how its start, its end and its new beginning are noticed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pywats_client.cli.asking import endpoint_of
from pywats_client.errors import ExitCode, PywatsError
from pywats_client.paths import Instance

READY_SECONDS = 60.0
LOOK_SECONDS = 0.05
ERROR = "error: "
"""How the command line begins its last sentence."""


class NotStarted(PywatsError):
    """The service ended before it was ready, with this exit code."""

    def __init__(self, message: str, code: int | None) -> None:
        self.exit_code = next((known for known in ExitCode if known == code != ExitCode.DONE), ExitCode.FAILED)
        super().__init__(message)


def start(instance: Instance) -> int:
    """Start the service, and wait until it can be talked to; its process id. Raises NotStarted."""
    command = [sys.executable, "-m", "pywats_client", "service", "--no-console", "--instance-id", instance.id]
    if instance.home:
        command += ["--home", str(instance.home)]
    with tempfile.TemporaryFile() as output:
        # A session of its own: it outlives this terminal. What it says before its log is open is kept for us.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/"
        )
        if wait_until(lambda: _answers(instance, process.pid) or process.poll() is not None, READY_SECONDS):
            if process.poll() is None:
                return process.pid
            output.seek(0)
            said = output.read().decode("utf-8", "replace").strip()
            # A sentence may have several lines; what stands before it is none.
            why = said[said.rfind(f"\n{ERROR}") + 1 :].removeprefix(ERROR)
            code = process.returncode
            raise NotStarted(why or f"the service ended with code {code}; the log is {instance.log}", code)
    raise NotStarted(
        f"the service (process {process.pid}) is not ready after {READY_SECONDS:.0f} s; the log is {instance.log}", None
    )


def _answers(instance: Instance, pid: int) -> bool:
    endpoint = endpoint_of(instance)
    return endpoint is not None and endpoint.pid == pid


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Look often; whether it became so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended may be waited for by its parent for long."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # proc(5): the state comes after the name, which may hold anything
        return Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True
