"""QueueFolder: put, claim, move on, look, recover, expire. Synchronous; the durable part.

Invariants
1. A report that `publish` and then `sync` have returned for is on the disk under a name that says `queued`, or was
   there before.
2. A file's name is its state. What is kept in memory is rebuilt from a listing, and only from that.
3. Of two undelivered files with one id the one that came later counts; the other goes to `discarded/`.
4. No undelivered report is deleted here, ever; only `.completed` ones expire.

Everything runs on one thread, but for `write`, `commit` and its parts, `names` and `sweep_expired`: these touch no
memory of the folder, and may run in another. All times named `now` are monotonic seconds.
"""

import contextlib
import hashlib
import os
import random
import stat
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from operator import attrgetter
from pathlib import Path

from pywats_client.clock import Clock
from pywats_client.disk import Disk, StrPath, lock
from pywats_client.errors import AlreadyRunning, QueueError
from pywats_client.queue.delivered import Delivered
from pywats_client.queue.foreign import Foreign
from pywats_client.queue.index import Index
from pywats_client.queue.name import DEFAULT_PRIORITY, QueueName, State, queue_id
from pywats_client.queue.reason import Reasons

RETRY_FIRST, RETRY_MOST = 5 * 60.0, 4 * 3600.0
"""Seconds before a report that met a busy server is tried again: doubled each time, up to the second figure."""
JITTER = 0.1
"""The part of a wait by which reports that failed together are spread."""


class Put(Enum):
    """What became of a report that was handed to the queue."""

    NEW = auto()
    """queued"""
    KNOWN = auto()
    """the same bytes wait already, or were delivered: nothing to do"""
    REVIVED = auto()
    """the same bytes had failed: queued again, from attempt 0"""
    REPLACED = auto()
    """other bytes under the id of a report that waits: the newer count"""


@dataclass(slots=True)
class Staged:
    """A report on its way in. `judge` settles the name that it is published under."""

    name: QueueName
    path: Path
    """where it is written and synced before it is published"""
    content: bytes | None = None
    """None once it is written"""


class Damaged(QueueError):
    """The file's bytes are not those that were queued."""


class QueueFolder:
    """The reports of one instance, as files of one folder.

    `path` must exist. `jitter` draws from 0..1 and spreads the retries of reports that failed together.
    """

    def __init__(self, path: Path, disk: Disk, clock: Clock, *, jitter: random.Random | None = None) -> None:
        self.path, self._disk, self._clock = path, disk, clock
        self._jitter = jitter or random.Random()  # noqa: S311 -- spreads load, guards nothing
        self.index = Index()
        self._delivered = Delivered(path / State.COMPLETED, disk, clock)
        self._several: set[uuid.UUID] = set()
        """ids under which an older report was here, too"""
        self._foreign = Foreign(path)
        self._reasons = Reasons(path, disk)
        self._moved: set[str] | None = None
        self._lock: int | None = None

    def __repr__(self) -> str:
        counts = " ".join(f"{state}={count}" for state, count in self.index.counts.items() if count)
        return f"<QueueFolder {self.path.name} {counts or 'empty'}>"

    # --- owning

    def acquire(self) -> None:
        """Become the folder's only owner; AlreadyRunning names the process that is."""
        place = self.path / ".lock"
        try:
            self._lock = lock(place)
        except BlockingIOError:
            text = place.read_text("ascii", "replace").strip()
            raise AlreadyRunning(f"the queue {self.path}", int(text) if text.isdigit() else None) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- coming in

    def stage(self, queue_id: uuid.UUID, content: bytes, priority: int = DEFAULT_PRIORITY, place: int = 0) -> Staged:
        """Name a report; nothing is written yet. `place` orders the reports of one source."""
        arrived = self._clock.now() + timedelta(microseconds=place)
        name = QueueName.of(queue_id, content, arrived, priority)
        return Staged(name, self.path / f".{name.stem}.tmp", content)

    def write(self, report: Staged) -> None:
        """Write and sync it under its temporary name, and let go of the content."""
        if report.content is not None:
            self._disk.write(report.path, report.content)
            report.content = None

    def drop(self, staged: Iterable[Staged]) -> None:
        """Remove what was staged and is not wanted; what can't be removed is swept at the next start."""
        for report in staged:
            with contextlib.suppress(OSError):
                self._disk.remove(report.path)

    def judge(self, staged: Sequence[Staged]) -> list[Put]:
        """What each report is to the queue, before anything is published."""
        return [self._judge(report) for report in staged]

    def _judge(self, report: Staged) -> Put:
        # What came last under the id is what counts; another may still be under way.
        last = max(self.index.of(report.name.id), key=attrgetter("arrived"), default=None)
        if last is None:
            return Put.KNOWN if report.name in self._delivered else Put.NEW
        if last.content != report.name.content:
            report.name = report.name.later_than(last)
            return Put.REPLACED
        if last.state in (State.ERROR, State.REJECTED):
            # Published over the one that failed: it may be a damaged file.
            report.name = last
            return Put.REVIVED
        return Put.KNOWN

    def commit(self, staged: Sequence[Staged], puts: Sequence[Put]) -> None:
        """Publish the reports of one source, and sync."""
        self.publish(staged, puts)
        self.sync()

    def publish(self, staged: Sequence[Staged], puts: Sequence[Put]) -> None:
        """Give the reports their names together: what is not written yet, renames. Drop those that are known."""
        fates = list(zip(staged, puts, strict=True))
        wanted = [report for report, put in fates if put is not Put.KNOWN]
        for report in wanted:
            self.write(report)
        for report in wanted:
            self._disk.steps.rename(report.path, self._place(report.name))
        self.drop(report for report, put in fates if put is Put.KNOWN)

    def sync(self) -> None:
        """Make durable what was published: before this, a power cut may undo it.

        Also when nothing is new: the names found may come from a run that a crash ended before its sync.
        """
        self._disk.sync_folder(self.path)

    def withdraw(self, staged: Sequence[Staged], puts: Sequence[Put]) -> None:
        """After a `commit` that failed: take back what it has published, as its source is going to be converted again.

        A second sync could lie about these names; and found by a look later on, they would be sent once more.
        """
        for report, put in zip(staged, puts, strict=True):
            if put in (Put.NEW, Put.REPLACED) and str(report.name) not in self.index:
                self._note_moved(str(report.name))
                with contextlib.suppress(OSError):
                    self._disk.remove(self.path / str(report.name))

    def enter(self, staged: Sequence[Staged], puts: Sequence[Put], now: float) -> None:
        """Take up what `commit` has published."""
        for report, put in zip(staged, puts, strict=True):
            # A look that ran meanwhile may have found it, and an upload moved it on.
            if put is not Put.KNOWN and os.path.lexists(self.path / str(report.name)):
                self._note_moved(str(report.name))
                self._add(report.name, now)
            if put is Put.REVIVED:
                self.retry(report.name.id, now)

    # --- going out

    def claim(self, now: float) -> QueueName | None:
        """Take the report whose turn it is, or None while nothing is due. After an OSError it is due again."""
        while (name := self.index.take_due(now)) is not None:
            with self._lined_up_again(name, now):
                self._move(name, name.to(State.QUEUED), now)
        while (name := self.index.choose()) is not None:
            claimed = name.to(State.PROCESSING, orphaned=name.orphaned)
            with self._lined_up_again(name, now):
                if self._move(name, claimed, now):
                    return claimed
        return None

    @contextlib.contextmanager
    def _lined_up_again(self, name: QueueName, now: float) -> Iterator[None]:
        try:
            yield
        except OSError:
            self.index.line_up(name, now)
            raise

    def read(self, name: QueueName) -> bytes:
        """The bytes that were queued, or Damaged."""
        return read_verified(self._place(name), name)

    def release(self, name: QueueName, now: float, *, is_suspect: bool = False) -> None:
        """Back to waiting, uncharged. One that is suspect three times is tried last, as if it were orphaned."""
        self._move(name, name.to(State.QUEUED, orphaned=name.orphaned + 1 if is_suspect else 0), now)

    def complete(self, name: QueueName, now: float) -> None:
        """The server has it."""
        today = self._delivered.today()
        if name.id in self._several or self._delivered.has_other(name):
            self._settle_older(name, Path(today))
        if self._move(name, name.to(State.COMPLETED), now, today):
            self._delivered.add(name)
        if name.attempt:
            self._reasons.remove(name)

    def _settle_older(self, name: QueueName, today: Path) -> None:
        """Make durable what became of an older one: brought back by a power cut, it would be sent last."""
        for folder in (self.path / State.DISCARDED, today, self.path):
            if folder.is_dir():
                self._disk.sync_folder(folder)
        if self.index.of(name.id) == (name,):
            self._several.discard(name.id)

    def fail(self, name: QueueName, reason: str, now: float) -> None:
        """Charged: tried again after a while that doubles."""
        failed = name.to(State.ERROR, attempt=name.attempt + 1)
        if self._move(name, failed, now):
            self._reasons.write(failed, reason)

    def reject(self, name: QueueName, reason: str, now: float) -> None:
        """A definite no, or damaged: waits for a person."""
        self._reasons.write(name, reason)
        self._move(name, name.to(State.REJECTED), now)

    # --- by hand

    def retry(self, queue_id: uuid.UUID, now: float) -> bool:
        """Put a failed or rejected report back, from attempt 0; False where there is none."""
        for name in self.index.of(queue_id):
            if name.state in (State.ERROR, State.REJECTED):
                self._reasons.remove(name)
                return self._move(name, name.to(State.QUEUED, attempt=0), now)
        return False

    def discard(self, queue_id: uuid.UUID) -> bool:
        """Set a report aside in `discarded/`; False where there is none, or it is being uploaded."""
        waiting = [name for name in self.index.of(queue_id) if name.state is not State.PROCESSING]
        for name in waiting:
            self._discard(name)
        return bool(waiting)

    # --- looking at the folder

    def start(self, now: float) -> int:
        """Take up what is on the disk after a start; the number of orphans that were put back.

        The folder is synced once, so that a report which is found here is not lost by the next power cut.
        """
        self._disk.settle_names(self.path)
        self._disk.sync_folder(self.path)
        self._delivered.load()
        self.begin_look()
        listing = self.names()
        for text in listing:
            if is_temporary(text):
                self._disk.remove(self.path / text)
        return self.finish_look(listing, now)

    def begin_look(self) -> None:
        """From here on, names that we move ourselves are noted: a listing made meanwhile may lack them."""
        self._moved = set()

    def names(self) -> list[str]:
        """The listing. May run in another thread."""
        return os.listdir(self.path)

    def finish_look(self, listing: Collection[str], now: float, held: Collection[uuid.UUID] = ()) -> int:
        """Compare a listing with what we know, and follow it; the number of orphans that were put back.

        `held`: the ids that uploads of ours hold. What else says `processing` is an orphan.
        """
        moved, self._moved = self._moved or set(), None
        known, here = self.index.names(), set(listing) - moved
        for text in known - here - moved:
            self.index.forget(text)
        found = {text: QueueName.parse(text) for text in sorted(here - known)}
        self._foreign.notice(text for text, name in found.items() if name is None)
        for name in filter(None, found.values()):
            if name.state not in (State.COMPLETED, State.DISCARDED):
                self._add(name, now)
        orphans = [name for name in self.index.processing() if name.id not in held]
        for name in orphans:
            self._move(name, name.to(State.QUEUED, orphaned=name.orphaned + 1), now)
        return len(orphans)

    # --- reports of other programs

    def adopt_settled(self, now: float) -> int:
        """Give our names to settled `.queued` files that other programs put here; how many are not settled yet.

        Settled: size and time of change are what they were at the call before. A name that can't be taken
        over is left, and tried again.
        """
        settled, unsettled = self._foreign.settled()
        for path in settled:
            with contextlib.suppress(OSError):
                self._adopt(path, now)
        return unsettled

    def _adopt(self, path: Path, now: float) -> None:
        content = path.read_bytes()
        made_id = queue_id(hashlib.sha256(content).digest(), 0)
        name = QueueName.of(made_id, content, self._clock.now(), DEFAULT_PRIORITY)
        self._disk.sync(path)
        if self._judge(Staged(name, path)) is Put.KNOWN:
            # In one step: a crash must not leave it where it would be sent again.
            folder = self.path / State.DISCARDED
            self._disk.make_folder(folder)
            self._disk.stamp_and_rename(path, folder / str(name.to(State.DISCARDED)), self._clock.now())
        else:
            self._disk.stamp_and_rename(path, self.path / str(name), self._clock.now())
            self._add(name, now)

    # --- the delivered

    def sweep_expired(self, keep_days: float) -> list[QueueName]:
        """Remove delivered reports older than `keep_days`; the names removed. May run in another thread."""
        return self._delivered.sweep(keep_days)

    @property
    def completed(self) -> int:
        """How many delivered reports are kept."""
        return len(self._delivered)

    def forget_completed(self, removed: Iterable[QueueName]) -> None:
        """Follow `sweep_expired`."""
        self._delivered.forget(removed)

    # --- moving

    def _place(self, name: QueueName, folder: StrPath | None = None) -> str:
        return f"{folder or self.path}{os.sep}{name}"

    def _move(self, name: QueueName, new: QueueName, now: float, folder: StrPath | None = None) -> bool:
        """A transition; False where hands have taken the file away, which is their decision."""
        try:
            self._disk.stamp_and_rename(self._place(name), self._place(new, folder), self._clock.now())
        except FileNotFoundError:
            self.index.remove(name)
            return False
        if self._moved is not None:
            self._note_moved(str(name), str(new))
        self.index.remove(name)
        if folder is None:
            self._add(new, now)
        return True

    def _note_moved(self, *names: str) -> None:
        if self._moved is not None:
            self._moved.update(names)

    def _add(self, name: QueueName, now: float) -> None:
        """Enter a name; where another waits under this id, the one that came later stays."""
        others = [known for known in self.index.of(name.id) if known != name]
        if others:
            self._several.add(name.id)
        waiting = [known for known in others if known.state is not State.PROCESSING]
        for other in waiting if name.state is not State.PROCESSING else ():
            if other.arrived > name.arrived:
                self._discard(name)
                return
            self._discard(other)
        self.index.add(name, now, self._due_in(name) if name.state is State.ERROR else 0.0)

    def _discard(self, name: QueueName) -> None:
        folder = self.path / State.DISCARDED
        self._disk.make_folder(folder)
        self._reasons.follow(name, folder)
        self._move(name, name.to(State.DISCARDED), 0.0, folder)

    def _due_in(self, name: QueueName) -> float:
        """Seconds until a failed report is tried again, seeded by the time of its last transition.

        A time in the future counts as now, so a clock that jumped neither stalls nor storms.
        """
        wait = retry_seconds(name.attempt) * (1.0 - JITTER * self._jitter.random())
        with contextlib.suppress(OSError):
            age = self._clock.now().timestamp() - (self.path / str(name)).stat().st_mtime
            wait -= max(0.0, age)
        return max(0.0, wait)


def read_verified(place: StrPath, name: QueueName) -> bytes:
    """The bytes that were queued under this name, or Damaged: also for a folder, a pipe, or what is longer."""
    status = os.stat(place)  # noqa: PTH116 -- once a report: no Path
    if stat.S_ISREG(status.st_mode) and status.st_size == name.length:
        with open(place, "rb", buffering=0) as file:  # noqa: PTH123 -- as above
            content = file.read(name.length + 1)
        if name.describes(content):
            return content
    raise Damaged(
        f"{os.fspath(place)} is damaged: its {status.st_size} bytes are not the {name.length} bytes that were"
        " queued; convert its source again"
    )


def retry_seconds(attempt: int) -> float:
    """How long a report waits at most after so many failures, before it is tried again."""
    return min(RETRY_FIRST * 2.0 ** min(attempt - 1, 16), RETRY_MOST)


def is_temporary(text: str) -> bool:
    """Whether `stage` has made this name."""
    is_close = text.startswith(".") and text.endswith(".tmp")
    return is_close and QueueName.parse(f"{text[1:-4]}.0.{State.QUEUED}") is not None
