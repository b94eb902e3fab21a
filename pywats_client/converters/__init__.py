"""Converters turn what testers write into reports; this is all that the author of one needs to import."""

from typing import TYPE_CHECKING, Any

from pywats_client.errors import ConversionError, NotMine, NotYet

if TYPE_CHECKING:
    from pywats_client.converters.base import Context, Converter, FileConverter, FolderConverter, Source

__all__ = [
    "Context",
    "ConversionError",
    "Converter",
    "FileConverter",
    "FolderConverter",
    "NotMine",
    "NotYet",
    "Source",
]


def __getattr__(name: str) -> Any:
    # The base classes bring pydantic with them: a worker limits itself before it loads that.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pywats_client.converters import base

    return getattr(base, name)
