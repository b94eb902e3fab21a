"""HTTP/1.1 read from a stream, and an honest server that takes reports: what stands behind a faulty network."""

import json
import re

import trio


class Wire:
    """A stream from which messages are read: a head, and a body of the length that it names."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._buffer = bytearray()

    async def head(self) -> bytes:
        """Up to and including the empty line; nothing where the other side has hung up."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            part = await self.stream.receive_some(65_536)
            if not part:
                return b""
            self._buffer += part
        return self._take(end + 4)

    async def body(self, head: bytes, most: int | None = None) -> bytes:
        """What belongs to this head, or the first `most` bytes of that."""
        length = content_length(head) if most is None else most
        while len(self._buffer) < length:
            part = await self.stream.receive_some(65_536)
            if not part:
                raise trio.BrokenResourceError
            self._buffer += part
        return self._take(length)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def content_length(head: bytes) -> int:
    """The length of the body that follows a head."""
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)\r\n", head)
    return int(found[1]) if found else 0


def message(status: str, body: bytes, kind: str = "application/json", *more: str) -> bytes:
    """A whole reply; `more` are further header lines."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


class HonestServer:
    """Takes every report; `ids` lists those that it has stored, each time that they came."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def handle(self, stream: trio.abc.Stream) -> None:
        """One connection, until the client hangs up."""
        wire = Wire(stream)
        while head := await wire.head():
            await stream.send_all(self._answer(head, await wire.body(head)))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"GET /api/App/Version "):
            return message("200 OK", b'"2026.1.5"')
        if not head.startswith(b"POST /api/Report/WSJF "):
            return message("404 Not Found", b"")
        report_id = json.loads(body)["id"]
        self.ids.append(report_id)
        return message("200 OK", json.dumps({"ID": report_id}).encode())
