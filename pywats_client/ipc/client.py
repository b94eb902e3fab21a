"""Talk to the service of an instance, blocking; speaks `ipc.commands`."""

import contextlib
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from websockets.exceptions import ConnectionClosed, WebSocketException

from pywats_client.errors import ServiceNotRunning
from pywats_client.ipc.address import find
from pywats_client.ipc.base_client import OPTIONS, URI, Client
from pywats_client.ipc.session import Session, Told
from pywats_client.ipc.status import Status

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from pywats_client.ipc.commands.base import Answer, Command


class IPCClient(Client):
    """The blocking client.

        with IPCClient("default") as client:
            print(client.get_status().pending_count)

    Every method raises ServiceNotRunning, ProtocolMismatch, or CommandFailed.
    """

    _socket: "ClientConnection | None" = None

    def connect(self) -> bool:
        """Connect, unless connected; False where no service runs."""
        try:
            self.open()
        except ServiceNotRunning:
            return False
        return True

    def open(self) -> None:
        """As `connect`, but raises ServiceNotRunning."""
        if self._socket is not None:
            return
        from websockets.sync.client import connect, unix_connect

        address = find(self.instance, self._key)
        options = OPTIONS | {"additional_headers": address.headers, "open_timeout": self.timeout}
        session = Session()
        try:
            with contextlib.ExitStack() as undo:
                if address.endpoint.path:
                    socket = undo.enter_context(unix_connect(address.endpoint.path, URI, **options))
                else:
                    socket = undo.enter_context(connect(f"ws://127.0.0.1:{address.endpoint.port}/", **options))
                session.greeted(socket.recv(self.timeout))
                undo.pop_all()
        except (OSError, EOFError, WebSocketException) as error:
            raise self._explained(error, address.endpoint) from error
        self._socket, self._session = socket, session

    def request(self, command: str, timeout: float | None = None, /, **args: Any) -> dict[str, Any]:
        """Send a command by its name, and wait for the data of its answer."""
        self.open()
        assert self._socket is not None
        patience = timeout or self.timeout
        deadline = time.monotonic() + patience
        request_id, text = self._session.request(command, args)
        try:
            self._socket.send(text)
            while not self._session.has_answer(request_id):
                self._session.heard(self._socket.recv(max(deadline - time.monotonic(), 0)))
        except TimeoutError:
            self._session.forget(request_id)
            raise ServiceNotRunning(f"the service has not answered {command} within {patience:g} s") from None
        except ConnectionClosed as error:
            self.disconnect()
            raise ServiceNotRunning(f"the service has closed the connection ({error})") from error
        return self._session.answer(request_id)

    def call(self, command: "Command", timeout: float | None = None) -> "Answer":
        """Send a command object; its own Result comes back."""
        data = self.request(command.name, timeout, **command.model_dump(mode="json", exclude_defaults=True))
        return command.Result.model_validate(data)

    def events(self, log_level: str | None = None) -> Iterator[Told]:
        """Subscribe, and yield what happens until the connection ends; the first is named `snapshot`."""
        first = self.request("subscribe", log_level=log_level)
        session = self._session
        yield Told("snapshot", first["seq"], first["snapshot"])
        while True:
            while session.events:
                yield session.events.popleft()
            if self._socket is None or session is not self._session:
                return
            try:
                session.heard(self._socket.recv())
            except ConnectionClosed:
                self.disconnect()

    def disconnect(self) -> None:
        """Close the connection; the next command opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ping(self) -> bool:
        """Whether the service answers."""
        return bool(self.request("ping")["pong"])

    def get_status(self) -> Status:
        """How the service is."""
        return Status(self.request("get_status"))

    def get_config(self) -> dict[str, Any]:
        """The configuration in force, secrets masked."""
        return dict(self.request("get_config")["config"])

    def stop(self) -> bool:
        """Ask the service to stop."""
        return bool(self.request("stop")["requested"])

    def restart(self) -> bool:
        """Ask the service to start anew."""
        return bool(self.request("restart")["requested"])

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.disconnect()
