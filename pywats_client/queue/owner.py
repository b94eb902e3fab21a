"""Who holds a queue folder, without trying its lock: a try, however short, could refuse a service its start."""

import os
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path("/proc/locks")


@dataclass(frozen=True)
class Owner:
    """Whether a process holds the folder, and which. `is_there` is None where the system does not tell."""

    is_there: bool | None
    pid: int | None = None


def owner_of(folder: Path) -> Owner:
    """The process that holds the folder's lock, from the kernel's list of locks (Linux, proc_locks(5)).

    A holder in a container beside ours is not in our list.
    """
    try:
        lines = LOCKS.read_text("ascii", "replace").splitlines()
    except OSError:
        return Owner(None)
    try:
        status = (folder / ".lock").stat()
        noted = (folder / ".lock").read_text("ascii", "replace").strip()
    except FileNotFoundError:
        return Owner(False)
    except OSError:
        return Owner(None)
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    for fields in map(str.split, lines):
        if fields[1] == "FLOCK":  # one that waits has `->` there
            pid, (place, _, inode) = fields[4], fields[5].rpartition(":")
            # Some file systems are listed under another device than `stat` tells.
            if inode == str(status.st_ino) and (place == device or pid == noted):
                return Owner(True, int(pid))
    return Owner(False)
