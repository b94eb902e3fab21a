"""What the clients of a service have in common: which service, which key, and the words for what goes wrong."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus

from pywats_client.errors import CommandFailed, IpcError, ProtocolMismatch, ServiceNotRunning
from pywats_client.ipc.address import KEY_VARIABLE, not_for_this_user, not_running
from pywats_client.ipc.endpoint import Endpoint
from pywats_client.ipc.protocol import MAX_OUT, Code
from pywats_client.ipc.session import Session
from pywats_client.paths import Instance

URI = "ws://localhost/"
OPTIONS: dict[str, Any] = {
    "compression": None,
    "max_size": MAX_OUT,
    "user_agent_header": None,
    "proxy": None,  # the service is on this machine, whatever the environment says of the way to others
    "ping_interval": None,
    "close_timeout": 1.0,
}


class Client:
    """What the blocking client and the one for asyncio have in common."""

    def __init__(
        self, instance_id: str = "default", *, home: Path | None = None, key: str | None = None, timeout: float = 5.0
    ) -> None:
        self.instance = Instance.find(instance_id, home)
        self.timeout = timeout
        self._key = key
        self._session = Session()

    @property
    def server_version(self) -> str:
        """Version of the service's program."""
        return str(self._session.hello.get("server_version", ""))

    @property
    def server_capabilities(self) -> tuple[str, ...]:
        """What the service says it can."""
        return tuple(self._session.hello.get("capabilities", ()))

    def _explained(self, error: Exception, endpoint: Endpoint) -> IpcError:
        """What a person reads where no connection came about."""
        if isinstance(error, InvalidStatus):
            return _refused(error.response.status_code)
        if isinstance(error, PermissionError):
            return not_for_this_user(endpoint.path)
        if isinstance(error, TimeoutError):
            return ServiceNotRunning(
                f"the service (process {endpoint.pid}) has not answered within {self.timeout:g} s; "
                f"the log of instance {self.instance.id!r} may say why: {self.instance.log}"
            )
        if isinstance(error, OSError):
            return not_running(self.instance)
        if isinstance(error, (EOFError, ConnectionClosed)) or isinstance(error.__cause__, EOFError):
            return ServiceNotRunning("the service closed the connection before it said hello; try again in a moment")
        return ProtocolMismatch(f"what listens there does not speak our protocol: {error}")


def _refused(status: int) -> IpcError:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return CommandFailed(Code.TEMPORARY, "the service has as many clients as it serves at once; close one of them")
    if status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ProtocolMismatch(f"what listens there does not speak our protocol: HTTP status {status}")
    return CommandFailed(
        Code.FORBIDDEN,
        f"the service refuses this client (HTTP status {status}): it needs a key of the instance in {KEY_VARIABLE}, "
        "or the user that the service runs as",
    )
