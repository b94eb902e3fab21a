"""Libraries that only some formats need, and that not everybody installs."""

from collections.abc import Iterator
from contextlib import contextmanager

from pywats_client.errors import ConversionError


@contextmanager
def extra(format_name: str) -> Iterator[None]:
    """Import such a library in this block. Raises ConversionError, with the command that installs it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ConversionError(
            f"the format {format_name} needs {missing.name}, which is not installed: "
            "pip install 'pywats-client[formats]'"
        ) from None
