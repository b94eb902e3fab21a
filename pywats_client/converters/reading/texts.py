"""Files of text as old testers write them: encodings that nobody names, and lines with their numbers."""

import codecs
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from pydantic import field_validator

from pywats_client.converters.base import Source
from pywats_client.converters.reading.fields import FormatArguments
from pywats_client.converters.reading.nested import printable
from pywats_client.errors import ConversionError

_LOOKED_AT = 16_384
_PIECE = 1 << 20
_ENDS = re.compile("[\x0b\x0c\x1a]")
"""Of a page, and of a file as DOS marks it: in the middle, too, where logs were joined."""


class TextArguments(FormatArguments):
    """The arguments of formats that are text without a word about its encoding."""

    encoding: str = ""
    """Of the text, where no byte order mark says otherwise; empty: UTF-8, and Windows-1252 where it is not that."""

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str) -> str:
        try:
            "".encode(encoding or "utf-8")
        except LookupError:
            raise ValueError("is not an encoding that Python knows; such as utf-8, cp1252, shift_jis") from None
        return encoding


class Line(NamedTuple):
    """A line without its end, and its number from 1."""

    number: int
    text: str


def read(source: Source, encoding: str = "") -> str:
    """The whole file as text. Raises ConversionError, with the line, where the bytes are no text."""
    if encoding:
        return _without_zeros(source.read_text(encoding))
    try:
        return _without_zeros(source.read_text("utf-8"))
    except ConversionError:
        return _without_zeros(source.read_text("cp1252"))


def _without_zeros(text: str) -> str:
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ConversionError("the file is not text: it holds zero bytes", line=line)
    return _readable(text)


def _readable(text: str) -> str:
    """Control characters as blanks or their symbols: a report may not hold them."""
    return printable(_ENDS.sub(" ", text))


def lines(source: Source, encoding: str = "") -> Iterator[Line]:
    """The lines that are not blank, whichever line ends they have. Raises as `read`."""
    text = read(source, encoding).replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield Line(number, line)


def streamed(source: Source, encoding: str = "") -> Iterator[Line]:
    """As `lines`, but read piece by piece: for files that may be longer than what fits into memory."""
    encoding = encoding or _encoding_of(source)
    number = 0
    with source.open_text(encoding) as stream:
        try:
            for number, text in enumerate(stream, 1):
                if "\0" in text:
                    raise ConversionError("the file is not text: it holds zero bytes", line=number)
                if (text := _readable(text)).strip():
                    yield Line(number, text.rstrip("\r\n"))
        except UnicodeDecodeError as fault:
            raise ConversionError(f"the file is not {fault.encoding} text from here on", line=number + 1) from None


def _encoding_of(source: Source) -> str:
    """UTF-8, or Windows-1252 for what is not that."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with source.open() as stream:
        try:
            while piece := stream.read(_PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def beginning(source: Source) -> str:
    """The first 16 kB as text, whatever they are: enough to tell a format by."""
    with source.open() as stream:
        start = stream.read(_LOOKED_AT)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return start.decode("utf-16", "replace")
    return start.decode("utf-8-sig", "replace")


def scaled(text: str, exponent: int) -> float:
    """The number that a text says, times a power of ten, without the noise of a multiplication.

    `scaled("4.7", 3)` is 4700.0. ValueError where the text says none.
    """
    value = float(text)
    return float(Decimal(repr(value)).scaleb(exponent)) if math.isfinite(value) else value
