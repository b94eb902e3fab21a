"""A station for one run: the real service parts from the watched folder to the server, on a clock that jumps.

At its edges stand a converter that follows a rule, a server that follows a script, and the steps of the disk.
"""

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
import trio
from trio._core import _run
from trio.testing import MockClock

from pywats_client.converters.process import Delivered, Job, ModuleInfo, Setup, Workers
from pywats_client.disk import Disk, FileSystem
from pywats_client.errors import ConversionError
from pywats_client.paths import Instance
from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.name import State, queue_id
from pywats_client.service.clients import Clients
from pywats_client.service.commits import Commits
from pywats_client.service.connection import Connection
from pywats_client.service.conversion import Conversion
from pywats_client.service.converter_pool import ConverterPool
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Hub
from pywats_client.service.intake import Intake
from pywats_client.service.pending_queue import PendingQueue
from pywats_client.service.running import FolderLocks
from pywats_client.service.settings import Settings
from pywats_client.wats.client import WatsClient
from tests.fakes.clock import TrioClock
from tests.fakes.recording import Recording
from tests.fakes.server import Recorded, ScriptedServer, Step
from tests.service.service_parts import TOKEN, config_of, directly, until

REPORT_BYTES = 1300
"""More than two sectors of a disk."""
SOURCE_NS = 1_793_000_000 * 10**9
"""When the sources were written."""
LONGEST_SECONDS = 7200.0
"""By then everything has settled, or never will."""


def report(report_id: UUID, serial_number: str, version: int = 1) -> bytes:
    """The only bytes that are this report."""
    root = {"id": str(report_id), "sn": serial_number, "version": version, "pad": ""}
    return json.dumps({**root, "pad": "x" * (REPORT_BYTES - len(json.dumps(root)))}).encode()


def serial_numbers(text: str) -> list[str]:
    """One report a line; a source that is bad has none."""
    return [] if "bad" in text else text.split()


class RuleWorkers(Workers):
    """In place of worker processes: a report a line, and ConversionError at the end of what is bad."""

    def __init__(self, *, is_folder: bool = False, has_companions: bool = False, version: int = 1) -> None:
        self._is_folder, self._has_companions, self._version = is_folder, has_companions, version

    async def describe(self, setup: Setup) -> ModuleInfo:
        await trio.lowlevel.checkpoint()
        return ModuleInfo(
            name="mine",
            version="1",
            description="",
            documentation="",
            is_folder=self._is_folder,
            has_companions=self._has_companions,
            ready_marker=None,
            min_file_count=None,
            arguments_schema={},
        )

    async def companions(self, setup: Setup, source: Path) -> tuple[Path, ...]:
        await trio.lowlevel.checkpoint()
        return (source.with_suffix(".bin"),)

    async def convert(self, setup: Setup, job: Job, deliver: Callable[[Delivered], Awaitable[None]]) -> None:
        files = sorted(job.source.iterdir()) if job.source.is_dir() else [job.source]
        text = " ".join(file.read_text() for file in files)
        for index, number in enumerate(serial_numbers(text)):
            name = queue_id(job.id_seed, index)
            await deliver(Delivered(name, report(name, number, self._version)))
        if "bad" in text:
            raise ConversionError("it says that it is bad")


class KeepingServer(ScriptedServer):
    """Keeps what it accepts in `stored`, in order, and tells `noted`."""

    def __init__(self, noted: Callable[[bytes], object] = bytes) -> None:
        super().__init__()
        self.stored: list[bytes] = []
        self._noted = noted

    def begin(self, script: Sequence[Step] = (), stored: Sequence[bytes] = ()) -> None:
        """Answer so, and know these reports already."""
        self.script, self.stored = list(script), list(stored)
        self.requests.clear()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if response.is_success:
            self.stored.append(self.requests[-1].content)
            self._noted(self.requests[-1].content)
        return response


def repeat_scheduling(seed: int) -> None:
    """Trio runs what is ready in random order; from here on it is the order of this seed."""
    _run._r.seed(seed)


class Plant:
    """The places of one station below `home`, and the service on them. Every run is a new process, but for `clients`.

    `converter` are keys of its only converter, which watches `home/in`.
    """

    def __init__(
        self, home: Path, server: KeepingServer, *, converter: dict[str, object], workers: dict[str, bool]
    ) -> None:
        self.home, self.watched = home, home / "in"
        self.server, self._workers = server, workers
        self.instance = Instance.find(home=home / "home", environ={})
        known = {"name": "mine", "module_path": "csv", "watch_folder": str(self.watched)}
        self.config = config_of(service={"settle_seconds": 0}, converters=[{**known, **converter}])
        self._settings = Settings(self.config, lambda: self.config, ())
        # A TLS context takes longer than all the rest.
        self._clients = Clients(self.instance, self._settings, TOKEN, partial(WatsClient, transport=server))

    def run(
        self,
        play: Callable[["Run"], Awaitable[None]],
        steps: FileSystem,
        *,
        version: int = 1,
        later: timedelta = timedelta(),
    ) -> None:
        """One process, from its start to its end; `version` is the converter's, `later` how far the clock has gone."""
        trio.run(self._run, play, steps, version, later, clock=MockClock(autojump_threshold=0))

    async def _run(
        self, play: Callable[["Run"], Awaitable[None]], steps: FileSystem, version: int, later: timedelta
    ) -> None:
        async with self._running(steps, version, later) as run:
            await play(run)

    @asynccontextmanager
    async def _running(self, steps: FileSystem, version: int, later: timedelta) -> AsyncIterator["Run"]:
        hub, hints, disk, clock = Hub(), Hints(), Disk(steps), TrioClock()
        clock.wrong_by = later
        self.watched.mkdir(exist_ok=True)
        disk.make_folder(self.instance.queue)
        folder = QueueFolder(self.instance.queue, disk, clock, jitter=random.Random(7))
        folder.start(trio.current_time())
        connection = Connection(hub, trio.CapacityLimiter(1), jitter=random.Random(7))
        queue = PendingQueue(folder, connection, self._clients, self._settings, hub, hints, directly)
        slots = trio.CapacityLimiter(1)
        workers = RuleWorkers(version=version, **self._workers)
        conversion = Conversion(folder, Commits(folder, directly), workers, disk, clock, directly)
        pool = ConverterPool(conversion, slots, hub, queue.wake, lambda: False)
        intake = Intake(self.instance, self._settings, pool, workers, hub, hints, FolderLocks(), directly)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(queue.run, trio.Event())
            for task in (queue.look_regularly, pool.run, intake.run):
                nursery.start_soon(task)
            yield Run(self, folder, queue, steps)
            nursery.cancel_scope.cancel()

    def waiting(self) -> list[str]:
        """The sources that are in the watched folder; what is called `.bin` belongs to one."""
        none = {"Done", "Error", "Archive"}
        names = {path.name for path in self.watched.iterdir() if path.suffix != ".bin" and path.name[0] != "."}
        return sorted(names - none)


class Run:
    """A service at work."""

    def __init__(self, plant: Plant, folder: QueueFolder, queue: PendingQueue, steps: FileSystem) -> None:
        self.plant, self.folder, self._queue, self._steps = plant, folder, queue, steps

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return trio.current_time()

    async def settled(self) -> None:
        """Until all sources are out of the way and nothing waits for the server; TooSlowError if that never is."""
        await trio.sleep(3)
        await until(lambda: not list(self._unsettled()), LONGEST_SECONDS, every=15.0)

    def _unsettled(self) -> Iterator[str]:
        if self.plant.config.converters[0].post_action != "keep":
            yield from self.plant.waiting()
        yield from (text for text in self.folder.names() if text.endswith(".queued"))
        states = (State.QUEUED, State.PROCESSING, State.ERROR)
        yield from (state for state in states if self.folder.index.counts[state])

    def wake(self) -> None:
        """A report may be due."""
        self._queue.wake.ring()

    def give(self, name: str, text: str) -> None:
        """Somebody puts a file into the watched folder; one of the same name and text is the same file."""
        assert isinstance(self._steps, Recording)
        self._steps.give(self.plant.watched / name, text.encode(), SOURCE_NS)


def refuse(status: int) -> Step:
    """One answer of that status, with a reason."""

    def make(_: Recorded) -> httpx.Response:
        return httpx.Response(status, stream=httpx.ByteStream(b'{"message": "no, because"}'))

    return make
