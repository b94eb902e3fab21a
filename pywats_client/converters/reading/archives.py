"""ZIP archives from strangers: their files are read one by one in bounded memory, and none is unpacked to disk."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from pywats_client.converters.base import Source
from pywats_client.errors import ConversionError

MAX_FILES = 10_000
MAX_FILE_BYTES = 32 << 20
MAX_BYTES = 256 << 20
"""Of all files that are read."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others may claim any memory before they give a byte."""
_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, OSError, RuntimeError)
"""The last of them: encrypted, or a feature of ZIP that is not known."""


class Archive:
    """A ZIP file that is open. Its methods raise ConversionError for what is no such file, or too much of one."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._left = MAX_BYTES
        self._read: set[str] = set()
        if len(file.infolist()) > MAX_FILES:
            raise ConversionError(f"the archive holds {len(file.infolist())} files, and {MAX_FILES} are allowed")

    @classmethod
    @contextmanager
    def open(cls, source: Source) -> Iterator[Self]:
        """It is closed at the end of the block."""
        with source.open() as stream:
            with _faults("the file"):
                file = zipfile.ZipFile(stream)
            with file:
                yield cls(file)

    @property
    def names(self) -> list[str]:
        """Of its files, each once, in their order."""
        return [name for name in dict.fromkeys(self._file.namelist()) if name and not name.endswith("/")]

    @property
    def unread(self) -> list[str]:
        """Those that nobody has read so far."""
        return [name for name in self.names if name not in self._read]

    def read(self, name: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """What one of them holds, which may be more than it says."""
        allowed = min(limit, self._left)
        self._read.add(name)
        with _faults("the file"):
            if self._file.getinfo(name).compress_type not in _METHODS:
                raise zipfile.BadZipFile("a method of compression that is not taken")
            with self._file.open(name) as member:
                content = member.read(allowed + 1)
        if len(content) > allowed:
            raise ConversionError(f"the file unpacks to more than {allowed / (1 << 20):.1f} MB, which is too much")
        self._left -= len(content)
        return content


@contextmanager
def _faults(what: str) -> Iterator[None]:
    try:
        yield
    except _FAULTS as fault:
        raise ConversionError(f"{what} cannot be unpacked: {fault}") from None
