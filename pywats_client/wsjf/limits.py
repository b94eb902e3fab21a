"""Comparison operators of measurements, and the verdicts they give (WSJF, section "Comparison operators")."""

import math
import operator
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property

_Compare = Callable[[float, float], bool]


class CompOp(StrEnum):
    """How a number is compared with its limits. With one limit, that limit is the low one, whatever the direction."""

    LOG = "LOG"
    """only recorded"""
    EQ = "EQ"
    NE = "NE"
    GT = "GT"
    GE = "GE"
    LT = "LT"
    LE = "LE"
    GTLT = "GTLT"
    GTLE = "GTLE"
    GELT = "GELT"
    GELE = "GELE"
    """low ≤ value ≤ high"""
    LTGT = "LTGT"
    """value < low or value > high: outside"""
    LTGE = "LTGE"
    LEGT = "LEGT"
    LEGE = "LEGE"

    @cached_property
    def limit_count(self) -> int:
        """How many limits the operator needs: 0, 1 or 2."""
        return 0 if self is CompOp.LOG else len(self) // 2

    @cached_property
    def is_inside(self) -> bool:
        """True when the value must lie between two limits."""
        return self.limit_count == 2 and self.startswith("G")

    def holds(self, value: float, low: float | None, high: float | None) -> bool:
        """Whether the value passes; ValueError where a limit that the operator needs is missing."""
        if self is CompOp.LOG:
            return True
        if low is None or (self.limit_count == 2 and high is None):
            raise ValueError(f"{self.value} cannot be judged: a limit is missing")
        compare_low, compare_high = self._comparisons
        first = compare_low(value, low)
        if high is None or compare_high is None:
            return first
        second = compare_high(value, high)
        return (first and second) if self.is_inside else (first or second)

    @cached_property
    def _comparisons(self) -> tuple[_Compare, _Compare | None]:
        return _COMPARE[self[:2]], _COMPARE.get(self[2:])


_COMPARE: dict[str, _Compare] = {
    "EQ": operator.eq,
    "NE": operator.ne,
    "GT": operator.gt,
    "GE": operator.ge,
    "LT": operator.lt,
    "LE": operator.le,
}


class StringOp(StrEnum):
    """How a text is compared with the expected one."""

    LOG = "LOG"
    """only recorded"""
    CASESENSIT = "CASESENSIT"
    IGNORECASE = "IGNORECASE"

    def holds(self, value: str, expected: str) -> bool:
        """Whether the text is the expected one."""
        if self is StringOp.IGNORECASE:
            return value.casefold() == expected.casefold()
        return self is StringOp.LOG or value == expected


def arrange(
    low: float | None, high: float | None, op: CompOp | str | None = None
) -> tuple[CompOp, float | None, float | None]:
    """The operator and the limits as the wire has them: `(operator, lowLimit, highLimit)`.

    Without an operator the limits choose it: both GELE, only low GE, only high LE, none LOG. An infinite limit that
    excludes nothing (low -inf, high +inf) is no limit. A single limit moves to the low place.
    ValueError for a limit that is NaN or excludes everything, and where operator and limits do not fit.
    """
    low = None if low == -math.inf else low
    high = None if high == math.inf else high
    for side, limit in (("low", low), ("high", high)):
        if isinstance(limit, float) and not math.isfinite(limit):
            raise ValueError(f"the {side} limit is {limit}: give a finite number, or leave the limit out")
    chosen = _by_limits(low, high) if op is None else CompOp(op)
    given = (low is not None) + (high is not None)
    if given != chosen.limit_count:
        raise ValueError(f"operator {chosen.value} takes {chosen.limit_count} limits, {given} given")
    return (chosen, high, None) if low is None else (chosen, low, high)


def _by_limits(low: float | None, high: float | None) -> CompOp:
    if low is None:
        return CompOp.LOG if high is None else CompOp.LE
    return CompOp.GE if high is None else CompOp.GELE
