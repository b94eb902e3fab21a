"""The parts of the service put together for tests: real ones, with fakes at the edges only."""

import json
import os
import random
import textwrap
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid5

import trio
from trio.testing import MockClock

from pywats_client.clock import Clock
from pywats_client.config.model import Config
from pywats_client.converters.process import open_workers
from pywats_client.disk import Disk, FileSystem
from pywats_client.ipc.events import ConverterState, Event
from pywats_client.paths import Instance
from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.name import QueueName, State
from pywats_client.service.clients import Clients
from pywats_client.service.commits import Commits
from pywats_client.service.connection import Connection
from pywats_client.service.conversion import Conversion
from pywats_client.service.converter_pool import ConverterPool
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Hub, Wake
from pywats_client.service.intake import Intake
from pywats_client.service.keep_connection import keep_connection
from pywats_client.service.pending_queue import PendingQueue
from pywats_client.service.running import FolderLocks
from pywats_client.service.settings import Settings
from pywats_client.service.threads import file_threads
from pywats_client.wats.client import WatsClient
from tests.fakes.clock import TrioClock
from tests.fakes.server import ScriptedServer

TOKEN = {"PYWATS_API_TOKEN": "dG9rZW4="}
E = TypeVar("E", bound=Event)


def config_of(**sections: Any) -> Config:
    return Config.model_validate({"server": {"url": "https://wats.test"}, **sections})


def settings_of(config: Config) -> Settings:
    return Settings(config, lambda: config, ())


async def directly(call: Callable[..., Any], *args: Any) -> Any:
    """In place of a thread, where the clock jumps."""
    await trio.lowlevel.checkpoint()
    return call(*args)


async def until(condition: Callable[[], object], seconds: float = 36_000, *, every: float = 0.1) -> None:
    """For a jumping clock only: look again every so often."""
    with trio.fail_after(seconds):
        while not condition():
            await trio.sleep(every)


def at_true_speed() -> None:
    """From here on a fast clock goes as usual: workers that are killed need their time to end."""
    clock = trio.lowlevel.current_clock()
    if isinstance(clock, MockClock):
        clock.rate = 1.0


async def told(events: AsyncIterator[Event], kind: type[E], **fields: object) -> E:
    """The next event of this kind with these fields."""
    rate = getattr(trio.lowlevel.current_clock(), "rate", 1) or 1
    with trio.fail_after(60 * rate):
        async for event in events:
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items()):
                return event
    raise AssertionError("the hub was closed")


def report_id(number: int) -> UUID:
    return uuid5(UUID(int=1), str(number))


def report_bytes(number: int, **more: object) -> bytes:
    return json.dumps({"id": str(report_id(number)), "sn": f"SN-{number}", **more}).encode()


class Uploads:
    """The upload side: a queue folder, the connection, and a scripted server."""

    def __init__(
        self,
        home: Path,
        server: ScriptedServer,
        *,
        steps: FileSystem | None = None,
        service: Mapping[str, object] | None = None,
        folder: type[QueueFolder] = QueueFolder,
        url: str = "",
        ca_file: Path | None = None,
        ours: Collection[UUID] = (),
    ) -> None:
        """With a `url`, clients go through the network that is in place, and not to the scripted server."""
        self.server, self.hub, self.hints = server, Hub(), Hints()
        address = {"url": url or "https://wats.test", "ca_file": ca_file}
        self.settings = settings_of(config_of(server=address, service=dict(service or {})))
        self.place = home / "queue"
        self.place.mkdir(exist_ok=True)
        self.clock = TrioClock()
        self.folder = folder(self.place, Disk(steps), self.clock, jitter=random.Random(7))
        self.folder.start(trio.current_time())
        slots = trio.CapacityLimiter(self.settings.config.service.max_concurrent_uploads)
        self.connection = Connection(self.hub, slots, jitter=random.Random(7))
        instance = Instance.find(home=home, environ={})
        self.clients = Clients(
            instance, self.settings, TOKEN, WatsClient if url else partial(WatsClient, transport=server)
        )
        self.queue = PendingQueue(
            self.folder, self.connection, self.clients, self.settings, self.hub, self.hints, directly, ours
        )
        self.stop = trio.Event()

    def put(self, *numbers: int, priority: int = 5) -> None:
        """Queue reports as a conversion does."""
        for number in numbers:
            staged = [self.folder.stage(report_id(number), report_bytes(number), priority)]
            puts = self.folder.judge(staged)
            self.folder.commit(staged, puts)
            self.folder.enter(staged, puts, trio.current_time())
        self.queue.wake.ring()

    @asynccontextmanager
    async def running(self, *, pings: bool = False, looks: bool = True) -> AsyncIterator[None]:
        """Upload meanwhile; what is still under way at the end is cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.queue.run, self.stop)
            if looks:
                nursery.start_soon(self.queue.look_regularly)
            if pings:
                nursery.start_soon(keep_connection, self.connection, self.clients, self.settings)
            yield
            nursery.cancel_scope.cancel()

    def files(self, state: State) -> list[QueueName]:
        """What the folder itself says."""
        below = self.place.rglob(f"*.{state}")
        return sorted((name for path in below if (name := QueueName.parse(path.name))), key=str)

    def states(self) -> dict[str, int]:
        """How many files of each state the folder holds."""
        counts = {str(state): len(self.files(state)) for state in State}
        return {state: count for state, count in counts.items() if count}

    def reason(self, name: QueueName) -> str:
        return (self.place / f"{name.stem}.reason").read_text("utf-8")

    def sent(self) -> list[str]:
        """The serial numbers that were posted, in that order."""
        return [json.loads(request.content)["sn"] for request in self.server.reports]


def odd_names() -> list[str]:
    """More than 300 names that file systems take and programs stumble over."""
    words = [
        *(b"new\nline", b"tab\tand\x01\x1b[31m", b"\xff\xfe not utf-8 \x80", b"\xc3(", b"\xed\xa0\x80", b"\x7f"),
        *(b"-rf", b"--", b"trailing ", b" leading", b"'quo\"te`", b"$(x);&|", b"*?[a]", b"%s%n", b"\\back", b"~"),
        *(b"CASE", b"case", b"Case", b"con", b"a.b.c.d", b"#a#", b"n" * 255),
        *(word.encode() for word in ("ü" * 127, "\u202eabc", "\u05e9\u05dc\u05d5\u05dd", "e\u0301", "é", "🙂")),
    ]
    numbered = [word[:240] + b"_%d" % number for number in range(12) for word in words]
    return [os.fsdecode(word) for word in (*words, *numbered)]


CONVERTER = """
import time
from pathlib import Path
from pywats_client.converters import *

def report(serial_number, **more):
    sequence = {{"path": "p", "name": "n", "version": "1"}}
    root = {{"id": 1, "group": "M", "stepType": "SequenceCall", "name": "Main", "status": "P", "seqCall": sequence,
            "steps": [], "totTime": 0}}
    return {{"type": "T", "pn": "P1", "sn": serial_number, "rev": "1", "processCode": 10, "result": "P",
            "start": "2026-01-30T10:49:36+01:00", "uut": {{"user": "me", "execTime": 1}}, "root": root, **more}}

def wait_for(file):
    while not Path(file).exists():
        time.sleep(0.01)

class Mine({base}):
    name = "mine"
{head}
    def convert(self, source, context):
{body}
"""


def write_converter(file: Path, body: str, *, base: str = "FileConverter", head: str = "") -> Path:
    """A module with one converter whose `convert` has this body; `head` is what stands before it in the class."""
    code = CONVERTER.format(base=base, head=_indented(head, 4), body=_indented(body, 8))
    file.write_text(code)
    return file


def _indented(code: str, by: int) -> str:
    return textwrap.indent(textwrap.dedent(code).strip("\n"), " " * by)


class Floor:
    """The converting side: watched folders, real worker processes, and the queue folder; nothing is uploaded.

    The folder `in` is watched by a converter whose module is `mine.py`, unless `converters` says otherwise.
    """

    def __init__(self, home: Path, *, steps: FileSystem | None = None, slots: int = 4) -> None:
        self.home, self.hub, self.hints = home, Hub(), Hints()
        self.instance = Instance.find(home=home, environ={})
        self.disk = Disk(steps)
        self.watched, self.module = home / "in", home / "mine.py"
        self.watched.mkdir(exist_ok=True)
        self.disk.make_folder(self.instance.queue)
        self.wanted = config_of(service={"settle_seconds": 0})
        self.slots = trio.CapacityLimiter(slots)
        self.queue = QueueFolder(self.instance.queue, self.disk, Clock())
        self.locks = FolderLocks()
        self.most_queued = 0
        self.queued = Wake()

    def converter(self, name: str = "mine", **keys: object) -> dict[str, object]:
        """The keys of one converter."""
        known = {"name": name, "module_path": str(self.module), "watch_folder": str(self.watched)}
        return {**known, "timeout_seconds": 3600, **keys}

    def configure(self, *converters: dict[str, object], **service: object) -> None:
        """What is in force from the start on, or after `reload`."""
        keys = {"settle_seconds": 0, **service}
        self.wanted = config_of(converters=list(converters) or [self.converter()], service=keys)

    async def reload(self) -> None:
        await self.settings.reload(self.hub, directly)

    def drop(self, name: str, text: str = "A1") -> Path:
        """A file comes into the folder, whole."""
        file = self.watched / name
        hidden = self.watched / ".dropped.tmp"
        hidden.write_text(text)
        return hidden.rename(file)

    def reports(self) -> list[dict[str, Any]]:
        """What is queued, in the order of its names."""
        return [json.loads(path.read_bytes()) for path in sorted(self.queue.path.glob("*.queued"))]

    def serial_numbers(self) -> list[str]:
        return [report["sn"] for report in self.reports()]

    def listing(self, folder: str = "in") -> list[str]:
        """The names in a folder, those of subfolders with what is in them."""
        found = (self.home / folder).rglob("*")
        return sorted(str(path.relative_to(self.home / folder)) for path in found if not path.is_dir())

    def state(self, name: str = "mine") -> tuple[ConverterState, str]:
        status = self.hub.snapshot.converter(name)
        return status.state, status.reason

    @asynccontextmanager
    async def running(self) -> AsyncIterator[AsyncIterator[Event]]:
        """Watch and convert meanwhile; the events from the start on."""
        if not self.wanted.converters:
            self.configure()
        self.settings = Settings(self.wanted, lambda: self.wanted, ())
        in_thread = file_threads()
        self.queue.start(trio.current_time())
        with self.hub.subscribed(100_000) as events:
            async with open_workers(self.slots, load_seconds=3600) as workers, trio.open_nursery() as nursery:
                conversion = Conversion(
                    self.queue, Commits(self.queue, in_thread), workers, self.disk, Clock(), in_thread
                )
                self.pool = ConverterPool(conversion, self.slots, self.hub, self.queued, self._is_full)
                intake = Intake(
                    self.instance, self.settings, self.pool, workers, self.hub, self.hints, self.locks, in_thread
                )
                for task in (self.hints.watch, self.pool.run, intake.run):
                    nursery.start_soon(task)
                yield events
                at_true_speed()
                nursery.cancel_scope.cancel()

    def _is_full(self) -> bool:
        return bool(self.most_queued) and self.queue.index.counts[State.QUEUED] >= self.most_queued


BY_CONTENT = "return report(source.read_text())"


def simple(floor: Floor) -> Floor:
    """Whose converter makes a report of each file: its text is the serial number."""
    write_converter(floor.module, BY_CONTENT)
    return floor


def so_far(events: AsyncIterator[Event]) -> list[Event]:
    """What has been told by now."""
    found = []
    while True:
        try:
            found.append(events.receive_nowait())  # type: ignore[attr-defined]
        except (trio.WouldBlock, trio.EndOfChannel):
            return found
