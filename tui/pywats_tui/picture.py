"""What the dashboard knows of a service: the fold of what it was told. No Textual here."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pywats_client.ipc.commands.sources import LogLine
from pywats_client.ipc.events import (
    NOT_ASKED,
    ConnectionState,
    ConverterState,
    Event,
    ReportMoved,
    ServiceState,
    Snapshot,
)
from pywats_client.ipc.session import Told
from pywats_client.logs import show_name
from pywats_tui.happening import Happening, happening, happening_of_log
from pywats_tui.words import clock_time, now

KINDS = {kind.name: kind for kind in Event.__subclasses__()}
MOST_HAPPENINGS = 200
MOST_SERIALS = 1000
"""Reports whose serial number is known by their id: it is told only once, when they come."""


class Link(StrEnum):
    """How we stand with the service."""

    LIVE = "live"
    STALE = "stale"
    """connected, and it does not answer"""
    AWAY = "away"


class Word(StrEnum):
    """The one word that tells from afar whether the station is well."""

    RUN = "RUN"
    WAIT = "WAIT"
    """works, but not on everything: paused, busy, short of disk, or something is not well"""
    OFFLINE = "OFFLINE"
    """reports are kept here: the server is away, or refuses us"""
    STOP = "STOP"
    """nothing is converted or sent"""


class Picture:
    """One service. `changes` counts what was told, so a painter knows whether there is something new."""

    def __init__(self, moment: Callable[[], datetime] = now) -> None:
        self._now = moment
        self.link, self.reason, self.since = Link.AWAY, "not asked yet", moment()
        self.snapshot = Snapshot()
        self.facts: dict[str, Any] = {}
        """what `get_status` said when we connected: server, version, process, folders"""
        self.happened: deque[Happening] = deque(maxlen=MOST_HAPPENINGS)
        self.is_absent = False
        self.changes = 0
        self.heard: Counter[str] = Counter()
        """how often each event was told: a list that was asked for is old when one of its events was told since"""
        self._serials: dict[UUID, str] = {}

    def remember(self, lines: Iterable[LogLine]) -> None:
        """What the log says of the time before; nothing new where something is known already."""
        if not self.happened:
            self.happened.extend(map(happening_of_log, lines))

    def connected(self, snapshot: dict[str, Any], facts: dict[str, Any]) -> None:
        """It answers, and this is how it is."""
        self.snapshot, self.facts = Snapshot.model_validate(snapshot), facts
        self.answered()
        self.heard["snapshot"] += 1
        self.changes += 1

    def told(self, told: Told) -> None:
        """One event. Of a newer service, some are unknown here, and passed over."""
        kind = KINDS.get(told.name)
        if kind is None:
            return
        event = kind.model_validate(told.data)
        self.heard[told.name] += 1
        self.changes += 1
        self.snapshot = self.snapshot.after(event)
        if line := happening(event, self._now(), self._known_as(event)):
            self.happened.append(line)

    def _known_as(self, event: Event) -> str:
        """What a person calls the report that an event is about: its serial number, else the start of its id."""
        if not isinstance(event, ReportMoved):
            return ""
        if event.serial_number:
            self._serials[event.queue_id] = event.serial_number
            if len(self._serials) > MOST_SERIALS:
                del self._serials[next(iter(self._serials))]
        return self._serials.get(event.queue_id, str(event.queue_id)[:8])

    def answered(self) -> None:
        """It is alive."""
        self._link(Link.LIVE, "")

    def silent(self) -> None:
        """It has not answered in time."""
        if self.link is Link.LIVE:
            self._link(Link.STALE, "the service does not answer")

    def lost(self, reason: str, *, is_absent: bool = True) -> None:
        """The connection is gone, or cannot be made; `is_absent`: because nobody is there, and one could be started."""
        self.is_absent = is_absent
        self._link(Link.AWAY, reason)

    def _link(self, link: Link, reason: str) -> None:
        if (link, reason) != (self.link, self.reason):
            was_live = self.link is Link.LIVE
            self.link, self.reason = link, reason
            self.since = self._now() if was_live or link is Link.LIVE else self.since
            self.changes += 1

    # --- what it means

    @property
    def word(self) -> Word:
        """The status word."""
        snapshot = self.snapshot
        if self.link is not Link.LIVE or snapshot.service in (ServiceState.STOPPED, ServiceState.ERROR):
            return Word.STOP
        is_asked = snapshot.connection_reason != NOT_ASKED
        if is_asked and snapshot.connection in (ConnectionState.OFFLINE, ConnectionState.REFUSED):
            return Word.OFFLINE
        is_well = snapshot.service is ServiceState.RUNNING and not (snapshot.paused or self._troubles)
        return Word.RUN if is_well and snapshot.connection is ConnectionState.ONLINE else Word.WAIT

    @property
    def _troubles(self) -> list[str]:
        """Sentences about parts and converters that are not well."""
        stuck = (ConverterState.ERROR, ConverterState.WAITING)
        return [
            *self.snapshot.degraded.values(),
            *(
                f"{show_name(name)}: {status.reason}"
                for name, status in self.snapshot.converters.items()
                if status.state in stuck and status.reason and not status.paused
            ),
        ]

    @property
    def why(self) -> str:
        """The sentence behind the word; empty while all is well."""
        snapshot = self.snapshot
        if self.link is not Link.LIVE:
            return f"stale since {clock_time(self.since)}: {self.reason}"
        reasons = [snapshot.service_reason]
        if snapshot.connection is not ConnectionState.ONLINE:
            reasons.append(snapshot.connection_reason)
        if snapshot.paused:
            reasons.append(f"paused: {', '.join(snapshot.paused)}")
        reasons += self._troubles
        if snapshot.config_fault:
            reasons.append(f"configuration: {snapshot.config_fault}")
        return next((reason.partition("\n")[0] for reason in reasons if reason), "")

    @property
    def is_known(self) -> bool:
        """Whether the service has ever told how it is: before, nothing says that there is nothing."""
        return bool(self.heard["snapshot"])

    def waiting(self, state: str) -> int:
        """Reports in a state."""
        return max(0, self.snapshot.reports.get(state, 0))
