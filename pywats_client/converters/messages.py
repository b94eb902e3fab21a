"""The frames between the service and a worker: a JSON header, then raw bytes, each with its length before it."""

import json
import os
import struct
from typing import Any, NamedTuple

MAX_HEADER_BYTES = 1_000_000
MAX_REPORT_BYTES = 50_000_000
_LENGTHS = struct.Struct("!II")


class BadFrame(Exception):
    """What came through the pipe is no frame of ours."""


class Message(NamedTuple):
    """A request or reply: `header["kind"]` says which; `body` holds a report's bytes."""

    header: dict[str, Any]
    body: bytes = b""

    @property
    def kind(self) -> str:
        """Which message it is."""
        return str(self.header["kind"])


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """A frame. ASCII in the header carries names that are not UTF-8 as lone surrogates."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(text), len(body)) + text + body


class Frames:
    """Takes a stream of bytes apart. The bytes come from a process that nobody vouches for."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Add what was read."""
        self._buffer += chunk

    def take(self) -> Message | None:
        """The next whole message, None where it is not whole yet. Raises BadFrame."""
        if len(self._buffer) < _LENGTHS.size:
            return None
        header_size, body_size = _LENGTHS.unpack_from(self._buffer)
        if header_size > MAX_HEADER_BYTES or body_size > MAX_REPORT_BYTES:
            raise BadFrame
        body_start = _LENGTHS.size + header_size
        end = body_start + body_size
        if len(self._buffer) < end:
            return None
        header = _parse(self._buffer[_LENGTHS.size : body_start])
        message = Message(header, bytes(self._buffer[body_start:end]))
        del self._buffer[:end]
        return message


def _parse(text: bytearray) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame from None
    if not isinstance(header, dict) or "kind" not in header:
        raise BadFrame
    return header


class Pipe:
    """The worker's end: blocking, over two descriptors that only this process has."""

    def __init__(self, requests: int, replies: int) -> None:
        self._requests, self._replies = requests, replies
        self._frames = Frames()
        os.register_at_fork(after_in_child=self.close)

    def close(self) -> None:
        """In a fork of the worker: its end must show, and nobody else may answer."""
        os.close(self._requests)
        os.close(self._replies)
        self._requests = self._replies = -1

    def receive(self) -> Message | None:
        """The next request; None when the service has closed the pipe."""
        while (message := self._frames.take()) is None:
            chunk = os.read(self._requests, 65536)
            if not chunk:
                return None
            self._frames.feed(chunk)
        return message

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Answer; waits while the service does not take more."""
        rest = memoryview(pack(header, body))
        while rest:
            rest = rest[os.write(self._replies, rest) :]
