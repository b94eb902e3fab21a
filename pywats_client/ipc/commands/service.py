"""Commands about the service as a whole."""

from typing import Any, Literal

from pywats_client.ipc.commands.base import Answer, Command
from pywats_client.ipc.events import ConnectionState, ConverterState, ServiceState
from pywats_client.ipc.protocol import Scope

What = Literal["uploads", "intake", "all"]


class Ping(Command):
    """Whether the service answers, and whether this client has shown a key or needs none."""

    class Result(Answer):
        pong: bool = True
        authenticated: bool = True


class Auth(Command):
    """Show the key, where the endpoint's file names one; its scope is what this client may do from then on."""

    token: str

    class Result(Answer):
        authenticated: bool
        message: str = ""
        scope: Scope


class Connect(Command):
    """Say who you are. Of no consequence; older clients begin with it."""

    client_version: str = ""
    client_type: str = ""

    class Result(Answer):
        connected: bool = True
        scope: Scope


class Disconnect(Command):
    """The service closes the connection after its answer."""


class ComponentStatus(Answer):
    """One part of the nursery tree."""

    name: str
    state: Literal["running", "restarting", "error"]
    health: Literal["ok", "degraded"]
    reason: str = ""
    restarts: int = 0


class ConverterReport(Answer):
    """One configured converter, since the start of the service."""

    name: str
    state: str
    """Running, Waiting, Error or Disabled"""
    reason: str = ""
    paused: bool = False
    """Waiting only because a person has paused intake, which is no fault"""
    pending_count: int = 0
    """settled sources that wait for a worker"""
    converted: int = 0
    failed: int = 0
    in_error_folder: int = 0
    """sources that lie there now, from earlier runs, too; counted from time to time"""
    ignored: int = 0
    """things in the folder that are no sources"""
    last_error: str = ""
    isolation: str = ""
    """what holds its processes: limits or bwrap"""


class QueueCounts(Answer):
    """Reports by state."""

    queued: int = 0
    processing: int = 0
    error: int = 0
    rejected: int = 0
    delivered: int = 0
    """since the start of the service"""


class WorkerCounts(Answer):
    """Worker processes of converters."""

    alive: int
    busy: int
    retired: int
    """ended since the start of the service because nothing was to do"""
    limit: int


class DiskStatus(Answer):
    """The file system of the queue, as it was seen at most `service.watchdog_interval` ago."""

    free_bytes: int
    total_bytes: int
    min_free_bytes: int
    """below it, converting stops"""
    days_left: float | None = None
    """until then, at the rate of the last hours; null: not shrinking, or not known yet"""


class GetStatus(Command):
    """How the service is. The first six fields are those of the older protocol."""

    class Result(Answer):
        status: ServiceState
        """Paused where anything is, which `paused` and `reason` name"""
        api_status: Literal["Online", "Offline", "Error"]
        instance_id: str
        converters: list[ConverterReport]
        queue_size: int
        """undelivered reports that will be sent: queued, processing or in error"""
        start_time: str
        """ISO 8601 with zone"""
        reason: str = ""
        uptime_seconds: float
        version: str
        pid: int
        server_url: str
        connection: ConnectionState
        connection_reason: str = ""
        """`not asked yet` with the state offline: nobody has tried it so far, which is no fault"""
        clock_offset_seconds: float | None = None
        """the server's clock minus ours, to a second, from its last answer to a ping; null: not known"""
        paused: list[Literal["uploads", "intake"]] = []
        queue: QueueCounts
        oldest_waiting_seconds: float | None = None
        last_delivered: str | None = None
        """when the last report was delivered, also by an earlier run; ISO 8601 with zone"""
        conversions_last_minute: int = 0
        uploads_last_minute: int = 0
        config_fault: str = ""
        """why the configuration file is not the one in force"""
        degraded: dict[str, str] = {}
        """what is not well, and why"""
        components: list[ComponentStatus]
        workers: WorkerCounts
        disk: DiskStatus | None = None
        subscribers: int = 0
        events_dropped: int = 0
        rest: str = ""
        """where the HTTP face listens; empty: off"""


class SyncNow(Command, scope=Scope.OPERATE):
    """Look at every watched folder, at the queue and at the server now, without waiting for the next time."""


class Pause(Command, scope=Scope.OPERATE):
    """Stop uploading, taking in sources, or both, until `resume`; also over restarts."""

    what: What = "all"

    class Result(Answer):
        paused: list[Literal["uploads", "intake"]]


class Resume(Command, scope=Scope.OPERATE):
    """End a pause."""

    what: What = "all"

    class Result(Answer):
        paused: list[Literal["uploads", "intake"]]


class Stop(Command, scope=Scope.OPERATE):
    """Stop the service: running uploads get `service.grace_seconds`."""

    class Result(Answer):
        requested: bool = True


class Restart(Command, scope=Scope.OPERATE):
    """Stop, then execute the program anew in the same process; queued work goes on.

    Refused (conflict) where the configuration files could not be started with. A stop before the end wins.
    """

    class Result(Answer):
        requested: bool = True


class Subscribe(Command):
    """From now on, events come on this connection; the answer is the state that they change.

    `log_level`: also log lines from this level on. Events since the answer come without a gap, numbered from
    `seq` + 1. A client that falls too far behind is closed, and may connect and subscribe again.
    """

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None = None

    class Result(Answer):
        seq: int
        snapshot: dict[str, Any]


class Unsubscribe(Command):
    """No more events on this connection."""


class GetSchema(Command):
    """JSON schemas of every command's arguments and result, and of every event."""

    class Result(Answer):
        protocol_version: str
        commands: dict[str, dict[str, Any]]
        """by name: `doc`, `scope`, `args`, `result`"""
        events: dict[str, dict[str, Any]]
        """by name: `doc`, `data`"""


CONVERTER_STATES = {state: state.capitalize() for state in ConverterState}
"""A converter's state as the older protocol writes it."""
