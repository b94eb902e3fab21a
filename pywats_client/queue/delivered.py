"""The reports that the server has: kept by day, known again when they come a second time, removed after some days."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from pywats_client.clock import Clock
from pywats_client.disk import Disk
from pywats_client.queue.known import MASK, Known
from pywats_client.queue.name import QueueName, State


class Delivered:
    """`path` is made when it is first needed. `sweep` touches no memory, and may run in another thread."""

    def __init__(self, path: Path, disk: Disk, clock: Clock) -> None:
        self._path, self._disk, self._clock = path, disk, clock
        # Hashes, as millions may lie here. Two of 64 bits meet less often than memory errs.
        self._last = Known()

    def __len__(self) -> int:
        """How many different reports are kept."""
        return len(self._last)

    def __contains__(self, name: QueueName) -> bool:
        """Whether this content is what was delivered last under its id: what came before it was replaced."""
        return self._last.get(hash(name.id)) == hash(name.content) & MASK

    def has_other(self, name: QueueName) -> bool:
        """Whether another content is what was delivered last under its id."""
        return self._last.get(hash(name.id)) is not None and name not in self

    def add(self, name: QueueName) -> None:
        """Know a report again from now on."""
        self._last.put(hash(name.id), hash(name.content))

    def forget(self, names: Iterable[QueueName]) -> None:
        """Follow `sweep`."""
        for name in names:
            if name in self:
                self._last.remove(hash(name.id))

    def load(self) -> None:
        """Know what is on the disk, and only that.

        Where two contents of one id lie there, neither is known: a clock that was set back hides which came last, and
        sending one again under its id does no harm.
        """
        self._last, disputed = Known(), set()
        for day in self._days():
            for name in map(QueueName.parse, os.listdir(day)):
                if name and name.state is State.COMPLETED:
                    if self.has_other(name):
                        disputed.add(hash(name.id))
                    self.add(name)
        for queue_id in disputed:
            self._last.remove(queue_id)

    def today(self) -> str:
        """The folder for what is delivered now."""
        day = f"{self._path}{os.sep}{self._clock.now().date().isoformat()}"
        if not os.path.isdir(day):  # noqa: PTH112 -- asked for each report: no Path
            self._disk.make_folder(Path(day))
        return day

    def sweep(self, keep_days: float) -> list[QueueName]:
        """Remove reports that were delivered more than `keep_days` ago; their names."""
        now = self._clock.now()
        oldest = now - timedelta(days=keep_days)
        removed = []
        for day in self._days():
            if day.name > oldest.strftime("%Y-%m-%d"):
                break
            for path, name in _completed_before(day, oldest.timestamp()):
                self._disk.remove(path)
                removed.append(name)
            # Never today's: another thread may be about to put a report there.
            if day.name < now.strftime("%Y-%m-%d"):
                with contextlib.suppress(OSError):
                    self._disk.steps.rmdir(day)
        return removed

    def _days(self) -> list[Path]:
        return sorted(day for day in self._path.iterdir() if day.is_dir()) if self._path.is_dir() else []


def _completed_before(day: Path, moment: float) -> Iterator[tuple[Path, QueueName]]:
    with os.scandir(day) as entries:
        for entry in entries:
            # The time first: most are too young, and a name takes longer to read.
            if entry.stat(follow_symlinks=False).st_mtime < moment:
                name = QueueName.parse(entry.name)
                if name and name.state is State.COMPLETED:
                    yield day / entry.name, name
