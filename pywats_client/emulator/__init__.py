"""A WATS-compatible server on this machine: for the demo, for authors of converters, and for tests.

Its packages come with an extra; without them, asking for anything here says how to get them.
"""

from typing import TYPE_CHECKING, Any

from pywats_client.errors import PywatsError

if TYPE_CHECKING:
    from pywats_client.emulator.serve import Emulator, open_emulator

__all__ = ["Emulator", "open_emulator"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from pywats_client.emulator import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"starlette", "hypercorn"}:
            raise
        raise PywatsError(
            f"the emulator needs the package {error.name}: run pip install 'pywats-client[emulator]'"
        ) from error
    return getattr(serve, name)
