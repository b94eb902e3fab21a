"""Talk to the service of an instance from a program that runs asyncio; speaks `ipc.commands`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from websockets.exceptions import ConnectionClosed, WebSocketException

from pywats_client.errors import ProtocolMismatch, ServiceNotRunning
from pywats_client.ipc.address import Address, find
from pywats_client.ipc.base_client import OPTIONS, URI, Client
from pywats_client.ipc.session import Session, Told
from pywats_client.ipc.status import Status

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from pywats_client.ipc.commands.base import Answer, Command


class AsyncIPCClient(Client):
    """The client for asyncio; its methods are those of IPCClient, and any number of requests may be under way."""

    _socket: "ClientConnection | None" = None

    def __init__(
        self, instance_id: str = "default", *, home: Path | None = None, key: str | None = None, timeout: float = 5.0
    ) -> None:
        super().__init__(instance_id, home=home, key=key, timeout=timeout)
        self._opening = asyncio.Lock()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        """those who wait for an answer on the present connection, by the id of their request"""
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def connect(self) -> bool:
        """Connect, unless connected; False where no service runs."""
        try:
            await self.open()
        except ServiceNotRunning:
            return False
        return True

    async def open(self) -> None:
        """As `connect`, but raises ServiceNotRunning."""
        async with self._opening:
            if self._socket is not None:
                return
            address, session = find(self.instance, self._key), Session()
            try:
                socket = await self._greeted(address, session)
            except (OSError, EOFError, WebSocketException) as error:
                raise self._explained(error, address.endpoint) from error
            self._socket, self._session, self._waiting = socket, session, {}
            self._reader = asyncio.create_task(self._read(socket, session, self._waiting))

    async def _greeted(self, address: Address, session: Session) -> "ClientConnection":
        from websockets.asyncio.client import connect, unix_connect

        options = OPTIONS | {"additional_headers": address.headers, "open_timeout": self.timeout}
        if address.endpoint.path:
            socket = await unix_connect(address.endpoint.path, URI, **options)
        else:
            socket = await connect(f"ws://127.0.0.1:{address.endpoint.port}/", **options)
        try:
            async with asyncio.timeout(self.timeout):
                session.greeted(await socket.recv())
        except BaseException:
            await socket.close()
            raise
        return socket

    async def _read(
        self, socket: "ClientConnection", session: Session, waiting: dict[str, asyncio.Future[None]]
    ) -> None:
        """Sort what comes, until the connection ends; then nobody waits for it any more."""
        try:
            with contextlib.suppress(ConnectionClosed, ProtocolMismatch):
                while True:
                    request_id = session.heard(await socket.recv())
                    if request_id in waiting:
                        _wake(waiting[request_id])
                    self._news.set()
        finally:
            if self._socket is socket:
                self._socket = None
            for answered in waiting.values():
                _wake(answered)
            self._news.set()
            await socket.close()

    async def request(self, command: str, timeout: float | None = None, /, **args: Any) -> dict[str, Any]:  # noqa: ASYNC109
        """Send a command by its name, and wait for the data of its answer."""
        await self.open()
        assert self._socket is not None
        socket, session, waiting = self._socket, self._session, self._waiting
        patience = timeout or self.timeout
        request_id, text = session.request(command, args)
        answered = waiting[request_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(patience):
                await socket.send(text)
                await answered
            if not session.has_answer(request_id):
                raise ServiceNotRunning("the service has closed the connection")
            return session.answer(request_id)
        except TimeoutError:
            raise ServiceNotRunning(f"the service has not answered {command} within {patience:g} s") from None
        except ConnectionClosed as error:
            raise ServiceNotRunning(f"the service has closed the connection ({error})") from error
        finally:
            waiting.pop(request_id, None)
            session.forget(request_id)

    async def call(self, command: "Command", timeout: float | None = None) -> "Answer":  # noqa: ASYNC109
        """Send a command object; its own Result comes back."""
        data = await self.request(command.name, timeout, **command.model_dump(mode="json", exclude_defaults=True))
        return command.Result.model_validate(data)

    async def events(self, log_level: str | None = None) -> AsyncIterator[Told]:
        """Subscribe, and yield what happens until the connection ends; the first is named `snapshot`."""
        first = await self.request("subscribe", log_level=log_level)
        session = self._session
        yield Told("snapshot", first["seq"], first["snapshot"])
        while True:
            while session.events:
                yield session.events.popleft()
            if self._socket is None or session is not self._session:
                return
            self._news.clear()
            await self._news.wait()

    async def disconnect(self) -> None:
        """Close the connection; the next command opens another."""
        if (socket := self._socket) is not None:
            self._socket = None
            await socket.close()
        if (reader := self._reader) is not None:
            self._reader = None
            await asyncio.wait([reader])

    async def ping(self) -> bool:
        """Whether the service answers."""
        return bool((await self.request("ping"))["pong"])

    async def get_status(self) -> Status:
        """How the service is."""
        return Status(await self.request("get_status"))

    async def get_config(self) -> dict[str, Any]:
        """The configuration in force, secrets masked."""
        return dict((await self.request("get_config"))["config"])

    async def stop(self) -> bool:
        """Ask the service to stop."""
        return bool((await self.request("stop"))["requested"])

    async def restart(self) -> bool:
        """Ask the service to start anew."""
        return bool((await self.request("restart"))["requested"])

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.disconnect()


def _wake(answered: asyncio.Future[None]) -> None:
    if not answered.done():  # who waited may just have been cancelled
        answered.set_result(None)
