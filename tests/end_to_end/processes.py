"""Services that are killed, and what is left of a service: seen through /proc."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import trio

from tests.end_to_end.station import PATIENCE, POLL, Station


class Nest:
    """Starts services that are killed at a step; see `killed_service`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "tests.end_to_end.killed_service"]
        self.process = subprocess.Popen(
            command, env=dict(environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def start(self, station: Station, step: int | str = 0, moment: str = "before") -> int:
        """The id of a service that dies around that step, as `Killing` has it; 0: it lives.

        `fresh`: it is started by the command, and lives.
        """
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps([str(station.home), step, moment]), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """End the nest, once its services have ended."""
        with self.process:
            assert self.process.stdin
            self.process.stdin.close()
            assert self.process.wait(PATIENCE) == 0


def workers_of(service: int) -> list[int]:
    """The processes that a service, dead or alive, has started for its converters."""
    wanted = f"converters.worker import main; main({service})".encode()
    return [pid for pid in _processes() if wanted in _read(pid, "cmdline")]


def living_in(home: Path) -> set[int]:
    """The processes whose environment names this folder as HOME: those of a station, whoever has started them."""
    wanted = b"HOME=" + os.fsencode(home)
    return {pid for pid in _processes() if wanted in _read(pid, "environ").split(b"\0")}


def command_of(pid: int) -> str:
    """The command line of a process, for people."""
    return _read(pid, "cmdline").replace(b"\0", b" ").decode("utf-8", "replace").strip()


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def is_there(pid: int) -> bool:
    """Whether a process is there with any of its threads: these hold its locks a little longer than it lives."""
    return Path(f"/proc/{pid}").exists()


async def gone(pid: int) -> None:
    """Wait until a service has ended, and its workers with it."""
    with trio.fail_after(PATIENCE):
        while is_there(pid) or workers_of(pid):
            await trio.sleep(POLL)
