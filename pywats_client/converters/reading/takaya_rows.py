"""The rows of a Takaya log, a test each: in columns with a header, or in quotes and always the same order."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Self

from pywats_client.converters.reading.in_circuit import quantity
from pywats_client.converters.reading.measured import VERDICTS, Measured
from pywats_client.converters.reading.nested import titled
from pywats_client.converters.reading.texts import Line, scaled
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport
from pywats_client.wsjf.model import Status

_NUMBER, _JUDGEMENT = "Step_number", "Judgement"
_PARTS, _VALUE, _COMMENT, _FUNCTION = "Parts", "Value", "Comment", "Function"
_REFERENCE, _FIRST, _SECOND = "Ref._Value_(Char)", "Test_Value_1_(Char)", "Test_Value_2_(Char)"
_PLUS, _MINUS = "Tolerance_(+)%", "Tolerance_(-)%"
_QUOTED: Sequence[str] = (
    *(_NUMBER, _PARTS, _VALUE, _COMMENT, "H-pin", "L-pin", _REFERENCE, _FIRST, _SECOND, _PLUS, _MINUS, _JUDGEMENT),
    *("Measuring_mode", "Measuring_range", "Measuring_time", "Access_probe", "G-P1", "G-P2", _FUNCTION),
)
"""The columns of rows without a header, by the names that headers give them."""
_OF_OTHERS = ("Unit", "Net_name")
"""Columns that say more of the one before."""
_USED = {_NUMBER, _PARTS, _VALUE, _REFERENCE, _FIRST, _SECOND, _PLUS, _MINUS, _JUDGEMENT}
_OF_BOARD = {
    *("Group_No.", "Date_of_test", "Time_of_test", "Total_PASS_No.", "Total_NG_No.", "Daily_PASS_No.", "Daily_NG_No."),
    *("Model", "Testing_time", "Serial_No.1", "Tester_ID", "Index"),
}
"""Columns that say the same in all rows of a board."""
_REPEATED = ("_1_(EL)", "_2_(EL)", " Unit")
"""Endings of columns that say again what others say; so do figures, where their characters are there."""
_FIGURES, _CHARACTERS = "(Fig)", "(Char)"
_OPEN, _SHORT = "OP", "SH"
_CELL = re.compile(r'"([^"]*)"|(\S+)')
_NOTHING = re.compile(r"[*.\-+0\s]*")
"""As a cell is filled that says nothing."""
_QUANTITY = re.compile(r"([+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?)\s*(.*)", re.ASCII)
_PERCENT = re.compile(r"([+-]?)(\d{1,6}(?:\.\d{1,6})?)\s*%", re.ASCII)
_UNIT = re.compile(r"([pnuµmkg]?)(o|Ω|ohm|f|h|v|a|w|hz)", re.IGNORECASE)
_EXPONENTS = {"p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "": 0, "k": 3, "g": 9}


def _bare(name: str) -> str:
    """A name without case, blanks and dots, in which versions of the program differ."""
    return re.sub(r"[\s._]", "", name).lower()


_KNOWN = {_bare(name): name for name in (*_QUOTED, *_OF_BOARD, *_OF_OTHERS)}


class Header(NamedTuple):
    """The names of the columns, and what parts them."""

    names: Sequence[str]
    delimiter: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """None where the line is no such header."""
        for delimiter in "\t;,":
            names = [_KNOWN.get(_bare(name), name.strip()) for name in text.split(delimiter)]
            if {_NUMBER, _JUDGEMENT} <= set(names):
                return cls(_distinct(names), delimiter)
        return None


def _distinct(names: Sequence[str]) -> list[str]:
    """Units and nets of different columns have one name: each gets that of its column in front."""
    found: list[str] = []
    for name in names:
        found.append(f"{found[-1]} {name}" if found and name in _OF_OTHERS else name)
    return found


class Quantity(NamedTuple):
    """A number with its unit, which may begin with a prefix: 4.7 KO, 100 nF."""

    value: float
    unit: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """None where the text says no number, or one beyond all."""
        found = _QUANTITY.fullmatch(text.strip())
        value = quantity(found[1]) if found else math.inf
        return cls(value, found[2].strip()) if found and math.isfinite(value) else None

    def in_unit(self, unit: str) -> float | None:
        """The number in another unit; None where that is of another kind."""
        one, other = _UNIT.fullmatch(self.unit), _UNIT.fullmatch(unit)
        if self.unit == unit:
            return self.value
        if not one or not other or one[2].lower() != other[2].lower():
            return None
        return scaled(str(self.value), _exponent(one) - _exponent(other))


def _exponent(unit: re.Match[str]) -> int:
    """Of the prefix. Their case is no matter, but that M before ohms is mega, and else milli."""
    return 6 if unit[1] == "M" and unit[2].lower() in ("o", "Ω", "ohm", "hz") else _EXPONENTS[unit[1].lower()]


class Row(NamedTuple):
    """What the columns say of a test."""

    line: int
    said: Mapping[str, str]

    @classmethod
    def of(cls, line: Line, header: Header | None) -> Self:
        """From a line. ConversionError where its cells are not those of the columns."""
        if header:
            cells, names = line.text.split(header.delimiter), list(header.names)
            while len(cells) > len(names) and not cells[-1].strip():
                cells.pop()
            fits = len(cells) == len(names)
        else:
            cells = [quoted or plain for quoted, plain in _CELL.findall(line.text)]
            names = [*_QUOTED, *(f"column {number + 1}" for number in range(len(_QUOTED), len(cells)))][: len(cells)]
            fits = _JUDGEMENT in names and cells[0].isdecimal()
        if not fits:
            raise ConversionError(f"the row has {len(cells)} cells, which are not those of a step", line=line.number)
        return cls(line.number, {name: cell.strip() for name, cell in zip(names, cells, strict=True)})

    def get(self, name: str) -> str:
        """What a column says, with its unit; empty where that is nothing."""
        text = self.said.get(name, "")
        return f"{text} {self.said.get(f'{name} Unit', '')}".strip() if text.strip("*.") else ""

    @property
    def group(self) -> str:
        """The number of its board; empty where rows do not say it."""
        return self.said.get("Group_No.", "")

    @property
    def name(self) -> str:
        """Parts and value, which of a part with many pins is the pins; else the comment."""
        parts = (self.get(_PARTS), self.get(_VALUE))
        return " ".join(filter(None, parts)) or self.get(_COMMENT) or f"step {self.get(_NUMBER)}"

    def add_to(self, report: UutReport) -> None:
        """The step of this test."""
        title = titled(self.name, "step")
        step = self._measured(title["name"]).add_to(report)
        for text in (title.get("report_text"), *self._told()):
            if text:
                step.note(text)

    def _measured(self, name: str) -> Measured:
        """The value of the second try, where there was one, in the unit of the reference."""
        verdict, text = self._verdict, self.get(_SECOND) or self.get(_FIRST)
        measured, reference = Quantity.of(text), Quantity.of(self.get(_REFERENCE))
        if measured is None:
            return Measured(name, text, verdict=verdict)
        value = measured.in_unit(reference.unit) if reference else None
        if reference is None or value is None:
            return Measured(name, measured.value, unit=measured.unit, verdict=verdict)
        low, high = self._limits(reference.value)
        return Measured(name, value, low, high, unit=reference.unit, verdict=verdict)

    @property
    def _verdict(self) -> Status:
        """Dots where the step was not judged; what is not passed has failed."""
        word = self.get(_JUDGEMENT).strip("+- ").lower()
        return VERDICTS.get(word, "F") if word else "S"

    def _limits(self, reference: float) -> tuple[float | None, float | None]:
        """Those that the tolerances give; opens and shorts are judged otherwise."""
        if self.get(_FUNCTION) in (_OPEN, _SHORT):
            return None, None
        low, high = (_part(reference, self.get(name), sign) for name, sign in ((_MINUS, "-"), (_PLUS, "+")))
        return (high, low) if low is not None and high is not None and low > high else (low, high)

    def _told(self) -> Iterator[str]:
        """What has no place in the step."""
        if self.get(_SECOND) and self.get(_FIRST):
            yield f"first try: {self.get(_FIRST)}"
        if self.get(_JUDGEMENT).upper() not in ("", "PASS", "FAIL"):
            yield f"judgement: {self.get(_JUDGEMENT)}"
        words = [f"step {self.get(_NUMBER)}"]
        if reference := self.get(_REFERENCE):
            words.append(" ".join(filter(None, ("reference", reference, self.get(_PLUS), self.get(_MINUS)))))
        for name, label in _untold(tuple(self.said)):
            if not _NOTHING.fullmatch(self.said[name]):
                words.append(f"{label} {self.get(name)}")
        yield ", ".join(words)


@lru_cache(maxsize=100)  # a station's files have few headers
def _untold(names: Sequence[str]) -> Sequence[tuple[str, str]]:
    """The columns without a place in a step, and how they are called there."""
    used = _OF_BOARD | (_USED & set(names))
    return [
        (name, name.replace("_", " "))
        for name in names
        if name.replace(_FIGURES, _CHARACTERS) not in used and not name.endswith(_REPEATED)
    ]


def _part(reference: float, tolerance: str, sign: str) -> float | None:
    """The reference with its tolerance; None where that is no percentage."""
    found = _PERCENT.fullmatch(tolerance)
    return float(Decimal(str(reference)) * (100 + Decimal(f"{found[1] or sign}{found[2]}")) / 100) if found else None
