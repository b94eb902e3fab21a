"""queue -> server -> next state, bounded by a CapacityLimiter. Take the slot, then choose the report."""

import contextlib
import errno
import logging
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import trio

from pywats_client.errors import Busy, ConfigError, Refused, ReportRejected, Unreachable
from pywats_client.ipc.events import QueueCounted, ReportMoved
from pywats_client.queue.folder import Damaged, QueueFolder
from pywats_client.queue.name import QueueName, State
from pywats_client.service.clients import Clients
from pywats_client.service.connection import Connection
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Gate, Hub, Trouble, Wake
from pywats_client.service.settings import Settings
from pywats_client.service.threads import InThread
from pywats_client.service.units import Unit, unit_in

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""A listing of the folder at least so often: events are hints, the listing is the truth."""
TOLD = 500
"""Up to so many reports that one look has found are told one by one to subscribers, too."""
STILL_SECONDS = 1.0
"""How long a report of another program must be still before it is taken over."""
READ_ON_LOOP = 1 << 20
"""Up to so many bytes, a read costs less than the way to another thread."""
BUGS_FORGIVEN = 2
"""A report that meets a fault of ours more often than this waits for a person."""
_OF_THE_PROCESS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""Faults that any file would have met."""


@dataclass(frozen=True)
class Outcome:
    """Where an upload leaves its report. `pause`: the machine is in trouble, not the report."""

    state: State
    reason: str = ""
    report_id: str = ""
    pause: bool = False
    is_suspect: bool = False
    """the trouble may be with its own file: the others come first"""


@dataclass(frozen=True)
class Seen:
    """A look at the queue folder: `new` are reports that we do not know yet, and what they are about."""

    listing: list[str]
    new: list[tuple[QueueName, Unit]]
    has_foreign: bool
    """whether there are reports of other programs that have no name of ours yet"""


class PendingQueue:
    """Uploads what waits in the queue folder."""

    def __init__(
        self,
        folder: QueueFolder,
        connection: Connection,
        clients: Clients,
        settings: Settings,
        hub: Hub,
        hints: Hints,
        in_thread: InThread,
        ours: Collection[UUID] = (),
    ) -> None:
        """`ours`: the ids of reports that we are just publishing, which changes meanwhile."""
        self._ours = ours
        self.folder, self.connection, self._clients, self._settings = folder, connection, clients, settings
        self._hub, self._hints, self._in_thread = hub, hints, in_thread
        self._uploading: set[UUID] = set()
        self._trouble = Trouble(hub, "uploads")
        self._looks = Trouble(hub, "queue folder")
        self._sweeping = trio.Lock()
        self.wake = Wake()
        """rung when a report may be due"""
        self.gate = Gate(lambda: None)
        """shut while nothing may be uploaded: a person has paused it"""

    async def run(self, stop: trio.Event) -> None:
        """Upload what is due until `stop`; then claim nothing more, and end when the last upload has ended."""
        async with trio.open_nursery() as uploads:
            with trio.CancelScope() as claiming:
                uploads.start_soon(_cancel_on, stop, claiming)
                await self._claim_and_upload(uploads)

    async def look_regularly(self) -> None:
        """Follow what others do in the folder: at each hint, and at least every minute."""
        with self._hints.watching(self.folder.path, wants=self._is_news) as hint:
            while True:
                await self._looks.over()
                unsettled, fault = 0, ""
                try:
                    unsettled = await self._look()
                except OSError as error:
                    fault = f"the queue folder: {error}"
                self._looks.learn(fault)
                await trio.sleep(STILL_SECONDS)
                await hint.heard(0 if unsettled or fault else LOOK_SECONDS)

    def _is_news(self, name: str) -> bool:
        return name.endswith(f".{State.QUEUED}") and name not in self.folder.index

    def counts(self) -> dict[str, int]:
        """Reports in each state, delivered ones not counted."""
        return {str(state): count for state, count in self.folder.index.counts.items() if count}

    async def _look(self) -> int:
        folder = self.folder
        folder.begin_look()
        seen: Seen = await self._in_thread(self._see)
        found = [(name, unit) for name, unit in seen.new if not folder.index.of(name.id) and name.id not in self._ours]
        if orphans := folder.finish_look(seen.listing, trio.current_time(), self._uploading):
            log.warning("put back %d reports that nobody was uploading any more", orphans)
        before = folder.index.names() if seen.has_foreign else set()
        unsettled = folder.adopt_settled(trio.current_time())
        if seen.has_foreign:
            adopted = filter(None, map(QueueName.parse, folder.index.names() - before))
            found += [(name, self._unit(name)) for name in adopted]
        self._tell_found(found)
        await self.sweep_delivered(self._settings.config.service.keep_completed_days)
        self._hub.publish(QueueCounted(reports=self.counts()))
        self.wake.ring()
        return unsettled

    def _see(self) -> Seen:
        """In a thread: what is there, and what the reports are about that others have put there."""
        listing = self.folder.names()
        news = [QueueName.parse(text) for text in listing if self._is_news(text)]
        new = [(name, self._unit(name)) for name in news if name and name.id not in self._ours]
        return Seen(listing, new, has_foreign=None in news)

    def _unit(self, name: QueueName) -> Unit:
        return unit_in(str(self.folder.path / str(name)), name) or Unit()

    def _tell_found(self, found: Sequence[tuple[QueueName, Unit]]) -> None:
        """Reports that nobody of us has told; of many, subscribers are told the sum alone."""
        tell = self._hub.publish if len(found) <= TOLD else self._hub.note
        for name, unit in found:
            if str(name) in self.folder.index:
                tell(
                    ReportMoved(
                        queue_id=name.id,
                        before="",
                        after=State.QUEUED,
                        serial_number=unit.serial_number,
                        part_number=unit.part_number,
                        result=unit.result,
                    )
                )

    async def sweep_delivered(self, keep_days: float) -> int:
        """Delete what was delivered more than so many days ago; how many reports. Raises OSError."""
        async with self._sweeping:
            removed = await self._in_thread(self.folder.sweep_expired, keep_days)
        self.folder.forget_completed(removed)
        return len(removed)

    async def _claim_and_upload(self, uploads: trio.Nursery) -> None:
        slots = self.connection.slots
        while True:
            slot = object()
            await slots.acquire_on_behalf_of(slot)
            try:
                name = await self._next_report()
            except BaseException:
                slots.release_on_behalf_of(slot)
                raise
            self._uploading.add(name.id)
            uploads.start_soon(self._upload_in_slot, slot, name)

    async def _next_report(self) -> QueueName:
        while True:
            await self._trouble.over()
            await self.gate.passed()
            await self.connection.turn(self._uploading)
            if self.gate.reason:
                continue
            try:
                name = self._claim()
            except OSError as error:
                self._trouble.learn(f"the queue folder: {error}")
                continue
            if name:
                return name
            due = self.folder.index.next_due()
            await self.wake.heard(math.inf if due is None else max(0.0, due - trio.current_time()))

    def _claim(self) -> QueueName | None:
        """Claim, and tell. Failed reports that this puts back in the queue are counted, not told one by one."""
        now, due = trio.current_time(), self.folder.index.next_due()
        name = self.folder.claim(now)
        if name:
            self._hub.publish(ReportMoved(queue_id=name.id, before=State.QUEUED, after=State.PROCESSING))
        if due is not None and due <= now:
            self._hub.publish(QueueCounted(reports=self.counts()))
        return name

    async def _upload_in_slot(self, slot: object, name: QueueName) -> None:
        try:
            outcome = await self._attempt(name)
            self._move(name, outcome)
            self._trouble.learn(outcome.reason if outcome.pause else "")
        except OSError as error:
            # The file still says `processing`; nobody holds it, so the next look puts it back.
            self._trouble.learn(f"the queue folder: {error}")
        except trio.Cancelled:
            with contextlib.suppress(OSError):
                self._move(name, Outcome(State.QUEUED, "the service stops"))
            raise
        finally:
            self._uploading.discard(name.id)
            self.connection.slots.release_on_behalf_of(slot)
            self.connection.upload_ended()
            self.wake.ring()

    async def _attempt(self, name: QueueName) -> Outcome:
        """Send one report, and read from what happens where it goes."""
        server = self._settings.config.server
        try:
            content = await self._read(name)
            async with self._clients.client() as client:
                accepted = await client.submit(content)
        except Damaged as error:
            return Outcome(State.REJECTED, str(error))
        except ReportRejected as error:
            self.connection.answered()
            return Outcome(State.REJECTED, "\n".join((str(error), *error.lines[1:])))
        except (ConfigError, Busy, Unreachable, Refused) as error:
            if self._settings.config.server != server:
                return Outcome(State.QUEUED, "the server's settings changed meanwhile")
            failure = Refused(str(error)) if isinstance(error, ConfigError) else error
            return Outcome(State.ERROR if self.connection.failed(failure) else State.QUEUED, str(error))
        except FileNotFoundError:
            return Outcome(State.QUEUED, "its file is gone")
        except PermissionError as error:
            return Outcome(State.ERROR, str(error))  # the file's own trouble: no other waits for it
        except (OSError, MemoryError) as error:
            is_suspect = isinstance(error, OSError) and error.errno not in _OF_THE_PROCESS
            return Outcome(State.QUEUED, str(error) or "out of memory", pause=True, is_suspect=is_suspect)
        except Exception as error:
            log.exception("the upload of %s met a fault of this program", name.id)
            state = State.ERROR if name.attempt < BUGS_FORGIVEN else State.REJECTED
            return Outcome(state, f"a fault of this program: {error!r}")
        self.connection.accepted()
        return Outcome(State.COMPLETED, report_id=accepted.report_id)

    async def _read(self, name: QueueName) -> bytes:
        if name.length <= READ_ON_LOOP:
            return self.folder.read(name)
        content: bytes = await self._in_thread(self.folder.read, name)
        return content

    def _move(self, name: QueueName, outcome: Outcome) -> None:
        """Give the file the name that says what happened, and tell."""
        now = trio.current_time()
        match outcome.state:
            case State.COMPLETED:
                self.folder.complete(name, now)
                log.debug("report %s is on the server", name.id)
            case State.ERROR:
                self.folder.fail(name, outcome.reason, now)
                log.warning("report %s will be tried again: %s", name.id, outcome.reason)
            case State.REJECTED:
                self.folder.reject(name, outcome.reason, now)
                log.warning("report %s waits for a person: %s", name.id, outcome.reason)
            case _:
                self.folder.release(name, now, is_suspect=outcome.is_suspect)
        self._hub.publish(
            ReportMoved(
                queue_id=name.id,
                before=State.PROCESSING,
                after=outcome.state,
                attempt=name.attempt + (outcome.state is State.ERROR),
                reason=outcome.reason,
                report_id=outcome.report_id,
            )
        )


async def _cancel_on(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()
