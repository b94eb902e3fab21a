"""Every event, and Snapshot, which is the fold of them. Events are past: they tell what has happened.

An event's name on the wire is its class name in snake case: `report_moved`.
"""

import re
from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


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

    def apply(self, snapshot: "Snapshot") -> None:
        """Change the snapshot to what is true after this event."""


class ServiceStateChanged(Event):
    """The service started, stopped, or is about to."""

    state: ServiceState
    reason: str = ""

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.service, snapshot.service_reason = self.state, self.reason


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

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        status = snapshot.converter(self.converter)
        status.state, status.reason, status.isolation = self.state, self.reason, self.isolation


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


class SourceConverting(Event):
    """A worker began to convert a source."""

    converter: str
    source: str


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

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        if self.before:
            snapshot.reports[self.before] = snapshot.reports.get(self.before, 0) - 1
        if self.after == "completed":
            snapshot.delivered += 1
        else:
            snapshot.reports[self.after] = snapshot.reports.get(self.after, 0) + 1


class ReportKnown(Event):
    """A source was converted again: the same bytes wait in the queue already, or were delivered."""

    queue_id: UUID


class QueueCounted(Event):
    """How many reports are in each state."""

    reports: dict[str, int]

    def apply(self, snapshot: "Snapshot") -> None:  # noqa: D102
        snapshot.reports = dict(self.reports)


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


class ConverterStatus(BaseModel):
    """One configured converter, since the start of the service."""

    state: ConverterState = ConverterState.WAITING
    reason: str = ""
    isolation: str = ""
    waiting: int = 0
    ignored: int = 0
    converted: int = 0
    failed: int = 0
    last_error: str = ""


class Snapshot(BaseModel):
    """The service as it is now."""

    service: ServiceState = ServiceState.STOPPED
    service_reason: str = ""
    connection: ConnectionState = ConnectionState.OFFLINE
    connection_reason: str = ""
    config_fault: str = ""
    delivered: int = 0
    reports: dict[str, int] = Field(default_factory=dict)
    converters: dict[str, ConverterStatus] = Field(default_factory=dict)
    degraded: dict[str, str] = Field(default_factory=dict)
    restarts: dict[str, int] = Field(default_factory=dict)

    def converter(self, name: str) -> ConverterStatus:
        """The status of a converter, new where there was none."""
        return self.converters.setdefault(name, ConverterStatus())

    def after(self, event: Event) -> Self:
        """The fold: this snapshot, changed by an event."""
        event.apply(self)
        return self
