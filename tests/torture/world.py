"""A station in virtual time: the real service over real folders; the disk, the clock, the converter's processes and
the server are the test's. Between two steps everything stands still."""

import errno
import json
import logging
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import trio

from pywats_client.clock import Clock
from pywats_client.converters.process import open_workers
from pywats_client.disk import Disk
from pywats_client.ipc.answering import Dispatch
from pywats_client.ipc.events import ServiceState
from pywats_client.paths import Instance
from pywats_client.queue.folder import QueueFolder
from pywats_client.service.client_service import ClientService
from pywats_client.service.clients import Clients
from pywats_client.service.control_plane import ControlPlane
from pywats_client.service.edges import Edges
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Hub
from pywats_client.service.pending_queue import LOOK_SECONDS
from pywats_client.wats.client import WatsClient
from tests.fakes.disk import CuttingSteps, FailingSteps, PowerCut
from tests.torture.moody_server import MoodyServer
from tests.torture.scripted_converter import Book, ScriptedProcess
from tests.torture.virtual_run import StepClock, VirtualRun

START = datetime(2026, 11, 22, 8, 41, tzinfo=UTC)
TOKEN = {"PYWATS_API_TOKEN": "dG9rZW4="}
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where there is such a place, no disk is worn: a thousand worlds are made and removed."""
TAKES_ROOM = ("write", "fsync", "rename", "mkdir")


class Steps(CuttingSteps, FailingSteps):
    """A disk that can be cut off, and full. Nothing is synced: a process that ends loses nothing by that."""

    def __init__(self) -> None:
        super().__init__()
        self.fsync = partial(self._record, "fsync", lambda _: None)  # type: ignore[method-assign]

    def before(self, step: str, path: Path, *args: Any) -> None:
        CuttingSteps.before(self, step, path, *args)
        FailingSteps.before(self, step, path, *args)


class WorldClock(Clock):
    """Goes with the virtual time, shows no moment twice, and can be stepped."""

    def __init__(self, time: StepClock) -> None:
        self._time, self._readings = time, 0
        self.wrong_by = timedelta()

    def now(self) -> datetime:
        self._readings += 1
        return START + self.wrong_by + timedelta(seconds=self._time.time, milliseconds=self._readings)


class RungHints(Hints):
    """No watcher: whoever makes a change may ring."""

    async def watch(self) -> None:
        await trio.sleep_forever()

    ring = Hints.ring_all


class NoClients(ControlPlane):
    """Nobody listens: sockets know nothing of virtual time."""

    async def serve(self, dispatch: Dispatch) -> None:
        self.was_tried.set()
        await trio.sleep_forever()


class Errors(logging.Handler):
    """What the service logs as an error: a fault of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class World:
    """`post_action` is what becomes of converted sources."""

    def __init__(self, post_action: str) -> None:
        self.post_action = post_action
        self.home = Path(tempfile.mkdtemp(prefix="world-", dir=IN_MEMORY))
        self.watched, self.converter = self.home / "in", self.home / "scripted.py"
        self.watched.mkdir()
        self.time = StepClock()
        self.clock = WorldClock(self.time)
        self.steps, self.book = Steps(), Book()
        self.server = MoodyServer()
        self.hints = RungHints()
        self.disk_seconds = 0.0
        """how long a slow file call takes"""
        self.in_order_from = 0.0
        """when a look has put right what a full disk has left half done"""
        self.slow_calls = self._slow_calls_begun = 0
        """how many are under way, and were so far"""
        self._instance = Instance.find(home=self.home, environ=TOKEN)
        self.queue = self._instance.queue
        self.configure()
        self.version = -1
        self.mend()
        self._run: VirtualRun | None = None
        self._log = logging.getLogger("pywats_client")
        self._handlers, self._level = list(logging.getLogger().handlers), self._log.level
        self.errors = Errors()
        self._log.addHandler(self.errors)

    def close(self) -> None:
        """End, whatever happened, and leave nothing."""
        try:
            self.crash()
        finally:
            self._log.removeHandler(self.errors)
            self._log.setLevel(self._level)
            root = logging.getLogger()
            for handler in [handler for handler in root.handlers if handler not in self._handlers]:
                root.removeHandler(handler)
                handler.close()
            shutil.rmtree(self.home)

    # --- the service

    @property
    def is_up(self) -> bool:
        return self._run is not None

    def start(self) -> None:
        """Begin a run, unless there is one."""
        if self._run is None:
            self._stop, self._scope = trio.Event(), trio.CancelScope()
            self.errors.lines.clear()
            self._service, self._hub = self._new_service(), Hub()
            self._run = VirtualRun(self._serve, self.time)
            self.pump()

    def _new_service(self) -> ClientService:
        edges = Edges(
            in_thread=self._in_thread,
            open_workers=partial(open_workers, start_worker=partial(ScriptedProcess, self.book)),
            hints=lambda: self.hints,
            control_plane=NoClients,
            clients=partial(Clients, make=partial(WatsClient, transport=self.server), make_context=lambda _: None),
            chance=random.Random(7),
        )
        return ClientService(
            home=self.home, environ=TOKEN, disk=Disk(self.steps), clock=self.clock, edges=edges, console=False
        )

    async def _serve(self) -> None:
        with self._scope:
            await self._service.run(self._stop, self._hub)

    def pump(self, seconds: float = 0.0) -> None:
        """Let the service go on, if it is up; without it, time passes, too."""
        if self._run is None:
            self.time.time += seconds
            return
        self._run.pump(seconds)
        if self._run.outcome:
            outcome, self._run = self._run.outcome, None
            self.steps.cut_after(None)
            self._require_expected(outcome.unwrap)

    def _require_expected(self, end: Callable[[], None]) -> None:
        """A run may end because the power was cut, or as it was told; and it cannot begin on a full disk."""
        is_starting = self._hub.snapshot.service is ServiceState.STOPPED
        allowed = (PowerCut, trio.Cancelled, *([OSError] if self.steps.failed and is_starting else []))
        try:
            end()
        except BaseException as error:
            if _without(error, allowed):
                raise
        else:
            assert self._stop.is_set() or self._scope.cancelled_caught, "the service ended by itself"

    def pump_into_slow_call(self, number: int) -> None:
        """Until so many more slow file calls have begun, and one is under way, if there are as many soon."""
        wanted, usual = self._slow_calls_begun + number, self.disk_seconds
        self.disk_seconds = usual or 2.0
        for _ in range(200):
            self.pump(self.disk_seconds / 4)
            if not self.is_up or (self.slow_calls and self._slow_calls_begun >= wanted):
                break
        self.disk_seconds = usual

    def stop(self) -> None:
        """As a service manager does."""
        if self._run:
            self._stop.set()
            self.pump(3600.0)
            assert self._run is None, "the service does not stop"

    def crash(self) -> None:
        """At once, with everything that is under way."""
        if self._run:
            self.steps.cut_after(0)
            self._scope.cancel()
            self.pump(3600.0)
            assert self._run is None, "the service does not end"

    async def _in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        """As a thread does: it takes its time, and once begun it cannot be called off."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self.slow_calls += 1
        self._slow_calls_begun += 1
        try:
            with trio.CancelScope(shield=True):
                await trio.sleep(self.disk_seconds / 2)
                result = call(*args)
                await trio.sleep(self.disk_seconds / 2)
        finally:
            self.slow_calls -= 1
        return result

    # --- files

    def configure(self, url: str = "http://wats.test", **service: object) -> None:
        """Write the configuration; of the service these keys, the others as they are by default."""
        converter = {
            "name": "scripted",
            "module_path": str(self.converter),
            "watch_folder": str(self.watched),
            "post_action": self.post_action,
        }
        config = {
            "server": {"url": url},
            "service": {"rescan_seconds": 10, "log_level": "ERROR", **service},
            "disk": {"min_free_mb": 0},
            "converters": [converter],
        }
        self.place(self._instance.config, json.dumps(config).encode())

    def mend(self) -> None:
        """The next version of the converter."""
        self.version += 1
        self.place(self.converter, str(self.version).encode())

    def place(self, path: Path, text: bytes, modified_ns: int | None = None, *, in_place: bool = False) -> int:
        """A file comes, whole; the time of its last change."""
        hidden = path if in_place else path.with_name(f".{path.name}.tmp")
        hidden.write_bytes(text)
        modified_ns = modified_ns or int(self.clock.now().timestamp() * 1_000_000) * 1_000
        os.utime(hidden, ns=(modified_ns, modified_ns))
        hidden.rename(path)
        return modified_ns

    def fill_disk(self, after: int, seconds: float, kinds: tuple[str, ...] = TAKES_ROOM) -> None:
        """After so many steps there is no room for these, for so many seconds. Folders can be synced all the same."""
        until = self.time.time + seconds
        self.in_order_from = until + LOOK_SECONDS

        def fails(number: int, step: str, path: Path) -> bool:
            return number >= after and self.time.time < until and step in kinds and not path.is_dir()

        self.steps.fail(fails, errno.ENOSPC)

    def by_hand(self, work: Callable[[QueueFolder], object]) -> None:
        """What a person does to the queue while the service is down. The power may be cut, and the disk be full."""
        folder = QueueFolder(self.queue, Disk(self.steps), self.clock, jitter=random.Random(7))
        try:
            folder.acquire()
            folder.start(self.time.time)
            work(folder)
        except PowerCut:
            self.steps.cut_after(None)
        except OSError:
            if not self.steps.failed:
                raise
        finally:
            folder.close()


def _without(error: BaseException, kinds: tuple[type[BaseException], ...]) -> BaseException | None:
    """What of an error is not of these kinds."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(kinds)[1]
    return None if isinstance(error, kinds) else error
