"""From an instance to the service that runs it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pywats_client.errors import CommandFailed, ServiceNotRunning
from pywats_client.ipc.endpoint import Endpoint, group_folder
from pywats_client.ipc.protocol import Code
from pywats_client.paths import Instance

KEY_VARIABLE = "PYWATS_IPC_KEY"


@dataclass(frozen=True)
class Address:
    """Where to connect, and what to show there."""

    endpoint: Endpoint
    headers: dict[str, str]


def find(instance: Instance, key: str | None = None) -> Address:
    """The address of a running service. Raises ServiceNotRunning, or CommandFailed where this user may not know."""
    file = instance.endpoint
    endpoint = Endpoint.read(file) or Endpoint.read(group_folder(instance) / file.name)
    if endpoint is None:
        raise not_for_this_user(file) if _is_shut(file) else not_running(instance)
    shown = key or os.environ.get(KEY_VARIABLE) or (None if endpoint.path else _own_key(instance.ipc_keys))
    return Address(endpoint, {"Authorization": f"Bearer {shown}"} if shown else {})


def not_running(instance: Instance) -> ServiceNotRunning:
    """The sentence, with what to do."""
    more = f" --home {instance.home}" if instance.home else ""
    more += f" --instance-id {instance.id}" if instance.id != "default" else ""
    return ServiceNotRunning(
        f"no service runs for instance {instance.id!r}; `pywats-client start{more}` starts it, "
        f"`pywats-client instances` shows those that run"
    )


def not_for_this_user(place: Path | str) -> CommandFailed:
    """The sentence, with who may."""
    return CommandFailed(
        Code.FORBIDDEN,
        f"this user may not enter {place}: the service's own user, root and the members of `ipc.group` can talk to it",
    )


def _is_shut(file: Path) -> bool:
    try:
        file.stat()
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def _own_key(file: Path) -> str | None:
    """The strongest key, for who may read the file."""
    try:
        return str(json.loads(file.read_bytes())["admin"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
