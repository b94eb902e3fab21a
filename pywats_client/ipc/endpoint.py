"""Where an instance listens, and who is listening on this machine. Sockets only: the command line imports this."""

import contextlib
import hashlib
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from pywats_client.errors import ConfigError
from pywats_client.paths import Instance, running_folders

PORTS = range(50_000, 60_000)
PROBE_SECONDS = 1.0


@dataclass(frozen=True)
class Endpoint:
    """What the endpoint's file says of a running service. `path` for a Unix socket, else `port` on loopback."""

    instance_id: str
    home: str
    """what --home said; empty for the usual places"""
    pid: int
    version: str
    started: str
    """ISO 8601 with zone"""
    path: str = ""
    port: int = 0
    http_port: int = 0
    """of the HTTP face; 0: off"""

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """What the file says; None where there is none, or nothing that can be understood."""
        try:
            values = json.loads(file.read_bytes())
            found = cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        is_sound = all(type(getattr(found, name)) is kind for name, kind in cls.__annotations__.items())
        return found if is_sound and 0 <= found.port < 65_536 else None

    def write(self, file: Path, mode: int) -> None:
        """Replace the file at once, so that nobody reads half of it."""
        temporary = file.with_name(f".{file.name}.{self.pid}")
        temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")
        temporary.chmod(mode)
        temporary.replace(file)

    def is_answering(self) -> bool:
        """Whether somebody listens there now."""
        with contextlib.suppress(OSError), self.connected():
            return True
        return False

    @contextlib.contextmanager
    def connected(self, timeout: float = PROBE_SECONDS) -> Iterator[socket.socket]:
        """A connection to it. Raises OSError."""
        if self.path:
            with socket.socket(socket.AF_UNIX) as unix:
                unix.settimeout(timeout)
                unix.connect(self.path)
                yield unix
        else:
            with socket.create_connection(("127.0.0.1", self.port), timeout) as tcp:
                yield tcp


def first_port(instance_id: str) -> int:
    """The port of an instance, as the older clients compute it; the next free one is used where it is taken."""
    digest = hashlib.md5(f"pyWATS_Service_{instance_id}".encode(), usedforsecurity=False).hexdigest()
    return PORTS.start + int(digest[:8], 16) % len(PORTS)


def listen_tcp(instance_id: str, port: int = 0) -> socket.socket:
    """Listen on loopback: on `port`, or where that is 0 on the instance's port or the next free one."""
    first = port or first_port(instance_id)
    tried = [first] if port else [PORTS.start + (first - PORTS.start + step) % len(PORTS) for step in range(100)]
    for candidate in tried:
        listener = socket.socket(socket.AF_INET)
        try:
            if os.name == "posix":  # elsewhere this option lets two processes have one port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", candidate))
            listener.listen()
            return listener
        except OSError:
            listener.close()
    raise ConfigError("ipc.port", f"no port of {tried[0]} to {tried[-1]} on loopback is free")


def group_folder(instance: Instance) -> Path:
    """The folder that `ipc.group` may enter. Nothing but the socket and a copy of the endpoint's file lies there."""
    folder = instance.endpoint.parent
    return folder.with_name(f"{folder.name}.ipc")


def running_instances(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> list[Endpoint]:
    """Every service of this user and of the system that answers now, by instance id."""
    found = {}
    for folder in running_folders(environ, platform):
        for file in sorted(folder.glob("*.json")) + sorted(folder.glob("*/endpoint.json")):
            endpoint = Endpoint.read(file)
            if endpoint and (endpoint.path or endpoint.port) and endpoint.is_answering():
                found[endpoint.path or endpoint.port] = endpoint
    return sorted(found.values(), key=lambda endpoint: (endpoint.instance_id, endpoint.home))


def registration(endpoint: Endpoint, environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """A second place of the endpoint's file, where it is found without knowing the service's home."""
    place = hashlib.sha256(f"{endpoint.home}\0{endpoint.instance_id}".encode()).hexdigest()[:12]
    return running_folders(environ, platform)[0] / f"{endpoint.instance_id}-{place}.json"
