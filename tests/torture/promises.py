"""What must be so after every step, whatever has happened, and what must have become of everything in the end."""

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from pywats_client.queue.name import QueueName, State
from tests.torture.scripted_converter import Plan
from tests.torture.world import World

UNDELIVERED = {State.QUEUED, State.PROCESSING, State.ERROR, State.REJECTED}
CONVERTED = ("done", "archive")


@dataclass(frozen=True)
class Source:
    """A file that was dropped: `modified_ns` is part of what it is."""

    plan: Plan
    name: str
    modified_ns: int


@dataclass(frozen=True)
class Report:
    """A report's file in the queue, or below it."""

    name: QueueName
    content: bytes

    @property
    def is_undelivered(self) -> bool:
        return self.name.state in UNDELIVERED


@dataclass
class Promises:
    """Remembers what came, and compares it with what is there. Sources go by the numbers of their plans."""

    world: World
    sources: dict[int, Source] = field(default_factory=dict)
    copies: Counter[int] = field(default_factory=Counter)
    """how many files of a source there must be"""
    foreign: set[bytes] = field(default_factory=set)
    """reports of another program"""
    owed: set[bytes] = field(default_factory=set)
    """those of them that nobody has discarded"""
    promised: dict[UUID, bytes] = field(default_factory=dict)
    """of converted sources, those not discarded by hand"""
    _watched: set[int] = field(default_factory=set)
    """what lay in the watched folder at the last look"""
    _failed: Counter[int] = field(default_factory=Counter)
    """how many of each lay in the error folder"""
    _forgiven: set[UUID] = field(default_factory=set)
    _seen: set[bytes] = field(default_factory=set)
    """every report that was ever seen undelivered"""

    def __post_init__(self) -> None:
        self.world.server.expected = self._fault_of_a_post

    # --- what comes

    def expect(self, source: Source) -> None:
        """A source comes into the watched folder, in the place of what has this name there."""
        number = source.plan.number
        for other in self._watched & {known for known, old in self.sources.items() if old.name == source.name}:
            self.copies[other] -= 1
            self._watched.discard(other)
        self.sources[number] = source
        self.copies[number] += 1
        self._watched.add(number)

    def expect_again(self, number: int) -> None:
        """A source goes back from the error folder to the watched one, where nothing has its name."""
        self._failed[number] -= 1
        self._watched.add(number)

    def expect_foreign(self, content: bytes) -> None:
        """Another program puts a report into the queue."""
        self.foreign.add(content)
        self.owed.add(content)

    def forgive(self, queue_id: UUID) -> None:
        """Somebody discards what waits under this id."""
        self.owed -= {report.content for report in self.reports() if report.name.id == queue_id}
        self.promised.pop(queue_id, None)
        self._forgiven.add(queue_id)

    @property
    def watched(self) -> list[Source]:
        """What lay in the watched folder at the last look."""
        return [self.sources[number] for number in sorted(self._watched)]

    # --- what is there

    def places(self) -> dict[int, Counter[str]]:
        """How many files of each source lie where."""
        found: dict[int, Counter[str]] = defaultdict(Counter)
        for path in _visible(self.world.watched):
            if path.suffix != ".reason":
                below = path.relative_to(self.world.watched).parts
                place = below[0].lower() if len(below) > 1 else "watch"
                found[json.loads(_text(path))["number"]][place] += 1
        return found

    def reports(self) -> list[Report]:
        """All that have a name of ours."""
        named = ((QueueName.parse(path.name), path) for path in _visible(self.world.queue))
        return [Report(name, path.read_bytes()) for name, path in named if name]

    def strange(self) -> list[bytes]:
        """What another program has put there, and is not taken over yet."""
        waiting = (path for path in self.world.queue.glob("*.queued") if QueueName.parse(path.name) is None)
        return [path.read_bytes() for path in waiting]

    # --- after every step

    def check(self) -> None:
        places, reports = self.places(), self.reports()
        self._check_sources(places)
        self._note_converted(places)
        for report in reports:
            self._check_report(report)
        self._check_twins(reports)
        self._check_promised(reports)
        self._check_nothing_vanished(reports)
        assert not self.world.server.faults, self.world.server.faults
        assert not self.world.errors.lines, self.world.errors.lines[0]

    def _check_sources(self, places: dict[int, Counter[str]]) -> None:
        for number, copies in self.copies.items():
            found = places[number]
            if self.world.post_action == "archive":
                # A crash between the archive and the removal leaves both, and a second archive follows.
                found = Counter({**found, "archive": min(found["archive"], copies - found["watch"] - found["error"])})
            gone = copies - found.total()
            assert gone == 0 or (gone > 0 and self.world.post_action == "delete"), (number, copies, found)
            assert not found["error"] or number in self.world.book.refused, f"source {number} was never refused"
            is_converted = gone or any(found[place] for place in CONVERTED)
            assert not is_converted or number in self.world.book.last, f"source {number} was never converted"

    def _note_converted(self, places: dict[int, Counter[str]]) -> None:
        """A source that has left the watched folder, and not for the error folder: its reports are promised."""
        for number in self._watched:
            if not places[number]["watch"] and places[number]["error"] == self._failed[number]:
                self.promised |= self.world.book.last[number]
        self._watched = {number for number, found in places.items() if found["watch"]}
        self._failed = Counter({number: found["error"] for number, found in places.items()})

    def _check_report(self, report: Report) -> None:
        name, content, server = report.name, report.content, self.world.server
        assert name.describes(content), f"{name} holds {content!r}"
        assert self.world.book.made.get(content) == name.id or content in self.foreign, f"{name} is not whole"
        assert name.attempt <= server.busy[content], f"{name} is charged with what was not its fault"
        match name.state:
            case State.COMPLETED:
                assert content in server.ever_stored, f"{name} is not on the server"
            case State.REJECTED:
                assert content in server.rejected, f"{name} was not refused for good"

    def _check_twins(self, reports: list[Report]) -> None:
        """What a full disk has left twice is put right by the next look."""
        if not self.world.is_up or self.world.slow_calls or self.world.time.time < self.world.in_order_from:
            return
        states: dict[UUID, list[State]] = defaultdict(list)
        for report in reports:
            if report.is_undelivered:
                states[report.name.id].append(report.name.state)
        for queue_id, found in states.items():
            assert len(found) <= 1 + found.count(State.PROCESSING) <= 2, (queue_id, found)

    def _check_promised(self, reports: list[Report]) -> None:
        held: dict[UUID, list[bytes]] = defaultdict(list)
        for report in reports:
            if report.is_undelivered:
                held[report.name.id].append(report.content)
        for queue_id, content in self.promised.items():
            stored = self.world.server.stored.get(queue_id)
            here = [*held[queue_id], *([stored] if stored else [])]
            assert any(_version(other) >= _version(content) for other in here), f"{content!r} is lost; there is {here}"

    def _check_nothing_vanished(self, reports: list[Report]) -> None:
        here = {report.content for report in reports} | set(self.strange())
        gone = (self._seen | self.foreign) - here - self.world.server.ever_stored
        assert not gone, f"undelivered reports were deleted: {gone}"
        self._seen |= {report.content for report in reports if report.is_undelivered}

    def _fault_of_a_post(self, report_id: UUID, content: bytes) -> str:
        if content not in self.world.book.made and content not in self.foreign:
            return "its source was not converted to the end"
        if self.world.server.stored.get(report_id) == content:
            delivered = (QueueName.parse(path.name) for path in self.world.queue.glob("completed/*/*"))
            # Of two contents of one id, a start can't tell which was the last, and knows neither.
            ever = {other for other in self.world.server.ever_stored if json.loads(other)["id"] == str(report_id)}
            if ever == {content} and any(name and name.describes(content) for name in delivered):
                return "it is known to be delivered"
        return ""

    # --- in the end

    def are_kept(self) -> bool:
        """Whether nothing is left to do."""
        if any(report.is_undelivered for report in self.reports()) or self.strange():
            return False
        left = [number for number, found in self.places().items() if found["watch"]]
        return not left or (self.world.post_action == "keep" and all(map(self._is_delivered, left)))

    def _is_delivered(self, number: int) -> bool:
        reports = self.world.book.last.get(number)
        return reports is not None and all(
            self._has_arrived(queue_id, content) or queue_id in self._forgiven for queue_id, content in reports.items()
        )

    def _has_arrived(self, queue_id: UUID, content: bytes) -> bool:
        """On the server, as it is or made by a later converter."""
        stored = self.world.server.stored.get(queue_id)
        return stored is not None and _version(stored) >= _version(content)

    def check_end(self) -> None:
        """Everything good is delivered, each report under one id, with its last bytes; nothing is left lying."""
        assert self.are_kept(), (dict(self.places()), [str(report.name) for report in self.reports()])
        for source in self.watched:
            reports = self.world.book.last[source.plan.number]
            self.promised |= {name: content for name, content in reports.items() if name not in self._forgiven}
        stored = self.world.server.stored
        for queue_id, content in self.promised.items():
            # Later ones, where the same source came again, was converted anew, and overwritten before it was done.
            assert self._has_arrived(queue_id, content), f"{content!r} is promised; there is {stored.get(queue_id)!r}"
        assert self.owed <= self.world.server.ever_stored
        names: dict[tuple[int, int], set[str]] = defaultdict(set)
        for report in map(json.loads, self._seen | self.world.server.ever_stored):
            names[report["number"], report["place"]].add(report["id"])
        assert all(len(ids) == 1 for ids in names.values()), f"a report has two ids: {names}"
        strays = [path for path in self.world.home.rglob("*.tmp") if path.is_file()]
        assert not strays, f"temporary files are left: {strays}"


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _text(path: Path) -> bytes:
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(archive.namelist()[0])


def _version(content: bytes) -> int:
    """Which version of the converter has made a report; what came later counts."""
    return int(json.loads(content)["version"])
