"""NI TestStand's XML report: the property tree of the unit, the station and the results."""

import re
from collections.abc import Iterator
from datetime import datetime

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.fields import Fields, FormatArguments
from pywats_client.converters.reading.property_tree import lines, number_of
from pywats_client.converters.reading.step_results import StepResult, status_of
from pywats_client.converters.reading.teststand_props import Props, attribute, inner, items, text_of, value_of
from pywats_client.converters.reading.teststand_steps import Clock, Steps
from pywats_client.converters.reading.unit_facts import Part, UnitFacts, fill, mark_cause, moment_or_fault, settle
from pywats_client.converters.reading.xml import Element, elements, line_of, local, namespace, root_of
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport
from pywats_client.wsjf.report import ROOT_NAME

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNSAID = "NONE"
"""What TestStand shows where nobody gave a serial number."""
_HEADER = frozenset({"UUT", "ReportOptions", "StartTime", "StartDate", "StationInfo", "MainSequenceResults", ""})


class TeststandXml(FileConverter):
    """Facts: two real files, and TestStand's manual of its results (Status, TS, Limits, Comp …).

    One is <Reports> of TestStand itself, a <Report> for each unit; it says no part number where the sequence sets
    none. The other is <TSReport> of the WATS client for TestStand, which says all. Steps of any type are read by what
    their results hold. The report options say how a report is to look, and are left out.
    """

    name = "teststand_xml"
    description = "XML reports of NI TestStand, with or without WATS fields; one or several units a file"

    class Arguments(FormatArguments):
        """What every format knows."""

    def matches(self, source: Source) -> float:
        """By the root, and what a first report in it says of itself."""
        root = root_of(source)
        if root is None or namespace(root):
            return 0.0
        if local(root) == "TSReport":
            return 1.0
        report = root if local(root) == "Report" else root.find("Report") if local(root) == "Reports" else None
        return 1.0 if report is not None and _is_report(report) else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report of each unit; what TestStand sums up of a batch is no unit."""
        fields = Fields(source, context.arguments)
        count = 0
        try:
            for element in elements(source, "Report", "TSReport"):
                if attribute(element, "Type") == "Batch":
                    context.log.info(
                        "line %s: the summary of a batch holds no steps, and is left out", line_of(element)
                    )
                    continue
                count += 1
                try:
                    yield _Report(element, fields).report()
                except ConversionError as fault:
                    yield fault
        except ConversionError as fault:  # it breaks off after the units so far
            yield fault
        else:
            if not count:
                raise ConversionError("the file holds no report of a unit: no element Report or TSReport of TestStand")


def _is_report(element: Element) -> bool:
    """Whether a Report is TestStand's, by its attributes or its properties."""
    return (
        "UUTResult" in element.attrib
        or attribute(element, "Type") in ("UUT", "Batch")
        or element.find("Prop") is not None
    )


class _Report:
    """One Report or TSReport: the unit, the station, and the results of the main sequence."""

    def __init__(self, element: Element, fields: Fields) -> None:
        if namespace(element) or not (local(element) == "TSReport" or _is_report(element)):
            raise ConversionError("the report is not TestStand's: it holds no property tree", line=line_of(element))
        self._element, self._fields = element, fields
        self._props = Props(element)
        self._info = {
            attribute(child, "key"): attribute(child, "value") for child in element if local(child) == "ReportInfo"
        }
        """what the WATS client says of the report"""

    def report(self) -> UutReport:
        """All of it."""
        line = line_of(self._element)
        start = self._start()
        results = next((prop for prop in self._element if attribute(prop, "Type") == "TEResult"), None)
        steps = Steps(self._clock(start, results))
        main = StepResult(ROOT_NAME) if results is None else steps.read(results)
        report = self._unit().begin(self._fields, start or main.start, line)
        if _GUID.fullmatch(self._info.get("ID", "")):
            report.id = self._info["ID"]
        fill(report, main)
        self._mark_causes(report, steps)
        for name, prop in self._props.items():
            if name not in _HEADER:
                for text in lines(name, value_of(prop)):
                    report.root.note(text)
        word = attribute(self._element, "UUTResult") or main.word
        return settle(report, self._fields, status_of(word), word, line)

    def _start(self) -> datetime | None:
        """When the test of the unit began: written out by the WATS client, in parts by TestStand itself."""
        line = line_of(self._element)
        if said := self._info.get("Start"):
            return moment_or_fault(said, line)
        date, time = self._props.below("StartDate"), self._props.below("StartTime")
        parts = [date.text(key) for key in ("Year", "Month", "MonthDay")]
        parts += [time.text(key) or "0" for key in ("Hours", "Minutes", "Seconds", "Milliseconds")]
        if not any(parts[:3]):
            return None
        try:
            year, month, day, hour, minute, second, milliseconds = (int(number_of(part)) for part in parts)
            return datetime(year, month, day, hour, minute, second, milliseconds * 1000).astimezone()
        except (ValueError, OverflowError):
            raise ConversionError(f"{' '.join(parts)} is not a date and time", line=line) from None

    def _clock(self, start: datetime | None, results: Element | None) -> Clock | None:
        """Steps count their seconds from the start of the engine; the main sequence began with the test."""
        if (began := self._info.get("EngineStarted")) and start:
            return Clock(moment_or_fault(began, line_of(self._element)).astimezone(start.tzinfo), 0.0)
        seconds = None if results is None else Props(results).below("TS").number("StartTime")
        return Clock(start, seconds) if start and seconds is not None else None

    def _unit(self) -> UnitFacts:
        facts = UnitFacts()
        for key, text in self._info.items():
            if key not in ("ID", "Start", "EngineStarted"):
                facts.take(key, text)
        _take_unit(facts, self._props.below("UUT"))
        station = self._props.below("StationInfo")
        for name in station:
            if name != "StationComputerName" or station.text(name) != station.text("StationID"):
                _take(facts, name, station[name])
        return facts

    def _mark_causes(self, report: UutReport, steps: Steps) -> None:
        """TestStand's failure chain names the steps that made the unit fail."""
        causes = []
        for entry in _members(self._props.below("UUT").get("CriticalFailureStack")):
            if step := steps.by_id.get(entry.text("ResultId")):
                causes.append(step)
            else:
                report.root.note(f"Caused the failure: {entry.text('SequenceName')}/{entry.text('StepName')}")
        mark_cause(report, causes)


def _members(array: Element | None) -> Iterator[Props]:
    """The properties of each element of an array of objects."""
    for _, item in items(array) if array is not None else ():
        member = inner(item)
        yield Props(item if member is None else member)


def _take(facts: UnitFacts, name: str, prop: Element) -> None:
    """A fact of the unit or of the station; of a group each of its values."""
    if Props(prop) or attribute(prop, "Type") in ("Array", "Obj"):
        for line in lines("", value_of(prop)):
            key, _, text = line.partition(": ")
            facts.take(key or name, text)
    elif attribute(prop, "Type") != "Reference":
        facts.take(name, text_of(prop))


def _take_unit(facts: UnitFacts, unit: Props) -> None:
    """What is said of the unit; the WATS fields come first, as they are there to say it."""
    if unit.text("SerialNumber") != _UNSAID:
        facts.take("SerialNumber", unit.text("SerialNumber"))
    for name in ("UUTPartNumber", "UUTPartRevisionNumber"):
        facts.take(name, unit.text(name))
    for name, prop in unit.items():
        match name:
            case "SerialNumber" | "CriticalFailureStack" | "UUTPartNumber" | "UUTPartRevisionNumber":
                continue
            case "MiscUUTResult":
                _take_wats(facts, Props(prop))
            case _:
                _take(facts, name, prop)


def _take_wats(facts: UnitFacts, results: Props) -> None:
    """Sub units and misc infos of the WATS client."""
    for part in _members(results.get("UUT_Part_Info")):
        said = {_bare(name): part.text(name) for name in part}
        number, serial = _first(said, "partnumber", "partno", "pn"), _first(said, "serial", "sn")
        facts.parts.append(Part(_first(said, "type"), serial, number, _first(said, "rev")))
    for info in _members(results.get("Misc_UUT_Info")):
        said = {_bare(name): info.text(name) for name in info}
        text = _first(said, "string", "text", "numeric")
        facts.more.append((_first(said, "description") or "Misc info", text))
    for name, prop in results.items():
        if name not in ("UUT_Part_Info", "Misc_UUT_Info"):
            _take(facts, name, prop)


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def _first(said: dict[str, str], *words: str) -> str:
    """The text of the first name that holds one of the words, the first of them before the others."""
    return next((text for word in words for name, text in said.items() if word in name and text), "")
