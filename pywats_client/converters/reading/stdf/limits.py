"""What the results of an STDF test are held against: limits that a record has, or has from the first of its test."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

from pywats_client.converters.reading.stdf.lot import Said
from pywats_client.converters.reading.texts import scaled
from pywats_client.wsjf import CompOp
from pywats_client.wsjf.limits import arrange

LOW_PASSES, HIGH_PASSES = 0x40, 0x80
"""PARM_FLG: whether a result that equals the limit has passed."""
# OPT_FLAG of PTR and MPR
_FIRST_SCALE = 0x01
_NO_LOW_SPEC, _NO_HIGH_SPEC = 0x04, 0x08
_FIRST_LOW, _FIRST_HIGH, _NO_LOW, _NO_HIGH = 0x10, 0x20, 0x40, 0x80
_NOTHING = 0xFF
_PERCENT = 2
"""The one scale whose sign, %, changes what the number says; others only choose a prefix (m, k) for printing."""


class About(TypedDict):
    """The limits as methods of a report take them."""

    low: float | None
    high: float | None
    unit: str | None
    op: CompOp


@dataclass(frozen=True)
class Limits:
    """Limits, and what else holds for the numbers of a test."""

    low: float | None
    high: float | None
    op: CompOp
    unit: str
    is_percent: bool
    remarks: tuple[str, ...]
    """what has no place beside the numbers"""

    @property
    def exist(self) -> bool:
        """Whether there are any."""
        return self.op is not CompOp.LOG

    @property
    def about(self) -> About:
        """What a numeric measurement is told of them."""
        return {"low": self.low, "high": self.high, "unit": self.unit or None, "op": self.op}

    @cached_property
    def _arranged(self) -> tuple[CompOp, float | None, float | None]:
        return arrange(self.low, self.high, self.op)

    def holds(self, number: float) -> bool:
        """Whether a number, in the unit of the limits, is one and keeps to them."""
        op, low, high = self._arranged
        return math.isfinite(number) and op.holds(number, low, high)

    def value(self, number: float) -> float:
        """A number of the file in the unit of these limits."""
        return _percent(number) if self.is_percent else number


def limits_of(values: Said, first: Said) -> Limits:
    """The limits of a test's record. `first`: the first record of this test that has some."""
    numbers = {
        "low limit": inherited("LO_LIMIT", values, first, absent=_NO_LOW, as_first=_FIRST_LOW),
        "high limit": inherited("HI_LIMIT", values, first, absent=_NO_HIGH, as_first=_FIRST_HIGH),
        "specified low": inherited("LO_SPEC", values, first, absent=_NO_LOW_SPEC),
        "specified high": inherited("HI_SPEC", values, first, absent=_NO_HIGH_SPEC),
    }
    unit = values.get("UNITS") or first.get("UNITS") or ""
    is_percent = inherited("RES_SCAL", values, first, as_first=_FIRST_SCALE) == _PERCENT and unit in ("", "%")
    if is_percent:
        unit = "%"
        numbers = {name: None if number is None else _percent(number) for name, number in numbers.items()}
    low, high = _finite(numbers["low limit"]), _finite(numbers["high limit"])
    remarks = [
        f"{name} {number:g}"
        for name, number in numbers.items()
        if number is not None and (name.startswith("specified") or _finite(number) is None)
    ]
    return Limits(low, high, _operator(low, high, values.get("PARM_FLG", 0)), unit, is_percent, tuple(remarks))


def inherited(field: str, values: Said, first: Said, *, absent: int = 0, as_first: int = 0) -> Any:
    """What a record says, or the first one of its test; None where neither does.

    OPT_FLAG has a bit that says there is no such thing, `absent`, and one that refers to the first, `as_first`.
    """
    flags = values.get("OPT_FLAG")
    if flags is not None and flags & absent:
        return None
    if flags is not None and not flags & as_first and field in values:
        return values[field]
    return None if first.get("OPT_FLAG", _NOTHING) & (absent | as_first) else first.get(field)


def _operator(low: float | None, high: float | None, flags: int) -> CompOp:
    above = "" if low is None else "GE" if flags & LOW_PASSES else "GT"
    below = "" if high is None else "LE" if flags & HIGH_PASSES else "LT"
    return CompOp(above + below or "LOG")


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else number


def _percent(number: float) -> float:
    return scaled(repr(number), _PERCENT)
