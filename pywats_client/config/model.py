"""The configuration: every key is a typed field, its default, and its help in the string under it."""

import os
import re
import socket
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

MAJOR_VERSION = "2"
DAY_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
DRIVE_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def _web_address(text: str) -> str:
    if not text:
        return text
    address = urlsplit(text)
    is_whole = address.scheme in ("http", "https") and address.hostname
    if not is_whole or address.username is not None or address.query or address.fragment:
        raise ValueError("expected an address such as https://company.wats.com, without login or query")
    return text.rstrip("/")


def _proxy_address(text: str) -> str:
    address = urlsplit(text)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError("expected the address of an HTTP proxy, such as http://proxy:3128")
    return text


def _path_text(text: str) -> str:
    if "\0" in text:
        raise ValueError("a path cannot hold a NUL character")
    return text


def _allowance(text: str) -> str:
    path = Path(text.removesuffix(":rw")).expanduser()
    if text != "network" and (not path.is_absolute() or path == Path("/") or "\0" in text):
        raise ValueError("expected `network`, or a path such as /data/limits, with `:rw` behind it to write there, too")
    return text


def _day_time(text: str) -> str:
    if not DAY_TIME.fullmatch(text):
        raise ValueError("expected a time of day such as 06:00")
    return text


def _none_when_empty(value: Any) -> Any:
    return None if value == "" else value


def _zip_is_archive(value: Any) -> Any:
    return "archive" if value == "zip" else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


WebAddress = Annotated[str, AfterValidator(_web_address)]
ProxyAddress = Annotated[str, AfterValidator(_proxy_address)]
PathText = Annotated[str, AfterValidator(_path_text)]
"""A path as written: `~` and relative ones are resolved where it is used."""
Allowance = Annotated[str, AfterValidator(_allowance)]
"""`network`, or a path that a converter in bubblewrap may read, or with `:rw` behind it write, too."""
CertificateFile = Annotated[Path, Field(strict=False), AfterValidator(Path.expanduser)]
Interval = Annotated[float, Field(ge=1, le=86_400)]
"""Seconds."""
PostAction = Annotated[Literal["move", "delete", "archive", "keep"], BeforeValidator(_zip_is_archive)]
DayTime = Annotated[str, AfterValidator(_day_time)]
"""Hours and minutes, local time."""
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]


class Section(BaseModel):
    """A group of keys: unknown ones are refused, values are of the type that is written."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Server(Section):
    """The WATS server."""

    url: WebAddress = ""
    """Address of the server, such as `https://company.wats.com`."""
    token_encrypted: str = ""
    """The token, encrypted for this machine and user; `pywats-client login` sets it."""
    proxy: Annotated[ProxyAddress | None, BeforeValidator(_none_when_empty)] = None
    """Address of an HTTP proxy; null or empty: a direct connection."""
    ca_file: Annotated[CertificateFile | None, BeforeValidator(_none_when_empty)] = None
    """File of more authorities (PEM) that may vouch for the server; null or empty: the usual ones alone."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60
    """How long a request may take; an upload gets a second more for every 100 kB."""


class Station(Section):
    """The test station: fills what a report leaves empty."""

    name: str = Field(default_factory=socket.gethostname, max_length=100)
    """Name of the station, `machineName` in reports; empty: the host name."""
    location: str = Field(default="", max_length=100)
    """Where the station is."""
    purpose: str = Field(default="", max_length=100)
    """What the station is for, such as Production."""
    shift_starts: Annotated[tuple[DayTime, ...], Field(min_length=1, strict=False)] = ("06:00", "14:00", "22:00")
    """When shifts begin, local time; the yield of the shift is counted from there."""

    @field_validator("name")
    @classmethod
    def _host_name_when_empty(cls, name: str) -> str:
        return name or socket.gethostname()


class Service(Section):
    """The service as a whole."""

    max_converter_workers: Annotated[int, Field(ge=1, le=50)] = 10
    """How many sources are converted at the same time, each in a process of its own."""
    max_concurrent_uploads: Annotated[int, Field(ge=1, le=50)] = 5
    """How many reports are sent at the same time."""
    watchdog_interval: Interval = 60
    """Seconds between two looks at the room on the disk, and at how long the oldest report has waited."""
    ping_interval: Interval = 300
    """Seconds between two questions whether the server is there."""
    register_interval: Interval = 3600
    """Seconds between two client statuses sent to the server."""
    grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 10
    """How long running uploads may go on when the service is stopped."""
    settle_seconds: Annotated[float, Field(ge=0, le=86_400)] = 1
    """How long size and time of a file must be still before it is converted; 0: at once."""
    rescan_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 30
    """Seconds between two listings of a watched folder, whatever the events say."""
    max_queue_size: Annotated[int, Field(ge=0)] = 0
    """Reports in state queued at which converting pauses; 0: no limit. Uploads go on."""
    keep_completed_days: Annotated[float, Field(ge=0, le=36_500)] = 7
    """Days that a delivered report stays on disk."""
    keep_journal_days: Annotated[float, Field(ge=1, le=36_500)] = 30
    """Days that the journal keeps what happened to each file."""
    log_level: LogLevel = "INFO"
    """The least that is logged."""
    log_max_mb: Annotated[float, Field(gt=0, le=10_000)] = 10
    """Size at which the log file is rotated, in MB."""
    log_backups: Annotated[int, Field(ge=1, le=1000)] = 5
    """How many rotated log files are kept."""


class DiskSpace(Section):
    """Room on the disk."""

    min_free_mb: Annotated[float, Field(ge=0)] | None = None
    """Free space in MB under which converting pauses; null: the smaller of 1 GiB and 5 % of the disk."""

    def min_free_bytes(self, total: int) -> int:
        """The limit in bytes on a file system of `total` bytes."""
        if self.min_free_mb is None:
            return min(1 << 30, total // 20)
        return int(self.min_free_mb * 1_000_000)


class Queue(Section):
    """The reports that wait for the server."""

    allow_network: bool = False
    """Whether the queue may lie on a network file system, where locks are less sure; asked at a start."""


class Ipc(Section):
    """Where clients of this machine, such as the command line, reach the service."""

    group: str = Field(default="", max_length=100)
    """A group of users of this machine who may operate the service; empty: its own user and root alone."""
    tcp: bool = False
    """Whether to listen on a loopback port, which asks for a key, in place of a Unix socket; on Windows always so."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """The loopback port; 0: one that the instance id gives, or the next free one."""


class Http(Section):
    """The same commands over HTTP, health and metrics; needs `pywats-client[http]`."""

    enabled: bool = False
    """Whether it listens."""
    host: Annotated[str, Field(min_length=1, max_length=253)] = "127.0.0.1"
    """The address to listen on; another than loopback only with `certificate_file` and `key_file`."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """The port; 0: a free one, which the endpoint's file names."""
    certificate_file: Annotated[CertificateFile | None, BeforeValidator(_none_when_empty)] = None
    """File of the TLS certificate and those above it (PEM); null or empty: no TLS."""
    key_file: Annotated[CertificateFile | None, BeforeValidator(_none_when_empty)] = None
    """File of the certificate's private key (PEM)."""

    @model_validator(mode="after")
    def _guarded_beyond_loopback(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("expected certificate_file and key_file together, or neither")
        if self.host not in LOOPBACK and self.certificate_file is None:
            raise ValueError("expected certificate_file and key_file, because host is not this machine alone")
        return self


class Folders(NamedTuple):
    """The resolved folders of one converter."""

    watch: Path
    done: Path
    error: Path
    archive: Path


class ConverterConfig(Section):
    """One converter: which files, from where, how, and what becomes of them."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f\[\]]+$")]
    """Name, once in an instance."""
    enabled: bool = True
    """Whether it runs."""
    watch_folder: Annotated[PathText, Field(min_length=1)]
    """The folder that is watched."""
    module_path: Annotated[PathText, Field(min_length=1)]
    """Built-in name (`csv`), `x.py`, `x.py:Class`, `package.module:Class`, `package.module.Class`, or a plug-in."""
    file_patterns: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] = ("*",)
    """Names that are taken, whatever their case; `*` and `*.*` match names without a dot, too."""
    arguments: dict[str, Any] = {}
    """The converter's own settings."""
    post_action: PostAction = "move"
    """What becomes of a converted source: move, delete, archive (`zip` is the same) or keep."""
    all_or_nothing: bool = False
    """Whether one bad unit of a source keeps the good ones from being delivered, too."""
    done_folder: PathText = ""
    """Where `move` puts converted sources; empty: `Done` in the watched folder."""
    error_folder: PathText = ""
    """Where sources go that cannot be converted; empty: `Error` in the watched folder."""
    archive_folder: PathText = ""
    """Where `archive` puts its zips, in a folder of the day; empty: `Archive` in the watched folder."""
    recursive: bool = False
    """Whether folders in the watched folder are watched, too."""
    priority: Annotated[int, Field(ge=1, le=10)] = 5
    """Which reports are sent first: 1 before 10."""
    settle_seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None
    """How long a file must be still before it is converted; null: as `service.settle_seconds`."""
    watch: Literal["auto", "events", "poll"] = "auto"
    """How new files are noticed: `auto` polls network file systems and uses events elsewhere."""
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] = 120
    """How long the conversion of one source may take."""
    memory_limit_mb: Annotated[int, Field(ge=64)] = 1024
    """Address space that the converter's process may use, in MB."""
    isolation: Literal["limits", "bwrap"] = "limits"
    """What holds the converter: `limits` of time and memory, or `bwrap`, which hides files and network, too (Linux)."""
    isolation_allow: Annotated[tuple[Allowance, ...], Field(strict=False)] = ()
    """What a converter in bubblewrap may see beside its sources: paths (`/data/limits`, `/data/out:rw`), `network`."""
    process_code: Annotated[int, Field(ge=0)] | None = None
    """Code of the test operation, where the format has none."""
    part_number: str = Field(default="", max_length=100)
    """Part number, where the format has none."""
    revision: str = Field(default="", max_length=100)
    """Revision, where the format has none."""
    operator: str = Field(default="", max_length=100)
    """Operator, where the format has none."""
    location: str = Field(default="", max_length=100)
    """Location, where the format has none; empty: as `station.location`."""
    purpose: str = Field(default="", max_length=100)
    """Purpose, where the format has none; empty: as `station.purpose`."""

    @property
    def report_defaults(self) -> dict[str, str | int]:
        """What fills fields that a report leaves empty, by the plain names of report fields; only what is set."""
        names = ("process_code", "part_number", "revision", "operator", "location", "purpose")
        return {name: value for name in names if (value := getattr(self, name)) not in (None, "")}

    def folders(self, data: Path) -> Folders:
        """The folders as absolute paths: `~` is the user's home, relative ones lie in `data` (`Instance.data`)."""
        watch = _resolve(self.watch_folder, data)
        return Folders(
            watch=watch,
            done=_resolve(self.done_folder, data) if self.done_folder else watch / "Done",
            error=_resolve(self.error_folder, data) if self.error_folder else watch / "Error",
            archive=_resolve(self.archive_folder, data) if self.archive_folder else watch / "Archive",
        )

    def folder_fault(self, os_name: str = os.name) -> str | None:
        """Why the folders cannot be on this platform, as a sentence; such a converter's state is `error`."""
        if os_name == "nt":
            return None
        for key in ("watch_folder", "done_folder", "error_folder", "archive_folder"):
            if DRIVE_PATH.match(path := getattr(self, key)):
                return f"{key} is a Windows path: `{path}` cannot be a folder of this machine"
        return None


def _resolve(path: str, data: Path) -> Path:
    expanded = os.path.expanduser(path)  # noqa: PTH111 -- an unknown ~user stays as written, without an error
    return Path(os.path.normpath(data / expanded))


class Config(Section):
    """All of the configuration of one instance."""

    version: str = "2.0"
    """Version of this shape."""
    instance_id: str = "default"
    """The instance that the file is for."""
    server: Server = Server()
    station: Station = Field(default_factory=Station)
    service: Service = Service()
    disk: DiskSpace = DiskSpace()
    queue: Queue = Queue()
    ipc: Ipc = Ipc()
    http: Http = Http()
    converters: Annotated[tuple[ConverterConfig, ...], Field(strict=False)] = ()
    """The converters; also in `converters_<instance>.json` beside it (`converters.json` for `default`)."""

    @field_validator("version")
    @classmethod
    def _known_version(cls, version: str) -> str:
        if version.partition(".")[0] != MAJOR_VERSION:
            raise ValueError(f"expected a version {MAJOR_VERSION}.x; this client knows no other")
        return version
