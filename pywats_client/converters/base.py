"""What the author of a converter derives from and is handed."""

import codecs
import io
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, TextIO, TypeAlias

from pydantic import BaseModel, ConfigDict

from pywats_client.errors import ConversionError

if TYPE_CHECKING:
    from pywats_client.wsjf import UurReport, UutReport

Report: TypeAlias = "UutReport | UurReport | Mapping[str, Any]"
"""What a converter makes: a report built with the models, or WSJF as a dict."""

# UTF-32 begins with the mark of UTF-16, so the longer ones come first.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Source:
    """What is to be converted: a file or a folder, with the files that belong to it."""

    path: Path
    """absolute"""
    companions: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """The name of the file or folder, without its place."""
        return self.path.name

    @property
    def modified(self) -> datetime:
        """When the file or folder was last written, in the station's local time with its offset."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC).astimezone()

    def files(self, pattern: str = "*") -> list[Path]:
        """The files of a folder that match, by name; the marker that says it is ready is among them."""
        return sorted(path for path in self.path.glob(pattern) if path.is_file())

    def open(self) -> BinaryIO:
        """The file's bytes, to be read piece by piece."""
        return self.path.open("rb")

    def open_text(self, encoding: str = "utf-8") -> TextIO:
        """The file as text, to be read line by line, with its line ends as they are.

        A byte order mark wins over `encoding`, and is not part of the text.
        """
        stream = self.path.open("rb")
        start = stream.read(4)
        stream.seek(0)
        marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), encoding)
        return io.TextIOWrapper(stream, encoding=marked, newline="")

    def read_bytes(self) -> bytes:
        """The whole file."""
        return self.path.read_bytes()

    def read_text(self, encoding: str = "utf-8") -> str:
        """The whole file as text; a byte order mark wins over `encoding`, and is not part of the text.

        Raises ConversionError, with the line, where the bytes are no text of that encoding.
        """
        content = self.read_bytes()
        marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if content.startswith(mark)), encoding)
        try:
            return content.decode(marked)
        except UnicodeDecodeError as fault:
            raise ConversionError(
                f"the file is not {marked} text: byte {fault.start} is 0x{content[fault.start]:02x}",
                line=content.count(b"\n", 0, fault.start) + 1,
            ) from None


@dataclass(frozen=True)
class Station:
    """Where the service runs; reports that leave these empty are filled from here."""

    name: str = ""
    location: str = ""
    purpose: str = ""


@dataclass(frozen=True)
class Context:
    """What a conversion knows beside its source."""

    station: Station
    arguments: Any
    """the settings from the configuration, as an instance of the converter's `Arguments`"""
    log: logging.Logger
    """goes to the log of the service, as printed lines do"""


class Converter(ABC):
    """Turns a source into reports. One instance serves many sources, one after another, in a process of its own.

    To say that something is wrong, `raise ConversionError(message, line=…)`: the source goes to the error
    folder with that reason. `NotYet(delay=…)` leaves it for later, `NotMine` leaves it alone.
    """

    name: ClassVar[str] = ""
    """what people call it; the class's name if empty"""
    version: ClassVar[str] = "1.0.0"
    description: ClassVar[str] = ""

    class Arguments(BaseModel):
        """The settings: each field is one, an unknown one is refused, and the text below a field is its help."""

        model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    def matches(self, source: Source) -> float:
        """How sure this converter is, from 0 to 1, that the source is of its format. Read a little, not all."""
        return 0.0

    def companions(self, source: Source) -> Iterable[Path]:
        """The other files, in the source's folder or below, that settle, convert and move with this one."""
        return ()

    @abstractmethod
    def convert(self, source: Source, context: Context) -> "Report | Iterable[Report | ConversionError]":
        """The report of this source, or several: any iterable, taken one by one as they are made.

        A ConversionError among them stands for a unit that cannot be converted, and does not keep the others from
        being delivered; one that is raised ends the conversion, and nothing is delivered.
        """


class FileConverter(Converter):
    """A converter whose source is a file."""


class FolderConverter(Converter):
    """A converter whose source is a folder, once that is complete."""

    ready_marker: ClassVar[str | None] = "COMPLETE.marker"
    """the folder is complete when it holds a file of this name; None: without one"""
    min_file_count: ClassVar[int | None] = None
    """the folder is complete when it holds at least so many files, the marker not counted"""
