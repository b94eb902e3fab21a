"""A real server on real sockets, in a thread with a loop of its own where the client blocks; and raw clients."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import trio

from pywats_client.disk import Disk
from pywats_client.ipc import unix_socket
from pywats_client.ipc.answering import Client
from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.endpoint import Endpoint
from pywats_client.ipc.events import HealthChanged, ServiceState, ServiceStateChanged
from pywats_client.ipc.keys import Keys
from pywats_client.ipc.messages import Hello
from pywats_client.ipc.protocol import PROTOCOL_VERSION, Scope
from pywats_client.ipc.server import IPCServer
from pywats_client.paths import Instance
from pywats_client.service.hub import Hub

PATIENCE = 60.0
KEYS = {scope: f"{scope}-{'0' * 32}" for scope in Scope}
UPGRADE = (
    b"Host: localhost",
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
Do = Callable[[Command], Awaitable[Answer]]


def handshake(*more: bytes, target: bytes = b"/", method: bytes = b"GET") -> bytes:
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", *UPGRADE, *more, b"", b""])


def bearer(key: str) -> bytes:
    return f"Authorization: Bearer {key}".encode()


async def done(command: Command) -> Answer:
    """Does nothing, as every service in here unless a test says otherwise."""
    return Answer()


@dataclass
class Service:
    """A server with a hub; it writes down every command that reaches it."""

    listener: socket.socket
    do: Do = done
    is_for_group: bool = False
    hub: Hub = field(default_factory=Hub)
    commands: list[Command] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    soon: Callable[..., None] = trio.from_thread.run_sync
    """calls something in the service's loop, from another thread"""
    raw: list["Raw"] = field(default_factory=list)

    def __post_init__(self) -> None:
        hello = Hello(server_version="1.2.3", instance_id="default", requires_auth=False, capabilities=("ping",))
        self.server = IPCServer(hello, self._dispatch, self.hub, keys=Keys(KEYS), is_for_group=self.is_for_group)
        self.hub.publish(ServiceStateChanged(state=ServiceState.RUNNING))

    async def _dispatch(self, command: Command, client: Client) -> Answer:
        self.commands.append(command)
        self.clients.append(client)
        return await self.do(command)

    def tell(self, reason: str) -> None:
        self.hub.publish(HealthChanged(part="test", reason=reason))

    def stop(self) -> None:
        """As the service stops."""
        self.hub.publish(ServiceStateChanged(state=ServiceState.STOPPED))
        self.hub.close()
        self.server.finish()

    @asynccontextmanager
    async def running(self, patience: float = PATIENCE) -> AsyncIterator["Service"]:
        with self.listener, trio.fail_after(patience):
            async with trio.open_nursery() as nursery:
                await nursery.start(partial(self.server.serve, [self.listener]))
                try:
                    yield self
                finally:
                    for client in self.raw:
                        client.stream.socket.close()
                nursery.cancel_scope.cancel()

    async def until(self, is_so: Callable[[], object]) -> None:
        while not is_so():
            await trio.sleep(0.005)


def listen(transport: str, folder: Path) -> socket.socket:
    """A listener of that kind."""
    if transport == "tcp":
        return socket.create_server(("127.0.0.1", 0))
    return unix_socket.listen_unix(folder / "s" / "ipc.sock")


class Raw:
    """A client that says what it likes, frame by frame."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream, self._heard = stream, b""

    @classmethod
    async def to(cls, service: Service) -> "Raw":
        known = service.listener
        client = trio.socket.socket(known.family)
        raw = cls(trio.SocketStream(client))
        service.raw.append(raw)
        await client.connect(known.getsockname())
        return raw

    async def say(self, data: bytes) -> None:
        """What is no longer taken is lost."""
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self.stream.send_all(data)

    async def end(self) -> None:
        """Nothing more will be said."""
        with contextlib.suppress(OSError, trio.BrokenResourceError):
            await self.stream.send_eof()

    async def more(self) -> bytes:
        try:
            return bytes(await self.stream.receive_some(65_536))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return b""

    async def everything(self) -> bytes:
        """What comes until the server closes."""
        said = self._heard
        while data := await self.more():
            said += data
        return said

    async def status(self) -> int:
        """The HTTP status of the answer to a handshake; 0 where there is none."""
        while b"\r\n\r\n" not in self._heard:
            data = await self.more()
            if not data:
                return 0
            self._heard += data
        head, _, self._heard = self._heard.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1])

    async def enter(self, *headers: bytes) -> "Raw":
        """The handshake and the hello."""
        await self.say(handshake(*headers))
        assert await self.status() == 101
        assert (await self.frame())["protocol_version"] == PROTOCOL_VERSION
        return self

    async def _exactly(self, count: int) -> bytes:
        while len(self._heard) < count:
            data = await self.more()
            if not data:
                raise EOFError
            self._heard += data
        found, self._heard = self._heard[:count], self._heard[count:]
        return found

    async def message(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame."""
        first, length = await self._exactly(2)
        if length == 126:
            length = int.from_bytes(await self._exactly(2))
        elif length == 127:
            length = int.from_bytes(await self._exactly(8))
        return first & 15, await self._exactly(length)

    async def frame(self) -> dict[str, Any]:
        opcode, payload = await self.message()
        assert opcode == 1, (opcode, payload)
        found: dict[str, Any] = json.loads(payload)
        return found

    async def close_code(self) -> int:
        """Of the server's goodbye, whatever comes before it; 0 where the connection just ends."""
        with contextlib.suppress(EOFError):
            while True:
                opcode, payload = await self.message()
                if opcode == 8:
                    return int.from_bytes(payload[:2])
        return 0

    async def request(self, name: str, request_id: str = "1", version: str = PROTOCOL_VERSION, **args: Any) -> None:
        frame = {"command": name, "request_id": request_id, "protocol_version": version, "args": args}
        await self.say(text_frame(json.dumps(frame).encode()))

    async def ask(self, name: str, request_id: str = "1", **args: Any) -> dict[str, Any]:
        """The response, of which there is one."""
        await self.request(name, request_id, **args)
        while "event" in (frame := await self.frame()):
            pass
        assert frame["request_id"] == request_id
        return frame

    async def aclose(self) -> None:
        await self.stream.aclose()


def text_frame(payload: bytes, opcode: int = 1, *, is_last: bool = True) -> bytes:
    """A frame as clients send them, with a mask of zeros."""
    first = bytes([opcode | (0x80 if is_last else 0)])
    if len(payload) < 126:
        length = bytes([0x80 | len(payload)])
    elif len(payload) < 1 << 16:
        length = b"\xfe" + len(payload).to_bytes(2)
    else:
        length = b"\xff" + len(payload).to_bytes(8)
    return first + length + bytes(4) + payload


async def is_served(service: Service) -> bool:
    """Whether an honest client gets in and is answered."""
    key = () if service.listener.family == socket.AF_UNIX else (bearer(KEYS[Scope.VIEW]),)
    client = await (await Raw.to(service)).enter(*key)
    answer = await client.ask("ping")
    await client.aclose()
    return bool(answer["data"]["pong"])


@contextlib.contextmanager
def in_thread(instance: Instance, do: Do = done, *, tcp: bool = False) -> Iterator[Service]:
    """A service of this instance runs in a thread, with its endpoint's file and keys, for clients that block."""
    started, ended = threading.Event(), threading.Event()
    with contextlib.ExitStack() as undo:
        Disk().make_folder(instance.endpoint.parent)
        Disk().replace(instance.ipc_keys, json.dumps(KEYS).encode())
        path, port = "", 0
        if tcp:
            listener = undo.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = listener.getsockname()[1]
        else:
            listener, found, _ = undo.enter_context(unix_socket.listening(instance))
            path = str(found)
        Endpoint(instance.id, "", os.getpid(), "1.2.3", "", path=path, port=port).write(instance.endpoint, 0o644)
        service = Service(listener, do)
        tokens: list[trio.lowlevel.TrioToken] = []

        async def serve() -> None:
            with trio.fail_after(PATIENCE):
                async with trio.open_nursery() as nursery:
                    await nursery.start(partial(service.server.serve, [listener]))
                    tokens.append(trio.lowlevel.current_trio_token())
                    started.set()
                    await trio.to_thread.run_sync(ended.wait)
                    nursery.cancel_scope.cancel()

        thread = threading.Thread(target=trio.run, args=(serve,))
        thread.start()
        started.wait(PATIENCE)
        service.soon = tokens[0].run_sync_soon
        try:
            yield service
        finally:
            ended.set()
            thread.join(PATIENCE)
