"""Finds what a worker has left behind that ended before anybody could look at its children. Linux only.

A worker's limit of file size carries its process id. What descends from it inherits that limit, in whatever
session, and cannot raise it (getrlimit(2)).
"""

import contextlib
import os
import signal
from pathlib import Path
from resource import RLIMIT_FSIZE, prlimit

from pywats_client.converters.limits import FILE_SIZE_BYTES

_ROUNDS = 20
_LARGEST_PROCESS_ID = 1 << 22  # proc(5), pid_max


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
        worker = prlimit(pid, RLIMIT_FSIZE)[1] - FILE_SIZE_BYTES
        if not 0 < worker <= _LARGEST_PROCESS_ID or Path(f"/proc/{worker}").exists():
            return False
        # In another container, the worker's number means nothing here.
        return Path(f"/proc/{pid}/ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
    except OSError:
        return False
