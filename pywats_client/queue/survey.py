"""A look at a queue folder, from outside: nothing is locked, moved or written, whether a service runs or not.

Reports move on while we look. A report is known by its stem, which no transition changes: one that is not where
the listing had it is looked for again, and one that was seen is not counted a second time.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pywats_client.queue.folder import Damaged, is_temporary, read_verified
from pywats_client.queue.foreign import look_at
from pywats_client.queue.name import QueueName, State
from pywats_client.queue.owner import Owner, owner_of

UNDELIVERED = (State.QUEUED, State.PROCESSING, State.ERROR, State.REJECTED)
AT_REST = (State.COMPLETED, State.DISCARDED)
"""Nothing moves on from there."""
LOOKS = 5
"""So often is listed while reports move on."""


@dataclass(frozen=True, slots=True)
class Found:
    """A report as it was when it was read."""

    name: QueueName
    path: Path
    content: bytes = b""
    """verified; empty where there is a fault"""
    size: int = 0
    """bytes that the file has"""
    changed: float = 0.0
    """when it came into its state, in seconds since 1970"""
    fault: Damaged | OSError | None = None

    @property
    def reason(self) -> str:
        """The note beside it: the last error, or the server's words; empty where there is none."""
        if self.name.state in (State.QUEUED, State.PROCESSING, State.COMPLETED) and not self.name.attempt:
            return ""
        try:
            text = self.path.with_name(f"{self.name.stem}.reason").read_text("utf-8", "backslashreplace")
        except OSError:
            return ""
        return text.rstrip()


@dataclass
class Survey:
    """What lies in a queue folder. All times and counts are those of the moment of the look."""

    folder: Path
    owner: Owner = field(default_factory=lambda: Owner(None))
    counts: Counter[State] = field(default_factory=Counter)
    undelivered_bytes: int = 0
    oldest: QueueName | None = None
    """the report that has waited longest for the server; rejected ones wait for a person"""
    damaged: list[Found] = field(default_factory=list)
    """their bytes are not those that were queued"""
    unreadable: list[Found] = field(default_factory=list)
    rejected: list[QueueName] = field(default_factory=list)
    """they wait for a person, and are whole"""
    orphaned: list[QueueName] = field(default_factory=list)
    """they say that they are being sent, and no process holds the folder"""
    marked: list[QueueName] = field(default_factory=list)
    """a crash has left them half sent before"""
    doubled: list[QueueName] = field(default_factory=list)
    """they wait under an id that another waits under, too"""
    foreign: list[str] = field(default_factory=list)
    """reports of other programs that are not taken over yet"""
    unknown: list[str] = field(default_factory=list)
    """what is no report"""
    temporary: list[str] = field(default_factory=list)
    """half written; while a service runs, some are on their way in"""

    @property
    def undelivered(self) -> int:
        """How many reports the server does not have."""
        return sum(self.counts[state] for state in UNDELIVERED)

    @property
    def is_sound(self) -> bool:
        """Whether every undelivered report is whole."""
        return not self.damaged and not self.unreadable

    def add(self, found: Found) -> None:
        """Take an undelivered report into account."""
        name = found.name
        self.counts[name.state] += 1
        self.undelivered_bytes += found.size
        if name.state is not State.REJECTED and (self.oldest is None or name.arrived < self.oldest.arrived):
            self.oldest = name
        if name.orphaned:
            self.marked.append(name)
        if isinstance(found.fault, Damaged):
            self.damaged.append(found)
        elif found.fault:
            self.unreadable.append(found)
        elif name.state is State.REJECTED:
            self.rejected.append(name)


def survey(folder: Path) -> Survey:
    """Look at everything and verify each undelivered report. OSError where the folder cannot be listed."""
    seen = Survey(folder)
    by_id: dict[UUID, list[QueueName]] = {}
    stems: set[str] = set()
    for found in reports(folder):
        seen.add(found)
        by_id.setdefault(found.name.id, []).append(found.name)
        stems.add(found.name.stem)
    for state in AT_REST:
        seen.counts[state] = sum(1 for text in _texts_at_rest(folder, state) if text.partition(".")[0] not in stems)
    _sort_others(seen)
    _judge(seen, by_id)
    return seen


def _sort_others(seen: Survey) -> None:
    """What else lies in the folder."""
    for text in sorted(os.listdir(seen.folder)):
        name = QueueName.parse(text)
        if (name and name.state in UNDELIVERED) or text in (".lock", *AT_REST) or _is_note(text):
            continue
        if is_temporary(text):
            seen.temporary.append(text)
        elif not name and text.endswith(f".{State.QUEUED}") and text[0] != "." and look_at(seen.folder / text):
            seen.foreign.append(text)
        else:
            seen.unknown.append(text)


def _is_note(text: str) -> bool:
    stem, dot, suffix = text.partition(".")
    return suffix == "reason" and QueueName.parse(f"{stem}{dot}0.{State.QUEUED}") is not None


def _judge(seen: Survey, by_id: dict[UUID, list[QueueName]]) -> None:
    """What is wrong only if it lasts; asked at the end, so that what has just moved on is not blamed."""
    seen.owner = owner_of(seen.folder)
    for names in by_id.values():
        waiting = [name for name in names if name.state is not State.PROCESSING]
        if len(waiting) > 1 and all(_is_there(seen.folder, name) for name in waiting):
            seen.doubled += waiting
        if seen.owner.is_there is False:
            sending = (name for name in names if name.state is State.PROCESSING)
            seen.orphaned += [name for name in sending if _is_there(seen.folder, name)]


def reports(folder: Path, states: Collection[State] = UNDELIVERED) -> Iterator[Found]:
    """Each report of these states with its verified content, one at a time; by arrival, the delivered by day.

    What has moved on before it was read comes later, or not at all if it has left these states.
    """
    moving = [state for state in states if state in UNDELIVERED]
    if moving:
        yield from _moving(folder, moving)
    for state in AT_REST:
        if state in states:
            for path, name in named(folder, [state]):
                with contextlib.suppress(FileNotFoundError):
                    yield _read(path, name)


def _moving(folder: Path, states: Collection[State]) -> Iterator[Found]:
    seen: set[str] = set()
    last: dict[str, str] = {}
    for _ in range(LOOKS):
        is_news = False
        for path, name in _named_in(folder, set(os.listdir(folder)) - seen, states):
            before = last.get(name.stem)
            # Under another name it has moved on, unless the file that was read is still there as well.
            if before and not os.path.lexists(folder / before):
                continue
            is_news = True
            with contextlib.suppress(FileNotFoundError):
                found = _read(path, name)
                seen.add(path.name)
                last[name.stem] = path.name
                yield found
        if not is_news:
            return


def _read(path: Path, name: QueueName) -> Found:
    """FileNotFoundError where it is not there any more."""
    size, changed = 0, 0.0
    try:
        status = path.stat()
        size, changed = status.st_size, status.st_mtime
        return Found(name, path, read_verified(path, name), size, changed)
    except FileNotFoundError:
        raise
    except (Damaged, OSError) as error:
        return Found(name, path, size=size, changed=changed, fault=error)


def named(folder: Path, states: Collection[State], having: str = "") -> Iterator[tuple[Path, QueueName]]:
    """Each report of these states by its name alone, where it lies, by arrival; the delivered by day.

    `having`: only names in which this stands, which is quicker than to look at all.
    """
    moving = [state for state in states if state in UNDELIVERED]
    places = [(folder, moving)] if moving else []
    places += [(place, [state]) for state in AT_REST if state in states for place in _places(folder, state)]
    for place, here in places:
        yield from _named_in(place, (text for text in _texts_in(place) if having in text), here)


def _named_in(place: Path, texts: Iterable[str], states: Collection[State]) -> Iterator[tuple[Path, QueueName]]:
    for text in sorted(texts):
        name = QueueName.parse(text)
        if name and name.state in states:
            yield place / text, name


def _places(folder: Path, state: State) -> list[Path]:
    """The folders in which reports of a state rest."""
    if state is State.DISCARDED:
        return [folder / state]
    return [folder / state / day for day in sorted(_texts_in(folder / state))]


def _texts_at_rest(folder: Path, state: State) -> Iterator[str]:
    for place in _places(folder, state):
        yield from (text for text in _texts_in(place) if text.endswith(f".{state}"))


def _texts_in(place: Path) -> list[str]:
    """A folder that is not made yet, or was just removed, is empty."""
    try:
        return os.listdir(place)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_there(folder: Path, name: QueueName) -> bool:
    return os.path.lexists(folder / str(name))


def arrival(name: QueueName) -> datetime:
    """When the report came, in UTC."""
    return datetime.fromisoformat(f"{name.arrived[:15]}.{name.arrived[15:]}")


def find(folder: Path, queue_id: UUID, states: Collection[State]) -> list[Found]:
    """The files of one report in these states, the one that came last at the end; also if it moves on just now."""
    for _ in range(LOOKS):
        with contextlib.suppress(FileNotFoundError):
            found = [_read(path, name) for path, name in named(folder, states, f"_{queue_id}_")]
            return sorted(found, key=lambda each: each.name.arrived)
    return []
