"""One client: its handshake, its commands as they come, and events for as long as it subscribes."""

import contextlib
import logging
from typing import Protocol

import trio
from pydantic import ValidationError
from trio_websocket import ConnectionClosed, WebSocketConnection

from pywats_client.errors import CommandFailed
from pywats_client.ipc.answering import Client, Dispatch, done, encoded, failed, require_scope
from pywats_client.ipc.commands.base import Answer, Command, parse
from pywats_client.ipc.commands.service import Auth, Connect, Disconnect, GetSchema, Ping, Subscribe, Unsubscribe
from pywats_client.ipc.events import Event, ServiceState, Snapshot
from pywats_client.ipc.keys import Keys
from pywats_client.ipc.messages import Hello, Request, Response
from pywats_client.ipc.protocol import LEAST_VERSION, Code
from pywats_client.ipc.schema import schema
from pywats_client.ipc.stream import ClientStream, text_frame
from pywats_client.ipc.subscription import Subscription
from pywats_client.logs import LevelName

log = logging.getLogger(__name__)

IN_FLIGHT = 32
"""Requests of one client that are worked on at once; the rest waits in its socket."""
GOODBYE_SECONDS = 1.0
FELL_BEHIND = 1013
"""Close code: try again later."""

OF_THE_CONNECTION = (Ping, Auth, Connect, Disconnect, Subscribe, Unsubscribe, GetSchema)
"""Commands that are answered here: they are about the connection, or the protocol itself."""


class Feed(Protocol):
    """Where events come from: the service's hub."""

    snapshot: Snapshot

    def subscribed(
        self, *, log_level: LevelName | None = None
    ) -> contextlib.AbstractContextManager[trio.MemoryReceiveChannel[Event]]:
        """The events from now on; they end when the subscriber falls too far behind."""
        ...


class Connection:
    """Serves one client whose handshake was accepted."""

    def __init__(
        self,
        socket: WebSocketConnection,
        stream: ClientStream,
        client: Client,
        hello: Hello,
        dispatch: Dispatch,
        feed: Feed,
        keys: Keys | None,
    ) -> None:
        self._socket, self._stream, self.client, self._hello = socket, stream, client, hello
        self._dispatch, self._feed, self._keys = dispatch, feed, keys
        self._slots = trio.Semaphore(IN_FLIGHT)
        self._reading = trio.CancelScope()
        self._subscription: Subscription | None = None

    @property
    def is_subscribed(self) -> bool:
        """Whether events are sent to it."""
        return self._subscription is not None and not self._subscription.is_over

    async def run(self) -> None:
        """Say hello, then answer until the client goes."""
        try:
            async with trio.open_nursery() as nursery:
                await self._socket.send_message(self._hello.model_dump_json())
                with self._reading:
                    while True:
                        await self._slots.acquire()
                        message = await self._socket.get_message()
                        self._stream.message_came()
                        nursery.start_soon(self._answer_in_slot, message, nursery)
        except* (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await self.close(1001)

    def finish(self) -> None:
        """Take no more commands; what is under way is answered, and events go on until there are no more."""
        self._reading.cancel()

    async def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, without waiting for an answer for long."""
        with trio.move_on_after(GOODBYE_SECONDS, shield=True):
            await self._socket.aclose(code, reason)

    async def _answer_in_slot(self, message: str | bytes, nursery: trio.Nursery) -> None:
        try:
            await self._answer(message, nursery)
        finally:
            self._slots.release()

    async def _answer(self, message: str | bytes, nursery: trio.Nursery) -> None:
        """One response to one request, whatever happens: a bulkhead."""
        request_id = ""
        try:
            request = _read(message)
            request_id = request.request_id
            _require_version(request.protocol_version)
            command = parse(request.command, request.args)
            require_scope(command, self.client)
            if isinstance(command, Subscribe):
                await nursery.start(self._push, command, request_id)
                return
            result = await self._do(command)
        except Exception as error:  # noqa: BLE001 -- whatever a command raises is an answer
            response = failed(error, request_id)
        else:
            response = done(result, request_id)
        await self._respond(response)
        if response.success and isinstance(command, Disconnect):
            await self.close(1000)

    async def _do(self, command: Command) -> Answer:
        match command:
            case Ping():
                return Ping.Result()
            case Auth():
                return self._auth(command)
            case Connect():
                return Connect.Result(scope=self.client.scope)
            case Disconnect():
                return Disconnect.Result()
            case Unsubscribe():
                self._unsubscribe()
                return Unsubscribe.Result()
            case GetSchema():
                return schema()
        return await self._dispatch(command, self.client)

    def _auth(self, command: Auth) -> Auth.Result:
        scope = self._keys.scope_of(command.token) if self._keys else None
        if self._keys and scope is None:
            raise CommandFailed(Code.FORBIDDEN, "this is not a key of this service")
        if scope and scope.includes(self.client.scope):
            self.client = Client(self.client.number, scope)
        return Auth.Result(
            authenticated=True, message="" if scope else "no key is needed here", scope=self.client.scope
        )

    async def _respond(self, response: Response) -> None:
        _, content = encoded(response)
        await self._socket.send_message(content.decode())

    # --- events

    async def _push(
        self, command: Subscribe, request_id: str, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Answer with the state as it is, then every event since, until unsubscribed."""
        self._unsubscribe()
        with self._feed.subscribed(log_level=command.log_level) as events:
            subscription = self._subscription = Subscription(events)
            task_status.started()
            result = Subscribe.Result(seq=0, snapshot=self._feed.snapshot.model_dump(mode="json"))
            await self._respond(done(result, request_id))
            told = 0
            async for together in subscription:
                frames = [
                    text_frame(f'{{"event":"{event.name}","seq":{number},"data":{event.wire}}}')
                    for number, event in enumerate(together, told + 1)
                ]
                told += len(together)
                await self._stream.send_all(b"".join(frames))
        if not subscription.is_over and self._feed.snapshot.service is not ServiceState.STOPPED:
            log.info("client %d fell behind the events, and is closed", self.client.number)
            await self.close(FELL_BEHIND, "fell behind; connect and subscribe again")

    def _unsubscribe(self) -> None:
        if self._subscription:
            self._subscription.end()


def _read(message: str | bytes) -> Request:
    """Raises CommandFailed."""
    if not isinstance(message, str):
        raise CommandFailed(Code.INVALID, "no request: it must be a text message, and this one is binary")
    try:
        return Request.model_validate_json(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise CommandFailed(Code.INVALID, f"no request: {place + ': ' if place else ''}{first['msg']}") from None


def _require_version(stated: str) -> None:
    """Raises CommandFailed."""
    try:
        version = tuple(int(part) for part in stated.split("."))
    except ValueError:
        version = ()
    if version[:1] != LEAST_VERSION[:1] or version < LEAST_VERSION:
        raise CommandFailed(Code.VERSION, f"protocol version {stated[:20]} not supported; minimum: 2.0")
