"""Teradyne Spectrum, an in-circuit tester: its log of nested records, each in parentheses."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.dates import Dates, told_order
from pywats_client.converters.reading.fields import tell
from pywats_client.converters.reading.measured import VERDICTS
from pywats_client.converters.reading.nested import skip_if_all_were, titled
from pywats_client.converters.reading.programs import Program, ProgramArguments
from pywats_client.converters.reading.spectrum_records import Record, records
from pywats_client.converters.reading.spectrum_steps import add_test, verdict_of
from pywats_client.converters.reading.texts import beginning, read
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, UutReport
from pywats_client.wsjf.model import Status

UserField = Literal[
    "serial_number", "part_number", "revision", "process_code", "operator", "station", "location", "fixture_id",
    "batch_serial_number", "comment", "sequence_version", "date", "start_time", "end_time", "status",
]  # fmt: skip
_KNOWN_USER_FIELDS: Mapping[str, UserField] = {
    **dict.fromkeys(("serialnumber", "serialno", "serial", "sn", "boardid", "boardserialnumber"), "serial_number"),
    **dict.fromkeys(("partnumber", "partno", "pn", "productnumber"), "part_number"),
    **dict.fromkeys(("revision", "rev", "partrevision", "boardrevision"), "revision"),
    **dict.fromkeys(("operator", "operatorid", "operatorname"), "operator"),
    **dict.fromkeys(("machine", "machinename", "station", "stationname"), "station"),
    **dict.fromkeys(("batch", "batchnumber", "batchserialnumber", "lot", "lotnumber"), "batch_serial_number"),
    **dict.fromkeys(("fixture", "fixtureid"), "fixture_id"),
    **dict.fromkeys(("sequencerev", "sequencerevision", "sequenceversion"), "sequence_version"),
    "processcode": "process_code",
    "starttime": "start_time",
    "endtime": "end_time",
    **{field: field for field in ("location", "comment", "date", "status")},
}
_OF_REPORT = ("serial_number", "operator", "process_code", "station", "location", "batch_serial_number", "fixture_id",
              "comment")  # fmt: skip
_DATES = re.compile(r"\((?:TIME|USER):[^()]*")
_MILLISECONDS = re.compile(r"(\d:\d\d:\d\d):(\d+)$")


class Spectrum(FileConverter):
    """The grammar is that of a log of Spectrum 5 and of the vendor's public reader of such logs.

    A program holds sections, a section steps, a step pages, a page analog (ANA), interconnect (INTC) and other tests;
    each of them has a verdict of its own (STAT). A step of one page with one test is one step of the report; others
    are sequences. What the program prints (USER) differs from station to station: `name: text` says something of the
    unit where the name is known, such as Serialnumber, Operator, StartTime and STATUS; the rest are misc infos.
    """

    name = "spectrum"
    description = "Teradyne Spectrum in-circuit log"

    class Arguments(ProgramArguments):
        """What the records do not say of themselves."""

        day_first: bool | None = None
        """Whether 02/09/2023 is 2 September; unset: as a day above 12 tells, else it is, and that is noted."""
        user_fields: dict[str, UserField] = Field(default_factory=dict)
        """More names of what the program prints (USER), such as {"Nest": "fixture_id"}."""

    def matches(self, source: Source) -> float:
        """The names of the records look like nothing else."""
        start = beginning(source)
        found = {name for name in ("PROGRAM_NAME", "SECTION_NAME", "STEP", "SNAME") if f"({name}:" in start}
        if len(found) > 1:
            return 0.95
        return 0.7 if "PROGRAM_NAME" in found else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a program that was run."""
        text = read(source, context.arguments.encoding)
        told = told_order(" ".join(_DATES.findall(text)))
        is_day_first = context.arguments.day_first if told is None else told
        run: list[Record] = []
        try:
            for record in records(text):
                if record.name == "PROGRAM_NAME" and run:
                    yield _converted(run, source, context.arguments, is_day_first)
                    run = []
                run.append(record)
        except ConversionError as fault:
            yield fault
            return
        if not run:
            raise ConversionError("the file is empty: it holds no record such as (PROGRAM_NAME: …)")
        yield _converted(run, source, context.arguments, is_day_first)


def _converted(
    run: list[Record], source: Source, arguments: Spectrum.Arguments, day_first: bool | None
) -> UutReport | ConversionError:
    try:
        return _Unit(run, source, arguments, day_first).report()
    except ConversionError as fault:
        return fault


class _Unit:
    """A program that was run on a unit, from its records."""

    def __init__(
        self, run: list[Record], source: Source, arguments: Spectrum.Arguments, day_first: bool | None
    ) -> None:
        self._run, self._source, self._arguments, self._dates = run, source, arguments, Dates(day_first)
        self._said: dict[str, str] = {}
        self._others: list[tuple[str, str]] = []
        self._lines: list[str] = []
        self._read_user_records()

    def report(self) -> UutReport:
        """The whole unit. Raises ConversionError."""
        arguments, line = self._arguments, self._run[0].line
        program = Program(next((record.text for record in self._run if record.name == "PROGRAM_NAME"), ""),
                          self._said.get("sequence_version", ""))  # fmt: skip
        fields = program.fields(self._source, arguments)
        steps = [record for record in self._run if record.name == "STEP"]
        verdict = _verdict(self._said.get("status", ""))
        if not (verdict or arguments.result or any(verdict_of(step) in ("P", "F", "E", "T") for step in steps)):
            problem = "there is no verdict, neither of a step (STAT) nor of the unit: set the argument result"
            raise ConversionError(problem, line=line)
        about: dict[str, Any] = {name: text for name, text in self._said.items() if name in _OF_REPORT}
        report = fields.report(
            line=line,
            **about,
            **program.product(fields, arguments, **self._said),
            **self._times(steps),
        )
        program.describe(report)
        for name, text in self._others:
            tell(report, name, text)
        for text in self._lines:
            report.root.note(text)
        self._add_sections(report)
        self._dates.note(report)
        return fields.judge(report, verdict, line)

    def _read_user_records(self) -> None:
        """What stands beside sections and steps: what the program prints, and records of later versions."""
        names = {**_KNOWN_USER_FIELDS, **{_bare(name): field for name, field in self._arguments.user_fields.items()}}
        for record in self._run:
            name, colon, text = record.text.partition(":")
            if record.name == "USER" and colon:
                self._keep(names.get(_bare(name)), name.strip(), text.strip(), record.line)
            elif record.name in ("USER", ""):
                self._lines.append(f"line {record.line}: {record.text}")
            elif record.name not in ("PROGRAM_NAME", "SUBPROGRAM_NAME", "SECTION_NAME", "STEP"):
                self._others.append((record.name, record.flat()))

    def _keep(self, field: UserField | None, name: str, text: str, line: int) -> None:
        before = self._said.get(field or "")
        if field == "serial_number" and before and before != text:
            raise ConversionError(f"a second serial number in one program: {text} after {before}", line=line)
        is_known = field is not None and before is None
        if field == "status" and not _verdict(text):
            is_known = False
        if field and is_known:
            self._said[field] = text
        elif before != text:
            self._others.append((name, text))

    def _times(self, steps: list[Record]) -> dict[str, Any]:
        """Start and duration: as the program prints them, else from the first step to the last."""
        of_steps = [found for step in steps if (found := self._moment(step.said("TIME")))]
        if "date" in self._said and not {"start_time", "end_time"} & self._said.keys():
            self._others.append(("Date", self._said["date"]))
        date = self._said.get("date") or (f"{of_steps[0]:%Y-%m-%d}" if of_steps else "")
        start, end = (self._printed(date, field) for field in ("start_time", "end_time"))
        start, end = start or min(of_steps, default=None), end or max(of_steps, default=None)
        if start and end and end < start and self._said.get("end_time"):
            end += timedelta(days=1)  # over midnight: only times of day are printed
        seconds = (end - start).total_seconds() if start and end else 0
        return {"start": start, "execution_time": seconds if seconds > 0 else None}

    def _printed(self, date: str, field: UserField) -> datetime | None:
        """A time that the program prints; one in a form of its own becomes a misc info."""
        text = self._said.get(field)
        if not text:
            return None
        time = _MILLISECONDS.sub(r"\1.\2", text)
        found = self._moment(f"{date} {time}")
        if found is None:
            self._others.append((field, f"{date} {text}"))
        return found

    def _moment(self, text: str) -> datetime | None:
        """None where the text is no time."""
        try:
            return self._dates.read(text)
        except ValueError:
            return None

    def _add_sections(self, report: UutReport) -> None:
        has_several = sum(record.name == "SUBPROGRAM_NAME" for record in self._run) > 1
        program: UutReport | SequenceCall = report
        section: UutReport | SequenceCall = report
        holders: list[SequenceCall] = []
        for record in self._run:
            if record.name == "SUBPROGRAM_NAME" and has_several:
                holders.append(report.sequence(**titled(record.text, "subprogram")))
                section = program = holders[-1]
            elif record.name == "SUBPROGRAM_NAME":
                tell(report, "Subprogram", record.text)
            elif record.name == "SECTION_NAME":
                section = program.sequence(**titled(record.text, "section"))
                holders.append(section)
            elif record.name == "STEP":
                step = add_test(section, record, record.said("SNAME"))
                step.start = self._moment(record.said("TIME"))
                if step.start is None and (time := record.said("TIME")):
                    step.note(f"TIME: {time}")
        for holder in reversed(holders):
            skip_if_all_were(holder)


def _verdict(text: str) -> Status | None:
    """The verdict that a sentence such as BOARD PASSED ends in."""
    words = re.findall(r"[a-z]{2,}", text.lower())
    found = next((VERDICTS[word] for word in reversed(words) if word in VERDICTS), None)
    return found if found in ("P", "F", "E", "T") and "not" not in words else None


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
