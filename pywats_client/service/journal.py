"""What happened to each file: a line an event on disk, and the latest of it in memory.

The journal is history, and decides nothing: a full disk or a damaged line costs lines of it, and no work.
"""

import contextlib
import logging
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import trio

from pywats_client.clock import Clock
from pywats_client.ipc.commands.queue import HistoryEntry
from pywats_client.ipc.commands.sources import GetTrace
from pywats_client.ipc.events import Event, ServiceState, ServiceStateChanged
from pywats_client.service.histories import Histories, Open, ReportFacts
from pywats_client.service.hub import Hub, Trouble, Wake
from pywats_client.service.journal_files import Day, JournalFiles, Slice
from pywats_client.service.journal_lines import KINDS, Moment
from pywats_client.service.settings import Settings
from pywats_client.service.statistics import Statistics
from pywats_client.service.threads import InThread

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.5
"""So long what happens is gathered, and then written together."""
AT_ONCE = 500
"""Events that are taken in before others have their turn: some 2 ms."""
MOST_HEARD = 100_000
"""Events that wait to be taken in; beyond that the oldest are lost."""
REST_SECONDS = 0.02
"""Between two slices of what is loaded: a start has better things to do."""
_KINDS = frozenset(KINDS.values())


class Journal:
    """Writes what it hears, and remembers the latest of it and of what earlier runs wrote. Questions never wait."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._files, self._clock = JournalFiles(folder), clock
        self._histories = Histories()
        self._open: Open = {}
        self._heard: deque[Moment] = deque(maxlen=MOST_HEARD)
        self._unwritten: list[Moment] = []
        self._past: list[tuple[Path, int]] | None = None
        self._news, self._ended = Wake(), trio.Event()
        self.is_loaded = False
        """whether what earlier runs wrote has been read"""

    @property
    def statistics(self) -> Statistics:
        """Yields and rates."""
        self._take()
        return self._histories.statistics

    @property
    def last_delivered(self) -> datetime | None:
        """When a report was delivered last, as far as is remembered."""
        self._take()
        return self._histories.last_delivered

    def facts(self, queue_id: UUID) -> ReportFacts | None:
        """What is known of a report; None where it is not remembered."""
        self._take()
        return self._histories.reports.get(queue_id)

    def history(self, queue_id: UUID) -> list[HistoryEntry]:
        """What happened to a report, oldest first."""
        self._take()
        return self._histories.history(queue_id)

    def lives(self, key: str) -> list[GetTrace.Life]:
        """The files of that name, and those of a serial number or (the first letters of) a queue id; newest first."""
        self._take()
        return self._histories.lives(key)

    def recent_sources(self, converter: str) -> list[str]:
        """The names of the files that a converter got last, newest first."""
        self._take()
        return self._histories.recent_sources(converter)

    async def run(self, hub: Hub, settings: Settings, in_thread: InThread) -> None:
        """Write until the service has stopped, or until cancelled; read meanwhile what earlier runs wrote."""
        with self._listening(hub):
            if self._past is None:
                self._past = await self._sizes(in_thread)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._load, self._past, in_thread)
                    await self._write(Trouble(hub, "journal"), settings, in_thread)
                    nursery.cancel_scope.cancel()
            finally:
                self._take()
                with contextlib.suppress(OSError):
                    self._append(self._to_write())

    @contextlib.contextmanager
    def _listening(self, hub: Hub) -> Iterator[None]:
        """Events are only noted with their moment, which costs a microsecond; a subscription would wake us for each."""
        hub.listeners.append(self._note)
        try:
            yield
        finally:
            hub.listeners.remove(self._note)

    def _note(self, event: Event) -> None:
        if type(event) in _KINDS:
            if not self._heard:
                self._news.ring()
            self._heard.append((self._clock.now(), event))
        elif isinstance(event, ServiceStateChanged) and event.state is ServiceState.STOPPED:
            self._ended.set()
            self._news.ring()

    def _take(self, most: int = MOST_HEARD) -> None:
        heard = self._heard
        for _ in range(min(most, len(heard))):
            moment = heard.popleft()
            self._unwritten.append(moment)
            self._histories.add(moment, self._open)

    async def _write(self, trouble: Trouble, settings: Settings, in_thread: InThread) -> None:
        while not self._ended.is_set():
            await self._news.heard()
            with trio.move_on_after(GATHER_SECONDS):
                await self._ended.wait()
            while self._heard:
                self._take(AT_ONCE)
                await trio.lowlevel.checkpoint()
            try:
                await in_thread(self._append_and_tidy, self._to_write(), settings)
                trouble.learn("")
            except OSError as error:
                trouble.learn(f"the journal cannot be written, so history is lost: {error}")

    def _to_write(self) -> list[Moment]:
        """Take what is to be written: on the loop, whose questions add to it at any time."""
        moments, self._unwritten = self._unwritten, []
        return moments

    def _append(self, moments: list[Moment]) -> None:
        """Write them. What fails is lost: written again, parts of it would stand there twice."""
        if moments:
            self._files.append(moments)

    def _append_and_tidy(self, moments: list[Moment], settings: Settings) -> None:
        self._append(moments)
        if self.is_loaded:  # before that, the days that are read must stay as they are
            self._files.tidy(self._clock.now().date(), settings.config.service.keep_journal_days)

    # --- what earlier runs wrote

    async def _sizes(self, in_thread: InThread) -> list[tuple[Path, int]]:
        try:
            found: list[tuple[Path, int]] = await in_thread(self._files.sizes)
        except OSError as error:
            log.warning("the journal of earlier runs cannot be read: %s", error)
            return []
        return found

    async def _load(self, past: list[tuple[Path, int]], in_thread: InThread) -> None:
        """Newest first, as much as is remembered."""
        damaged = 0
        open_lives: Open = {}
        while past and not self._histories.is_full:
            file, size = past.pop(0)
            try:
                damaged += await self._load_day(file, size, open_lives, in_thread)
            except OSError as error:
                log.warning("a day of the journal cannot be read: %s", error)
        if damaged:
            log.warning("%d lines of the journal are damaged, and were passed over", damaged)
        self.is_loaded = True

    async def _load_day(self, file: Path, end: int, open_lives: Open, in_thread: InThread) -> int:
        """Read backwards from `end`, where our own lines may begin; how many lines were damaged."""
        damaged = 0
        with await in_thread(Day, file) as day:
            while (end := min(end, day.size)) and not self._histories.is_full:
                found: Slice = await in_thread(day.read_back, end)
                for moment in found.moments:
                    self._histories.add(moment, open_lives, is_past=True)
                end, damaged = found.begin, damaged + found.damaged
                await trio.sleep(REST_SECONDS)
        return damaged
