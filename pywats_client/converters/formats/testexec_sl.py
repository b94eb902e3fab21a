"""Keysight (Agilent) TestExec SL: its results as XML."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.dates import Dates, told_order
from pywats_client.converters.reading.fields import Fields, FormatArguments, tell
from pywats_client.converters.reading.measured import VERDICTS
from pywats_client.converters.reading.programs import Program
from pywats_client.converters.reading.testexec_steps import (
    DURATION,
    START,
    VERDICT,
    add_step,
    inner_steps,
    is_apart,
    is_judged,
    is_verdict,
    is_whole,
    iso_moment,
    seconds,
)
from pywats_client.converters.reading.xml import Element, line_of, local, namespace, parse, root_of
from pywats_client.converters.reading.xml_facts import Facts, bare
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport
from pywats_client.wsjf.model import Status

_ROOTS = ("testresults", "testexecresults", "results")
_PARTS = frozenset({"header", "uut", "testsequence", "testgroup", "summary"})
_NAMES: Mapping[str, tuple[str, ...]] = {
    "serial_number": ("serialnumber", "serialno", "serial", "sn", "uutserialnumber", "uutid", "barcode"),
    "part_number": ("partnumber", "partno", "pn", "uutpartnumber", "productnumber", "modelnumber", "model", "uuttype"),
    "revision": ("revision", "rev", "partrevision", "uutrevision", "hardwarerevision"),
    "process_code": ("processcode", "operationtypecode"),
    "operator": ("operator", "operatorid", "operatorname", "username", "user"),
    "station": ("station", "stationid", "stationname", "testsystem", "testsystemid", "computername", "machinename"),
    "location": ("location",),
    "batch_serial_number": ("batchserialnumber", "batch", "batchid", "batchnumber", "lot", "lotid", "lotnumber"),
    "fixture_id": ("fixtureid", "fixture", "fixturename"),
    "comment": ("comment", "comments", "remark"),
    "error_message": ("errormessage", "failuremessage"),
}
_WHOLE = {"socket_index": ("socketindex", "socket", "testsocketindex", "slot"), "error_code": ("errorcode",)}
_PROGRAM = ("testplan", "testplanname", "testprogram", "program", "programname", "sequencename")
_PROGRAM_VERSION = ("testplanversion", "testplanrevision", "programversion", "testprogramversion", "sequenceversion")
_OVERALL = ("overallresult", "overallstatus", "finalresult", "uutresult", "uutstatus", "testresult", "teststatus")
_TOTAL_TIME = ("totaltime", "totaltesttime", "cycletime", *DURATION)
_WHEN = ("startdatetime", "starttime", "teststarttime", "start", "testdatetime", "datetime", "timestamp", *START)
_DATE, _TIME = ("date", "testdate", "startdate"), ("time", "testtime")


class TestexecSl(FileConverter):
    """Experimental: from a description of another reader of such files; neither a file nor a specification was at hand.

    Assumed: the root is TestResults, TestExecResults or Results; in it, or in elements within it, stand Header, UUT
    and Summary, which say of the unit what their names tell, in attributes or elements; TestSequence, TestGroup, Test
    and Measurement are steps in steps, each with a name and a verdict. A single TestSequence is the whole test.
    """

    name = "testexec_sl"
    description = "Keysight TestExec SL results as XML (experimental)"

    class Arguments(FormatArguments):
        """What the elements do not say of themselves."""

        day_first: bool | None = None
        """Whether 02/09/2023 is 2 September; unset: as a day above 12 tells, else it is, and that is noted."""

    def matches(self, source: Source) -> float:
        """Its roots have names that others use, too: what lies in them must fit."""
        root = root_of(source)
        if root is None or bare(local(root)) not in _ROOTS or "ieee" in namespace(root).lower():
            return 0.0
        found = {bare(local(element)) for element in root.iter("{*}*")} & _PARTS
        if bare(local(root)) == "testexecresults":
            return 0.95 if found else 0.6
        return 0.9 if {"uut"} < found else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a unit."""
        root = parse(source)
        units = [element for element in root.iter("{*}*") if any(_is_uut(inner) for inner in element)] or [root]
        for unit in units:
            try:
                yield _report(root, unit, units, Fields(source, context.arguments), context.arguments.day_first)
            except ConversionError as fault:
                yield fault


def _is_uut(element: Element) -> bool:
    return bare(local(element)) == "uut"


def _report(root: Element, unit: Element, units: list[Element], fields: Fields, is_day_first: bool | None) -> UutReport:
    """One unit. Raises ConversionError."""
    steps, line = inner_steps(unit), line_of(unit)
    sequence_name = ""
    said = [Facts(unit, is_apart)]
    if unit is not root:
        said.append(Facts(root, lambda element: is_apart(element) or element in units))
    if len(steps) == 1 and bare(local(steps[0])) == "testsequence":
        of_sequence = Facts(steps[0], is_apart)
        sequence_name = of_sequence.take("name")
        said.append(of_sequence)
        steps = inner_steps(steps[0])
    facts = _Said(said, is_day_first)
    verdict = facts.verdict()
    if verdict is None and not is_judged(unit):
        verdict = fields.require_result(None, line)
    report = fields.report(**facts.about(), line=line)
    Program(facts.take(*_PROGRAM) or sequence_name, facts.take(*_PROGRAM_VERSION)).describe(report)
    for name, text in facts.others():
        tell(report, name, text)
    for step in steps:
        add_step(report, step)
    facts.dates.note(report)
    return fields.settle(report, verdict)


class _Said:
    """What is said of a unit, near it and farther off: the nearest counts."""

    def __init__(self, facts: list[Facts], is_day_first: bool | None) -> None:
        self._facts = facts
        told = told_order(" ".join(text for _, text in self.others()))
        self.dates = Dates(is_day_first if told is None else told)

    def take(self, *names: str, accept: Callable[[str], bool] = bool) -> str:
        """As of `Facts`."""
        return next((text for facts in self._facts if (text := facts.take(*names, accept=accept))), "")

    def others(self) -> list[tuple[str, str]]:
        """As of `Facts`."""
        return [pair for facts in self._facts for pair in facts.others()]

    def verdict(self) -> Status | None:
        """The verdict of the unit."""
        return VERDICTS.get(self.take(*_OVERALL, *VERDICT, accept=_is_final).lower())

    def about(self) -> dict[str, Any]:
        """What has a field of its own in the report."""
        about: dict[str, Any] = {field: self.take(*names) or None for field, names in _NAMES.items()}
        for field, names in _WHOLE.items():
            about[field] = int(self.take(*names, accept=is_whole) or 0) or None
        duration = self.take(*_TOTAL_TIME, accept=lambda text: seconds(text) is not None)
        return {**about, "execution_time": seconds(duration), "start": self._start()}

    def _start(self) -> datetime | None:
        """In one text, or date and time apart."""
        if text := self.take(*_WHEN, *_DATE, accept=lambda text: ":" in text and self._moment(text) is not None):
            return self._moment(text)
        date = self.take(*_DATE, accept=lambda text: self._moment(text) is not None)
        time = self.take(*_TIME) if date else ""
        return self._moment(f"{date} {time}") or self._moment(date) if date else None

    def _moment(self, text: str) -> datetime | None:
        if found := iso_moment(text):
            return found
        try:
            return self.dates.read(text)
        except ValueError:
            return None


def _is_final(text: str) -> bool:
    return is_verdict(text) and VERDICTS[text.lower()] in ("P", "F", "E", "T")
