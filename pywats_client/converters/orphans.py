"""Finds what a worker has left behind that ended before anybody could look at its children. Linux only.

A worker's limit of file size carries its process id. What descends from it inherits that limit, in whatever
session, and cannot raise it (getrlimit(2)).
"""

import contextlib
import os
import signal
from pathlib import Path
from resource import RLIMIT_FSIZE, prlimit

from pywats_client.converters.limits import worker_of

_ROUNDS = 20


def kill_orphans() -> None:
    """Kill what descends from workers that are no more, of this service or of one before it."""
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        present = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
        orphans = {pid for pid in present - killed if _is_orphan(pid)}
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= orphans
        if not orphans:
            break


def _is_orphan(pid: int) -> bool:
    try:
        worker = worker_of(prlimit(pid, RLIMIT_FSIZE)[1])
        if worker is None or _runs(worker):
            return False
        # In another container, the worker's number means nothing here.
        return Path(f"/proc/{pid}/ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
    except OSError:
        return False


def _runs(pid: int) -> bool:
    """Whether it is there and has not ended: in a container, nobody may ever reap one that has (proc_pid_stat(5))."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"
