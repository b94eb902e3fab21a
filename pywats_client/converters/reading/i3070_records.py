"""The records of the i3070 log: `{@NAME|field|field{@INNER|field}}`, and what the fields of each record are."""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pywats_client.errors import ConversionError

_OPEN = re.compile(r"\s*\{\s*@([\w-]+)")
_CLOSE = re.compile(r"\s*\}\s*")
_LITERAL = re.compile(r"\|\s*~(\d{1,6})\|")
"""Before a field of so many characters, which may be any, those of the grammar too."""
_FIELD = re.compile(r"\|([^|{}]*)")
_LIST = re.compile(r"\\\d+")
"""Says how many elements of a list follow, each as a field."""
_LINE_END = re.compile(r"\r\n?|\n")
_MAX_DEPTH = 20
BOARD = "BTEST"
"""The record of the test of a board."""

_PINS = ("status", "pins", "designator")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "BATCH": (
        "uut type", "uut type revision", "fixture", "testhead", "testhead type", "process step", "batch", "operator",
        "controller", "testplan", "testplan revision", "panel type", "panel type revision", "version label",
    ),
    "BTEST": (
        "board", "status", "start", "duration", "multiple test", "log level", "log set", "learning", "known good",
        "end", "status qualifier", "board number", "panel",
    ),
    "BLOCK": ("designator", "status"),
    "D-T": ("status", "substatus", "failing vector", "pins", "designator"),
    "D-PLD": ("designator", "action", "status", "result", "program counter"),
    "TJET": _PINS,
    "CCHK": _PINS,
    "PRB": _PINS,
    "PCHK": ("status", "designator"),
    "PF": ("designator", "status", "pins"),
    "TS": ("status", "shorts", "opens", "phantoms", "designator"),
    "BS-CON": ("designator", "status", "shorts", "opens"),
    "ARRAY": ("designator", "status", "failures", "samples"),
    "LIM2": ("high", "low"),
    "LIM3": ("nominal", "high", "low"),
    "TS-S": ("shorts", "phantoms", "source"),
    "TS-D": ("destinations",),
    "TS-O": ("source", "destination", "deviation"),
    "TS-P": ("deviation",),
    "BS-O": ("device", "pin", "second device", "second pin"),
    "BS-S": ("cause", "nodes"),
    "DPIN": ("device", "nodes and pins"),
    "INDICT": ("technique", "devices"),
    "NODE": ("nodes",),
    "PIN": ("pins",),
    "RPT": ("message",),
    "ALM": (
        "type", "status", "time", "board type", "board type revision", "limit", "value", "controller", "testhead",
    ),
    "AID": ("time", "board"),
    "RETEST": ("time",),
}  # fmt: skip
"""The names of a record's fields, in their order; the last is the rest where a record has more."""
_ANALOG = ("status", "value", "designator")
_UNKNOWN = ("fields",)


@dataclass
class Record:
    """A record, and those within it."""

    name: str
    line: int
    fields: list[str] = field(default_factory=list)
    inner: list["Record"] = field(default_factory=list)

    @property
    def is_analog(self) -> bool:
        """Whether it is a measurement, such as A-RES."""
        return self.name.startswith("A-")

    def said(self) -> dict[str, str]:
        """What the fields say, by their names; those that say nothing are left out."""
        names = FIELDS.get(self.name) or (_ANALOG if self.is_analog else _UNKNOWN)
        texts = [text for text in self.fields if not _LIST.fullmatch(text)]
        last = len(names) - 1
        found = dict(zip(names, [*texts[:last], " ".join(texts[last:]).strip()], strict=False))
        return {name: text for name, text in found.items() if text}

    def flat(self) -> str:
        """What it says, in one line; the records within it in parentheses."""
        told = [text if self.name == "RPT" else f"{name} {text}" for name, text in self.said().items()]
        words = f"{self.name}: {', '.join(told)}" if self.name != "RPT" else " ".join(told)
        return " ".join([words, *(f"({record.flat()})" for record in self.inner)]).strip()


def boards(text: str) -> Iterator[tuple[Record, list[Record]]]:
    """Each board (BTEST) when it closes, with the records that it lies in; these do not keep it.

    That the outermost is not closed does not matter: boards stand in it that are complete. Raises ConversionError,
    with the line, for a board that is not closed, and for what is no record.
    """
    line_ends = array("Q", (found.start() for found in _LINE_END.finditer(text)))
    around: list[Record] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        line = bisect_left(line_ends, place) + 1
        if opened := _OPEN.match(text, place):
            line = bisect_left(line_ends, opened.start(1)) + 1
            record = Record(opened[1].upper(), line)
            place = _read_fields(record, text, opened.end())
            around.append(record)
            if len(around) > _MAX_DEPTH:
                raise ConversionError("the records are nested too deeply", line=line)
        elif (closed := _CLOSE.match(text, place)) and around:
            place = closed.end()
            record = around.pop()
            if record.name == BOARD:
                yield record, around
            elif around:
                around[-1].inner.append(record)
        else:
            raise ConversionError(
                f"here is no record such as {{@BTEST|: {text[place : place + 20].strip()!r}", line=line
            )
    if broken := next((record for record in around if record.name == BOARD), None):
        raise ConversionError("the file breaks off: the record of the board is not closed", line=broken.line)


def _read_fields(record: Record, text: str, place: int) -> int:
    """The fields that a record begins with; gives the place where they end."""
    while True:
        if literal := _LITERAL.match(text, place):
            place = literal.end() + int(literal[1])
            record.fields.append(text[literal.end() : place].strip())
        elif plain := _FIELD.match(text, place):
            place = plain.end()
            record.fields.append(plain[1].strip())
        else:
            return place
