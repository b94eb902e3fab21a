"""Where the service meets what is not of it, beside disk and clock. A test of the whole puts its own there."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import trio

from pywats_client.converters.process import Workers, open_workers
from pywats_client.service.clients import Clients
from pywats_client.service.control_plane import ControlPlane
from pywats_client.service.hints import Hints
from pywats_client.service.threads import InThread, file_threads


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Threads, worker processes, the events of folders, the server, clients, and chance."""

    in_thread: InThread = field(default_factory=file_threads)
    open_workers: Callable[[trio.CapacityLimiter], AbstractAsyncContextManager[Workers]] = open_workers
    hints: Callable[[], Hints] = Hints
    clients: Callable[..., Clients] = Clients
    """called as Clients is"""
    control_plane: Callable[..., ControlPlane] = ControlPlane
    """called as ControlPlane is"""
    chance: random.Random = field(default_factory=random.Random)
    """spreads load, guards nothing"""
