"""From texts in a file to steps: numbers, limits, times and verdicts as testers write them."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from pywats_client.wsjf import CompOp, SequenceCall, UutReport
from pywats_client.wsjf.limits import arrange
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.steps import Step

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NO_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_NO_LIMIT = frozenset({"", "-", "--", "n/a", "na", "none", "null", "nan"})

VERDICTS: Mapping[str, Status] = {
    **dict.fromkeys(("p", "pass", "passed", "ok", "true", "1", "yes", "good", "g", "io", "i.o."), "P"),
    **dict.fromkeys(("f", "fail", "failed", "nok", "ng", "false", "0", "no", "bad", "nio", "n.i.o."), "F"),
    **dict.fromkeys(("e", "error"), "E"),
    **dict.fromkeys(("t", "terminated", "aborted", "abort"), "T"),
    **dict.fromkeys(("s", "skip", "skipped"), "S"),
    **dict.fromkeys(("d", "done"), "D"),
}
"""Words that testers use for a verdict, in lower case."""

OPERATORS: Mapping[str, CompOp] = {
    "<": CompOp.LT,
    "<=": CompOp.LE,
    "≤": CompOp.LE,
    ">": CompOp.GT,
    ">=": CompOp.GE,
    "≥": CompOp.GE,
    "=": CompOp.EQ,
    "==": CompOp.EQ,
    "!=": CompOp.NE,
    "<>": CompOp.NE,
    "≠": CompOp.NE,
}
"""Signs for the comparison operators of WSJF."""


def number(text: str, *, decimal_comma: bool = False) -> float:
    """The number that a text says, NaN and infinity included. ValueError where it says none."""
    plain = text.replace(",", ".", 1) if decimal_comma and "." not in text else text
    if _NUMBER.fullmatch(plain) or _NO_NUMBER.fullmatch(text):
        return float(plain)
    hint = ""
    if not decimal_comma and _NUMBER.fullmatch(text.replace(",", ".", 1)):
        hint = ": if the comma is a decimal sign, set the argument decimal_comma"
    raise ValueError(f"{text!r} is not a number{hint}")


@lru_cache(maxsize=1000)  # the limits in a station's files are always the same
def limit(text: str, *, decimal_comma: bool = False) -> float | None:
    """The limit that a text says, None where it says that there is none. ValueError where it says neither."""
    return None if text.lower() in _NO_LIMIT else number(text, decimal_comma=decimal_comma)


def whole(text: str) -> int:
    """The whole number that a text says; 5.0 is one. ValueError where it says none."""
    value = float(text)
    if not value.is_integer():
        raise ValueError
    return int(text) if "." not in text and "e" not in text.lower() else int(value)


def moment(text: str, form: str = "") -> datetime:
    """A time; one without an offset is the station's local time. `form` as of strptime; empty: ISO 8601."""
    try:
        found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
    except ValueError:
        expected = f"of the form {form}" if form else "of ISO 8601: set the argument start_format"
        raise ValueError(f"{text!r} is not a time {expected}") from None
    return found if found.utcoffset() is not None else found.astimezone()


def operator(text: str) -> CompOp | None:
    """The comparison that a sign or the operator of WSJF says; None for an empty text."""
    if not text:
        return None
    try:
        return OPERATORS.get(text) or CompOp(text.upper())
    except ValueError:
        known = ", ".join([*OPERATORS, *CompOp])
        raise ValueError(f"{text!r} is not a comparison; known are {known}") from None


@dataclass(frozen=True)
class Texts:
    """How the texts of a file are to be understood."""

    decimal_comma: bool = False
    verdicts: Mapping[str, Status] = field(default_factory=lambda: VERDICTS)

    def verdict(self, text: str) -> Status | None:
        """The verdict that a word says; None for an empty text. ValueError for an unknown word."""
        if not text:
            return None
        try:
            return self.verdicts[text.lower()]
        except KeyError:
            raise ValueError(f"{text!r} is not a known verdict: add it to the argument verdicts") from None


class Measured(NamedTuple):
    """What a file says of one step."""

    name: str
    value: str | float = ""
    """as the file has it; a text may say a number"""
    low: float | None = None
    high: float | None = None
    op: CompOp | None = None
    unit: str = ""
    expected: str = ""
    verdict: Status | None = None
    """the file's own; it wins over the limits"""

    def add_to(self, sequence: UutReport | SequenceCall, texts: Texts = Texts()) -> Step:
        """The step of the kind that fits: a number, a text, a verdict alone. ValueError where none does.

        Where the file's verdict contradicts its limits, the step's report text says so.
        """
        if isinstance(self.value, int | float):
            return self._add_number(sequence, self.value)
        if not self.value:
            return self._add_verdict(sequence, self.verdict)
        if self.expected:
            step = sequence.text(self.name, self.value, expected=self.expected, status=self.verdict)
            self._note_contradiction(step, holds=self.value == self.expected)
            return step
        try:
            value = number(self.value, decimal_comma=texts.decimal_comma)
        except ValueError:
            return self._add_text(sequence, self.value, texts)
        return self._add_number(sequence, value)

    def _add_number(self, sequence: UutReport | SequenceCall, value: float) -> Step:
        unit, op = self.unit or None, self.op
        step = sequence.numeric(self.name, value, low=self.low, high=self.high, unit=unit, op=op, status=self.verdict)
        if self.verdict in ("P", "F") and self._has_limits:
            comp_op, low, high = arrange(self.low, self.high, op)
            self._note_contradiction(step, holds=math.isfinite(value) and comp_op.holds(value, low, high))
        return step

    def _add_text(self, sequence: UutReport | SequenceCall, value: str, texts: Texts) -> Step:
        """A value that is no number: with limits that is a fault, else it is a verdict or a text."""
        if self._has_limits:
            number(value, decimal_comma=texts.decimal_comma)
        if self.verdict is None and value.lower() in texts.verdicts:
            return self._add_verdict(sequence, texts.verdict(value))
        return sequence.text(self.name, value, status=self.verdict)

    def _add_verdict(self, sequence: UutReport | SequenceCall, verdict: Status | None) -> Step:
        if verdict is None:
            raise ValueError(f"step {self.name!r} has neither a value nor a verdict")
        if verdict not in ("P", "F"):
            return sequence.action(self.name, status=verdict)
        step = sequence.passed(self.name, verdict == "P")
        if self._has_limits:
            step.note(f"no value; limits {self.low} to {self.high}")
        return step

    @property
    def _has_limits(self) -> bool:
        return self.low is not None or self.high is not None

    def _note_contradiction(self, step: Step, *, holds: bool) -> None:
        if self.verdict in ("P", "F") and holds != (self.verdict == "P"):
            words = {True: "passed", False: "failed"}
            step.note(f"The file says {words[not holds]}, its limits say {words[holds]}.")
