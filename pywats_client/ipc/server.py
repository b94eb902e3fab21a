"""The local websocket server: who may enter, how many at once, and each client in a nursery of its own."""

import contextlib
import logging
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from functools import partial

import trio
from trio_websocket import WebSocketConnection, WebSocketRequest, wrap_server_stream

from pywats_client.ipc.answering import Client, Dispatch
from pywats_client.ipc.connection import Connection, Feed
from pywats_client.ipc.keys import Keys
from pywats_client.ipc.messages import Hello
from pywats_client.ipc.protocol import MAX_IN, Scope
from pywats_client.ipc.stream import ClientStream

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 64
MOST_STRANGERS = 16
"""Connections whose handshake is not done. One more, and the one that has been at it longest is closed: a client of
ours needs a moment, so nobody shuts it out by being slow."""
HANDSHAKE_SECONDS = 5.0


class IPCServer:
    """Serves any number of clients; what one of them does is not felt by the others."""

    def __init__(
        self, hello: Hello, dispatch: Dispatch, feed: Feed, *, keys: Keys | None = None, is_for_group: bool = False
    ) -> None:
        self._hello, self._dispatch, self._feed, self._keys = hello, dispatch, feed, keys
        self._is_for_group = is_for_group
        self._strangers: list[trio.CancelScope] = []
        self._places = MOST_CONNECTIONS
        self._count = 0
        self.connections: set[Connection] = set()
        self._accepting = trio.CancelScope()

    @property
    def subscribers(self) -> int:
        """Clients that events are sent to."""
        return sum(connection.is_subscribed for connection in self.connections)

    async def serve(
        self, listeners: Sequence[socket.socket], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Accept on these sockets until cancelled, or until `finish` and the last client has gone."""
        wrapped = [trio.SocketListener(trio.socket.from_stdlib_socket(listener)) for listener in listeners]
        async with trio.open_nursery() as clients:
            with self._accepting:
                async with trio.open_nursery() as nursery:
                    serve = partial(trio.serve_listeners, handler_nursery=clients)
                    await nursery.start(serve, self._serve_stream, wrapped)
                    task_status.started()

    def finish(self) -> None:
        """Let no more clients in and take no more commands; each client gets the answers and events it is owed."""
        self._accepting.cancel()
        for stranger in self._strangers:
            stranger.cancel()
        for connection in self.connections:
            connection.finish()

    async def _serve_stream(self, stream: trio.SocketStream) -> None:
        """One connection, whatever it sends: a bulkhead. A stray byte in a handshake must not end the server."""
        try:
            async with trio.open_nursery() as nursery:
                await self._serve_client(stream, nursery)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        except* Exception as faults:  # noqa: BLE001
            # By its name alone: its text may be the client's, and long.
            log.debug("a connection ended by a fault: %s", type(faults.exceptions[0]).__name__)
        finally:
            await trio.aclose_forcefully(stream)

    async def _serve_client(self, stream: trio.SocketStream, nursery: trio.Nursery) -> None:
        with contextlib.ExitStack() as leaving:
            with self._stranger() as patience:
                inner = ClientStream(stream, patience.cancel)
                request = await wrap_server_stream(
                    nursery, inner, message_queue_size=1, max_message_size=MAX_IN, receive_buffer_size=65_536
                )
                verdict = self._judge(request, stream.socket)
                if not isinstance(verdict, Scope):
                    await request.reject(verdict)
                    return
                leaving.enter_context(self._place())
                websocket = await request.accept()
            if patience.cancelled_caught:
                return
            connection = self._connection(websocket, inner, verdict)
            self.connections.add(connection)
            leaving.callback(self.connections.discard, connection)
            await connection.run()

    def _connection(self, websocket: WebSocketConnection, stream: ClientStream, scope: Scope) -> Connection:
        self._count += 1
        client = Client(self._count, scope)
        return Connection(websocket, stream, client, self._hello, self._dispatch, self._feed, self._keys)

    @contextlib.contextmanager
    def _stranger(self) -> Iterator[trio.CancelScope]:
        """The time that a handshake may take; it is cancelled when the client ends it, or must make way."""
        if len(self._strangers) >= MOST_STRANGERS:
            self._strangers.pop(0).cancel()
        with trio.move_on_after(HANDSHAKE_SECONDS) as patience:
            self._strangers.append(patience)
            try:
                yield patience
            finally:
                if patience in self._strangers:
                    self._strangers.remove(patience)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        self._places -= 1
        try:
            yield
        finally:
            self._places += 1

    def _judge(self, request: WebSocketRequest, peer: trio.socket.SocketType) -> Scope | int:
        """What this client may do, or the HTTP status that refuses it before it can say anything."""
        headers = {name.lower(): value for name, value in request.headers}
        if len(headers) < len(request.headers) or headers.keys() & {b"content-length", b"transfer-encoding"}:
            return 400  # one header twice: which of them counts is anybody's guess
        if request.path != "/":
            return 404
        if b"origin" in headers:  # a page in a browser: no client of ours sends it
            return 403
        verdict = self._scope(headers.get(b"authorization", b""), peer)
        return 503 if isinstance(verdict, Scope) and not self._places else verdict

    def _scope(self, authorization: bytes, peer: trio.socket.SocketType) -> Scope | int:
        shown = authorization.removeprefix(b"Bearer ").decode("ascii", "replace")
        scope = self._keys.scope_of(shown) if self._keys and shown else None
        if shown and scope is None:
            return 401
        if scope or peer.family != getattr(socket, "AF_UNIX", None):
            return scope or 401  # a key says what its owner wants to be able to do, also where the user could do more
        return self._scope_by_user(peer) or 403

    def _scope_by_user(self, peer: trio.socket.SocketType) -> Scope | None:
        """The service's user and root may do everything; others enter only where a group was given the socket."""
        by_group = Scope.OPERATE if self._is_for_group else None
        if not hasattr(socket, "SO_PEERCRED"):
            return by_group or Scope.ADMIN
        _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        return Scope.ADMIN if user in (0, os.geteuid()) else by_group
