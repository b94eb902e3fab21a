"""What a worker prints: to the log, a line each and within bounds; and the last of it for a report of its death."""

import logging
import re

import trio

log = logging.getLogger(__name__)

MAX_LINES_A_SECOND = 100
MAX_LINE = 2_000
TAIL_BYTES = 64_000
_CHUNK = 65_536
_PRIORITY = re.compile(r"<([0-7])>")
_LEVELS = {
    "2": logging.CRITICAL,
    "3": logging.ERROR,
    "4": logging.WARNING,
    "7": logging.DEBUG,
}


class Output:
    """Reads until the worker's standard error ends. A flood is slowed down, counted, and not logged."""

    def __init__(self, stream: trio.lowlevel.FdStream, converter: str) -> None:
        self._stream, self._converter = stream, converter
        self._tail = b""
        self._rest = b""
        self._left, self._dropped, self._window = MAX_LINES_A_SECOND, 0, 0.0
        self.ended = trio.Event()

    def forget(self) -> None:
        """What was printed so far belongs to another call."""
        self._tail = b""

    @property
    def tail(self) -> str:
        """The last that was printed since `forget`."""
        return self._tail.decode(errors="backslashreplace").strip()

    async def read(self) -> None:
        """Log what comes until the end."""
        try:
            while chunk := await self._stream.receive_some(_CHUNK):
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]
                self._log_lines(chunk)
                if self._dropped:
                    await trio.sleep(0.01)  # the pipe fills, and the one who floods it waits
        except trio.ClosedResourceError:
            pass  # by `close`
        finally:
            if self._rest:
                self._log_lines(b"\n")
            self._tell_dropped()
            self.ended.set()
            self._stream.close()

    def close(self) -> None:
        """Read no more, although somebody may still hold the other end."""
        self._stream.close()

    def _log_lines(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        while len(self._rest) > MAX_LINE:
            lines.append(self._rest[:MAX_LINE])
            self._rest = self._rest[MAX_LINE:]
        now = trio.current_time()
        if now - self._window >= 1:
            self._tell_dropped()
            self._left, self._window = MAX_LINES_A_SECOND, now
        for line in lines[: self._left]:
            self._log(line[:MAX_LINE].decode(errors="backslashreplace").rstrip())
        self._dropped += max(0, len(lines) - self._left)
        self._left = max(0, self._left - len(lines))

    def _log(self, line: str) -> None:
        level = logging.INFO
        if match := _PRIORITY.match(line):
            level, line = _LEVELS.get(match[1], logging.INFO), line[match.end() :]
        log.log(level, "%s: %s", self._converter, line)

    def _tell_dropped(self) -> None:
        if self._dropped:
            log.warning("%s printed too fast: %d lines are not in this log", self._converter, self._dropped)
            self._dropped = 0
