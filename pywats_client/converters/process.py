"""All worker processes of the service: who gets which, when another is started, and when one must go."""

import contextlib
import os
import stat
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trio

from pywats_client.converters.messages import Message
from pywats_client.converters.setup import Delivered, Facts, Job, ModuleInfo, Setup, Statistics, to_text
from pywats_client.converters.worker_process import NO_ANSWER, WorkerProcess, sweep
from pywats_client.errors import ConversionError, ConverterDied

__all__ = ["Delivered", "Job", "ModuleInfo", "Setup", "Statistics", "Workers", "open_workers"]

PATIENCE_SECONDS = 0.2
"""What a start costs. So long one waits for a busy worker before another is started: at worst twice the best."""
_PROCESSORS = os.cpu_count() or 1

StartWorker = Callable[[Setup, trio.Nursery], WorkerProcess]


@dataclass(eq=False)
class _Waiter:
    setup: Setup
    bell: trio.Event = field(default_factory=trio.Event)
    worker: WorkerProcess | None = None


@dataclass
class _Crew:
    """The workers of one setup."""

    idle: list[WorkerProcess] = field(default_factory=list)
    working: int = 0
    starting: int = 0
    waited: float = 0.0
    """seconds that were spent waiting since the last start or the last time one was idle"""

    @property
    def has_workers(self) -> bool:
        """Whether it has any, or will have."""
        return bool(self.idle or self.working or self.starting)

    def wants_another(self, waited_in_vain: bool) -> bool:
        """Whether starting one more is worth what it costs; at most as many start as work already."""
        if not self.working and not self.starting:
            return True
        if self.starting >= self.working:
            return False
        # Short calls queue up without anybody waiting long: these need no more than there are processors.
        return waited_in_vain or (self.waited >= PATIENCE_SECONDS and self.working + self.starting < _PROCESSORS)


class Workers:
    """Starts, lends and ends worker processes; never more of them than the limiter has tokens.

    `convert` is called by who holds a token. A worker serves one setup and one call at a time, and only calls
    of an equal setup after it.
    """

    def __init__(
        self,
        limiter: trio.CapacityLimiter,
        nursery: trio.Nursery,
        *,
        idle_seconds: float,
        load_seconds: float,
        start_worker: StartWorker = WorkerProcess,
    ) -> None:
        self._limiter, self._nursery, self._start_worker = limiter, nursery, start_worker
        self._idle_seconds, self._load_seconds = idle_seconds, load_seconds
        self._crews: dict[Setup, _Crew] = {}
        self._waiters: list[_Waiter] = []
        self._processes: set[WorkerProcess] = set()
        self._places = 0
        self._retired = 0

    @property
    def statistics(self) -> Statistics:
        """How many there are."""
        idle = sum(len(crew.idle) for crew in self._crews.values())
        return Statistics(alive=self._places, busy=self._places - idle, retired=self._retired)

    async def describe(self, setup: Setup, module: str = "") -> ModuleInfo:
        """What the converter says of itself. ConversionError where it does not load, or refuses its arguments.

        With `module`, what that one says, whose arguments need not be known yet.
        """
        async with self._borrowed(setup) as worker:
            reply = await worker.call({"kind": "describe", "module": module}, setup.timeout_seconds)
        with _answer_expected():
            return ModuleInfo(**{name: reply.header[name] for name in ModuleInfo.__dataclass_fields__})

    async def companions(self, setup: Setup, source: Path) -> tuple[Path, ...]:
        """The files that belong to a source, absolute, all in its folder or below. Raises as `convert`."""
        async with self._borrowed(setup) as worker:
            request = {"kind": "companions", "source": to_text(source)}
            reply = await worker.call(request, setup.timeout_seconds)
        with _answer_expected():
            paths = [Path(_from_text(text)) for text in reply.header["paths"]]
        return _inside(source, paths)

    async def matches(self, setup: Setup, source: Path) -> dict[str, float]:
        """How sure each built-in format is of a source, 0 to 1, the surest first. Raises as `convert`."""
        async with self._borrowed(setup) as worker:
            reply = await worker.call({"kind": "matches", "source": to_text(source)}, setup.timeout_seconds)
        with _answer_expected():
            return {str(name): float(confidence) for name, confidence in reply.header["confidences"].items()}

    async def convert(self, setup: Setup, job: Job, deliver: Callable[[Delivered], Awaitable[None]]) -> int:
        """Convert a source; `deliver` gets each report as it is made, and is awaited before the next is read.

        Returns the most memory, in bytes, that the worker has had until now; 0 where it cannot tell.

        Raises ConversionError, ConverterTimedOut, ConverterDied, NotYet, NotMine; what was delivered
        before is then not all there is. Only with PartlyConverted it is all that is good.
        """

        async def on_report(reply: Message) -> None:
            with _answer_expected():
                name = uuid.UUID(reply.header["queue_id"])
            await deliver(Delivered(name, reply.body, Facts.of(reply.header.get("facts"))))

        request = {
            "kind": "convert",
            "source": to_text(job.source),
            "companions": [to_text(path) for path in job.companions],
            "id_seed": job.id_seed.hex(),
        }
        async with self._borrowed(setup) as worker:
            reply = await worker.call(request, setup.timeout_seconds, on_report)
        peak = reply.header.get("peak_bytes")
        return peak if isinstance(peak, int) else 0

    @contextlib.asynccontextmanager
    async def _borrowed(self, setup: Setup) -> AsyncIterator[WorkerProcess]:
        worker = await self._take(setup)
        try:
            yield worker
        finally:
            if worker.reusable and self._places <= self._limiter.total_tokens:
                self._put_back(worker)
            else:
                self._crews[setup].working -= 1
                await self._end(worker)

    async def _take(self, setup: Setup) -> WorkerProcess:
        await self._end_idle(lambda worker: worker.setup.name == setup.name and worker.setup != setup)
        in_vain = False
        while True:
            crew = self._crews.setdefault(setup, _Crew())
            if crew.idle:
                worker = crew.idle.pop()
                if worker.reusable:
                    crew.working, crew.waited = crew.working + 1, 0.0
                    return worker
                await self._end(worker)
                continue
            if crew.wants_another(in_vain) and self._has_room():
                return await self._start(setup, crew)
            waiter = await self._wait(setup, crew)
            if waiter.worker:
                return waiter.worker
            in_vain = not waiter.bell.is_set()

    async def _wait(self, setup: Setup, crew: _Crew) -> _Waiter:
        """Wait for a worker of the setup, for room for another one, or until patience is over."""
        waiter = _Waiter(setup)
        self._waiters.append(waiter)
        began = trio.current_time()
        try:
            with trio.move_on_after(PATIENCE_SECONDS):
                await waiter.bell.wait()
        except trio.Cancelled:
            if waiter.worker:  # handed over in the moment in which we are called off
                self._put_back(waiter.worker)
            raise
        finally:
            crew.waited += trio.current_time() - began
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return waiter

    def _has_room(self) -> bool:
        return self._places < self._limiter.total_tokens or self._longest_idle() is not None

    def _longest_idle(self) -> WorkerProcess | None:
        idle = (worker for crew in self._crews.values() for worker in crew.idle)
        return min(idle, key=lambda worker: worker.idle_since, default=None)

    async def _start(self, setup: Setup, crew: _Crew) -> WorkerProcess:
        """Start a worker, in the place of the longest idle one where all places are taken."""
        crew.starting, crew.waited = crew.starting + 1, 0.0
        replaced = self._longest_idle() if self._places >= self._limiter.total_tokens else None
        if replaced:
            self._crews[replaced.setup].idle.remove(replaced)
        else:
            self._places += 1
        try:
            if replaced:
                await self._close(replaced)
            worker = await self._load(setup)
        except BaseException:
            self._leave_place()
            raise
        finally:
            crew.starting -= 1
        crew.working += 1
        return worker

    async def _load(self, setup: Setup) -> WorkerProcess:
        worker = self._start_worker(setup, self._nursery)
        self._processes.add(worker)
        try:
            await worker.call({"kind": "load", "setup": setup.request}, self._load_seconds)
        except BaseException:
            await self._close(worker)
            raise
        return worker

    def _put_back(self, worker: WorkerProcess) -> None:
        """To the first who waits for one of this setup, else it is idle."""
        crew = self._crews[worker.setup]
        for waiter in self._waiters:
            if waiter.setup == worker.setup:
                self._waiters.remove(waiter)
                waiter.worker = worker
                waiter.bell.set()
                return
        crew.working -= 1
        worker.idle_since = trio.current_time()
        crew.idle.append(worker)
        self._wake_next()

    async def _end(self, worker: WorkerProcess) -> None:
        try:
            await self._close(worker)
        finally:
            self._leave_place()

    async def _close(self, worker: WorkerProcess) -> None:
        try:
            await worker.end()
        finally:
            self._processes.discard(worker)
            self._retired += 1

    def _leave_place(self) -> None:
        self._places -= 1
        self._wake_next()

    def _wake_next(self) -> None:
        """There may be room now for who waits for it."""
        if self._waiters:
            self._waiters.pop(0).bell.set()

    async def _end_idle(self, unwanted: Callable[[WorkerProcess], bool]) -> None:
        ending = []
        for crew in self._crews.values():
            ending += [worker for worker in crew.idle if unwanted(worker)]
            crew.idle = [worker for worker in crew.idle if not unwanted(worker)]
        for worker in ending:
            await self._end(worker)

    async def retire_idle(self) -> None:
        """End those that nobody has needed for a while; runs until it is cancelled."""
        while True:
            await trio.sleep(self._idle_seconds / 4)
            await self._end_idle(self._is_unneeded)
            waiting = {waiter.setup for waiter in self._waiters}
            for setup in [setup for setup, crew in self._crews.items() if not crew.has_workers]:
                if setup not in waiting:
                    del self._crews[setup]

    def _is_unneeded(self, worker: WorkerProcess) -> bool:
        return trio.current_time() - worker.idle_since >= self._idle_seconds or not worker.reusable

    async def end_all(self) -> None:
        """End every process, busy or not; also while we are being cancelled."""
        for worker in list(self._processes):
            await worker.end()


@contextlib.asynccontextmanager
async def open_workers(
    limiter: trio.CapacityLimiter,
    *,
    idle_seconds: float = 60.0,
    load_seconds: float = 30.0,
    start_worker: StartWorker = WorkerProcess,
) -> AsyncIterator[Workers]:
    """Workers, all of which end with the block.

    One that is idle for `idle_seconds` ends before; one has `load_seconds` to import its converter.
    """
    sweep()  # a service that was killed could not
    async with trio.open_nursery() as nursery:
        workers = Workers(
            limiter, nursery, idle_seconds=idle_seconds, load_seconds=load_seconds, start_worker=start_worker
        )
        nursery.start_soon(workers.retire_idle)
        try:
            yield workers
        finally:
            await workers.end_all()
            nursery.cancel_scope.cancel()


@contextlib.contextmanager
def _answer_expected() -> Iterator[None]:
    """What a worker sends is not to be trusted, and need not be of the shape that ours has."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ConverterDied(NO_ANSWER) from None


def _from_text(text: str) -> str:
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def _inside(source: Path, paths: list[Path]) -> tuple[Path, ...]:
    """The companions without doublets, if all of them lie where companions may."""
    found: dict[Path, None] = {}
    for path in paths:
        place = Path(os.path.normpath(source.parent / path))
        if not place.is_relative_to(source.parent) or place == source.parent:
            raise ConversionError(f"the converter named {path} as a companion: it is not in the folder of the source")
        if place != source:
            _require_plain(place, source.parent)
            found[place] = None
    return tuple(found)


def _require_plain(place: Path, folder: Path) -> None:
    """A companion is moved and deleted with its source: through a link, that would be done to what lies elsewhere."""
    if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder)):
        raise ConversionError(f"the converter named {place} as a companion: a link leads out of the source's folder")
    if os.path.lexists(place) and stat.S_IFMT(place.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
        raise ConversionError(f"the converter named {place} as a companion: it is no file")
