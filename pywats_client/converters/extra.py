"""Libraries that only some formats need, and that not everybody installs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from pywats_client.errors import ConversionError

INSTALL = "pip install 'pywats-client[formats]'"


@contextmanager
def extra(format_name: str) -> Iterator[None]:
    """Import such a library in this block. Raises ConversionError, with the command that installs it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ConversionError(
            f"the format {format_name} needs {missing.name}, which is not installed: {INSTALL}"
        ) from None


def unasked() -> str:
    """The end of a sentence that no format knows a file: which could not be asked. Empty where all could."""
    return "" if find_spec("lxml") else f"; formats that need lxml, which is not installed, were not asked: {INSTALL}"
