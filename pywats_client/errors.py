"""Every exception of ours: one class for each different reaction, each with the exit code of the command line."""

from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """What a process of ours says to the shell when it ends."""

    DONE = 0
    """done; also a foreground service that a signal ended"""
    FAILED = 1
    """failed, see the message"""
    USAGE = 2
    """the command line was not understood"""
    NOT_RUNNING = 3
    """the service is not running"""
    NO_INSTANCE = 4
    """there is no such instance"""
    TEMPORARY = 5
    """a passing fault: trying again helps"""
    REFUSED = 6
    """refused for good: trying again does not help"""
    TOKEN = 7
    """the server does not accept the token"""
    DEGRADED = 8
    """the service runs, but a part of it does not work"""
    ALREADY_RUNNING = 9
    """another service owns the instance"""
    CONFIG = 78
    """the configuration cannot be used"""
    INTERRUPTED = 130
    """interrupted from the keyboard"""


class PywatsError(Exception):
    """The base of all of them; `str()` is the sentence a person reads."""

    exit_code = ExitCode.FAILED


class ConfigError(PywatsError):
    """The service won't start, or the old configuration stays in force.

    `why` may hold several lines, one a fault.
    """

    exit_code = ExitCode.CONFIG

    def __init__(self, key: str, why: str, *, file: Path | None = None, line: int | None = None) -> None:
        self.key, self.why, self.file, self.line = key, why, file, line
        place = f"{file}:{line}" if file and line else str(file or "")
        super().__init__(": ".join(part for part in (place, key, why) if part))


class QueueError(PywatsError):
    """The queue folder cannot be used."""


class AlreadyRunning(QueueError):
    """Another service owns the instance."""

    exit_code = ExitCode.ALREADY_RUNNING

    def __init__(self, what: str, pid: int | None) -> None:
        self.pid = pid
        super().__init__(f"{what} is in use by another service" + (f" (process {pid})" if pid else ""))


class ConversionError(PywatsError):
    """The source cannot be converted: it goes to the error folder with this reason.

    `line` is the place in the source, where known; `details` is for people, such as a traceback.
    """

    def __init__(self, message: str, *, line: int | None = None, details: str = "") -> None:
        self.line, self.details = line, details
        super().__init__(message if line is None else f"line {line}: {message}")


class PartlyConverted(ConversionError):
    """Some units of the source cannot be converted; the reports of the others are good, and were delivered."""


class ConverterTimedOut(ConversionError):
    """The converter did not finish within its time limit."""


class ConverterDied(ConversionError):
    """The converter's process ended in the middle of its work."""


class NotYet(PywatsError):
    """The source is not complete: it stays, and is tried again after `delay` seconds."""

    def __init__(self, message: str = "not complete yet", delay: float = 60.0) -> None:
        self.delay = delay
        super().__init__(message)


class NotMine(PywatsError):
    """The source is not for this converter: it stays."""


class WatsError(PywatsError):
    """Something between us and the server; `retry_after` seconds where the server said so."""

    exit_code = ExitCode.TEMPORARY


class Unreachable(WatsError):
    """No connection, no such host, no valid certificate: the server is away."""


class Refused(WatsError):
    """Wrong address, token or portal: no report is at fault, all of them wait."""

    exit_code = ExitCode.TOKEN


class Busy(WatsError):
    """The server took the request and could not serve it."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class ReportRejected(WatsError):
    """A definite no to this report; `lines` are the server's words, one fault each."""

    exit_code = ExitCode.REFUSED

    def __init__(self, message: str, lines: tuple[str, ...] = ()) -> None:
        self.lines = lines
        super().__init__(message)


class IpcError(PywatsError):
    """Something between a client and the service of this machine."""


class ServiceNotRunning(IpcError):
    """Nobody listens for this instance."""

    exit_code = ExitCode.NOT_RUNNING


class ProtocolMismatch(IpcError):
    """The other side does not speak our protocol, or another version of it."""


class CommandFailed(IpcError):
    """The service said no; `code` says why, for programs (see `ipc.messages.Code`)."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)

    @property
    def exit_code(self) -> ExitCode:  # type: ignore[override]
        """Temporary faults, refusals and faults of the configuration are told apart."""
        codes = {"temporary": ExitCode.TEMPORARY, "forbidden": ExitCode.REFUSED, "config": ExitCode.CONFIG}
        return codes.get(self.code, ExitCode.FAILED)
