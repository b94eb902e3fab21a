"""OpenHTF test records, as its JSON output writes them: phases with measurements, limits as texts, attachments."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.fields import MAX_FACT, Fields, FormatArguments, tell
from pywats_client.converters.reading.json_values import Json, obj, objects, read, text_of, texts
from pywats_client.converters.reading.named_facts import NamedFacts
from pywats_client.converters.reading.nested import bounded, explain, sequence, titled
from pywats_client.converters.reading.openhtf_measurements import add_measurement, outcome
from pywats_client.converters.reading.openhtf_phases import Logs, moment, phase_step, set_times
from pywats_client.converters.reading.texts import beginning
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, Step, UutReport, shorten
from pywats_client.wsjf.model import Status

_NO_DUT = ("UNKNOWN_DUT", "<UNSET_DUT>")
"""What OpenHTF writes where nobody has said what is tested."""
_KNOWN = (
    *("dut_id", "station_id", "start_time_millis", "end_time_millis", "outcome", "outcome_details", "marginal"),
    *("code_info", "metadata", "phases", "subtests", "branches", "checkpoints", "diagnosers", "diagnoses"),
    "log_records",
)
_MAX_COMMENT = 1000


class OpenHtf(FileConverter):
    """From OpenHTF's own record. Phases are sequences in which each measurement is a step; subtests enclose theirs.

    The file says unit, station, times and verdict; part number, revision, batch and operator come from metadata of
    such names, else from the arguments. Logs stand in the report texts of their phases.
    """

    name = "openhtf"
    description = "OpenHTF test records in JSON"

    class Arguments(FormatArguments):
        """What is taken over."""

        attachment_limit_kb: int = Field(default=10_000, ge=0)
        """Larger attachments are left out, and their step says so. Servers may refuse more than 100 kB."""

    def matches(self, source: Source) -> float:
        """Words that no other JSON has together."""
        start = beginning(source)
        if not start.lstrip().startswith(("{", "[")):
            return 0.0
        words = set(re.findall(r'"(\w+)"\s*:', start))
        if "dut_id" in words and words & {"start_time_millis", "outcome_details", "code_info", "phases"}:
            return 0.98
        return 0.9 if {"dimensions", "uom_code", "outcome"} <= words else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """The report of the record, or of each in a list of them."""
        content = read(source)
        if not isinstance(content, list):
            yield _report(content, source, context.arguments, "the record")
            return
        for number, record in enumerate(content, 1):
            place = f"record {number}"
            try:
                yield _report(record, source, context.arguments, place)
            except ConversionError as fault:
                yield fault if str(fault).startswith(place) else ConversionError(f"{place}: {fault}")


def _report(record: Any, source: Source, arguments: OpenHtf.Arguments, place: str) -> UutReport:
    if not isinstance(record, Mapping):
        raise ConversionError(f"{place} is not an object: {{…}}")
    record = obj(record, "test_record", place) or record  # a station's server writes more around it
    if "phases" in record:
        return _Record(record, place).report(source, arguments)
    if "dimensions" in record and "value" in record:
        return _lone_measurement(record, Fields(source, arguments), place)
    raise ConversionError(f"{place} is not of OpenHTF: it has no phases")


def _lone_measurement(record: Json, fields: Fields, place: str) -> UutReport:
    """A measurement at coordinates that OpenHTF has written by itself; its last dimension is that of the values."""
    *dimensions, units = objects(record, "dimensions", place) or [{}]
    if not fields.fill("serial_number"):
        raise ConversionError(
            "the file is one measurement, not the record of a test, so it does not say of which unit: convert the "
            "record, or set the argument serial_number, or name_pattern"
        )
    report = fields.report()
    measurement = {**record, "dimensions": dimensions, "units": units, "measured_value": record["value"]}
    add_measurement({key: value for key, value in measurement.items() if key != "value"}, report.root, place)
    return fields.settle(report, fields.require_result(_verdict(record, place)))


def _verdict(record: Json, place: str) -> Status | None:
    """The outcome, if it is a verdict; an unfinished test has none."""
    found = outcome(record, place)
    return found if found in ("P", "F", "E", "T") else None


class _Record:
    """One record, which is about one unit."""

    def __init__(self, record: Json, place: str) -> None:
        self._record, self._place = record, place
        self._metadata = obj(record, "metadata", place)
        self._phases = objects(record, "phases", place)
        self._subtests: dict[str, SequenceCall] = {}
        self._facts = NamedFacts()

    def report(self, source: Source, arguments: OpenHtf.Arguments) -> UutReport:
        """The unit's report."""
        record, place = self._record, self._place
        self._gather()
        fields = Fields(source, arguments, self._facts.placeholders)
        report = self._begin(fields)
        self._describe(report)
        logs = Logs(objects(record, "log_records", place), self._phases)
        for step in self._steps(logs, arguments.attachment_limit_kb * 1000):
            report.add(step)
        if log := logs.of(None):
            report.root.note(log)
        failed = report.result if report.result != "P" else None
        return fields.settle(report, fields.require_result(_verdict(record, place) or failed))

    def _gather(self) -> None:
        """Who the unit is: the record says it, then its metadata."""
        unit = text_of(self._record.get("dut_id"))
        if unit and unit not in _NO_DUT:
            self._facts.gather("serial number", unit)
        for name, value in self._metadata.items():
            self._facts.gather(name, text_of(value))

    def _begin(self, fields: Fields) -> UutReport:
        record, config = self._record, obj(self._metadata, "config", self._place)
        start, end = (moment(record, key, self._place) for key in ("start_time_millis", "end_time_millis"))
        return self._facts.report(
            fields,
            start=start,
            station=text_of(record.get("station_id")) or text_of(config.get("station_id")),
            execution_time=(end - start).total_seconds() if start and end else None,
        )

    def _describe(self, report: UutReport) -> None:
        """What the record says of the test as a whole."""
        metadata = {name: text_of(value) for name, value in self._metadata.items() if name != "sub_units"}
        for part in objects(self._metadata, "sub_units", self._place):
            _add_part(report, {name: text_of(value) for name, value in part.items()})
        report.sequence_name = shorten(metadata.pop("test_name", ""), 200) or report.sequence_name
        report.sequence_version = shorten(metadata.pop("test_version", ""), 30) or report.sequence_version
        report.comment = shorten(metadata.pop("test_description", ""), _MAX_COMMENT) or None
        for name, text in metadata.items():
            self._facts.tell(report, name, text, report.root)
        for name, value in self._record.items():
            if name not in _KNOWN:
                tell(report, name, text_of(value))
        if self._record.get("marginal"):
            tell(report, "marginal", "yes")
        self._explain(report)

    def _explain(self, report: UutReport) -> None:
        """Why the test ended as it did, and what was diagnosed."""
        word = text_of(self._record.get("outcome"))
        _note(report.root, "outcome", word if word not in ("PASS", "FAIL") else "")
        for detail in objects(self._record, "outcome_details", self._place):
            code, text = text_of(detail.get("code")), text_of(detail.get("description"))
            explain(report.root, ": ".join(part for part in (code, text) if part))
            report.error_message = report.error_message or report.root.error_message
        for diagnosis in objects(self._record, "diagnoses", self._place):
            told = [f"{name}={text_of(value)}" for name, value in diagnosis.items() if value not in (None, False)]
            report.root.note(f"diagnosis: {bounded(', '.join(told))}")
        info = obj(self._record, "code_info", self._place)
        for name in ("name", "docstring", "sourcecode"):
            _note(report.root, f"code, {name}", text_of(info.get(name)))
        _note(report.root, "diagnosers", ", ".join(texts(self._record, "diagnosers")))

    def _steps(self, logs: Logs, attachment_bytes: int) -> list[Step]:
        """The phases in their order, those of a subtest within it; and between them, where a branch was decided."""
        made: list[Step] = []
        decided = [*self._decisions("branches"), *self._decisions("checkpoints")]
        decided.sort(key=lambda each: each[0])
        for phase in self._phases:
            while decided and decided[0][0] <= _millis(phase.get("start_time_millis")):
                self._place_step(made, *decided.pop(0)[1:])
            step = phase_step(phase, self._place, logs, attachment_bytes)
            self._place_step(made, step, text_of(phase.get("subtest_name")))
        for _, step, subtest in decided:
            self._place_step(made, step, subtest)
        self._judge_subtests(made)
        return made

    def _place_step(self, made: list[Step], step: Step, subtest: str) -> None:
        if not subtest:
            made.append(step)
            return
        if subtest not in self._subtests:
            self._subtests[subtest] = sequence(subtest, "subtest")
            made.append(self._subtests[subtest])
        self._subtests[subtest].add(step)

    def _decisions(self, key: str) -> Iterator[tuple[float, Step, str]]:
        """Branches that were taken or not, and checkpoints at which a test might have ended."""
        for record in objects(self._record, key, self._place):
            step = Step(**titled(text_of(record.get("name")), key))
            told = {name: value for name, value in record.items() if name not in ("name", "subtest_name")}
            _note(step, key, ", ".join(f"{name}={text_of(value)}" for name, value in told.items()))
            yield _millis(record.get("evaluated_millis")), step, text_of(record.get("subtest_name"))

    def _judge_subtests(self, made: list[Step]) -> None:
        """Give the subtests their own outcomes and times; one without phases is a sequence without steps."""
        for record in objects(self._record, "subtests", self._place):
            name = text_of(record.get("name"))
            if name not in self._subtests:
                self._subtests[name] = sequence(name, "subtest")
                made.append(self._subtests[name])
            subtest = self._subtests[name]
            set_times(subtest, record, self._place)
            word = text_of(record.get("outcome")).rpartition(".")[2]
            verdict = "F" if word == "STOP" else outcome(record, f"{self._place}, subtest {name!r}")
            if word == "STOP":
                subtest.note("The subtest stopped the test.")
            if {verdict, subtest.status} == {"P", "F"}:
                subtest.note(f"The file says {verdict}, the steps say {subtest.status}.")
            subtest.status = verdict or subtest.status


def _add_part(report: UutReport, said: Mapping[str, str]) -> None:
    """A part of the unit, as stations write them that build it; a report's part has a part number."""
    serial_number, part_number, revision = (
        shorten(said.get(name, ""), MAX_FACT) for name in ("serial_number", "part_number", "revision")
    )
    if serial_number and part_number:
        kind = shorten(said.get("name", ""), 50) or "Sub unit"
        report.sub_unit(kind, serial_number, part_number, revision=revision)
    else:
        tell(report, "sub unit", ", ".join(f"{name}={text}" for name, text in said.items()))


def _millis(value: Any) -> float:
    return value if isinstance(value, int | float) else 0


def _note(step: Step, name: str, text: str) -> None:
    if text:
        step.note(f"{name}: {bounded(text)}")
