"""The records of an STDF file, one after another, and their fields."""

import bz2
import gzip
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple, NoReturn, cast

from pywats_client.converters.base import Source
from pywats_client.converters.reading.stdf.layouts import FIELDS, NAMES
from pywats_client.errors import ConversionError

_GENERIC = {1: "U1", 2: "U2", 3: "U4", 4: "I1", 5: "I2", 6: "I4", 7: "R4", 8: "R8", 10: "Cn", 11: "Bn", 12: "Dn"}
_GENERIC_HALF, _GENERIC_PAD = 13, 0
_STRUCT = {"U1": "B", "B1": "B", "U2": "H", "U4": "I", "I1": "b", "I2": "h", "I4": "i", "R4": "f", "R8": "d"}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]+")
TESTS = {"PTR": 4, "MPR": 4, "FTR": 4, "STR": 5}
"""The records of a test, and where in each the head stands; its number lies before that, the site behind."""
TEXTS = ("GDR", "DTR")
PTR_TEXT = 12
"""Where TEST_TXT of a PTR begins, with its length."""
_HEADER_SIZE, _CHUNK = 4, 1 << 18
_SINGLE = struct.Struct("f")
_VAX = 0


class Record(NamedTuple):
    """One record as it stands in the file."""

    number: int
    """from 1"""
    offset: int
    """of its first byte in the file, once that is unpacked"""
    name: str
    """such as PTR; of a type that is not known here, its two numbers"""
    body: bytes

    @property
    def place(self) -> str:
        """Where it stands, for a person who looks for it."""
        return f"record {self.number} ({self.name}) at byte {self.offset}"


def ptr_text(body: bytes) -> bytes:
    """TEST_TXT of a PTR, as it stands there."""
    return body[PTR_TEXT + 1 : PTR_TEXT + 1 + body[PTR_TEXT]] if len(body) > PTR_TEXT else b""


class Values(dict[str, Any]):
    """The fields of a record that are there, by their names in the specification."""

    def __init__(self, record: Record, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self._record = record

    def __missing__(self, field: str) -> NoReturn:
        raise ConversionError(f"{self._record.place}: it ends before its field {field}")


def shortest(number: float) -> float:
    """The number with the fewest digits that is the same as an R4: what the tester meant by -0.9, and not
    -0.8999999761581421, which is its nearest neighbour in four bytes."""
    for digits in (6, 7, 8):
        short = float(f"{number:.{digits}g}")
        if _SINGLE.unpack(_SINGLE.pack(short))[0] == number:
            return short
    return number


class Far(NamedTuple):
    """What the first record says."""

    order: str
    """of bytes, as `struct` has it"""
    cpu: int
    version: int


def far(stream: BinaryIO) -> Far | None:
    """The first record; None where it is no STDF."""
    start = stream.read(_HEADER_SIZE + 2)
    order = {b"\0\2\0\x0a": ">", b"\2\0\0\x0a": "<"}.get(start[:_HEADER_SIZE])
    return Far(order, start[4], start[5]) if order and len(start) == _HEADER_SIZE + 2 else None


def unpacked(source: Source) -> BinaryIO:
    """The file, unpacked where it is packed with gzip or bzip2."""
    with source.open() as stream:
        start = stream.read(3)
    if start.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.open(source.path))
    return cast(BinaryIO, bz2.open(source.path)) if start == b"BZh" else source.open()


class StdfFile:
    """A file, read from its start as often as `records` is called."""

    VERSION = 4

    def __init__(self, source: Source, encoding: str = "") -> None:
        """Raises ConversionError where the file is no STDF V4."""
        self._source, self._encoding = source, encoding
        try:
            with unpacked(source) as stream:
                found = far(stream)
        except (OSError, EOFError, zlib.error):
            found = None
        if found is None:
            raise ConversionError("the file is not STDF: it does not begin with a FAR record")
        self.order = found.order
        if found.version != self.VERSION:
            raise ConversionError(f"the file is STDF version {found.version}: only version {self.VERSION} is read")
        if found.cpu == _VAX:
            raise ConversionError("the file comes from a DEC computer (CPU type 0), whose numbers are not read")

    def records(self) -> Iterator[Record]:
        """Each record. Raises ConversionError, after those before it, for one that breaks off."""
        header = struct.Struct(self.order + "HBB")
        number = start = 0
        rest = b""
        with unpacked(self._source) as stream:
            while chunk := self._chunk(stream, number, start):
                buffer, position = rest + chunk, 0
                size = len(buffer)
                while size - position >= _HEADER_SIZE:
                    length, kind, sub = header.unpack_from(buffer, position)
                    body = position + _HEADER_SIZE
                    if size - body < length:
                        break
                    number += 1
                    name = NAMES.get((kind, sub)) or f"{kind}.{sub}"
                    yield Record(number, start + position, name, buffer[body : body + length])
                    position = body + length
                start += position
                rest = buffer[position:]
        if rest.strip(b"\0"):  # tapes are filled up with zeros
            raise self._broken_off(header, number + 1, start, rest)

    def _chunk(self, stream: BinaryIO, number: int, offset: int) -> bytes:
        try:
            return cast(bytes, stream.read1(_CHUNK))  # type: ignore[attr-defined]  # loses nothing before a fault
        except (OSError, EOFError, zlib.error) as fault:
            raise ConversionError(
                f"the packed file is damaged after record {number}, near byte {offset} of what is unpacked: {fault}"
            ) from None

    @staticmethod
    def _broken_off(header: struct.Struct, number: int, offset: int, rest: bytes) -> ConversionError:
        if len(rest) < _HEADER_SIZE:
            return ConversionError(f"record {number} at byte {offset} breaks off: the file ends in its header")
        length, kind, sub = header.unpack_from(rest)
        record = Record(number, offset, NAMES.get((kind, sub)) or f"{kind}.{sub}", b"")
        return ConversionError(
            f"{record.place} breaks off: of its {length} bytes the file holds {len(rest) - _HEADER_SIZE}"
        )

    def fields(self, record: Record) -> Values:
        """What a record says; it may end before its last fields, and those are left out.

        Raises ConversionError for a record that ends within a field.
        """
        cursor = _Cursor(record.body, self.order, self._encoding)
        found = Values(record, {})
        for name, kind, count in FIELDS[record.name]:
            if cursor.ended:
                break
            try:
                found[name] = cursor.read_array(kind, found[count]) if count else cursor.read(kind)
            except struct.error:
                raise ConversionError(f"{record.place}: its field {name} goes beyond its end") from None
        return found

    def text(self, record: Record) -> str:
        """What a DTR or a GDR says."""
        return self._generic(record) if record.name == "GDR" else str(self.fields(record).get("TEXT_DAT", ""))

    def _generic(self, record: Record) -> str:
        """The values of a GDR, which each have their type before them."""
        cursor = _Cursor(record.body, self.order, self._encoding)
        values: list[str] = []
        try:
            count = cursor.read("U2")
            while len(values) < count and not cursor.ended:
                code = cursor.read("U1")
                if code == _GENERIC_HALF:
                    values.append(str(cursor.read("U1") & 0xF))
                elif code in _GENERIC:
                    values.append(str(cursor.read(_GENERIC[code])))
                elif code != _GENERIC_PAD:
                    values.append(f"(what follows is of type {code}, which is not known)")
                    break
        except struct.error:
            raise ConversionError(f"{record.place}: its data go beyond its end") from None
        return " ".join(values)


class _Cursor:
    """Reads one value after another; struct.error where there are not enough bytes."""

    def __init__(self, body: bytes, order: str, encoding: str) -> None:
        self._body, self._order, self._encoding = body, order, encoding
        self._position = 0

    @property
    def ended(self) -> bool:
        """Whether there is nothing left."""
        return self._position >= len(self._body)

    def read(self, kind: str) -> Any:
        """One value of a type: a number, a text, or for Dn the numbers of the bits that are set."""
        if kind in _STRUCT:
            return self._numbers(_STRUCT[kind], 1)[0]
        if kind == "C1":
            return self._text(self._take(1))
        if kind == "Dn":
            return self._bits(self.read("U2"))
        content = self._take(self.read("U1"))
        return self._text(content) if kind == "Cn" else content.hex(" ")

    def read_array(self, kind: str, count: int) -> list[int] | tuple[float, ...]:
        """Several of them; two N1 share a byte, the first in its lower half."""
        if kind != "N1":
            return self._numbers(_STRUCT[kind], count)
        halves = [half for byte in self._take((count + 1) // 2) for half in (byte & 0xF, byte >> 4)]
        return halves[:count]

    def _numbers(self, code: str, count: int) -> tuple[float, ...]:
        form = f"{self._order}{count}{code}"
        numbers = struct.unpack(form, self._take(struct.calcsize(form)))
        return tuple(map(shortest, numbers)) if code == "f" else numbers

    def _bits(self, count: int) -> list[int]:
        content = self._take((count + 7) // 8)
        return [bit for bit in range(count) if content[bit // 8] >> bit % 8 & 1]

    def _take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._body):
            raise struct.error
        content = self._body[self._position : end]
        self._position = end
        return content

    def _text(self, content: bytes) -> str:
        """Without blanks and signs for machines around it. The specification knows ASCII only; not all keep to it."""
        try:
            text = content.decode(self._encoding or "utf-8")
        except UnicodeDecodeError:
            text = content.decode("cp1252" if not self._encoding else self._encoding, "replace")
        return _CONTROL.sub(" ", text).strip()
