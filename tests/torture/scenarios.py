"""What is recorded step by step, to have the power cut after each: what the service does, and what befalls it."""

import contextlib
import json
import zipfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid5

from pywats_client.disk import FileSystem
from pywats_client.queue.name import QueueName, State
from tests.fakes.clock import START
from tests.fakes.disk import PowerCut
from tests.fakes.recording import Recording, Unsynced
from tests.fakes.server import Step
from tests.torture.plant import SOURCE_NS, KeepingServer, Plant, Run, refuse, report, serial_numbers

QUEUE = "home/instances/default/queue"
LATER = timedelta(days=1)
"""The next start is on another day: what a day's folder holds is not met again."""

Play = Callable[[Run], Awaitable[None]]


@dataclass
class Past:
    """What has happened outside of the disk until the power was cut."""

    sources: list[tuple[str, str]]
    """name and text of what was ever in the watched folder"""
    stored: list[bytes] = field(default_factory=list)
    """what the server has accepted, in order"""


@dataclass(frozen=True)
class Scenario:
    """A station at work. `plays` are runs of the service, each with the version of the converter."""

    name: str
    sources: Mapping[str, str] = field(default_factory=dict)
    """what lies in the watched folder, by name: a report a line"""
    queue: Mapping[str, bytes] = field(default_factory=dict)
    plays: tuple[tuple[Play, int], ...] = ((Run.settled, 1),)
    script: tuple[Step, ...] = ()
    """the server's first answers"""
    converter: Mapping[str, object] = field(default_factory=dict)
    workers: Mapping[str, bool] = field(default_factory=dict)
    across_disks: bool = False
    can_be_killed: bool = True
    may_stay: frozenset[str] = frozenset()
    """serial numbers of reports that may end set aside"""

    def prepare(self, home: Path) -> None:
        """Make the folder in which all begins."""
        files = {f"in/{name}": text.encode() for name, text in self.sources.items()}
        files |= {f"{QUEUE}/{name}": content for name, content in self.queue.items()}
        for name, content in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            Recording().give(home / name, content, SOURCE_NS)

    def plant(self, home: Path, server: KeepingServer) -> Plant:
        elsewhere = {f"{kind}_folder": str(home / f"far/{kind}") for kind in ("done", "error", "archive")}
        keys = {**(elsewhere if self.across_disks else {}), **self.converter}
        return Plant(home, server, converter=keys, workers=dict(self.workers))

    def devices(self, home: Path) -> list[Path]:
        return [home / "far"] if self.across_disks else []

    def record(self, home: Path, recording: Recording, killed_after: int | None = None) -> None:
        """Let it happen; after so many steps the process is killed, and another begins."""
        server = KeepingServer(lambda content: recording.mark("stored", content))
        server.begin(self.script)
        plant = self.plant(home, server)
        recording.kill_after(killed_after)
        for play, version in self.plays:
            with contextlib.suppress(PowerCut):
                _run(plant, play, recording, version)
                continue
            recording.kill_after(None)
            _run(plant, Run.settled, recording, version)

    def recovery(self, home: Path) -> Callable[[Past], Iterator[str]]:
        """What starts the service on what is left, and finds what is not as it must be."""
        server = KeepingServer()
        plant = self.plant(home, server)
        version = self.plays[-1][1]

        def recover(past: Past) -> Iterator[str]:
            server.begin(stored=past.stored)
            rejected = {path.name for path in (home / QUEUE).glob(f"*.{State.REJECTED}")}
            try:
                plant.run(Run.settled, Unsynced(*self.devices(home)), version=version, later=LATER)
            except Exception as error:
                yield f"the service does not get through: {error!r}: {getattr(error, 'exceptions', '')}"
            yield from self._faults(home, past, server.stored, rejected)

        return recover

    def _faults(self, home: Path, past: Past, stored: list[bytes], rejected: set[str]) -> Iterator[str]:
        yield from (f"a temporary file is left: {path.relative_to(home)}" for path in home.rglob(".*.tmp"))
        for name, text in past.sources:
            yield from self._faults_of_source(home, name, text)
        wanted = {number for name, text in past.sources if name[-4:] != ".bin" for number in serial_numbers(text)}
        waits = [content for name, content in self.queue.items() if name[0] != "." and "completed" not in name]
        wanted |= {_serial_number(content) for content in waits}
        yield from self._faults_of_reports(home, wanted, stored, rejected)
        yield from (f"{path.name} was to be removed" for path in (home / QUEUE).glob("completed/2026-01-01"))

    def _faults_of_source(self, home: Path, name: str, text: str) -> Iterator[str]:
        action = self.converter.get("post_action", "move")
        places = set(_places(home, text.encode()))
        wanted = (
            {"error"}
            if "bad" in text
            else {"move": {"done"}, "archive": {"archive"}, "keep": {"in"}}.get(str(action), set())
        )
        if name.endswith(".bin"):
            wanted = places & {"in"} or wanted  # a companion may stay behind, where it is nothing's source
        if places != wanted:
            yield f"the source {name} is in {sorted(places)}, not in {sorted(wanted)}"

    def _faults_of_reports(
        self, home: Path, wanted: set[str], stored: list[bytes], rejected: set[str]
    ) -> Iterator[str]:
        ids: dict[str, set[str]] = {}
        versions: dict[str, list[int]] = {}
        for content in stored:
            if not _is_whole(content):
                yield f"a report that is none was sent: {len(content)} bytes, {content[:40]!r}"
                continue
            known = json.loads(content)
            ids.setdefault(known["sn"], set()).add(known["id"])
            versions.setdefault(known["id"], []).append(known["version"])
        yield from (f"{number} was delivered under {len(found)} ids" for number, found in ids.items() if len(found) > 1)
        yield from (
            f"{name}: an older one replaced a newer" for name, found in versions.items() if found[-1] < max(found)
        )
        aside = dict(_set_aside(home / QUEUE))
        for name in aside:
            was_there = str(name) in rejected  # its reason is not synced, for the sake of speed
            if name.state is State.REJECTED and not was_there and not (home / QUEUE / f"{name.stem}.reason").exists():
                yield f"{name} is set aside without a reason"
            if name.state not in (State.REJECTED, State.DISCARDED):
                yield f"{name} was left"
        kept = {_serial_number(content) for content in aside.values() if _is_whole(content)}
        yield from (f"{number} is lost" for number in wanted - ids.keys() - (kept & self.may_stay))


def _run(plant: Plant, play: Play, steps: FileSystem, version: int) -> None:
    try:
        plant.run(play, steps, version=version)
    except BaseExceptionGroup as group:
        if rest := group.split(PowerCut)[1]:
            raise rest from None
        raise PowerCut from None


def _is_whole(content: bytes) -> bool:
    try:
        known = json.loads(content)
        return report(UUID(known["id"]), known["sn"], known["version"]) == content
    except (ValueError, KeyError, TypeError):
        return False


def _serial_number(content: bytes) -> str:
    return str(json.loads(content)["sn"])


def _places(home: Path, content: bytes) -> Iterator[str]:
    """In which kinds of places a file of this content is."""
    for path in home.rglob("*"):
        kinds = {"done", "error", "archive"} & {part.lower() for part in path.relative_to(home).parts}
        kind = kinds.pop() if kinds else path.relative_to(home).parts[0]
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                if content in [archive.read(name) for name in archive.namelist()]:
                    yield kind
        elif kind != "home" and path.is_file() and path.read_bytes() == content:
            yield kind


def _set_aside(queue: Path) -> Iterator[tuple[QueueName, bytes]]:
    """All in the queue that the server does not have."""
    for path in queue.rglob("*"):
        name = QueueName.parse(path.name)
        if name and name.state is not State.COMPLETED:
            yield name, path.read_bytes()


# --- what happens


def waiting(number: str, state: State = State.QUEUED, **marks: int) -> dict[str, bytes]:
    """A file of the queue."""
    report_id = uuid5(UUID(int=1), number)
    content = report(report_id, number)
    name = replace(QueueName.of(report_id, content, START, 5), state=state, **marks)
    folder = f"completed/{START:%Y-%m-%d}/" if state is State.COMPLETED else ""
    return {f"{folder}{name}": content}


def foreign(number: str) -> dict[str, bytes]:
    """A report that another program has put into the queue."""
    return {f"{number}.queued": report(uuid5(UUID(int=2), number), number)}


async def by_hand(run: Run, action: Callable[[Run, UUID], object]) -> None:
    await run.settled()
    for name in run.folder.names():
        if (found := QueueName.parse(name)) and found.state is State.REJECTED:
            action(run, found.id)
    run.wake()
    await run.settled()


async def retry(run: Run) -> None:
    await by_hand(run, lambda run, name: run.folder.retry(name, run.now))


async def discard(run: Run) -> None:
    await by_hand(run, lambda run, name: run.folder.discard(name))


def drop(name: str, text: str) -> Play:
    """Somebody puts a file into the watched folder, and it is gone through."""

    async def play(run: Run) -> None:
        await run.settled()
        run.give(name, text)
        await run.settled()

    return play


A = {"a.txt": "A1"}
THREE = {"a.txt": "A1 A2 A3"}
TWO_WAIT = waiting("Q1") | waiting("Q2")
MARK = (refuse(400),)
ALL = (
    Scenario("one report", A),
    Scenario("several reports of one source", THREE),
    Scenario("several sources", {"a.txt": "A1", "b.txt": "B1 B2", "c.txt": "bad"}),
    Scenario(
        "a source and its companion",
        {**A, "a.bin": "more"},
        workers={"has_companions": True},
        converter={"file_patterns": ["*.txt"]},
    ),
    Scenario("a folder", {"run7/a": "A1", "run7/b": "B1"}, workers={"is_folder": True}),
    Scenario("kept where it is", THREE, converter={"post_action": "keep"}),
    Scenario("deleted", A, converter={"post_action": "delete"}),
    Scenario(
        "a folder, deleted",
        {"run7/a": "A1", "run7/b": "B1"},
        workers={"is_folder": True},
        converter={"post_action": "delete"},
    ),
    Scenario("archive", A, converter={"post_action": "archive"}),
    Scenario(
        "archive of a folder",
        {"run7/a": "A1", "run7/b": "B1"},
        workers={"is_folder": True},
        converter={"post_action": "archive"},
    ),
    Scenario("move across disks", A, across_disks=True),
    Scenario(
        "move of a folder across disks",
        {"run7/a": "A1", "run7/b": "B1"},
        workers={"is_folder": True},
        across_disks=True,
    ),
    Scenario("archive across disks", A, across_disks=True, converter={"post_action": "archive"}),
    Scenario("error folder", {"a.txt": "A1 bad"}),
    Scenario("error folder across disks", {"a.txt": "A1 bad"}, across_disks=True),
    Scenario("upload accepted", queue=TWO_WAIT),
    Scenario("busy", queue=TWO_WAIT, script=(refuse(503),)),
    Scenario("rejected", queue=TWO_WAIT, script=MARK, may_stay=frozenset({"Q1", "Q2"})),
    Scenario("retry", queue=TWO_WAIT, script=MARK, plays=((retry, 1),), may_stay=frozenset({"Q1", "Q2"})),
    Scenario("discard", queue=TWO_WAIT, script=MARK, plays=((discard, 1),), may_stay=frozenset({"Q1", "Q2"})),
    Scenario(
        "recover after a kill",
        A,
        queue=waiting("Q1", State.PROCESSING)
        | waiting("Q2", State.PROCESSING, orphaned=2)
        | waiting("Q3", State.ERROR, attempt=2)
        | {f".{next(iter(waiting('Q4'))).partition('.')[0]}.tmp": b"half"},
    ),
    Scenario("a report of another program", queue=foreign("X1") | foreign("X2")),
    Scenario("the same file again", A, plays=((drop("a.txt", "A1"), 1),)),
    Scenario("a mended file", {"a.txt": "bad A1"}, plays=((drop("a.txt", "A1"), 1),)),
    Scenario(
        "a mended converter",
        A,
        script=MARK,
        plays=((Run.settled, 1), (drop("a.txt", "A1"), 2)),
        may_stay=frozenset({"A1"}),
    ),
    Scenario(
        "delivered reports expire",
        queue={
            f"completed/2026-01-01/{name.rpartition('/')[2]}": content
            for number in ("Q1", "Q2")
            for name, content in waiting(number, State.COMPLETED).items()
        },
    ),
)
