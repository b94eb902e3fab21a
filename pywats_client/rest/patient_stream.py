"""A stream as hypercorn uses it, whose patience has an end."""

import trio

SEND_SECONDS, BYTES_A_SECOND = 10.0, 500_000
"""Whoever has not taken a part of an answer after that, and a second more for so many bytes, is closed."""
CLOSE_SECONDS = 1.0


class PatientStream:
    """Waits for the other side, but not for ever. TLS, where there is any, is established already."""

    def __init__(self, stream: trio.abc.Stream, socket: trio.socket.SocketType) -> None:
        self._stream = stream
        self.socket = socket

    async def receive_some(self, most: int) -> bytes:
        """As a Trio stream."""
        return bytes(await self._stream.receive_some(most))

    async def send_all(self, data: bytes) -> None:
        """As a Trio stream; BrokenResourceError also where the other side takes nothing."""
        with trio.move_on_after(SEND_SECONDS + len(data) / BYTES_A_SECOND) as patience:
            await self._stream.send_all(data)
        if patience.cancelled_caught:
            await trio.aclose_forcefully(self._stream)
            raise trio.BrokenResourceError("the client takes nothing")

    async def send_eof(self) -> None:
        """Nothing: closing says it, and TLS has no other way."""

    async def aclose(self) -> None:
        """As a Trio stream, though not waiting for long for a goodbye to be taken."""
        with trio.move_on_after(CLOSE_SECONDS):
            await self._stream.aclose()
