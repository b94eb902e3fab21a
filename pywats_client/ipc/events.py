"""Every event, and Snapshot, which is the fold of them. Events are past: they tell what has happened.

An event's name on the wire is its class name in snake case: `report_moved`.
"""

import re
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from pywats_client.logs import LevelName


class ServiceState(StrEnum):
    """The state of the service, in the words of the C# client."""

    STOPPED = "Stopped"
    START_PENDING = "StartPending"
    RUNNING = "Running"
    STOP_PENDING = "StopPending"
    PAUSED = "Paused"
    ERROR = "Error"


class ConnectionState(StrEnum):
    """Our relation to the server."""

    ONLINE = "online"
    BUSY = "busy"
    OFFLINE = "offline"
    REFUSED = "refused"


NOT_ASKED = "not asked yet"
"""The reason of a connection that is offline only because nobody has tried it so far: no fault."""


class ConverterState(StrEnum):
    """What a configured converter is doing."""

    RUNNING = "running"
    WAITING = "waiting"
    """cannot work for now, and goes on by itself: a folder is missing, the disk is full"""
    ERROR = "error"
    """needs a person: the module does not load, the settings are wrong"""
    DISABLED = "disabled"


class Event(BaseModel):
    """Something that happened."""

    model_config = ConfigDict(frozen=True)
    name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @cached_property
    def wire(self) -> str:
        """The data as JSON, made once for all subscribers."""
        return self.model_dump_json()

    def apply(self, snapshot: "Snapshot") -> None:
        """Change the snapshot to what is true after this event."""


class ServiceStateChanged(Event):
    """The service started, stopped, or is about to; Paused where anything is, and `reason` says what."""

    state: ServiceState
    reason: str = ""
    paused: tuple[str, ...] = ()
    """what a person has paused: `uploads`, `intake`"""

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.service, snapshot.service_reason, snapshot.paused = self.state, self.reason, self.paused


class ConnectionChanged(Event):
    """The server came, went, or refuses us."""

    state: ConnectionState
    reason: str = ""

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.connection, snapshot.connection_reason = self.state, self.reason


class ConverterChanged(Event):
    """A converter started, waits, or cannot work."""

    converter: str
    state: ConverterState
    reason: str = ""
    isolation: str = ""
    """what holds its processes: `limits`, or `bwrap` and what that allows; empty while it has none"""
    paused: bool = False
    """waits only because a person has paused intake, which is no fault"""

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        status = snapshot.converter(self.converter)
        status.state, status.reason, status.isolation = self.state, self.reason, self.isolation
        status.paused = self.paused


class ConverterRemoved(Event):
    """A converter is no longer in the configuration."""

    converter: str

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.converters.pop(self.converter, None)


class SourcesWaiting(Event):
    """How many settled sources wait for a worker, and how many things in the folder are no sources."""

    converter: str
    waiting: int
    ignored: int = 0

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        status = snapshot.converter(self.converter)
        status.waiting, status.ignored = self.waiting, self.ignored


class FailedSourcesCounted(Event):
    """How many sources of a converter lie in its error folder, from earlier runs, too."""

    converter: str
    in_error_folder: int

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.converter(self.converter).in_error_folder = self.in_error_folder


class SourceSeen(Event):
    """A source has come into a watched folder. Of many that come at once, only the first hundred are told."""

    converter: str
    source: str


class SourceConverting(Event):
    """A worker began to convert a source, which was first seen and then found settled so many seconds ago."""

    converter: str
    source: str
    seen_seconds: float = 0.0
    settled_seconds: float = 0.0


class SourceConverted(Event):
    """All reports of a source are queued. `seconds` from the start of the conversion."""

    converter: str
    source: str
    reports: tuple[UUID, ...]
    seconds: float

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.converter(self.converter).converted += 1


class SourceFailed(Event):
    """A source could not be converted, and went to the error folder."""

    converter: str
    source: str
    reason: str

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        status = snapshot.converter(self.converter)
        status.failed += 1
        status.last_error = f"{self.source}: {self.reason}"


class SourceHeld(Event):
    """A source stays where it is, and is tried again later."""

    converter: str
    source: str
    reason: str


class ReportMoved(Event):
    """A report came to the queue (`before` is empty), or went from one state to another."""

    queue_id: UUID
    before: str
    after: str
    attempt: int = 0
    reason: str = ""
    report_id: str = ""
    """the id under which the server stored it"""
    source: str = ""
    """told with what follows when a conversion brings the report, and not again"""
    converter: str = ""
    report_type: str = ""
    """T: of a test, R: of a repair"""
    serial_number: str = ""
    part_number: str = ""
    result: str = ""
    failing_step: str = ""
    """the first one"""

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        if self.before:
            snapshot.reports[self.before] = snapshot.reports.get(self.before, 0) - 1
        if self.after == "completed":
            snapshot.delivered += 1
        elif self.after != "discarded":
            snapshot.reports[self.after] = snapshot.reports.get(self.after, 0) + 1


class ReportKnown(Event):
    """A source was converted again: the same bytes wait in the queue already, or were delivered."""

    queue_id: UUID


class QueueCounted(Event):
    """How many undelivered reports are in each state; told at the start, and after every look at the folder."""

    reports: dict[str, int]

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.reports = dict(self.reports)


class CountersChanged(Event):
    """The figures of all converters and the queue, at most twice a second: for who does not add up the others."""

    waiting: int
    """settled sources that have no worker yet"""
    converted: int
    failed: int
    delivered: int
    reports: dict[str, int]


class Share(BaseModel):
    """Of so many units tested for the first time, how many passed."""

    units: int = 0
    passed: int = 0


class Figures(BaseModel):
    """What is worth a look beside the counters. Moments are ISO 8601 with zone; null: none, or not known yet."""

    oldest_waiting: str | None = None
    """when the report came that has waited longest"""
    last_delivered: str | None = None
    conversions_a_minute: tuple[int, ...] = ()
    """of the last 60 minutes, the present one last"""
    uploads_a_minute: tuple[int, ...] = ()
    last_units: Share = Share()
    """first-pass yield of the last 50 units"""
    shift: Share = Share()
    failing_steps: tuple[tuple[str, int], ...] = ()
    """the most frequent first failing steps of the shift, and how often"""
    disk_days_left: float | None = None
    """until the disk of the queue is full at the present rate; null: not shrinking, or not known yet"""


class FiguresChanged(Event):
    """Ages, rates, yields and room, at most every two seconds while somebody listens."""

    figures: Figures

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.figures = self.figures


class ConfigChanged(Event):
    """Another configuration is in force."""

    sections: tuple[str, ...]

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.config_fault = ""


class ConfigRejected(Event):
    """The configuration file cannot be used; the one in force stays."""

    why: str

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.config_fault = self.why


class HealthChanged(Event):
    """A part of the service is well (`reason` is empty) or not."""

    part: str
    reason: str = ""

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        if self.reason:
            snapshot.degraded[self.part] = self.reason
        else:
            snapshot.degraded.pop(self.part, None)


class PartFailed(Event):
    """A part of the service ended by a fault of its own, and is started anew after `delay` seconds."""

    part: str
    error: str
    failures: int
    delay: float

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.restarts[self.part] = snapshot.restarts.get(self.part, 0) + 1


class LogLine(Event):
    """A line of the log, for those who asked for its level."""

    time: str
    level: LevelName
    logger: str
    message: str


class ConverterStatus(BaseModel):
    """One configured converter, since the start of the service."""

    state: ConverterState = ConverterState.WAITING
    reason: str = ""
    paused: bool = False
    isolation: str = ""
    waiting: int = 0
    ignored: int = 0
    converted: int = 0
    failed: int = 0
    in_error_folder: int = 0
    """sources that lie there now"""
    last_error: str = ""


class Snapshot(BaseModel):
    """The service as it is now."""

    service: ServiceState = ServiceState.STOPPED
    service_reason: str = ""
    paused: tuple[str, ...] = ()
    connection: ConnectionState = ConnectionState.OFFLINE
    connection_reason: str = NOT_ASKED
    config_fault: str = ""
    delivered: int = 0
    reports: dict[str, int] = Field(default_factory=dict)
    converters: dict[str, ConverterStatus] = Field(default_factory=dict)
    degraded: dict[str, str] = Field(default_factory=dict)
    restarts: dict[str, int] = Field(default_factory=dict)
    figures: Figures = Figures()

    def converter(self, name: str) -> ConverterStatus:
        """The status of a converter, new where there was none."""
        return self.converters.setdefault(name, ConverterStatus())

    def after(self, event: Event) -> Self:
        """The fold: this snapshot, changed by an event."""
        event.apply(self)
        return self
