"""Ends a process with everything that it has started."""

import contextlib
import os
import signal
from pathlib import Path

_ROUNDS = 20


def kill_tree(pid: int) -> None:
    """Kill the process group that `pid` leads, and its descendants that have left the group.

    All are stopped first, for as long as more are found, so that none can start another meanwhile. The
    worker takes in what its children leave behind (PR_SET_CHILD_SUBREAPER), so nobody has left the tree.
    """
    stopped: set[int] = set()
    for _ in range(_ROUNDS):
        found = _descendants(pid) - stopped
        if not found:
            break
        for process in found:
            _signal(process, signal.SIGSTOP)
        stopped |= found
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for process in stopped:
        _signal(process, signal.SIGKILL)


def family_size(pid: int) -> int:
    """How many processes there are: this one and all below it."""
    return len(_descendants(pid))


def innermost(pid: int) -> int:
    """The worker that `pid`, bubblewrap, has started: the first child of its first child, where /proc tells."""
    for _ in range(2):
        pid = next(iter(_children(pid)), pid)
    return pid


def _descendants(pid: int) -> set[int]:
    """The process and all below it, where /proc tells (proc_pid_children(5)); otherwise the process."""
    found, unseen = {pid}, [pid]
    while unseen:
        for child in _children(unseen.pop()):
            if child not in found:
                found.add(child)
                unseen.append(child)
    return found


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for thread in Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
