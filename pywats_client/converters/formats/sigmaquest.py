"""SigmaQuest XML: a UnitReport, its test runs within test runs, and their results."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from pywats_client.converters import xml
from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.fields import Fields, FormatArguments, tell
from pywats_client.converters.measured import VERDICTS, Measured, limit, moment, number
from pywats_client.converters.nested import MAX_DEPTH, sequence, set_verdict, titled
from pywats_client.converters.xml import Element, line_of, local, told
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, UutReport, shorten
from pywats_client.wsjf.model import Status, is_worse
from pywats_client.wsjf.steps import Step

_REPORT, _RUN, _START, _END = "UnitReport", "TestRun", "start-time", "end-time"
_GRADES: Mapping[str, Status] = {**VERDICTS, "not run": "S", "not tested": "S"}
"""Grades of runs; others, such as PENDING, are no verdict."""
_NUMBERS = re.compile(r"Value(Double|Float|Integer|Int|Long|Short|Decimal|Number|Numeric)", re.IGNORECASE)
_GRADE_NAMES = ("grade", "result", "status")
_UNITS = ("unit", "units", "uom")
_UNLIMITED = (("lsl", "0"), ("usl", "0"))
_NOTHING = ("", "none", "null", "n/a")
_NO_STATION = re.compile(r"<no .*>", re.IGNORECASE)


class Sigmaquest(FileConverter):
    """From a real file; there is no public description.

    Each TestRun is a step: a sequence if it holds runs or results, else passed or failed. A value is judged by its
    limits, a run by its grade; a grade such as PENDING is no verdict, and the run counts as done. Of limits, 0 and 0
    mean that there are none; where low is above high, a 0 among them stands for none, and two others cannot both
    hold, so they are told in the report text.
    """

    name = "sigmaquest"
    description = "SigmaQuest XML: unit reports with nested test runs"

    class Arguments(FormatArguments):
        """As every format has. Texts may hold {category} and {run}, the name of the first test run, too."""

    def matches(self, source: Source) -> float:
        """A UnitReport, and what is in one."""
        root = xml.root_of(source)
        unit = next(root.iter(f"{{*}}{_REPORT}"), None) if root is not None else None
        if unit is None:
            return 0.0
        known = {"Station", "Operator", "Category", "Product", _RUN} & {local(child) for child in unit}
        return 1.0 if known else 0.5

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report for each UnitReport."""
        found = False
        try:
            for unit in xml.elements(source, _REPORT):
                found = True
                try:
                    yield _Unit(unit, source, context.arguments).report()
                except ConversionError as fault:
                    yield fault if fault.line else ConversionError(str(fault), line=line_of(unit))
        except ConversionError as fault:
            yield fault
            return
        if not found:
            raise ConversionError(f"the file holds no {_REPORT}")


def _said(element: Element) -> dict[str, str]:
    """The attributes that are not empty."""
    return {str(name): str(text).strip() for name, text in element.attrib.items() if str(text).strip()}


def _stated(element: Element | None) -> dict[str, str]:
    """The attributes of what a unit is tested with; a word such as None says nothing."""
    said = _said(element) if element is not None else {}
    return {name: text for name, text in said.items() if text.lower() not in _NOTHING}


def _moment(element: Element, name: str) -> datetime | None:
    text = _said(element).get(name, "")
    try:
        return None if text.lower() in _NOTHING else moment(text)
    except (ValueError, OverflowError):
        raise ConversionError(f"{name}: {text!r} is not a time of ISO 8601", line=line_of(element)) from None


def _seconds(element: Element) -> float | None:
    start, end = _moment(element, _START), _moment(element, _END)
    return (end - start).total_seconds() if start and end and end >= start else None


class _Unit:
    """One UnitReport."""

    def __init__(self, element: Element, source: Source, arguments: Sigmaquest.Arguments) -> None:
        self._element = element
        self._product = next(element.iter("{*}Product"), None)
        self._runs = [child for child in element if local(child) == _RUN]
        self._first = _stated(self._runs[0] if self._runs else None)
        categories = [_said(child).get("name", "") for child in element.iter("{*}Category")]
        self._category = "/".join(filter(None, categories))
        self._fields = Fields(source, arguments, {"category": self._category, "run": self._first.get("name", "")})

    def report(self) -> UutReport:
        """The report of the unit."""
        report = self._begin()
        for run in self._runs:
            _add_run(report, run)
        verdict = self._verdict()
        if verdict is None and report.result not in ("F", "E", "T"):
            verdict = self._fields.require_result(None)
        return self._fields.settle(report, verdict)

    def _verdict(self) -> Status | None:
        """The unit's own grade, or the worst of its runs; None where a run has none, and no other failed."""
        grades = [_grade(element) for element in self._runs]
        own = _grade(self._element)
        worst: Status | None = own or ("P" if "P" in grades and None not in grades else None)
        for grade in () if own else grades:
            if grade and is_worse(grade, worst or "P"):
                worst = grade
        return worst if worst in ("P", "F", "E", "T") else None

    def _begin(self) -> UutReport:
        unit, product = _stated(self._element), _stated(self._product)
        station, operator = self._child("Station"), self._child("Operator")
        if _NO_STATION.fullmatch(station.get("name", "")):
            del station["name"]
        report = self._fields.report(
            serial_number=product.pop("serial-no", ""),
            part_number=product.pop("part-no", ""),
            revision=next((product.pop(name) for name in tuple(product) if "rev" in name.lower()), ""),
            operator=operator.pop("name", ""),
            station=station.pop("name", None),
            start=_moment(self._element, _START) or (_moment(self._runs[0], _START) if self._runs else None),
            execution_time=_seconds(self._element),
            line=line_of(self._product) if self._product is not None else line_of(self._element),
        )
        if name := self._first.get("name"):
            report.sequence_name = shorten(name, 200)
        tell(report, "category", self._category)
        for of, said in (("", unit), ("", product), ("station ", station), ("operator ", operator)):
            for name, text in said.items():
                if of or name not in (_START, _END, *_GRADE_NAMES):
                    tell(report, f"{of}{name}", text)
        self._tell_more(report)
        return report

    def _child(self, name: str) -> dict[str, str]:
        return _stated(next((child for child in self._element if local(child) == name), None))

    def _tell_more(self, report: UutReport) -> None:
        """Further products are parts of the unit; properties are misc infos."""
        for product in self._element.iter("{*}Product"):
            said = _stated(product)
            if product is not self._product and "serial-no" in said and "part-no" in said:
                kind = shorten(said.get("name", "Product"), 50)
                report.sub_unit(kind, said["serial-no"], said["part-no"])
            elif product is not self._product:
                report.root.note(told(product))
        for child in self._element:
            if local(child) == "Property":
                for value in _values(child):
                    tell(report, value.name, value.whole_text)
            elif local(child) == "Comment" and not report.comment:
                report.comment = shorten((child.text or "").strip(), 1000) or None
            elif local(child) not in (_RUN, "Station", "Operator", "Category", "Product"):
                report.root.note(told(child))


def _grade(element: Element) -> Status | None:
    return _GRADES.get(_grade_text(element).lower())


def _grade_text(element: Element) -> str:
    said = _said(element)
    return next((said[name] for name in _GRADE_NAMES if name in said), "")


def _add_run(parent: UutReport | SequenceCall, element: Element, depth: int = 1) -> None:
    """A test run, with all that lies in it; its own grade is what counts further up."""
    if depth > MAX_DEPTH:
        raise ConversionError(f"test runs lie within test runs, more than {MAX_DEPTH} deep", line=line_of(element))
    run = sequence(_said(element).get("name", ""), _RUN)
    for child in element:
        if local(child) == _RUN:
            _add_run(run, child, depth + 1)
        elif local(child) == "Result":
            _add_result(run, child)
        else:
            run.note("\n".join(map(_line, _values(child))) or told(child))
    step = _graded(parent, run, _grade_text(element))
    step.start, step.total_time = _moment(element, _START), _seconds(element)
    for name, text in _said(element).items():
        if name not in ("name", _START, _END, *_GRADE_NAMES):
            step.note(f"{name}: {text}")


def _graded(parent: UutReport | SequenceCall, run: SequenceCall, grade: str) -> Step:
    """The run with its grade, added; one that holds nothing has only passed or failed."""
    verdict = _GRADES.get(grade.lower())
    if grade and not verdict:
        run.note(f"grade: {grade}")
    if run.steps:
        if verdict:
            set_verdict(run, verdict)
        elif grade:
            run.status = "D"
        return parent.add(run)
    step: Step
    if verdict in ("P", "F"):
        step = parent.passed(run.name, verdict == "P")
    else:
        step = parent.action(run.name, status=verdict or "D")
    step.report_text = run.report_text
    return step


class _Value(NamedTuple):
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


def _values(element: Element) -> Iterator[_Value]:
    """The values in a result or a property; one without a name has that of what it lies in."""
    for child in element.iter():
        around = child.getparent()
        if local(child).startswith("Value") and around is not None and not local(around).startswith("Value"):
            names = (_said(each).get("name") for each in (child, around, element))
            yield _Value(child, next(filter(None, names), local(child)))


def _line(value: _Value) -> str:
    """A value as a line of report text, such as a file that belongs to a run."""
    more = [text for key, text in _said(value.element).items() if key != "name"]
    return f"{value.name}: " + " ".join(filter(None, [value.whole_text, *more]))


def _add_result(run: SequenceCall, element: Element) -> None:
    """A result: its values, each judged by its limits where neither it nor the result has a grade."""
    values, grade = list(_values(element)), _grade(element)
    if not values:
        _graded(run, sequence(_said(element).get("name", ""), "Result"), _grade_text(element)).note(told(element))
    for value in values:
        own = _grade(value.element)
        said = {
            name: text
            for name, text in _said(value.element).items()
            if name != "name" and not (own and name in _GRADE_NAMES)
        }
        try:
            if local(value.element) == "ValueAttachment":
                run.note(_line(value))
            elif _NUMBERS.fullmatch(local(value.element)):
                _add_number(run, value, said, own or grade)
            else:
                step = run.text(value=value.whole_text, status=own or grade, **titled(value.name, "value"))
                _note_others(step, {name: text for name, text in said.items() if (name, text) not in _UNLIMITED})
        except ValueError as fault:
            raise ConversionError(f"{value.name}: {fault}", line=line_of(value.element)) from None


def _add_number(run: SequenceCall, value: _Value, said: dict[str, str], grade: Status | None) -> None:
    """ValueError where the value or a limit is no number."""
    limits = _limits(said.pop("lsl", ""), said.pop("usl", ""))
    unit = next((said.pop(name) for name in _UNITS if name in said), "")
    title = titled(value.name, "value")
    if value.text.lower() in _NOTHING:
        step: Step = run.numeric(
            title["name"], math.nan, low=limits.low, high=limits.high, unit=unit or None, status=grade or "S"
        )
        step.report_text = "The file has no value."
    else:
        measured = number(value.text, decimal_comma=True)
        step = Measured(title["name"], measured, limits.low, limits.high, unit=unit, verdict=grade).add_to(run)
    for text in (title.get("report_text"), limits.note):
        if text:
            step.note(text)
    _note_others(step, said)


def _note_others(step: Step, said: Mapping[str, str]) -> None:
    for name, text in said.items():
        step.note(f"{name}: {text}")


class _Limits(NamedTuple):
    """Limits as they hold, and what is to be said of others."""

    low: float | None = None
    high: float | None = None
    note: str = ""


def _limits(lsl: str, usl: str) -> _Limits:
    """ValueError where they are no numbers."""
    low, high = limit(lsl, decimal_comma=True), limit(usl, decimal_comma=True)
    if low == high == 0:
        return _Limits()
    if low is None or high is None or low <= high:
        return _Limits(low, high)
    note = f"limits in the file: low {lsl}, high {usl}"
    return _Limits(low or None, high or None, note) if 0 in (low, high) else _Limits(note=note)
