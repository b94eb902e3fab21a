"""What the service tells, and what it can be told; `IPCClient` and `AsyncIPCClient` do so from another process."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pywats_client.ipc.async_client import AsyncIPCClient
    from pywats_client.ipc.client import IPCClient

__all__ = ["AsyncIPCClient", "IPCClient"]


def __getattr__(name: str) -> Any:
    """Late, because the service, and every worker, loads events from here and no client."""
    if name not in __all__:
        raise AttributeError(name)
    from importlib import import_module

    module = "async_client" if name == "AsyncIPCClient" else "client"
    return getattr(import_module(f"{__name__}.{module}"), name)
