"""Hypercorn on Trio, a connection at a time: what one of them does ends neither the others nor the service."""

import logging
import socket
import ssl
from functools import partial
from typing import cast

import trio
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState, Framework
from hypercorn.utils import wrap_app

from pywats_client.rest.app import make_app
from pywats_client.rest.patient_stream import PatientStream
from pywats_client.rest.served import PATIENCE, STRANGER_SECONDS, Served

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 64


class Quiet(Config):
    """Hypercorn's configuration: no access log, small limits, and its faults in our log."""

    accesslog = None
    errorlog = log
    include_server_header = False
    h2_max_concurrent_streams = 1
    websocket_max_message_size = 1 << 16
    keep_alive_timeout = STRANGER_SECONDS


async def serve(listener: socket.socket, tls: ssl.SSLContext | None, served: Served) -> None:
    """Serve until `served.ending`, and then until the last client has what it is owed; or until cancelled."""
    connections = Connections(tls, served)
    accepting = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
    async with trio.open_nursery() as clients, trio.open_nursery() as nursery:
        nursery.start_soon(partial(trio.serve_listeners, connections.serve, [accepting], handler_nursery=clients))
        await served.ending.wait()
        nursery.cancel_scope.cancel()
        await connections.finish()


class Connections:
    """No more of them than the face can bear."""

    def __init__(self, tls: ssl.SSLContext | None, served: Served) -> None:
        self._tls, self._config, self._context = tls, Quiet(), WorkerContext(None)
        app = cast(Framework, make_app(served))
        self._app = wrap_app(app, self._config.wsgi_max_body_size, "asgi")
        self._count = 0

    async def finish(self) -> None:
        """Close those where nothing is asked now, and each of the others after its answer."""
        await self._context.terminated.set()

    async def serve(self, stream: trio.SocketStream) -> None:
        """One connection, whatever it sends: a bulkhead. Hypercorn itself would end by a malformed upgrade header."""
        if self._count >= MOST_CONNECTIONS:
            await trio.aclose_forcefully(stream)
            return
        self._count += 1
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_close_when_cancelled, stream)
                nursery.cancel_scope.deadline = trio.current_time() + STRANGER_SECONDS
                await self._serve_client(stream, nursery.cancel_scope)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        except* Exception as faults:  # noqa: BLE001
            log.info("an HTTP connection ended by a fault: %r", faults.exceptions[0])
        finally:
            self._count -= 1
            await trio.aclose_forcefully(stream)

    async def _serve_client(self, stream: trio.SocketStream, patience: trio.CancelScope) -> None:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        whole: trio.SocketStream | trio.SSLStream[trio.SocketStream] = stream
        if self._tls:
            whole = trio.SSLStream(stream, self._tls, server_side=True, https_compatible=True)
            await whole.do_handshake()
        patient = cast("trio.SSLStream[trio.SocketStream]", PatientStream(whole, stream.socket))
        state = ConnectionState({PATIENCE: patience})
        await OneConnection(self._app, self._config, self._context, state, patient)


class OneConnection(TCPServer):
    """Ends when the client has gone; hypercorn's own would wait for the rest of `keep_alive_timeout`."""

    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()


async def _close_when_cancelled(stream: trio.SocketStream) -> None:
    """Hypercorn shields what it sends, so a client that takes nothing would keep the service from stopping."""
    try:
        await trio.sleep_forever()
    finally:
        stream.socket.close()
