"""Files that other programs put into the queue as `.queued`, without a name of our form."""

import stat
from collections.abc import Iterable
from pathlib import Path

from pywats_client.disk import is_being_written
from pywats_client.queue.name import State

Look = tuple[int, int]
"""Size in bytes and time of the last change in ns."""
MOST_BYTES = 50_000_000
"""What is larger is no report, and is left where it is."""
AT_ONCE = 50
"""So many are taken over at a look: each costs a sync, and others wait meanwhile."""


class Foreign:
    """Tells which of them are settled: size and time of change are what they were one look before, and nobody
    has them open for writing, as far as the system can tell.
    """

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
        """Some of those that are settled, and the number of those that are not yet, or have to wait."""
        found: list[Path] = []
        unsettled = 0
        for text, before in self._seen.items():
            path = self._path / text
            if (now := look_at(path)) is None:
                continue
            self._seen[text] = now
            if now == before and len(found) < AT_ONCE and not is_being_written(path):
                found.append(path)
            else:
                unsettled += 1
        return found, unsettled


def look_at(path: Path) -> Look | None:
    """None for what is gone, too large, or no regular file: a pipe could not be read to its end."""
    try:
        status = path.lstat()
    except OSError:
        return None
    is_one = stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES
    return (status.st_size, status.st_mtime_ns) if is_one else None
