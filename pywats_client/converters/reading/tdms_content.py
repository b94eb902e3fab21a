"""NI TDMS files as npTDMS reads them, and what their properties say."""

import os
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO

from pywats_client.converters.base import Source
from pywats_client.converters.extra import extra
from pywats_client.errors import ConversionError

TAG = b"TDSm"
_INDEX_TAG, _LEAD_IN = b"TDSh", 28
_BIG_ENDIAN, _UNKNOWN_SIZE = 1 << 6, (1 << 64) - 1
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]+")
_FAULTS = (ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, StopIteration, TypeError)
"""What the library raises, beside ValueError and plain Exception, for a file that is no good."""
_OF_FILE = ("name", "stem", "folder")
"""Placeholders that say something of the file as a file."""


@contextmanager
def opened(source: Source) -> Iterator[Any]:
    """The file, of which only the properties are read yet. Raises ConversionError for one that is no good."""
    library = _library()
    with source.open() as stream:
        _require_whole(stream)
        stream.seek(0)
        with _understood():
            content = library.TdmsFile.open(stream)
        with content:
            yield content


def _library() -> Any:
    """npTDMS. Below it numpy would take memory at once for a thread of each processor, more than a worker has."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with extra("tdms"):
        import nptdms  # type: ignore[import-untyped]
    return nptdms


@contextmanager
def _understood() -> Iterator[None]:
    """Whatever the library finds wrong with a file is said in a sentence."""
    try:
        yield
    except MemoryError:
        raise ConversionError(
            "the file is damaged, or has a segment for which there is not enough memory: raise memory_limit_mb, "
            "or have it written in smaller segments"
        ) from None
    except Exception as fault:
        if type(fault) is Exception or isinstance(fault, (*_FAULTS, ValueError, struct.error)):
            raise ConversionError(f"npTDMS cannot read the file: {fault or type(fault).__name__}") from fault
        raise


def _require_whole(stream: BinaryIO) -> None:
    """The file is a chain of segments. Raises ConversionError where one is cut off, which the library passes over."""
    size = stream.seek(0, os.SEEK_END)
    start = number = 0
    while start < size or not number:
        number += 1
        place = f"segment {number} at byte {start}"
        stream.seek(start)
        lead_in = stream.read(_LEAD_IN)
        if number == 1 and lead_in.startswith(_INDEX_TAG):
            raise ConversionError("the file is an index (.tdms_index): the data are in the file .tdms beside it")
        if not lead_in.startswith(TAG):
            raise ConversionError("the file is not TDMS" if number == 1 else f"the file is damaged: {place} is none")
        if len(lead_in) < _LEAD_IN:
            raise ConversionError(f"{place} breaks off: the file ends there")
        is_big = struct.unpack_from("<i", lead_in, 4)[0] & _BIG_ENDIAN
        (length,) = struct.unpack_from(">Q" if is_big else "<Q", lead_in, 12)
        if length == _UNKNOWN_SIZE:
            raise ConversionError(f"{place} is not complete: the program that wrote it ended early, or still writes")
        start += _LEAD_IN + length
        if start > size:
            raise ConversionError(f"{place} breaks off: {start - size} of its {length} bytes are not there")


def kind_of(channel: Any) -> str:
    """The kind of its values, once they are scaled, as numpy calls it; O for texts. Raises as `opened`."""
    with _understood():
        return str(channel.dtype.kind)


def chunks(channel: Any) -> Iterator[Any]:
    """The values of a channel, scaled, in pieces as large as the file has them. Raises as `opened`."""
    with _understood():
        for chunk in channel.data_chunks():
            yield chunk[:]


def first(channel: Any) -> Any:
    """The first value of a channel that is not empty. Raises as `opened`."""
    for values in chunks(channel):
        if len(values):
            return values[0]
    raise ConversionError(f"the values of channel {channel.name} are not there")


def placeholders(content: Any) -> dict[str, str]:
    """Every property, by the names that lead to it, with dots between."""
    found = {name: text(value) for name, value in content.properties.items() if name not in _OF_FILE}
    for group in content.groups():
        found.update(_below(group.name, group.properties))
        for channel in group.channels():
            found.update(_below(f"{group.name}.{channel.name}", channel.properties))
    return found


def _below(path: str, properties: Mapping[str, Any]) -> dict[str, str]:
    return {f"{path}.{name}": text(value) for name, value in properties.items()}


def moment_of(value: Any) -> datetime | None:
    """A time, which TDMS has in UTC; None for anything else."""
    if getattr(getattr(value, "dtype", None), "kind", "") != "M":
        return None
    found = value.astype("M8[us]").item()
    if not isinstance(found, datetime):
        return None
    try:
        return found.replace(tzinfo=UTC).astimezone()
    except (OverflowError, ValueError):  # at either end of the calendar
        return None


def text(value: Any) -> str:
    """A property as a report can hold it."""
    found = moment_of(value)
    return found.isoformat() if found else _CONTROL.sub(" ", str(value)).strip()


def bare(name: str) -> str:
    """A name without case, blanks and signs."""
    return re.sub(r"[\W_]", "", name).lower()
