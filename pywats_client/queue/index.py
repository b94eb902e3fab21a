"""What is in the folder, in memory: whose turn it is, and when a failed report is due again."""

import bisect
import heapq
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from pywats_client.queue.name import QueueName, State

BACKLOG = 100
"""From so many waiting reports on, every second upload is the newest: fresh results are seen while old ones drain."""
SUSPECT = 3
"""Orphaned so often, a report may be what ends the process: it is tried last, and alone."""


class Lane:
    """The waiting reports of one priority, from both ends: a name sorts by its arrival.

    A name is taken from one end only; at the other it is skipped when met, as is one that waits no more.
    """

    def __init__(self) -> None:
        self._oldest: list[str] = []
        self._newest: list[str] = []

    def push(self, text: str) -> None:
        """Enter a name at the place of its arrival."""
        heapq.heappush(self._oldest, text)
        bisect.insort(self._newest, text)

    def pop(self, *, newest: bool) -> str | None:
        """Take a name from one end."""
        if newest and self._newest:
            return self._newest.pop()
        return heapq.heappop(self._oldest) if self._oldest else None

    def shrink(self, waiting: Collection[str]) -> None:
        """Drop what was taken from the other end, once that is most of it."""
        if len(self._newest) + len(self._oldest) > 4 * len(waiting) + 4 * BACKLOG:
            self._newest = sorted({text for text in self._newest if text in waiting})
            self._oldest = sorted({text for text in self._oldest if text in waiting})


class Arrivals:
    """The names of reports that the server is to get, the oldest at hand: a name sorts by its arrival.

    A name that is gone stays until it is met, or until most are gone: so one that waits for weeks costs no memory
    for each that passes it by.
    """

    def __init__(self) -> None:
        self._texts: list[str] = []

    def push(self, text: str, known: Mapping[str, QueueName]) -> None:
        """Enter a name of those that are known."""
        heapq.heappush(self._texts, text)
        if len(self._texts) > 2 * len(known) + BACKLOG:
            self._texts = [text for text, name in known.items() if name.state is not State.REJECTED]
            heapq.heapify(self._texts)

    def oldest(self, known: Mapping[str, QueueName]) -> QueueName | None:
        """Of those that are still known."""
        while self._texts:
            if name := known.get(self._texts[0]):
                return name
            heapq.heappop(self._texts)
        return None


class Index:
    """Every undelivered report, by name, by id, and in the order of its turn."""

    def __init__(self) -> None:
        self.counts: Counter[State] = Counter()
        self._names: dict[str, QueueName] = {}
        self._by_id: dict[uuid.UUID, tuple[QueueName, ...]] = {}
        self._lanes: dict[int, Lane] = {}
        self._suspects: list[str] = []
        self._processing: dict[str, QueueName] = {}
        self._due: list[tuple[float, str]] = []
        self._arrivals = Arrivals()
        self._turn = 0

    def __contains__(self, text: str) -> bool:
        return text in self._names

    def names(self) -> set[str]:
        """All file names."""
        return set(self._names)

    def all(self) -> list[QueueName]:
        """Every report, in no order."""
        return list(self._names.values())

    def of(self, queue_id: uuid.UUID) -> tuple[QueueName, ...]:
        """What there is under an id."""
        return self._by_id.get(queue_id, ())

    def processing(self) -> list[QueueName]:
        """What says that it is being uploaded."""
        return list(self._processing.values())

    def oldest_waiting(self) -> str | None:
        """The stamp of the report that has waited longest; rejected ones wait for a person."""
        oldest = self._arrivals.oldest(self._names)
        return oldest.arrived if oldest else None

    def next_due(self) -> float | None:
        """The moment at which the next failed report is due."""
        while self._due and self._due[0][1] not in self._names:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def add(self, name: QueueName, now: float, due_in: float = 0.0) -> None:
        """Enter a name; `due_in` seconds from `now` counts for a failed one. One that is known stays as it is."""
        text = str(name)
        if text in self._names:
            return
        self._names[text] = name
        self._by_id[name.id] = (*self.of(name.id), name)
        self.counts[name.state] += 1
        if name.state is not State.REJECTED:
            self._arrivals.push(text, self._names)
        self._line_up(text, name, now + due_in)

    def line_up(self, name: QueueName, due: float) -> None:
        """Give a name that was chosen and could not go its place in the order of turns again."""
        self._line_up(str(name), name, due)

    def _line_up(self, text: str, name: QueueName, due: float) -> None:
        if name.state is State.PROCESSING:
            self._processing[text] = name
        elif name.state is State.ERROR:
            heapq.heappush(self._due, (due, text))
        elif name.state is State.QUEUED and name.orphaned >= SUSPECT:
            self._suspects.append(text)
        elif name.state is State.QUEUED:
            self._lanes.setdefault(name.priority, Lane()).push(text)

    def remove(self, name: QueueName) -> None:
        """Forget a name; one that is not known is no error."""
        text = str(name)
        if self._names.pop(text, None) is None:
            return
        self.counts[name.state] -= 1
        others = tuple(other for other in self.of(name.id) if other != name)
        if others:
            self._by_id[name.id] = others
        else:
            del self._by_id[name.id]
        if self._processing.pop(text, None):
            self._line_up_all(others)

    def _line_up_all(self, names: Iterable[QueueName]) -> None:
        """Those of one id that were passed over while it was under way."""
        for name in names:
            if name.state is State.QUEUED:
                self.line_up(name, 0.0)

    def forget(self, text: str) -> None:
        """Remove by file name what hands have taken away."""
        if name := self._names.get(text):
            self.remove(name)

    def take_due(self, now: float) -> QueueName | None:
        """A failed report whose time has come, if there is one."""
        while self._due and self._due[0][0] <= now:
            _, text = heapq.heappop(self._due)
            if text in self._names:
                return self._names[text]
        return None

    def choose(self) -> QueueName | None:
        """Whose turn it is: priority, then arrival. None while nothing waits, or a suspect is under way."""
        if any(name.orphaned >= SUSPECT for name in self._processing.values()):
            return None
        self._turn += 1
        newest = self._turn % 2 == 0 and self.counts[State.QUEUED] > BACKLOG
        for priority in sorted(self._lanes):
            if name := self._pop(self._lanes[priority], newest=newest):
                return name
        return self._pop_suspect() if not self._processing else None

    def _pop(self, lane: Lane, *, newest: bool) -> QueueName | None:
        lane.shrink(self._names)
        while (text := lane.pop(newest=newest)) is not None:
            name = self._names.get(text)
            if name is not None and not self._is_under_way(name.id):
                return name
        return None

    def _is_under_way(self, queue_id: uuid.UUID) -> bool:
        return any(known.state is State.PROCESSING for known in self.of(queue_id))

    def _pop_suspect(self) -> QueueName | None:
        while self._suspects:
            if name := self._names.get(self._suspects.pop(0)):
                return name
        return None
