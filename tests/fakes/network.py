"""The way to a server: loopback, or streams in memory, where the clock may jump because no socket is waited for."""

import math
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any

import httpcore
import httpx
import pytest
import trio
from trio.testing import lockstep_stream_pair

Handler = Callable[[trio.abc.Stream], Awaitable[None]]
"""What serves one connection, to its end."""

HUNG_UP = (trio.BrokenResourceError, trio.ClosedResourceError)


@asynccontextmanager
async def listening(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on loopback whose every connection is `handler`'s; yields its port."""

    async def handle(stream: trio.SocketStream) -> None:
        wrapped = trio.SSLStream(stream, tls, server_side=True, https_compatible=True) if tls else stream
        with suppress(*HUNG_UP):
            await handler(wrapped)
        await trio.aclose_forcefully(wrapped)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


class MemoryNetwork(httpcore.AsyncNetworkBackend):
    """Hosts by name. Nothing is sent before the other side takes it: `received` is what clients have read, in bytes.

    Hosts that are not there refuse the connection.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self.hosts: dict[str, Handler] = {}
        self._hung_up: set[trio.abc.Stream] = set()
        self.connections: Counter[str] = Counter()
        self.received = 0

    async def open(self, host: str) -> trio.abc.Stream:
        """A connection as the other side's programs open it."""
        await trio.lowlevel.checkpoint()
        self.connections[host] += 1
        if host not in self.hosts:
            raise ConnectionRefusedError
        ours, theirs = lockstep_stream_pair()
        self._nursery.start_soon(self._serve, self.hosts[host], ours, theirs)
        return ours

    def has_hung_up(self, stream: trio.abc.Stream) -> bool:
        """Whether the other side of a client's stream is gone."""
        return stream in self._hung_up

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        try:
            return _MemoryStream(self, await self.open(host))
        except OSError as error:
            raise httpcore.ConnectError(f"{host}:{port}") from error

    async def _serve(self, handler: Handler, theirs: trio.abc.Stream, ours: trio.abc.Stream) -> None:
        with suppress(*HUNG_UP):
            await handler(ours)
        await trio.aclose_forcefully(ours)
        self._hung_up.add(theirs)


class _MemoryStream(httpcore.AsyncNetworkStream):
    def __init__(self, network: MemoryNetwork, stream: trio.abc.Stream, below: trio.abc.Stream | None = None) -> None:
        self._network, self._stream, self._below = network, stream, below or stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- httpcore names it so
        with _as(httpcore.ReadError, *HUNG_UP):
            data = bytes(await self._stream.receive_some(max_bytes))
        self._network.received += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        with _as(httpcore.WriteError, *HUNG_UP):
            await self._stream.send_all(buffer)

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        tls = trio.SSLStream(self._stream, ssl_context, server_hostname=server_hostname, https_compatible=True)
        with _as(httpcore.ConnectError, *HUNG_UP), _as(httpcore.ConnectTimeout, trio.TooSlowError):
            with trio.fail_after(math.inf if timeout is None else timeout):
                await tls.do_handshake()
        return _MemoryStream(self._network, tls, self._below)

    def get_extra_info(self, info: str) -> Any:
        return self._network.has_hung_up(self._below) if info == "is_readable" else None


@contextmanager
def _as(kind: type[Exception], *causes: type[Exception]) -> Iterator[None]:
    try:
        yield
    except causes as error:
        raise kind(str(error)) from error


def put_in_place(network: MemoryNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, httpx connects through this network."""

    class Transport(httpx.AsyncHTTPTransport):
        def __init__(self, **keys: Any) -> None:
            super().__init__(**keys)
            self._pool._network_backend = network

    monkeypatch.setattr(httpx, "AsyncHTTPTransport", Transport)
