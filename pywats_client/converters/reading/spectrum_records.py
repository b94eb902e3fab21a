"""The records of Teradyne Spectrum: `(NAME: text)`, `(NAME: "text")`, `(NAME: (INNER: …) , (INNER: …))`."""

import math
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pywats_client.converters.reading.in_circuit import quantity
from pywats_client.converters.reading.texts import scaled
from pywats_client.errors import ConversionError

_OPEN = re.compile(r"\(\s*([A-Za-z_]\w*)\s*:")
_OPEN_UPPER = re.compile(r"\([A-Z_]+:")
_QUOTED = re.compile(r'\s*"(.{0,10000}?)"\s*(?=\))', re.DOTALL)
_TO_END_OF_LINE = re.compile(r"([^\r\n]*)\)[ \t]*(?=[\r\n]|$)")
_BETWEEN = re.compile(r"\(?[^()]*")
_PARENTHESIS = re.compile(r"[()]")
_LINE_END = re.compile(r"\r\n?|\n")
_PADDING = " \t\r\n,"
_FREE_TEXT = "USER"
"""The record that holds what a test program prints, in which parentheses mean nothing."""
_MAX_DEPTH = 50
_EXPONENTS = {"": 0, "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12}


class Quantity(NamedTuple):
    """A number in its base unit."""

    value: float
    unit: str

    def fits(self, measured: "Quantity") -> bool:
        """Whether the measured number can be compared with this limit."""
        return self.unit == measured.unit and math.isfinite(self.value)


@dataclass
class Record:
    """A record, and those within it."""

    name: str
    line: int
    text: str = ""
    inner: list["Record"] = field(default_factory=list)

    def all(self, *names: str) -> list["Record"]:
        """The records of these names within this one."""
        return [record for record in self.inner if record.name in names]

    def said(self, name: str) -> str:
        """The text of the first record of that name within this one; empty where there is none."""
        return next((record.text for record in self.inner if record.name == name), "")

    def quantity(self) -> Quantity | None:
        """The number of a record such as `(HILIM: (VAL: 30) (SCALE: m) (UNIT: V))`; None where there is none."""
        try:
            value = quantity(self.said("VAL"))
        except ValueError:
            return None
        scale, unit = self.said("SCALE"), self.said("UNIT")
        exponent = _EXPONENTS.get(scale)
        if exponent is None:
            return Quantity(value, scale + unit)
        return Quantity(scaled(repr(value), exponent), unit)

    def flat(self) -> str:
        """What it says, in one line; what comes again within it is parted by commas."""
        if self.all("VAL"):
            return f"{self.said('VAL')} {self.said('SCALE')}{self.said('UNIT')}".strip()
        words = [" ".join(self.text.split())]
        seen: set[str] = set()
        for record in self.inner:
            if record.name in seen:
                words[-1] += ","
                seen.clear()
            seen.add(record.name)
            words.append(record.flat())
        return " ".join(filter(None, words))


def records(text: str) -> Iterator[Record]:
    """The outermost records of a file, each as soon as it is closed. Text between them is a record without a name.

    Raises ConversionError, with the line, where a record is not closed, or closed without one being open.
    """
    line_ends = array("Q", (found.start() for found in _LINE_END.finditer(text)))
    open_ones: list[Record] = []
    place = 0
    while place < len(text):
        line = bisect_left(line_ends, place) + 1
        if opened := _OPEN.match(text, place):
            open_ones.append(record := Record(opened[1], line))
            place = _read_text(record, text, opened.end())
            if len(open_ones) > _MAX_DEPTH:
                raise ConversionError("the records are nested too deeply", line=line)
        elif text[place] == ")":
            if not open_ones:
                raise ConversionError("a record is closed that was never opened", line=line)
            record, place = open_ones.pop(), place + 1
            if open_ones:
                open_ones[-1].inner.append(record)
            else:
                yield record
        else:
            found = _BETWEEN.match(text, place)
            assert found
            place = found.end()
            if between := found[0].strip(_PADDING):
                if not open_ones:
                    yield Record("", line, between)
                else:
                    open_ones[-1].text = f"{open_ones[-1].text} {between}".strip()
    if open_ones:
        first = open_ones[0]
        raise ConversionError(f"the file breaks off: the record {first.name} is not closed", line=first.line)


def _read_text(record: Record, text: str, place: int) -> int:
    """The text that a record begins with; gives the place where it ends."""
    if quoted := _QUOTED.match(text, place):
        record.text = quoted[1].strip()
        return quoted.end()
    is_free = record.name == _FREE_TEXT
    if is_free and (rest := _TO_END_OF_LINE.match(text, place)) and not _OPEN_UPPER.search(rest[1]):
        record.text = rest[1].strip()
        return rest.end(1)
    end = _balanced_end(text, place, stops_at_records=not is_free)
    record.text = text[place:end].strip(_PADDING)
    return end


def _balanced_end(text: str, place: int, *, stops_at_records: bool) -> int:
    """Where a text ends that may have parentheses of its own, as in `C:\\Program Files (x86)`."""
    depth = 0
    for found in _PARENTHESIS.finditer(text, place):
        if found[0] == ")":
            if depth == 0:
                return found.start()
            depth -= 1
        elif stops_at_records and _OPEN.match(text, found.start()):
            return found.start()
        else:
            depth += 1
    return len(text)
