"""The service: folders in, reports out, alone, day and night.

Names that older documents use stay importable from here; the README's name map has them all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pywats_client.ipc.server import IPCServer
    from pywats_client.service.client_service import ClientService
    from pywats_client.service.converter_pool import ConverterPool
    from pywats_client.service.pending_queue import PendingQueue

    AsyncClientService, AsyncConverterPool, AsyncPendingQueue = ClientService, ConverterPool, PendingQueue
    AsyncIPCServer = IPCServer

__all__ = [
    "AsyncClientService",
    "AsyncConverterPool",
    "AsyncIPCServer",
    "AsyncPendingQueue",
    "ClientService",
    "ConverterPool",
    "IPCServer",
    "PendingQueue",
]

_HOMES = {
    "ClientService": "pywats_client.service.client_service",
    "ConverterPool": "pywats_client.service.converter_pool",
    "IPCServer": "pywats_client.ipc.server",
    "PendingQueue": "pywats_client.service.pending_queue",
}


def __getattr__(name: str) -> Any:
    plain = name.removeprefix("Async")
    if plain not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[plain]), plain)
