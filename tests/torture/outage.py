"""A server that is away for weeks while reports pile up, on a clock that jumps; real files, no thread, no socket.

`run(30, 100_000)` is a month of a busy station, in minutes.
"""

import json
import logging
import random
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID, uuid5

import httpx
import trio
from trio.testing import MockClock

from pywats_client.config.model import Config
from pywats_client.disk import Disk, FileSystem
from pywats_client.paths import Instance
from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.name import QueueName, State
from pywats_client.service.clients import Clients
from pywats_client.service.connection import Connection
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Hub
from pywats_client.service.keep_connection import keep_connection
from pywats_client.service.pending_queue import PendingQueue
from pywats_client.service.settings import Settings
from pywats_client.wats.client import WatsClient
from tests.fakes.clock import TrioClock
from tests.fakes.server import ScriptedServer

MINUTE, DAY = 60.0, 86_400.0
LATENCY = 0.02
FRESH_EVERY = 50
"""While the backlog drains, a fresh report comes after so many deliveries."""
MOST_REQUESTS_A_MINUTE = 4.0
"""Uploads wait 30 to 60 s, and so do pings: never more than two of each."""
MOST_LOG_LINES = 5
MOST_BEFORE_FRESH = 12
"""Five uploads are under way when a fresh report comes, and every second one of the next is the newest."""


class NoSync(FileSystem):
    """Real files, but nothing waits for the disk: there is no power cut here."""

    def fsync(self, descriptor: int) -> None:
        pass


class Away(ScriptedServer):
    """Refuses connections until `back`; then takes reports, each in `LATENCY` seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.back = False
        self.attempts = self.uploads = 0
        self.order: list[str] = []
        self.width: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.back:
            self.attempts += 1
            await trio.lowlevel.checkpoint()
            raise httpx.ConnectError("connection refused")
        response = await super().handle_async_request(request)
        self.requests.clear()
        if request.url.path.endswith("WSJF"):
            self.uploads += 1
            self.width.append(self.uploads)
            await trio.sleep(LATENCY)
            self.uploads -= 1
            self.order.append(json.loads(await request.aread())["id"])
        return response


@dataclass(frozen=True)
class Outcome:
    """What an outage has cost, and how it ended."""

    reports: int
    delivered: int
    charged: int
    discarded: int
    requests_a_minute: float
    log_lines: int
    first_widths: tuple[int, ...]
    """uploads beside each other at the first deliveries after the return"""
    longest_fresh_wait: int
    """deliveries between the arrival of a fresh report and its own, while older ones waited"""

    def __str__(self) -> str:
        return (
            f"{self.delivered:,} of {self.reports:,} delivered, {self.charged} charged, {self.discarded} discarded, "
            f"{self.requests_a_minute:.1f} requests a minute, {self.log_lines} log lines, "
            f"a fresh report waits for {self.longest_fresh_wait} others at most"
        )

    @property
    def is_as_promised(self) -> bool:
        """Nothing lost, nothing charged, few requests and lines, a slow start, fresh reports first."""
        return (
            self.delivered == self.reports
            and self.charged == self.discarded == 0
            and self.requests_a_minute <= MOST_REQUESTS_A_MINUTE
            and self.log_lines <= MOST_LOG_LINES
            and all(width <= max(1, at) for at, width in enumerate(self.first_widths))
            and self.longest_fresh_wait <= MOST_BEFORE_FRESH
        )


def run(days: float, reports: int, *, seed: int = 0) -> Outcome:
    """Queue so many reports over so many days without a server, then let it come back."""
    with tempfile.TemporaryDirectory() as folder:
        return trio.run(_Outage(Path(folder), reports, seed).outcome, days, clock=MockClock(autojump_threshold=0))


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


class _Outage:
    def __init__(self, home: Path, reports: int, seed: int) -> None:
        self._home, self._reports, self._random = home, reports, random.Random(seed)
        self._server = Away()
        self._put: dict[str, int] = {}
        self._place = home / "queue"
        self._place.mkdir()

    async def outcome(self, days: float) -> Outcome:
        self._open()
        lines, log = _Lines(), logging.getLogger("pywats_client")
        log.addHandler(lines)
        level = log.level
        log.setLevel(logging.INFO)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._queue.run, trio.Event())
                nursery.start_soon(keep_connection, self._queue.connection, self._clients, self._settings)
                await self._pile_up(days)
                minutes = days * DAY / MINUTE
                requests_a_minute = self._server.attempts / minutes
                await self._drain()
                nursery.cancel_scope.cancel()
        finally:
            log.removeHandler(lines)
            log.setLevel(level)
        return self._result(requests_a_minute, lines.count)

    def _open(self) -> None:
        config = Config.model_validate({"server": {"url": "https://wats.test"}})
        self._settings = Settings(config, lambda: config, ())
        self._hub = Hub()
        self._folder = QueueFolder(self._place, Disk(NoSync()), TrioClock(), jitter=self._random)
        self._folder.start(trio.current_time())
        connection = Connection(self._hub, trio.CapacityLimiter(5), jitter=self._random)
        instance = Instance.find(home=self._home, environ={})
        make = partial(WatsClient, transport=self._server)
        self._clients = Clients(instance, self._settings, {"PYWATS_API_TOKEN": "dG9rZW4="}, make)
        self._queue = PendingQueue(
            self._folder, connection, self._clients, self._settings, self._hub, Hints(), _directly
        )

    def _arrive(self) -> str:
        number = len(self._put)
        made_id = uuid5(UUID(int=number), "outage")
        content = b'{"id": "%b", "sn": "SN-%06d"}' % (str(made_id).encode(), number)
        staged = [self._folder.stage(made_id, content)]
        puts = self._folder.judge(staged)
        self._folder.commit(staged, puts)
        self._folder.enter(staged, puts, trio.current_time())
        self._put[str(made_id)] = len(self._server.order)
        self._queue.wake.ring()
        return str(made_id)

    async def _pile_up(self, days: float) -> None:
        for _ in range(self._reports):
            self._arrive()
            await trio.sleep(days * DAY / self._reports)

    async def _drain(self) -> None:
        self._server.back = True
        self._backlog = len(self._put)
        self._fresh: list[str] = []
        while self._folder.index.counts[State.QUEUED] or self._queue.connection.slots.borrowed_tokens > 1:
            if len(self._server.order) > FRESH_EVERY * (len(self._fresh) + 1):
                self._fresh.append(self._arrive())
            await trio.sleep(LATENCY)

    def _result(self, requests_a_minute: float, lines: int) -> Outcome:
        order = self._server.order
        place = {made_id: at for at, made_id in reversed(list(enumerate(order)))}
        names = list(filter(None, (QueueName.parse(path.name) for path in self._place.rglob("*"))))
        waits = [place[made_id] - self._put[made_id] for made_id in self._fresh[:-3]]
        return Outcome(
            reports=len(self._put),
            delivered=len({name.id for name in names if name.state is State.COMPLETED} & {UUID(i) for i in place}),
            charged=sum(name.attempt for name in names),
            discarded=sum(name.state is State.DISCARDED for name in names),
            requests_a_minute=requests_a_minute,
            log_lines=lines,
            first_widths=tuple(self._server.width[:6]),
            longest_fresh_wait=max(waits, default=0),
        )


async def _directly(call, *args):  # type: ignore[no-untyped-def]
    await trio.lowlevel.checkpoint()
    return call(*args)
