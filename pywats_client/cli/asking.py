"""How commands reach the service of an instance."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pywats_client.cli.known import known_instance
from pywats_client.errors import ExitCode, IpcError, ServiceNotRunning
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.ipc.client import IPCClient
    from pywats_client.ipc.endpoint import Endpoint
    from pywats_client.ipc.session import Told

PATIENCE = 30.0
"""Seconds for commands whose work may take long: a listing of a large queue, a conversion that is tried."""
SOON = 4.0
"""Seconds in which a service that is well takes a client, and answers what costs it nothing."""


class NoAnswer(IpcError):
    """The service is there, and does not answer."""

    exit_code = ExitCode.TEMPORARY


@contextlib.contextmanager
def asking(instance_id: str, home: Path | None, timeout: float = PATIENCE) -> Iterator["IPCClient"]:
    """A client that is connected, which never takes longer than `SOON`; `timeout` is for each answer.

    Raises NoInstance where nothing configures it, ServiceNotRunning, NoAnswer, or CommandFailed for who may not ask.
    """
    from pywats_client.ipc.client import IPCClient

    client = IPCClient(instance_id, home=home, timeout=SOON)
    client.instance = located(client.instance)
    try:
        _open(client)
        client.timeout = timeout
        yield client
    except ServiceNotRunning as error:
        if _has_timed_out(error):
            raise NoAnswer(f"{error}; try again") from error
        raise
    finally:
        client.disconnect()


def _open(client: "IPCClient") -> None:
    try:
        client.open()
    except ServiceNotRunning as error:
        if not _has_timed_out(error):
            known_instance(client.instance.id, client.instance.home)
        raise


def _has_timed_out(error: ServiceNotRunning) -> bool:
    """Whether somebody was there, who did not answer in time."""
    return isinstance(error.__context__, TimeoutError)


def located(instance: Instance) -> Instance:
    """The instance with the endpoint of the service that runs it: its own, or that of the system's service."""
    from pywats_client.paths import SYSTEM_RUNTIME

    system = SYSTEM_RUNTIME / instance.id / "endpoint.json"
    if instance.home is None and not os.path.lexists(instance.endpoint) and os.path.lexists(system):
        return replace(instance, endpoint=system)
    return instance


def endpoint_of(instance: Instance) -> "Endpoint | None":
    """Where a service answers now; None where none does. Raises CommandFailed where this user may not know."""
    from pywats_client.ipc.address import find

    try:
        endpoint = find(located(instance)).endpoint
    except ServiceNotRunning:
        return None
    return endpoint if endpoint.is_answering() else None


def is_running(instance: Instance) -> bool:
    """Whether a service answers there now."""
    return endpoint_of(instance) is not None


def following(client: "IPCClient", log_level: str | None = None) -> Iterator["Told"]:
    """The client's events. Raises ServiceNotRunning where the service has stopped, NoAnswer where it let go of us."""
    yield from client.events(log_level)
    if is_running(client.instance):
        raise NoAnswer("the service has closed the connection, as it does with who reads too slowly; try again")
    raise ServiceNotRunning("the service has stopped")
