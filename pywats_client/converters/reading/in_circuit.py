"""What in-circuit testers and flying probes say of a test: value, limits and verdict, each of which may be missing."""

import math
import re
from typing import NamedTuple

from pywats_client.converters.reading.measured import Measured, limit, number
from pywats_client.converters.reading.nested import titled
from pywats_client.wsjf import SequenceCall, UutReport
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.steps import Step

# as the C library of Windows writes them
_NAN = re.compile(r"[+-]?(nan\(.*\)|1\.#(ind|[qs]?nan)\d*)", re.IGNORECASE)
_INFINITY = re.compile(r"([+-]?)1\.#inf\d*", re.IGNORECASE)
_PLACE = re.compile(r"\d{1,9}", re.ASCII)


def quantity(text: str) -> float:
    """The number that a text says, with decimal point or comma; NaN and infinity in any spelling.

    ValueError where it says none.
    """
    text = text.strip()
    if _NAN.fullmatch(text):
        return math.nan
    if found := _INFINITY.fullmatch(text):
        return float(f"{found[1]}inf")
    return number(text, decimal_comma=True)


def seconds(text: str) -> float | None:
    """A duration such as `4,474`, `1:40.307` or `00:00:03`; None where the text says none."""
    try:
        parts = [quantity(part) for part in text.split(":", 3)]
    except ValueError:
        return None
    total = sum(part * 60**power for power, part in enumerate(reversed(parts)))
    return round(total, 6) if math.isfinite(total) else None


def place(text: str) -> int | None:
    """The number of a board on its panel; None where the text is none."""
    return int(text) if _PLACE.fullmatch(text) else None


class Reading(NamedTuple):
    """A test in the words of the tester. Limits 0 and 0 mean that there are none."""

    name: str
    value: str = ""
    low: str = ""
    high: str = ""
    unit: str = ""
    verdict: Status | None = None

    def add_to(self, sequence: UutReport | SequenceCall) -> Step:
        """The step of the kind that fits: a number, a text, or a verdict alone.

        Its report text tells limits that have no place; a test without value and verdict was not made, as after an
        abort. ValueError for limits of a number that are none themselves.
        """
        title = titled(self.name, "test")
        verdict = self.verdict or (None if self.value.strip() else "S")
        measured, is_whole = self._replace(verdict=verdict)._measured(title["name"])
        step = measured.add_to(sequence)
        if "report_text" in title:
            step.note(title["report_text"])
        if not is_whole:
            step.note(f"limits: {self.low.strip() or 'none'} to {self.high.strip() or 'none'}")
        return step

    def _measured(self, name: str) -> tuple[Measured, bool]:
        """What was measured, and whether that says all of the limits."""
        try:
            value = quantity(self.value)
        except ValueError:
            return Measured(name, self.value.strip(), verdict=self.verdict), not (self.low + self.high).strip()
        low, high = _limit(self.low), _limit(self.high)
        if not low == high == 0:
            is_whole = all(side is None or math.isfinite(side) for side in (low, high))
            return Measured(
                name, value, _finite(low), _finite(high), None, self.unit.strip(), "", self.verdict
            ), is_whole
        if value == 0 and self.verdict and not self.unit.strip():
            return Measured(name, verdict=self.verdict), True  # nothing was measured
        return Measured(name, value, unit=self.unit.strip(), verdict=self.verdict), False


def _limit(text: str) -> float | None:
    text = text.strip()
    return quantity(text) if _NAN.fullmatch(text) or _INFINITY.fullmatch(text) else limit(text, decimal_comma=True)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
