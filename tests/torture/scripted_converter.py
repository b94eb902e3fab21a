"""A converter that does what its source says, in place of a worker process; and the book of all that it has made."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import trio

from pywats_client.converters.messages import Message
from pywats_client.converters.setup import ModuleInfo, Setup
from pywats_client.converters.worker_process import WorkerProcess
from pywats_client.errors import ConversionError, ConverterDied, ConverterTimedOut, NotYet
from pywats_client.queue.name import queue_id

NEVER = 1_000
"""A version of the converter that does not come."""
NOT_YET_SECONDS = 20.0
_INFO = ModuleInfo(
    name="scripted",
    version="1",
    description="",
    documentation="",
    is_folder=False,
    has_companions=False,
    ready_marker=None,
    min_file_count=None,
    arguments_schema={},
)


@dataclass(frozen=True)
class Plan:
    """What happens to a source in its conversion. No two sources of a test have the same `number`."""

    number: int
    reports: int = 1
    seconds: float = 0.0
    """before each report, and once more at the end"""
    good_from: int = 0
    """the first version of the converter that can read it"""
    not_yet: int = 0
    """so many times it is not complete yet"""
    dies: bool = False
    """takes its process with it, instead of being refused"""

    @property
    def text(self) -> bytes:
        return json.dumps(asdict(self)).encode()


@dataclass
class Book:
    """What was converted, by the numbers of the sources."""

    last: dict[int, dict[UUID, bytes]] = field(default_factory=dict)
    """the reports of the last conversion that came to its end"""
    made: dict[bytes, UUID] = field(default_factory=dict)
    """all reports of such conversions, and the ids they were given"""
    refused: set[int] = field(default_factory=set)
    """sources that the converter has said a definite no to"""
    put_off: Counter[int] = field(default_factory=Counter)
    """how often a source was not complete yet"""


class ScriptedProcess(WorkerProcess):
    """Answers as a worker process would. Its converter is a file that holds nothing but the number of a version."""

    def __init__(self, book: Book, setup: Setup, nursery: trio.Nursery) -> None:
        self.setup, self._book = setup, book
        self.idle_since = 0.0
        self._is_good = True
        self._version = 0

    def __repr__(self) -> str:
        return f"<scripted worker, version {self._version}>"

    @property
    def reusable(self) -> bool:
        return self._is_good

    async def call(
        self,
        request: dict[str, Any],
        seconds: float,
        on_report: Callable[[Message], Awaitable[None]] | None = None,
    ) -> Message:
        self._is_good = False
        match request["kind"]:
            case "load":
                self._version = int(Path(self.setup.module).read_text("ascii"))
            case "convert":
                assert on_report
                await self._convert(Path(request["source"]), bytes.fromhex(request["id_seed"]), seconds, on_report)
        self._is_good = True
        return Message({"kind": "done", **asdict(_INFO)})

    async def end(self) -> None:
        self._is_good = False

    async def _convert(
        self, source: Path, seed: bytes, seconds: float, on_report: Callable[[Message], Awaitable[None]]
    ) -> None:
        text = _read(source)
        plan = Plan(**json.loads(text))
        self._complain(plan)
        reports = {queue_id(seed, place): self._report(plan, place, seed) for place in range(plan.reports)}
        left = seconds
        for name, content in reports.items():
            left = await self._work(plan, left)
            await on_report(Message({"kind": "report", "queue_id": str(name)}, content))
        await self._work(plan, left)
        # What was changed meanwhile was not read as it is now: nothing of it may be seen.
        if source.exists() and source.read_bytes() == text:
            self._book.last[plan.number] = reports
            self._book.made |= {content: name for name, content in reports.items()}

    def _complain(self, plan: Plan) -> None:
        if self._book.put_off[plan.number] < plan.not_yet:
            self._book.put_off[plan.number] += 1
            self._is_good = True
            raise NotYet(delay=NOT_YET_SECONDS)
        if self._version < plan.good_from:
            self._book.refused.add(plan.number)
            if plan.dies:
                raise ConverterDied("the converter ended its process")
            self._is_good = True
            raise ConversionError(f"version {self._version} cannot read this")

    def _report(self, plan: Plan, place: int, seed: bytes) -> bytes:
        content = {"id": str(queue_id(seed, place)), "number": plan.number, "place": place, "version": self._version}
        return json.dumps(content).encode()

    async def _work(self, plan: Plan, left: float) -> float:
        """Take the time that it takes; what is left of the time limit."""
        await trio.sleep(min(plan.seconds, left))
        if plan.seconds >= left:
            self._book.refused.add(plan.number)
            raise ConverterTimedOut("the converter did not finish")
        return left - plan.seconds


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise ConversionError(str(error)) from error
