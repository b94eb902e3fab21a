"""A dashboard without a terminal, and what it looks at: a real server on a real socket that says what it is told."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Static

from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.commands.service import GetStatus, QueueCounts, WorkerCounts
from pywats_client.ipc.commands.sources import GetLog, LogLine
from pywats_client.ipc.endpoint import Endpoint
from pywats_client.ipc.events import (
    ConnectionState,
    ConverterState,
    ConverterStatus,
    Figures,
    ServiceState,
    Share,
    Snapshot,
)
from pywats_client.paths import Instance
from pywats_tui.app import PywatsTui
from tests.ipc.ipc_parts import Service, in_thread

PATIENCE = 30.0
NARROW, WIDE, WALL = (80, 24), (140, 40), (240, 70)
URL = "https://acme.wats.com"
Answers = Mapping[type[Command], Callable[[Any], Answer] | Answer | Exception]


def run(talk: Coroutine[Any, Any, None]) -> None:
    """What asyncio would only log fails the test, too."""
    faults: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        async with asyncio.timeout(4 * PATIENCE):
            await talk

    asyncio.run(watched())
    assert faults == []


def instance_in(folder: Path, instance_id: str = "default") -> Instance:
    return Instance.find(instance_id, folder, environ={})


def ago(**of: float) -> str:
    """A moment so long ago, as the wire writes it."""
    return (datetime.now(UTC) - timedelta(**of)).isoformat()


def status(instance_id: str = "default", **more: Any) -> GetStatus.Result:
    """How a service that is well answers."""
    known: dict[str, Any] = {
        "status": ServiceState.RUNNING,
        "api_status": "Online",
        "instance_id": instance_id,
        "converters": [],
        "queue_size": 0,
        "start_time": ago(hours=3),
        "uptime_seconds": 10_800.0,
        "version": "1.4.0",
        "pid": 4711,
        "server_url": URL,
        "connection": ConnectionState.ONLINE,
        "queue": QueueCounts(),
        "components": [],
        "workers": WorkerCounts(alive=0, busy=0, retired=0, limit=10),
    }
    return GetStatus.Result(**known | more)


def well(**more: Any) -> Snapshot:
    """A station in the middle of a shift."""
    known: dict[str, Any] = {
        "service": ServiceState.RUNNING,
        "connection": ConnectionState.ONLINE,
        "delivered": 1234,
        "reports": {"queued": 3, "processing": 2, "error": 1, "rejected": 4},
        "converters": {
            "csv": ConverterStatus(state=ConverterState.RUNNING, waiting=12, converted=1200, failed=3),
            "fixtures": ConverterStatus(
                state=ConverterState.ERROR, reason="the module fixtures.py does not load", failed=7
            ),
            "wsjf": ConverterStatus(state=ConverterState.RUNNING, converted=34, last_error="u.json: no serial number"),
        },
        "figures": Figures(
            oldest_waiting=ago(minutes=4, seconds=30),
            last_delivered=ago(seconds=125),
            conversions_a_minute=(*range(59), 61),
            uploads_a_minute=tuple(range(59, -1, -1)),
            last_units=Share(units=50, passed=48),
            shift=Share(units=410, passed=390),
            failing_steps=(("Supply voltage", 12), ("Leakage", 5)),
            disk_days_left=212.4,
        ),
    }
    return Snapshot(**known | more)


@contextlib.contextmanager
def service(instance: Instance, snapshot: Snapshot | None = None, answers: Answers | None = None) -> Iterator[Service]:
    """A service runs that is in this state, and gives these answers; a class of ours, raised or returned."""
    known = {GetStatus: status(instance.id), GetLog: GetLog.Result(lines=[], file="service.log"), **(answers or {})}

    async def do(command: Command) -> Answer:
        answer = known.get(type(command), Answer())
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Answer) else answer(command)

    with in_thread(instance, do) as running:
        running.hub.snapshot = snapshot or well()
        found = Endpoint.read(instance.endpoint)
        assert found
        replace(found, home=str(instance.home)).write(instance.endpoint, 0o644)  # as a real service says it
        yield running


@asynccontextmanager
async def dashboard(instance: Instance, size: tuple[int, int] = NARROW, **options: Any) -> AsyncIterator["Seen"]:
    """A dashboard of this instance, at this size."""
    app = PywatsTui(instance, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Seen(app, pilot)


class Seen:
    """What a person sees and does."""

    def __init__(self, app: PywatsTui, pilot: Pilot[None]) -> None:
        self.app, self._pilot = app, pilot

    @property
    def text(self) -> str:
        """The screen as it is now."""
        strips = self.app.screen._compositor.render_strips()  # the only way to the text of a screen
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def click(self, word: str) -> None:
        """Click on the last place where this stands."""
        row, line = [(at, line) for at, line in enumerate(self.text.splitlines()) if word in line][-1]
        await self._pilot.click(offset=(line.rindex(word), row))

    async def lean_on(self, keys: Iterable[str]) -> None:
        """Press these as fast as they can be taken."""
        for key in keys:
            self.app.post_message(Key(key, {"space": " ", "slash": "/"}.get(key, key if len(key) == 1 else None)))
        await self._pilot.pause()

    async def resize(self, width: int, height: int) -> None:
        await self._pilot.resize_terminal(width, height)

    async def until(self, is_so: Callable[[], object]) -> None:
        """Go on until it is so; what is on the screen is said where it never is."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while not is_so():
            if loop.time() > deadline:
                raise AssertionError(f"waited in vain; the screen shows\n{self.text}")
            await self._pilot.pause(0.01)

    async def sees(self, *words: str) -> None:
        """Until all of these stand on the screen."""
        await self.until(lambda: all(word in self.text for word in words))

    async def misses(self, word: str) -> None:
        """Until it is not on the screen."""
        await self.until(lambda: word not in self.text)

    def static(self, selector: str) -> str:
        """What one of the texts says, wherever it ends."""
        return str(self.app.screen.query_one(selector, Static).render())


def log_line(message: str, level: str = "INFO") -> LogLine:
    return LogLine(time="2026-01-30T10:49:36.000+00:00", level=level, logger="pywats_client", message=message)


MASKS = (
    (re.compile(r"\d\d:\d\d:\d\d"), "hh:mm:ss"),
    (re.compile(r"\d\d-\d\d \d\d:\d\d\b"), "MM-DD hh:mm"),
    (re.compile(r"(home|configuration) /\S*"), r"\1 PATH"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "id" * 18),
)


def stable(text: str, *more: tuple[str, str]) -> str:
    """The text without what differs from run to run; of the same length, where it stands in columns."""
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    for found, mask in more:
        text = text.replace(found, mask)
    return text
