"""What a test step measured: numbers, verdicts and texts, each with its limits and status."""

import math
from typing import Annotated, Self

from pywats_client.wsjf.limits import CompOp, StringOp, arrange
from pywats_client.wsjf.model import Number, Status, WireModel, wire


class NumericMeasurement(WireModel):
    """A number with its limits. A single test's measurement has no name."""

    comp_op: CompOp | str | None = None
    name: str | None = None
    status: Status | None = None
    unit: str | None = None
    value: Number | None = None
    high_limit: Number | None = None
    low_limit: Number | None = None

    @classmethod
    def judged(
        cls,
        name: str | None,
        value: float,
        *,
        low: float | None = None,
        high: float | None = None,
        unit: str | None = None,
        op: CompOp | str | None = None,
        status: Status | None = None,
    ) -> Self:
        """A measurement with the verdict that its limits give, or with `status`, the file's own.

        A value that is NaN or infinite has no JSON form: it is left out, and the verdict is F.
        ValueError where operator and limits do not fit (see `limits.arrange`).
        """
        comp_op, low_limit, high_limit = arrange(low, high, op)
        finite = is_finite(value)
        passes = finite and comp_op.holds(value, low_limit, high_limit)
        return cls(
            name=name,
            value=value if finite else None,
            unit=unit,
            comp_op=comp_op,
            low_limit=low_limit,
            high_limit=high_limit,
            status=status or ("P" if passes else "F"),
        )


class BooleanMeasurement(WireModel):
    """A verdict: there is no value beside it, the status is the value."""

    name: str | None = None
    status: Status | None = None


class StringMeasurement(WireModel):
    """A text with the expected one."""

    comp_op: StringOp | str | None = None
    name: str | None = None
    status: Status | None = None
    value: str | None = None
    expected: Annotated[str | None, wire("limit")] = None

    @classmethod
    def judged(
        cls,
        name: str | None,
        value: str,
        *,
        expected: str | None = None,
        ignore_case: bool = False,
        status: Status | None = None,
    ) -> Self:
        """A measurement with the verdict of the comparison, or with `status`, the file's own."""
        if expected is None:
            comp_op, passes = StringOp.LOG, True
        else:
            comp_op = StringOp.IGNORECASE if ignore_case else StringOp.CASESENSIT
            passes = comp_op.holds(value, expected)
        verdict = status or ("P" if passes else "F")
        return cls(name=name, value=value, comp_op=comp_op, expected=expected, status=verdict)


def is_finite(value: float) -> bool:
    """Whether the number has a JSON form; whole numbers of any size have."""
    return isinstance(value, int) or math.isfinite(value)
