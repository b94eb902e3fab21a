"""What a worker lays upon itself before it runs code of others. POSIX; what only Linux has is left out elsewhere."""

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys
from pathlib import Path

FILE_SIZE_BYTES = 1 << 30
"""A worker adds a mark of itself: children inherit the limit and cannot raise it, which shows whose they were."""
_MARK, _MARK_STEP = 695, 1024
"""No limit that a person or a unit sets, in whole kB or MB, looks like one with our mark."""
_LARGEST_PROCESS_ID = 1 << 22  # proc(5), pid_max
OPEN_FILES = 256
_CPU_MARGIN_SECONDS = 2
# prctl(2)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with(parent: int) -> None:
    """End this process when the thread that started it ends, even by kill -9; at once if it has ended already.

    Also keep what children leave behind below this process, so that they can be found and ended with it,
    and let the kernel, short of memory, choose this process before the service.
    """
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        prctl(_PR_SET_CHILD_SUBREAPER, 1)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    if os.getppid() != parent:
        os._exit(1)


def limit(memory_mb: int) -> None:
    """Bound address space, file size, open files and core dumps, for this process and its children."""
    _set(resource.RLIMIT_AS, memory_mb << 20)
    _set(resource.RLIMIT_FSIZE, FILE_SIZE_BYTES + os.getpid() * _MARK_STEP + _MARK)
    _set(resource.RLIMIT_NOFILE, OPEN_FILES)
    _set(resource.RLIMIT_CORE, 0)


def worker_of(file_size_limit: int) -> int | None:
    """The process id of the worker that laid this limit upon itself; None for any other limit."""
    worker, mark = divmod(file_size_limit - FILE_SIZE_BYTES, _MARK_STEP)
    return worker if mark == _MARK and 0 < worker <= _LARGEST_PROCESS_ID else None


def allow_cpu(seconds: float) -> None:
    """Allow so many seconds of processor time from now on; more, and the kernel sends SIGXCPU.

    The kernel counts a process's whole life, so this is called before each call. It holds where the
    service's own clock cannot: while that is stopped.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(used + seconds) + _CPU_MARGIN_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def has_children() -> bool:
    """Whether a call has left processes behind; those that have ended are reaped."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def is_half_full(folder: str) -> bool:
    """Whether the file system of a folder is."""
    room = os.statvfs(folder)
    return room.f_bfree < room.f_blocks // 2


def _set(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
