"""The results of a SigmaQuest test run: values with limits, and grades."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pywats_client.converters.reading.measured import VERDICTS, Measured, limit, number
from pywats_client.converters.reading.nested import titled
from pywats_client.converters.reading.xml import Element, line_of, local, told
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.steps import Step

GRADES: Mapping[str, Status] = {**VERDICTS, "not run": "S", "not tested": "S"}
"""Grades of runs and results; others, such as PENDING, are no verdict."""
GRADE_NAMES = ("grade", "result", "status")
NOTHING = ("", "none", "null", "n/a")
"""Texts that say nothing."""
_NUMBERS = re.compile(r"Value(Double|Float|Integer|Int|Long|Short|Decimal|Number|Numeric)", re.IGNORECASE)
_UNITS = ("unit", "units", "uom")
_UNLIMITED = (("lsl", "0"), ("usl", "0"))


def said_by(element: Element) -> dict[str, str]:
    """The attributes that are not empty."""
    return {str(name): str(text).strip() for name, text in element.attrib.items() if str(text).strip()}


def grade_text(element: Element) -> str:
    """The grade as it stands there; empty where none does."""
    said = said_by(element)
    return next((said[name] for name in GRADE_NAMES if name in said), "")


def grade_of(element: Element) -> Status | None:
    """The verdict that the grade is; None where it is none."""
    return GRADES.get(grade_text(element).lower())


class Value(NamedTuple):
    """A value of a result or a property."""

    element: Element
    name: str

    @property
    def text(self) -> str:
        """What stands in it."""
        return (self.element.text or "").strip()

    @property
    def whole_text(self) -> str:
        """What it says, with the elements in it."""
        return told(self.element) if len(self.element) else self.text

    @property
    def line(self) -> str:
        """All of it as a line of report text, such as a file that belongs to a run."""
        more = [text for key, text in said_by(self.element).items() if key != "name"]
        return f"{self.name}: " + " ".join(filter(None, [self.whole_text, *more]))


def values_in(element: Element) -> Iterator[Value]:
    """The values in a result or a property; one without a name has that of what it lies in."""
    for child in element.iter():
        around = child.getparent()
        if local(child).startswith("Value") and around is not None and not local(around).startswith("Value"):
            names = (said_by(each).get("name") for each in (child, around, element))
            yield Value(child, next(filter(None, names), local(child)))


def add_result(run: SequenceCall, element: Element) -> None:
    """A result: a step for each value, judged by its limits where neither it nor the result has a grade."""
    grade = grade_of(element)
    others = {f"result {name}": text for name, text in _others(element).items()}
    if name := said_by(element).get("name"):
        others["result"] = name
    for value in values_in(element):
        if local(value.element) == "ValueAttachment":
            run.note(value.line)
            continue
        try:
            step = _add_value(run, value, grade_of(value.element) or grade)
        except ValueError as fault:
            raise ConversionError(f"{value.name}: {fault}", line=line_of(value.element)) from None
        for key, text in others.items():
            if text != value.name:
                step.note(f"{key}: {text}")
    for child in element:
        if local(child) != "Property" and not local(child).startswith("Value"):
            run.note(told(child))


def _others(element: Element) -> dict[str, str]:
    """The attributes beside the name, and a grade that is a verdict."""
    graded = GRADE_NAMES if grade_of(element) else ()
    return {name: text for name, text in said_by(element).items() if name not in ("name", *graded)}


def _add_value(run: SequenceCall, value: Value, grade: Status | None) -> Step:
    """ValueError where a number or a limit is none."""
    said = _others(value.element)
    if _NUMBERS.fullmatch(local(value.element)):
        step = _add_number(run, value, said, grade)
    else:
        step = run.text(value=value.whole_text, status=grade, **titled(value.name, "value"))
    for name, text in said.items():
        if (name, text) not in _UNLIMITED:
            step.note(f"{name}: {text}")
    return step


def _add_number(run: SequenceCall, value: Value, said: dict[str, str], grade: Status | None) -> Step:
    """Takes limits and unit out of what is said."""
    limits = _limits(said.pop("lsl", ""), said.pop("usl", ""))
    unit = next((said.pop(name) for name in _UNITS if name in said), "")
    title = titled(value.name, "value")
    if value.text.lower() in NOTHING:
        low, high = limits.low, limits.high
        step: Step = run.numeric(title["name"], math.nan, low=low, high=high, unit=unit or None, status=grade or "S")
        step.report_text = "The file has no value."
    else:
        measured = number(value.text, decimal_comma=True)
        step = Measured(title["name"], measured, limits.low, limits.high, unit=unit, verdict=grade).add_to(run)
    for text in (title.get("report_text"), limits.note):
        if text:
            step.note(text)
    return step


class _Limits(NamedTuple):
    """Limits as they hold, and what is to be said of others."""

    low: float | None = None
    high: float | None = None
    note: str = ""


def _limits(lsl: str, usl: str) -> _Limits:
    """0 and 0 are none; low above high cannot hold, unless one of them is a 0 that stands for none."""
    low, high = limit(lsl, decimal_comma=True), limit(usl, decimal_comma=True)
    if low == high == 0:
        return _Limits()
    if low is None or high is None or low <= high:
        return _Limits(low, high)
    note = f"limits in the file: low {lsl}, high {usl}"
    return _Limits(low or None, high or None, note) if 0 in (low, high) else _Limits(note=note)
