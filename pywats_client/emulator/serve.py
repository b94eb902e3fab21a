"""The emulator in a Trio program: hypercorn on loopback, started again when it ends, gone and back on demand."""

import logging
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import trio
from hypercorn.config import Config, Sockets
from hypercorn.trio import serve
from hypercorn.typing import Framework

from pywats_client.emulator.app import Calls, make_app
from pywats_client.emulator.control import Control
from pywats_client.emulator.store import Store
from pywats_client.errors import PywatsError

HOST = "127.0.0.1"
MOST_LISTED = 1_000_000

log = logging.getLogger(__name__)


class Emulator:
    """A server that is running: where it is, what it got, and how it is told to misbehave."""

    def __init__(self, store: Store, control: Control, port: int) -> None:
        self.control = control
        self._store = store
        self._port = port
        self._calls = Calls(store, control, self.go_offline)
        self._app = cast(Framework, make_app(self._calls, control))
        self._listening = trio.CancelScope()
        self._pause = trio.CancelScope()
        self._closed = trio.Event()
        self._offline_until = -math.inf

    @property
    def url(self) -> str:
        """Its address: what a client calls its server."""
        return f"http://{HOST}:{self._port}"

    @property
    def client_status(self) -> dict[str, Any] | None:
        """What a client last said of itself, or None."""
        return self._calls.client_status

    async def received(self) -> list[dict[str, Any]]:
        """The headers of the reports received, the newest first: `uuid`, `serialNumber`, `receiveCount` …"""
        return await self._store.headers({}, MOST_LISTED)

    async def report(self, report_id: str) -> dict[str, Any] | None:
        """A report as it arrived last, or None."""
        found = await self._store.report(report_id)
        return found[1] if found else None

    async def go_offline(self, seconds: float = math.inf) -> None:
        """Close the listener and every connection, for so many seconds from now; returns when they are closed."""
        self._offline_until = self._pause.deadline = trio.current_time() + seconds
        self._listening.cancel()
        await self._closed.wait()

    def go_online(self) -> None:
        """Listen again, on the same port."""
        self._offline_until = self._pause.deadline = -math.inf

    async def keep_listening(
        self, listener: socket.socket, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve on `listener`, and after its end on others at the same port, again and again."""
        task_status.started()
        while True:
            await self._listen(listener)
            with trio.CancelScope(deadline=self._offline_until) as self._pause:
                await trio.sleep_forever()
            listener = _bound(self._port)

    async def _listen(self, listener: socket.socket) -> None:
        self._closed = trio.Event()
        with listener, trio.CancelScope() as self._listening:
            try:
                await serve(self._app, Loopback(listener))
            except Exception:  # hypercorn on Trio dies of a malformed upgrade header
                log.warning("the emulator's web server ended, and starts again", exc_info=True)
        self._closed.set()


class Loopback(Config):
    """Hypercorn's configuration, quiet, for a socket that is ours."""

    accesslog = None
    errorlog = None

    def __init__(self, listener: socket.socket) -> None:
        super().__init__()
        self._listener = listener

    def create_sockets(self) -> Sockets:
        """The sockets to listen on: ours, without TLS."""
        return Sockets([], [self._listener], [])


@asynccontextmanager
async def open_emulator(
    port: int = 0,
    data: Path | None = None,
    *,
    token: str | None = None,
    latency_ms: float = 0.0,
    fail_rate: float = 0.0,
) -> AsyncIterator[Emulator]:
    """A WATS-compatible server on loopback while the block runs; `port` 0 is any free one.

    Reports are kept in the folder `data`, or in memory. PywatsError when port or folder cannot be used.
    """
    control = Control(token=token, latency_ms=latency_ms, fail_rate=fail_rate)
    store = Store(data)
    try:
        listener = _bound(port)
        emulator = Emulator(store, control, listener.getsockname()[1])
        async with trio.open_nursery() as nursery:
            await nursery.start(emulator.keep_listening, listener)
            yield emulator
            nursery.cancel_scope.cancel()
    finally:
        store.close()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise PywatsError(
            f"port {port} of {HOST} cannot be used ({error.strerror}): choose another with --port"
        ) from error
    return listener
