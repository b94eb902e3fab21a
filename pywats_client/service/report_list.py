"""A window of the queue: which reports match, in which order, and what each row says.

A long queue is gone through in parts, each in a thread, one list at a time: whoever uploads or queues waits for a
part at most.
"""

import contextlib
import heapq
import math
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import trio

from pywats_client.clock import Clock
from pywats_client.ipc.commands.queue import GetQueue, QueuedReport
from pywats_client.logs import show_name
from pywats_client.queue.folder import QueueFolder, retry_seconds
from pywats_client.queue.name import QueueName, State
from pywats_client.queue.survey import AT_REST, Found, arrival, named
from pywats_client.service.histories import ReportFacts
from pywats_client.service.journal import Journal
from pywats_client.service.threads import InThread
from pywats_client.service.units import Unit, unit_in

PART = 500
"""So many reports are looked at at once: 3 ms by name, 15 ms where each file is read."""
REMEMBERED = 50_000
"""Of so many files it is remembered what they are about: some 20 MB."""

Place = tuple[str, QueueName]
"""The path under which a report lies, or lay a moment ago."""
Key = tuple[Any, str]
"""What a report is sorted by, and its path. So little, for the collector would hold everybody up over more objects."""
T = TypeVar("T")


class Known(NamedTuple):
    """A report, and what the journal knows of it."""

    path: str
    name: QueueName
    facts: ReportFacts | None


class ReportList:
    """Looks through the queue for clients. The journal is asked first, and files only about what it does not know."""

    def __init__(self, folder: QueueFolder, journal: Journal, clock: Clock, in_thread: InThread) -> None:
        self._folder, self._journal, self._clock, self._in_thread = folder, journal, clock, in_thread
        self._one_at_a_time = trio.Lock()
        self._read: dict[str, Unit] = {}

    async def window(self, wanted: GetQueue) -> GetQueue.Result:
        """The reports that match, in the order asked for, from `offset` on."""
        async with self._one_at_a_time:
            found = await self._in_parts(self._places(wanted), partial(self._sorted, wanted))
            merged = heapq.merge(*found, reverse=wanted.descending)
            window = islice(merged, wanted.offset, wanted.offset + wanted.limit)
            shown: list[Key] = await self._in_thread(list, window)
            rows = await self._in_parts(map(_named, shown), self._rows)
            counts = await self._in_thread(self._counts)
        return GetQueue.Result(reports=list(chain(*rows)), total=sum(map(len, found)), counts=counts)

    async def row(self, path: Path, name: QueueName) -> QueuedReport:
        """What a list says of one report."""
        known = Known(str(path), name, self._journal.facts(name.id))
        rows: list[QueuedReport] = await self._in_thread(self._rows, [known])
        return rows[0]

    def _places(self, wanted: GetQueue) -> Iterator[Place]:
        states = {State(state) for state in wanted.states}
        at_rest = [state for state in AT_REST if state in states]
        folder = self._folder.path
        undelivered = ((f"{folder}{os.sep}{name}", name) for name in self._folder.index.all() if name.state in states)
        return chain(undelivered, ((str(path), name) for path, name in named(folder, at_rest)))

    async def _in_parts(self, places: Iterator[Place], work: Callable[[list[Known]], list[T]]) -> list[list[T]]:
        done = []
        while part := await self._in_thread(_taken, places):
            # The journal belongs to this thread.
            done.append(
                await self._in_thread(work, [Known(path, name, self._journal.facts(name.id)) for path, name in part])
            )
        return done

    # --- in a thread

    def _sorted(self, wanted: GetQueue, part: list[Known]) -> list[Key]:
        """Those that match, in order."""
        text, key = wanted.search.casefold(), self._keys()[wanted.sort]
        matching = ((key(known), known.path) for known in part if self._matches(text, known))
        return sorted(matching, reverse=wanted.descending)

    def _keys(self) -> dict[str, Callable[[Known], Any]]:
        return {
            "arrived": lambda known: known.name.arrived,
            "changed": _changed,
            "size": lambda known: known.name.length,
            "state": lambda known: list(State).index(known.name.state),
            "serial_number": lambda known: self._unit(known).serial_number.casefold(),
            "part_number": lambda known: self._unit(known).part_number.casefold(),
        }

    def _matches(self, text: str, known: Known) -> bool:
        if not text or text in str(known.name.id):
            return True
        unit = self._unit(known)
        return any(text in value.casefold() for value in (unit.serial_number, unit.part_number, unit.source))

    def _unit(self, known: Known) -> Unit:
        """From the journal, or else from the file."""
        facts = known.facts
        if facts and facts.serial_number:
            return Unit(facts.serial_number, facts.part_number, facts.result, facts.source, facts.converter)
        unit = self._unit_in_file(known)
        return unit._replace(source=facts.source, converter=facts.converter) if facts else unit

    def _unit_in_file(self, known: Known) -> Unit:
        unit = self._read.get(known.name.stem)
        if unit is None and (unit := unit_in(known.path, known.name)):
            self._read[known.name.stem] = unit
            if len(self._read) > REMEMBERED:
                del self._read[next(iter(self._read))]
        return unit or Unit()

    def _rows(self, part: list[Known]) -> list[QueuedReport]:
        return [self._row(known) for known in part]

    def _row(self, known: Known) -> QueuedReport:
        path, name = Path(known.path), known.name
        arrived, now = arrival(name), self._clock.now()
        size, changed = name.length, arrived.timestamp()
        # One that has just moved on is shown as it was listed; an event tells what became of it.
        with contextlib.suppress(OSError):
            status = path.stat()
            size, changed = status.st_size, status.st_mtime
        due = min(changed, now.timestamp()) + retry_seconds(name.attempt) - now.timestamp()
        return QueuedReport(
            id=str(name.id),
            state=name.state.value,
            arrived=arrived.isoformat(),
            changed=datetime.fromtimestamp(changed, UTC).isoformat(),
            size=size,
            priority=name.priority,
            attempt=name.attempt,
            next_try_seconds=round(max(0.0, due), 3) if name.state is State.ERROR else None,
            reason=Found(name, path).reason,
            file=path.name,
            **{key: show_name(value) for key, value in self._unit(known)._asdict().items()},
        )

    def _counts(self) -> dict[str, int]:
        counts = {str(state): self._folder.index.counts[state] for state in State}
        counts[State.COMPLETED] = self._folder.completed
        counts[State.DISCARDED] = sum(1 for _ in named(self._folder.path, [State.DISCARDED]))
        return counts


def _taken(places: Iterator[Place]) -> list[Place]:
    return list(islice(places, PART))


def _named(key: Key) -> Place:
    path = key[1]
    name = QueueName.parse(path.rpartition(os.sep)[2])
    assert name
    return path, name


def _changed(known: Known) -> float:
    """When it came to its state; what has just moved on counts as the newest."""
    try:
        return os.stat(known.path).st_mtime  # noqa: PTH116 -- asked for each report: no Path
    except OSError:
        return math.inf
