"""A proxy between the client and an honest server that does to reports what networks do.

`FaultProxy(connect, reset_in_the_reply, portal)` does the first to the first report, the second to the second, and
passes on what comes after them; what is no report passes always.
"""

import gzip
import re
import socket
from collections.abc import Awaitable, Callable

import trio

from tests.fakes.http import Wire, content_length, message

GIGABYTE = 1_000_000_000
PORTION = b" " * 65_536


class Exchange:
    """One request of a client; the server behind is connected to when it is asked."""

    def __init__(self, head: bytes, client: Wire, connect: Callable[[], Awaitable[trio.abc.Stream]]) -> None:
        self.head, self.client, self._connect = head, client, connect
        self.is_over = False

    async def reply(self) -> bytes:
        """What the server answers to the whole request: it has the report then."""
        body = await self.client.body(self.head)
        async with await self._connect() as stream:
            server = Wire(stream)
            await stream.send_all(self.head + body)
            head = await server.head()
            return head + await server.body(head)

    async def send(self, data: bytes) -> None:
        """To the client."""
        await self.client.stream.send_all(data)

    async def swallow(self) -> None:
        """Read the whole request, and keep it from the server."""
        await self.client.body(self.head)

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection when the fault returns; by a TCP reset, on sockets."""
        self.is_over = True
        if reset:
            stream = self.client.stream
            assert isinstance(stream, trio.SocketStream)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


Fault = Callable[[Exchange], Awaitable[None]]


class FaultProxy:
    """`handle` serves connections; `connect` opens one to the server."""

    def __init__(self, connect: Callable[[], Awaitable[trio.abc.Stream]], *faults: Fault) -> None:
        self._connect = connect
        self.faults = list(faults)

    async def handle(self, stream: trio.abc.Stream) -> None:
        """One connection, until one side hangs up."""
        client = Wire(stream)
        while head := await client.head():
            exchange = Exchange(head, client, self._connect)
            is_report = head.startswith(b"POST /api/Report/WSJF")
            await (self.faults.pop(0) if is_report and self.faults else passing)(exchange)
            if exchange.is_over:
                return


async def passing(exchange: Exchange) -> None:
    await exchange.send(await exchange.reply())


async def holding(exchange: Exchange) -> None:
    """The server takes the report; nobody hears of it."""
    await exchange.reply()
    await trio.sleep_forever()


async def upload_trickling(exchange: Exchange) -> None:
    """A byte of the report a second is taken."""
    for _ in range(content_length(exchange.head)):
        await exchange.client.stream.receive_some(1)
        await trio.sleep(1)


async def head_trickling(exchange: Exchange) -> None:
    """The whole reply, a byte a second."""
    await _trickle(exchange, await exchange.reply())


async def body_trickling(exchange: Exchange) -> None:
    """The reply's head at once, then a byte a second."""
    head, _, body = (await exchange.reply()).partition(b"\r\n\r\n")
    await exchange.send(head + b"\r\n\r\n")
    await _trickle(exchange, body)


async def _trickle(exchange: Exchange, data: bytes) -> None:
    for at in range(len(data)):
        await exchange.send(data[at : at + 1])
        await trio.sleep(1)


async def reset_in_the_request(exchange: Exchange) -> None:
    await exchange.client.body(exchange.head, content_length(exchange.head) // 2)
    exchange.hang_up(reset=True)


async def reset_in_the_reply(exchange: Exchange) -> None:
    reply = await exchange.reply()
    await exchange.send(reply[: len(reply) // 2])
    exchange.hang_up(reset=True)


async def cut_in_the_request(exchange: Exchange) -> None:
    """Half of the report is taken, then the line is dead."""
    await exchange.client.body(exchange.head, content_length(exchange.head) // 2)
    exchange.hang_up()


async def reply_lost(exchange: Exchange) -> None:
    await exchange.reply()
    exchange.hang_up()


async def cut_in_the_head(exchange: Exchange) -> None:
    await exchange.send((await exchange.reply())[:30])
    exchange.hang_up()


async def cut_in_the_body(exchange: Exchange) -> None:
    await exchange.send((await exchange.reply())[:-5])
    exchange.hang_up()


async def length_too_long(exchange: Exchange) -> None:
    await exchange.send(_with_length(await exchange.reply(), +100))
    exchange.hang_up()


async def length_too_short(exchange: Exchange) -> None:
    await exchange.send(_with_length(await exchange.reply(), -5))
    exchange.hang_up()


def _with_length(reply: bytes, by: int) -> bytes:
    return re.sub(rb"Content-Length: (\d+)", lambda found: b"Content-Length: %d" % (int(found[1]) + by), reply)


async def garbage(exchange: Exchange) -> None:
    await exchange.reply()
    await exchange.send(b"\x00\xff\r\n" * 1000)
    exchange.hang_up()


async def a_gigabyte(exchange: Exchange) -> None:
    await exchange.reply()
    await exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {GIGABYTE}\r\n\r\n".encode())
    for _ in range(GIGABYTE // len(PORTION)):
        await exchange.send(PORTION)


async def gzip_bomb(exchange: Exchange) -> None:
    """60 kB that would unfold to 60 MB, to a client that asked for none of it."""
    await exchange.reply()
    bomb = gzip.compress(b" " * 60_000_000)
    await exchange.send(message("200 OK", bomb, "application/json", "Content-Encoding: gzip"))


async def brotli_bomb(exchange: Exchange) -> None:
    """A stream of Brotli that repeats one byte: a header, and metablocks of 16 MB each."""
    await exchange.reply()
    bomb = b"\x5b\xff\xff\xff\x00" * 2000
    await exchange.send(message("200 OK", bomb, "application/json", "Content-Encoding: br"))


async def header_without_end(exchange: Exchange) -> None:
    await exchange.reply()
    await exchange.send(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(GIGABYTE // len(PORTION)):
        await exchange.send(b"x" * len(PORTION))


async def headers_without_end(exchange: Exchange) -> None:
    await exchange.reply()
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    for _ in range(GIGABYTE // 16_000):
        await exchange.send(b"X-Header: y\r\n" * 1000)


async def continues_without_end(exchange: Exchange) -> None:
    """An informational answer is no answer: the client reads on."""
    await exchange.reply()
    while True:
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 40)
        await trio.sleep(1)


async def answered_twice(exchange: Exchange) -> None:
    """One answer too many: it lies there when the next report is sent."""
    await exchange.send(2 * await exchange.reply())


async def portal(exchange: Exchange) -> None:
    await exchange.swallow()
    await exchange.send(message("200 OK", b"<html>Please log in to the guest network</html>", "text/html"))


async def redirect(exchange: Exchange) -> None:
    await exchange.swallow()
    await exchange.send(message("307 Temporary Redirect", b"", "text/html", "Location: http://elsewhere.test/api"))


async def old_http(exchange: Exchange) -> None:
    """HTTP/1.0: no length, the end of the connection is the end of the reply."""
    _, _, body = (await exchange.reply()).partition(b"\r\n\r\n")
    await exchange.send(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
    exchange.hang_up()


async def hung_up_after_the_reply(exchange: Exchange) -> None:
    """The connection is not kept, and nobody has said so."""
    await passing(exchange)
    exchange.hang_up()


async def too_large_before_it_is_read(exchange: Exchange) -> None:
    """The answer comes while the report is still being written."""
    await exchange.send(message("413 Content Too Large", b"limit is 1 MB", "text/plain", "Connection: close"))
    await exchange.swallow()
    exchange.hang_up()
