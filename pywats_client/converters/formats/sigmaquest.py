"""SigmaQuest XML: a UnitReport, its test runs within test runs, and their results."""

import re
from collections.abc import Iterator
from datetime import datetime

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading import xml
from pywats_client.converters.reading.fields import Fields, FormatArguments, tell
from pywats_client.converters.reading.measured import moment
from pywats_client.converters.reading.nested import MAX_DEPTH, sequence, set_verdict
from pywats_client.converters.reading.sigmaquest_results import (
    GRADE_NAMES,
    GRADES,
    NOTHING,
    add_result,
    grade_of,
    grade_text,
    said_by,
    values_in,
)
from pywats_client.converters.reading.xml import Element, line_of, local, told
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, UutReport, shorten
from pywats_client.wsjf.model import Status, is_worse
from pywats_client.wsjf.steps import Step

_REPORT, _RUN, _START, _END = "UnitReport", "TestRun", "start-time", "end-time"
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


def _stated(element: Element | None) -> dict[str, str]:
    """The attributes of what a unit is tested with; a word such as None says nothing."""
    said = said_by(element) if element is not None else {}
    return {name: text for name, text in said.items() if text.lower() not in NOTHING}


def _moment(element: Element, name: str) -> datetime | None:
    text = said_by(element).get(name, "")
    try:
        return None if text.lower() in NOTHING else moment(text)
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
        categories = [said_by(child).get("name", "") for child in element.iter("{*}Category")]
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
        return self._fields.settle(report, verdict or report.result)

    def _verdict(self) -> Status | None:
        """The unit's own grade, or the worst of its runs; None where a run has none, and no other failed."""
        grades = [grade_of(element) for element in self._runs]
        own = grade_of(self._element)
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
                if of or name not in (_START, _END, *GRADE_NAMES):
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
                for value in values_in(child):
                    tell(report, value.name, value.whole_text)
            elif local(child) == "Comment" and not report.comment:
                report.comment = shorten((child.text or "").strip(), 1000) or None
            elif local(child) not in (_RUN, "Station", "Operator", "Category", "Product"):
                report.root.note(told(child))


def _add_run(parent: UutReport | SequenceCall, element: Element, depth: int = 1) -> None:
    """A test run, with all that lies in it; its own grade is what counts further up."""
    if depth > MAX_DEPTH:
        raise ConversionError(f"test runs lie within test runs, more than {MAX_DEPTH} deep", line=line_of(element))
    run = sequence(said_by(element).get("name", ""), _RUN)
    for child in element:
        if local(child) == _RUN:
            _add_run(run, child, depth + 1)
        elif local(child) == "Result" and next(values_in(child), None):
            add_result(run, child)
        elif local(child) == "Result":
            result = sequence(said_by(child).get("name", ""), "Result")
            _graded(run, result, grade_text(child)).note(told(child))
        else:
            run.note("\n".join(value.line for value in values_in(child)) or told(child))
    step = _graded(parent, run, grade_text(element))
    step.start, step.total_time = _moment(element, _START), _seconds(element)
    for name, text in said_by(element).items():
        if name not in ("name", _START, _END, *GRADE_NAMES):
            step.note(f"{name}: {text}")


def _graded(parent: UutReport | SequenceCall, run: SequenceCall, grade: str) -> Step:
    """The run with its grade, added; one that holds nothing has only passed or failed."""
    verdict = GRADES.get(grade.lower())
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
