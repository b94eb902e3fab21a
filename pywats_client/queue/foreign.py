"""Files that other programs put into the queue as `.queued`, without a name of our form."""

import stat
from collections.abc import Iterable
from pathlib import Path

from pywats_client.queue.name import State

Look = tuple[int, int]
"""Size in bytes and time of the last change in ns."""


class Foreign:
    """Tells which of them are settled: size and time of change are what they were one look before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[str, Look | None] = {}

    def notice(self, names: Iterable[str]) -> None:
        """The names in the folder that are not of our form: remember the `.queued` ones, forget who left."""
        self._seen = {
            text: self._seen.get(text)
            for text in names
            if text.endswith(f".{State.QUEUED}") and not text.startswith(".")
        }

    def settled(self) -> tuple[list[Path], int]:
        """Those that are settled, and the number of those that are not yet."""
        found, unsettled = [], 0
        for text, before in self._seen.items():
            path = self._path / text
            if (now := _look_at(path)) is None:
                continue
            self._seen[text] = now
            if now == before:
                found.append(path)
            else:
                unsettled += 1
        return found, unsettled


def _look_at(path: Path) -> Look | None:
    """None for what is gone, and for what is no regular file: a pipe could not be read to its end."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None
