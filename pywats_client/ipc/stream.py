"""The bytes of one client, with bounds that the websocket library does not know."""

import struct
from collections.abc import Callable

import trio

SEND_SECONDS = 10.0
"""A client that has not taken what it is sent by then is closed."""
BYTES_A_MESSAGE = 2 << 20
"""What may come before one message is complete: a whole one in fragments, and pings."""
IDLE_BYTES_A_SECOND = 64
"""What may come beside that without any message: a ping now and then."""
_TEXT = 0x81
"""The last frame of a message, and text."""


class ClientStream(trio.abc.Stream):
    """A socket stream that says when it has ended, does not send for ever, and ends one that brings no message.

    Fragments without an end, empty ones too, are kept until their message is complete, and pings are answered each;
    so what comes between two messages is counted.
    """

    def __init__(self, stream: trio.abc.Stream, ended: Callable[[], None]) -> None:
        self._stream, self._ended = stream, ended
        self._since, self._bytes = trio.current_time(), 0.0
        self._sending = trio.Lock()

    def message_came(self) -> None:
        """Begin to count anew."""
        self._bytes = 0.0

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As SocketStream does; nothing, as after the client's end, where it has sent too much."""
        data = await self._stream.receive_some(max_bytes)
        before, self._since = self._since, trio.current_time()
        idle = IDLE_BYTES_A_SECOND * (self._since - before)
        self._bytes = max(self._bytes - idle, 0) + len(data)
        if not data or self._bytes > BYTES_A_MESSAGE:
            self._ended()
            return b""
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Whole frames, of several tasks. Raises BrokenResourceError for a slow reader: half of one may be on it."""
        with trio.move_on_after(SEND_SECONDS):
            async with self._sending:
                await self._stream.send_all(data)
            return
        raise trio.BrokenResourceError("the client takes nothing")

    async def wait_send_all_might_not_block(self) -> None:
        """As SocketStream does."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """As SocketStream does."""
        self._ended()
        await self._stream.aclose()


def text_frame(text: str) -> bytes:
    """A text message as a server sends it: one frame, not masked (RFC 6455, 5.2)."""
    payload = text.encode()
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", _TEXT, length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", _TEXT, 126, length)
    else:
        head = struct.pack("!BBQ", _TEXT, 127, length)
    return head + payload
