"""A service whose HTTP face is open, and the ways to its door."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio
from service_desk import Desk
from trio_websocket import WebSocketConnection, open_websocket_url

from pywats_client.ipc.events import ConnectionState, ConverterState
from pywats_client.ipc.protocol import Scope

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class House:
    """`http` is what its section says beside `enabled`."""

    def __init__(self, home: Path, **http: Any) -> None:
        self.desk = Desk(home)
        self.configure(enabled=True, **http)

    def configure(self, **http: Any) -> None:
        """What the section `http` says; a service that runs hears of it by `reload`."""
        self.desk.config["http"] = http
        self.desk.write()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The service runs meanwhile, and is online."""
        async with self.desk.running():
            await self.listening()
            await self.desk.until(lambda: self.desk.hub.snapshot.connection is ConnectionState.ONLINE)
            await self.converting()
            yield

    async def converting(self) -> None:
        """Wait until its converter runs."""
        name = self.desk.config["converters"][0]["name"]
        await self.desk.until(lambda: self.desk.hub.snapshot.converter(name).state is ConverterState.RUNNING)

    async def listening(self) -> str:
        """Wait until it listens; where."""
        while not (address := await self.address()):
            await trio.sleep(0.01)
        return address

    async def address(self) -> str:
        return (await self.desk.status()).rest

    async def port(self) -> int:
        return int((await self.address()).rpartition(":")[2])

    def key(self, scope: Scope = Scope.ADMIN) -> str:
        return str(json.loads(self.desk.instance.ipc_keys.read_text())[scope])

    @property
    def trouble(self) -> str:
        return self.desk.hub.snapshot.degraded.get("http", "")

    @asynccontextmanager
    async def client(self, scope: Scope | None = Scope.ADMIN, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        shown = {"Authorization": f"Bearer {self.key(scope)}"} if scope else {}
        address = await self.address()
        async with httpx.AsyncClient(base_url=address, headers={**shown, **headers}, trust_env=False) as client:
            yield client

    @asynccontextmanager
    async def events(self, query: str = "", **headers: str) -> AsyncIterator[WebSocketConnection]:
        address = (await self.address()).replace("http", "ws", 1)
        shown = {"Authorization": f"Bearer {self.key(Scope.VIEW)}", **headers}
        raw = [(name.encode(), value.encode()) for name, value in shown.items()]
        async with open_websocket_url(f"{address}/api/v1/events{query}", extra_headers=raw) as socket:
            try:
                yield socket
            finally:  # the library leaves it open where the other side has closed
                await trio.aclose_forcefully(socket._stream)

    async def handshake(self, query: str = "", **headers: str) -> tuple[int, str]:
        """The status of the answer to a handshake that is refused, and its body."""
        shown = {"Host": "localhost", "Authorization": f"Bearer {self.key()}", **UPGRADE, **headers}
        lines = [f"GET /api/v1/events{query} HTTP/1.1", *(f"{name}: {value}" for name, value in shown.items())]
        head, _, body = (await self.raw("\r\n".join([*lines, "", ""]).encode())).decode().partition("\r\n\r\n")
        return int(head.split()[1]), body

    async def raw(self, request: bytes) -> bytes:
        """All that comes back until the connection ends, however it ends."""
        stream = await trio.open_tcp_stream("127.0.0.1", await self.port())
        found = b""
        async with stream:
            try:
                await stream.send_all(request)
                while part := await stream.receive_some():
                    found += part
            except trio.BrokenResourceError:
                pass
        return found
