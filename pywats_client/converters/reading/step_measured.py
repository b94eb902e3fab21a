"""What a step measured, and the test that this makes: single or multiple, with the file's verdicts and notes."""

import math
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from pywats_client.wsjf import NumericLimit, PassFail, Step, StringValue, shorten
from pywats_client.wsjf.limits import CompOp, StringOp, arrange
from pywats_client.wsjf.model import Status, is_worse

MAX_NAME = 100
_WORDS = {"P": "passed", "F": "failed", "D": "done", "S": "skipped", "E": "error", "T": "terminated"}


class Number(NamedTuple):
    """A number that was measured, with its limits."""

    value: float
    name: str = ""
    low: float | None = None
    high: float | None = None
    op: CompOp | None = None
    unit: str = ""
    status: Status | None = None


class Text(NamedTuple):
    """A text that was measured, and the one expected."""

    value: str
    name: str = ""
    expected: str | None = None
    ignore_case: bool = False
    status: Status | None = None


class Verdict(NamedTuple):
    """A verdict without a value."""

    status: Status
    name: str = ""


Measured = Number | Text | Verdict


def measuring_step(name: str, measured: Sequence[Measured], status: Status | None) -> Step:
    """A test of measurements of one kind: single for one without a name, else multiple. `status`: the file's own."""
    single = len(measured) == 1 and not measured[0].name
    first = measured[0]
    step: Step
    if isinstance(first, Number):
        step = NumericLimit(name=name, step_type="ET_NLT" if single else "ET_MNLT")
    elif isinstance(first, Text):
        step = StringValue(name=name, step_type="ET_SVT" if single else "ET_MSVT")
    elif single and status not in ("P", "F", None):  # a single verdict is that of its step
        step = Step(name=name, status=status)
        step.note(f"Its own verdict was {_WORDS[first.status]}.")
        return step
    else:
        step = PassFail(name=name, step_type="ET_PFT" if single else "ET_MPFT")
    for item, shown in zip(measured, _unique([item.name for item in measured]), strict=True):
        _add(step, item, None if single else shown, (status if single else None) or item.status, status)
        if len(item.name) > len(shown):
            step.note(f"{shown}: its name is {item.name}")
    settle_step(step, status, "" if single else "measurements")
    return step


def settle_step(step: Step, status: Status | None, parts: str) -> None:
    """Give a step the file's verdict, and say where that is not what the parts of it say."""
    found, step.status = step.status, status or step.status
    if parts and (is_worse(found, step.status) or {step.status, found} == {"P", "F"}):
        step.note(f"The file says {_WORDS[step.status]}, its {parts} say {_WORDS[found]}.")


def _unique(names: Sequence[str]) -> list[str]:
    """Names that differ, as those within a step must, and are not empty."""
    found: dict[str, None] = {}
    for place, name in enumerate(names):
        bare = shorten(name or f"Measurement {place}", MAX_NAME - 6)
        tries = (bare if number == 1 else f"{bare} ({number})" for number in count(1))
        found[next(each for each in tries if each not in found)] = None
    return list(found)


def _add(step: Step, item: Measured, name: str | None, status: Status | None, of_step: Status | None) -> None:
    """One measurement with its verdict, and a note where that is not what its limits say."""
    if isinstance(item, Number) and isinstance(step, NumericLimit):
        _add_number(step, item, name, status, of_step)
    elif isinstance(item, Text) and isinstance(step, StringValue):
        step.add(name, item.value, expected=item.expected, ignore_case=item.ignore_case, status=status)
        if item.expected is not None:
            op = StringOp.IGNORECASE if item.ignore_case else StringOp.CASESENSIT
            _note_contradiction(step, name, status, "limits say", holds=op.holds(item.value, item.expected))
    elif isinstance(item, Verdict) and isinstance(step, PassFail):
        step.add(name, item.status == "P", status=status)
        _note_contradiction(step, name, status, "value says", holds=item.status == "P")


def _add_number(
    step: NumericLimit, item: Number, name: str | None, status: Status | None, of_step: Status | None
) -> None:
    unit, op = item.unit or None, _fitting(item)
    try:
        comp_op, *limits = arrange(item.low, item.high, op)
    except ValueError as why:
        step.add(name, item.value, unit=unit, op="LOG", status=status or of_step)
        low, high = ("none" if limit is None else limit for limit in (item.low, item.high))
        step.note(
            f"{name or 'value'}: comparison {item.op or 'not said'}, low {low}, high {high}, not to be said: {why}"
        )
        return
    step.add(name, item.value, low=item.low, high=item.high, op=op, unit=unit, status=status)
    if comp_op is not CompOp.LOG:
        holds = math.isfinite(item.value) and comp_op.holds(item.value, *limits)
        _note_contradiction(step, name, status, "limits say", holds=holds)


def _fitting(item: Number) -> CompOp | None:
    """The comparison; where one side of two is open, missing or infinite, that of the other side."""
    has_low, has_high = item.low not in (None, -math.inf), item.high not in (None, math.inf)
    if item.op is None or not item.op.is_inside or has_low == has_high:
        return item.op
    return CompOp(item.op[:2] if has_low else item.op[2:])


def _note_contradiction(step: Step, name: str | None, status: Status | None, what: str, *, holds: bool) -> None:
    if status in ("P", "F") and holds != (status == "P"):
        of_what = f"{name}: the" if name else "The"
        says = {True: "passed", False: "failed"}
        step.note(f"{of_what} file says {says[not holds]}, its {what} {says[holds]}.")
