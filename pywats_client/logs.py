"""Logs: readable lines on the console, one JSON object a line in the file, secrets struck out of both.

A disk that takes no more lines costs lines, never work: the number lost is written when there is room again.
"""

import contextlib
import json
import logging
import logging.handlers
import os
import re
import sys
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

LevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LOGGER = "pywats_client"
"""The root of our loggers; libraries are heard from WARNING up only."""

LEVELS: tuple[LevelName, ...] = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Logging belongs to the process as a whole, and so do the secrets that must not pass through it.
_secrets: set[str] = set()


def strike_out(secret: str) -> None:
    """From now on `secret` is written as `***` in whatever is logged by this process."""
    if secret:
        _secrets.add(secret)


def set_up(log_file: Path | None, level: str, max_mb: float = 10, backups: int = 5, *, console: bool = True) -> None:
    """Send our log to stderr and to `log_file` (0600, rotated at `max_mb`); again: what was set is replaced.

    Raises OSError where the file's folder cannot be made or the file cannot be opened.
    """
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER).setLevel(level)
    handlers: list[logging.Handler] = [Console()] if console else []
    if log_file:
        log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handlers.append(LogFile(log_file, max_mb, backups))
    for old in [handler for handler in root.handlers if isinstance(handler, Console | LogFile)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)


def level_name(number: int) -> LevelName:
    """The name of a level, or of the next one below it."""
    return LEVELS[min(max(number // 10 - 1, 0), len(LEVELS) - 1)]


def text_of(record: logging.LogRecord) -> str:
    """The message, and behind it the traceback, with secrets struck out."""
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + _TRACEBACKS.formatException(record.exc_info)
    return _clean(text)


def show_name(name: bytes | str | os.PathLike[str]) -> str:
    """A file's name for people: what is not UTF-8, and control characters, as `\\xNN`."""
    return _CONTROL.sub(_escape, os.fsdecode(name)).replace("\n", "\\x0a").replace("\t", "\\x09")


def show_text(text: str) -> str:
    """Text of several lines for people: control characters as `\\xNN`, but for newlines and tabs."""
    return _CONTROL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as os.fsdecode carries it
        code -= 0xDC00
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def _clean(text: str) -> str:
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text if text.isprintable() else _CONTROL.sub(_escape, text)


_TRACEBACKS = logging.Formatter()
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


class _Lines(logging.Formatter):
    """Continuation lines are indented, so that no text can pass for a line of the log."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return _clean(super().format(record)).replace("\n", "\n    ")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _clean(record.getMessage()),
        }
        fields |= {key: _clean(str(value)) for key, value in vars(record).items() if key not in _STANDARD_FIELDS}
        if record.exc_info:
            fields["exception"] = _clean(self.formatException(record.exc_info))
        return _ENCODE(fields)


class Console(logging.StreamHandler[TextIOWrapper]):
    """Readable lines on stderr."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)  # type: ignore[arg-type]
        self.setFormatter(_Lines())


class LogFile(logging.handlers.RotatingFileHandler):
    """JSON lines in a file of mode 0600; the rotated ones are `service.log.1`, `.2` …"""

    def __init__(self, file: Path, max_mb: float, backups: int) -> None:
        self.lost = 0
        super().__init__(file, maxBytes=int(max_mb * 1_000_000), backupCount=backups, encoding="utf-8")
        self.setFormatter(_JsonLines())

    def _open(self) -> TextIOWrapper:
        stream = open(  # noqa: SIM115 -- the handler closes it
            self.baseFilename, "a", encoding="utf-8", errors="backslashreplace", opener=_open_private
        )
        if stream.tell() and not _ends_with_newline(Path(self.baseFilename)):
            stream.write("\n")  # a line was cut off by a full disk or a crash; the next one is whole again
        return stream

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802
        """Whether the file is full. The inherited one formats each line a second time to know its length."""
        return self.stream is not None and os.fstat(self.stream.fileno()).st_size >= self.maxBytes

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, and where lines were lost before it, how many."""
        lost = self.lost
        super().emit(record)
        if lost and self.lost == lost:
            self.lost = 0
            note = f"{lost} lines of the log were lost: the disk did not take them"
            super().emit(logging.LogRecord(LOGGER, logging.WARNING, "", 0, note, None, None))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Count the line as lost and start with a fresh stream; a mistake in a log call is shown as ever."""
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)
            return
        self.lost += 1
        stream, self.stream = self.stream, None
        if stream:
            with contextlib.suppress(OSError):
                stream.close()


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _ends_with_newline(file: Path) -> bool:
    with file.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"
