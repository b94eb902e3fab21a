"""The records of a SPEA log, a line each: what a run says of itself at its start and end, and its tests."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple, Self

from pywats_client.converters.reading.dates import dated, is_ambiguous
from pywats_client.converters.reading.in_circuit import Reading
from pywats_client.converters.reading.measured import VERDICTS
from pywats_client.converters.reading.texts import Line
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, UutReport
from pywats_client.wsjf.model import Status

_MAX_FIELDS = 14
"""Of a test; further semicolons are part of its remark, which is field 6."""
_MIN_FIELDS, _REMARK = 8, 5
_DATE = re.compile(r"\d+[-/.]\d+[-/.]\d+ \d+:\d+.*", re.ASCII)
_WORDS: Mapping[str, Status] = {
    **VERDICTS,
    **dict.fromkeys(("none", "not tested", "notest", "no test", "not executed"), "S"),
    **dict.fromkeys(("break", "stop", "stopped", "interrupted"), "T"),
}


class DateOrder(NamedTuple):
    """How dates are written: as the record FORMAT says, such as `mmdd`, else as the argument `day_first`."""

    format: str = ""
    argument: bool | None = None

    @property
    def day_first(self) -> bool | None:
        """None where nobody says."""
        day, month = self.format.lower().find("d"), self.format.lower().find("m")
        return self.argument if -1 in (day, month) else day < month

    def read(self, text: str) -> datetime:
        """The moment that a text says; the day comes first where nobody says. ValueError where it says none."""
        if self.format.lower().startswith("y") and re.match(r"\d\d\D", text):
            text = f"20{text}"
        return dated(text, day_first=self.day_first is not False)

    def is_guessed(self, text: str) -> bool:
        """Whether neither the numbers nor anybody tells the day from the month."""
        return self.day_first is None and is_ambiguous(text)


class Record(NamedTuple):
    """A line of the log; blanks around its fields do not matter."""

    line: int
    kind: str
    """the type of the row, which is its first field"""
    values: Sequence[str]
    """the fields after that"""

    @classmethod
    def of(cls, line: Line) -> Self:
        """Parted at the semicolons."""
        kind, *values = (text.strip() for text in line.text.split(";"))
        return cls(line.number, kind.upper(), values)

    @property
    def said(self) -> str:
        """The last value that is filled."""
        return next((text for text in reversed(self.values) if text), "")

    @property
    def names(self) -> list[str]:
        """The values before the date."""
        return list(self.values[: self._date_place])

    @property
    def date(self) -> str:
        """The date, and the time after it; empty where there is none."""
        return " ".join(self.values[self._date_place : self._date_place + 2])

    @property
    def _date_place(self) -> int:
        """Where a date stands before a time; a revision such as 1.0.2 looks like a date, too."""
        pairs = enumerate(pairwise(self.values))
        return next((place for place, pair in pairs if _DATE.fullmatch(" ".join(pair))), len(self.values))

    def moment(self, order: DateOrder) -> datetime:
        """The moment in it. ConversionError where it has none."""
        try:
            return order.read(self.date)
        except ValueError as fault:
            raise ConversionError(f"{self.kind}: {fault}", line=self.line) from None

    def verdict(self) -> Status | None:
        """The result that it says. ConversionError for an unknown one."""
        said = next((text for text in reversed(self.names) if text), "")
        try:
            return verdict(said)
        except ValueError as fault:
            raise ConversionError(str(fault), line=self.line) from None


class Test(NamedTuple):
    """`ANL;board;task;task number;test number;remark;drawing;result;value;low;high;unit;points;id`, or FUNC."""

    line: int
    kind: str
    board: str
    task: str
    task_number: str
    number: str
    remark: str
    drawing: str
    result: str
    value: str = ""
    low: str = ""
    high: str = ""
    unit: str = ""
    points: str = ""
    id: str = ""

    @classmethod
    def of(cls, record: Record) -> Self:
        """From such a record. ConversionError where it is too short."""
        fields = [record.kind, *record.values]
        while len(fields) > _MAX_FIELDS and not fields[-1]:
            fields.pop()
        if (more := len(fields) - _MAX_FIELDS) > 0:
            fields[_REMARK : _REMARK + more + 1] = [";".join(fields[_REMARK : _REMARK + more + 1])]
        if len(fields) < _MIN_FIELDS:
            raise ConversionError(
                f"the test has {len(fields)} fields, and its result would be field {_MIN_FIELDS}", line=record.line
            )
        return cls(record.line, *fields)

    @classmethod
    def is_likely(cls, record: Record) -> bool:
        """Whether a record of an unknown kind has a result where tests have it."""
        result = record.values[_MIN_FIELDS - 2] if len(record.values) >= _MIN_FIELDS - 1 else ""
        try:
            return verdict(result) is not None
        except ValueError:
            return False

    def add_to(self, sequence: UutReport | SequenceCall, name: str) -> None:
        """The step of this test. ConversionError where it cannot be read."""
        try:
            step = Reading(name, self.value, self.low, self.high, self.unit, verdict(self.result)).add_to(sequence)
        except ValueError as fault:
            raise ConversionError(str(fault), line=self.line) from None
        if "(" in self.result:
            step.note(self.result)
        told = {
            "board": self.board,
            "task": self.task_number,
            "test": self.number,
            "drawing": self.drawing,
            "points": self.points,
            "id": self.id,
        }
        step.note(", ".join([self.kind, *(f"{word} {text}" for word, text in told.items() if text)]))


def verdict(text: str) -> Status | None:
    """What a result such as `FAIL(+/-)` says; None for an empty one. ValueError for an unknown word."""
    word = text.split("(")[0].strip().lower()
    if not word:
        return None
    if word not in _WORDS:
        raise ValueError(f"{text!r} is not a known result; PASS and FAIL are")
    return _WORDS[word]
