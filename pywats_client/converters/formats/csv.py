"""Tables of text: arguments tell which column says what, no code is needed."""

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Literal, TextIO

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.fields import Fields, FormatArguments, tell
from pywats_client.converters.reading.measured import VERDICTS, Measured, Texts, limit, moment, operator
from pywats_client.converters.reading.tables import Column, Layout, Row, find_column, find_delimiter, read_rows
from pywats_client.converters.registry import check_arguments
from pywats_client.converters.templates import merged
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, UutReport
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.steps import Step

_MAX_FAULTS = 50


def _known(headers: str) -> Any:
    """A column that is found by these headers; case, blanks and signs in them do not matter."""
    return Field(default=None, description=f"Known headers: {headers}.", examples=headers.split(", "))


class Columns(BaseModel):
    """Which column says what: its header, or its number from 1. Unset: a known header; "": there is none."""

    model_config = ConfigDict(extra="forbid")

    serial_number: Column = _known("serial number, serial, serial no, sn")
    part_number: Column = _known("part number, part no, part, pn, product number, product")
    revision: Column = _known("revision, rev, part revision")
    operator: Column = _known("operator, operator name, user, user name")
    process_code: Column = _known("process code, process, operation code")
    start: Column = _known("start, start time, start date time, date time, timestamp, test date, date")
    step: Column = _known("step, step name, test, test name, name, measurement, parameter")
    group: Column = _known("group, sequence, test group, section")
    low: Column = _known("low, low limit, lower limit, lsl, min, minimum, lo, ll")
    high: Column = _known("high, high limit, upper limit, usl, max, maximum, hi, ul")
    comparison: Column = _known("comparison, comp op, comp operator, comparator")
    unit: Column = _known("unit, units, uom")
    verdict: Column = _known("verdict, status, pass fail, outcome, judgement, judgment, result")
    value: Column = _known("value, measured, measured value, reading, actual, data, result")
    expected: Column = _known("expected, expected value, expected text")


_KNOWN = {name: field.examples or [] for name, field in Columns.model_fields.items()}
_UNIT_FIELDS = ("serial_number", "part_number", "revision", "operator", "process_code", "start", "verdict")


class Measurement(BaseModel):
    """A column that holds a measurement of each unit, for unit_per_row."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    column: str | int
    """Its header, or its number from 1."""
    name: str = ""
    """Name of the step; empty: the header."""
    low: float | None = None
    high: float | None = None
    comparison: str = ""
    """Operator as in WSJF (GELE), or a sign (<=); empty: values on the limits pass."""
    unit: str = ""
    expected: str = ""
    """The text that it must equal."""


class Csv(FileConverter):
    """Values with commas, semicolons or tabs between them."""

    name = "csv"
    description = "Tables of text: one unit a file, or one unit a row"

    class Arguments(FormatArguments):
        """How the table is to be read."""

        template: str = ""
        """A JSON file with arguments that several converters share, in the instance's folder of converters or
        absolute. Arguments given beside it win, in columns and verdicts each for itself."""
        mode: Literal["unit_per_file", "unit_per_row"] = "unit_per_file"
        """unit_per_file: each row is a step of one unit; unit_per_row: each row is a unit."""
        delimiter: str = ""
        """One character, or `tab`; empty: found in the file, among tab ; , |"""
        has_header: bool = True
        """Whether the first row names the columns."""
        encoding: str = "utf-8"
        """Of the text, where no byte order mark says otherwise."""
        decimal_comma: bool = False
        """Whether 3,3 is a number between 3 and 4."""
        preamble_lines: int = Field(default=0, ge=0)
        """Lines before the table; those of two cells are a name and a value, such as `Serial;A1`."""
        columns: Columns = Columns()
        """Which column says what."""
        measurements: tuple[Measurement, ...] = ()
        """The columns with measurements, for unit_per_row."""
        start_format: str = ""
        """Form of times, as of strptime: `%d.%m.%Y %H:%M:%S`; empty: ISO 8601. Without zone: the station's."""
        verdicts: dict[str, Status] = Field(default_factory=dict)
        """More words for verdicts, such as {"gut": "P"}."""

        @model_validator(mode="before")
        @classmethod
        def _with_template(cls, given: Any) -> Any:
            return merged(given, partial(check_arguments, Csv)) if isinstance(given, Mapping) else given

        @field_validator("delimiter")
        @classmethod
        def _one_character(cls, text: str) -> str:
            text = {"tab": "\t", "\\t": "\t"}.get(text, text)
            if len(text) > 1 or text in ('"', "\r", "\n"):
                raise ValueError("must be one character, or tab")
            return text

    def matches(self, source: Source) -> float:
        """Known headers make it likely; a table without them may still be one."""
        try:
            with source.open_text() as stream:
                start = stream.read(20_000)
        except UnicodeDecodeError:
            return 0.0
        lines = start.splitlines()
        delimiter = find_delimiter(lines)
        if delimiter is None or "\0" in start or start.lstrip()[:1] in ("{", "[", "<"):
            return 0.0
        first = next(line for line in lines if line.strip())
        found = Layout.of({}, _KNOWN, first.split(delimiter)).places.keys()
        if "serial_number" in found and found & {"step", "value", "verdict"}:
            return 0.7
        return 0.4 if source.path.suffix.lower() in (".csv", ".tsv") else 0.1

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """One report, or one a row."""
        arguments = context.arguments
        try:
            with source.open_text(arguments.encoding) as stream:
                table = _Table(source, arguments, stream)
                if arguments.mode == "unit_per_row":
                    yield from table.units()
                else:
                    yield table.unit()
        except UnicodeDecodeError:
            source.read_text(arguments.encoding)  # says in which line
            raise


class _Table:
    """One file, and how it is to be read."""

    def __init__(self, source: Source, arguments: Csv.Arguments, stream: TextIO) -> None:
        self._arguments = arguments
        self._texts = Texts(arguments.decimal_comma, {**VERDICTS, **_lower(arguments.verdicts)})
        self._fields = Fields(source, arguments)
        delimiter = arguments.delimiter or _look_for_delimiter(stream, arguments.preamble_lines)
        self._said: dict[str, str] = {}
        self._more: dict[str, str] = {}
        if arguments.preamble_lines:
            self._read_preamble([stream.readline() for _ in range(arguments.preamble_lines)], delimiter)
        self._rows = read_rows(stream, delimiter, arguments.preamble_lines)
        header = next(self._rows, None) if arguments.has_header else None
        if arguments.has_header and header is None:
            raise ConversionError("the file holds no table")
        self._header = header.cells if header else None
        fields = _UNIT_FIELDS if arguments.mode == "unit_per_row" else tuple(_KNOWN)
        chosen = tuple((name, getattr(arguments.columns, name)) for name in fields)
        self._layout = _find_columns(chosen, tuple(header.cells) if header else None)

    def _read_preamble(self, lines: list[str], delimiter: str) -> None:
        """Names and values before the table: what is known of the unit, and what else is said."""
        pairs = [row.cells for row in read_rows(lines, delimiter) if len(row.cells) > 1]
        layout = Layout.of({}, {name: _KNOWN[name] for name in _UNIT_FIELDS}, [name for name, *_ in pairs])
        for field, place in layout.places.items():
            self._said[field] = pairs[place][1]
        for name, place in layout.others.items():
            self._more[name] = " ".join(pairs[place][1:]).strip()

    def unit(self) -> UutReport:
        """The one unit of the file: what is said of it stands before the table, or in the first row."""
        first = next(self._rows, None)
        if first is None:
            raise ConversionError("the table has no rows")
        try:
            report = self._begin(first)
            verdict = self._texts.verdict(self._said.get("verdict", ""))
        except ValueError as fault:
            raise ConversionError(str(fault), line=first.line) from None
        sequence: UutReport | SequenceCall = report
        group, faults = "", []
        for row in chain([first], self._rows):
            said = self._layout.texts(row)
            try:
                if said.get("serial_number", report.serial_number) != report.serial_number:
                    raise ValueError("another serial number begins: for one unit a row, set mode to unit_per_row")
                if said.get("group", "") != group:
                    group = said.get("group", "")
                    sequence = report.sequence(group) if group else report
                self._note_others(row, self._add_step(said, sequence))
            except ValueError as fault:
                faults.append(ConversionError(str(fault), line=row.line))
        _raise_any(faults)
        return self._settle(report, verdict)

    def units(self) -> Iterator[UutReport | ConversionError]:
        """A unit a row, or what is wrong with it."""
        if not self._arguments.measurements:
            raise ConversionError("argument measurements: name the columns with measurements, for unit_per_row")
        columns = [
            (find_column(measurement.column, self._header, f"measurements.{index}.column"), measurement)
            for index, measurement in enumerate(self._arguments.measurements)
        ]
        row = None
        for row in self._rows:
            try:
                yield self._unit_of_row(row, columns)
            except ConversionError as fault:
                yield fault
            except ValueError as fault:
                yield ConversionError(str(fault), line=row.line)
        if row is None:
            raise ConversionError("the table has no rows")

    def _unit_of_row(self, row: Row, columns: list[tuple[int, Measurement]]) -> UutReport:
        said, report = {**self._said, **self._layout.texts(row)}, self._begin(row)
        for place, column in columns:
            name = column.name or (self._header[place] if self._header else str(column.column))
            text, op = row.cell(place), operator(column.comparison)
            if text:
                measured = Measured(name, text, column.low, column.high, op, column.unit, column.expected)
                measured.add_to(report, self._texts)
            else:
                report.action(name, status="S")
        places = {place for place, _ in columns}
        for name, place in self._layout.others.items():
            if place not in places:
                tell(report, name, row.cell(place))
        return self._settle(report, self._texts.verdict(said.get("verdict", "")))

    def _begin(self, row: Row) -> UutReport:
        said = {**self._said, **self._layout.texts(row)}
        start = said.get("start") or self._fields.named.get("start")
        report = self._fields.report(
            serial_number=said.get("serial_number"),
            part_number=said.get("part_number"),
            revision=said.get("revision"),
            process_code=said.get("process_code"),
            operator=said.get("operator"),
            start=moment(start, self._arguments.start_format) if start else None,
            line=row.line,
        )
        for name, text in self._more.items():
            tell(report, name, text)
        return report

    def _add_step(self, said: Mapping[str, str], sequence: UutReport | SequenceCall) -> Step:
        comma = self._arguments.decimal_comma
        if "step" not in said:
            raise ValueError("the step has no name: name its column as columns.step")
        return Measured(
            name=said["step"],
            value=said.get("value", ""),
            low=limit(said.get("low", ""), decimal_comma=comma),
            high=limit(said.get("high", ""), decimal_comma=comma),
            op=operator(said.get("comparison", "")),
            unit=said.get("unit", ""),
            expected=said.get("expected", ""),
            verdict=self._texts.verdict(said.get("verdict", "")),
        ).add_to(sequence, self._texts)

    def _note_others(self, row: Row, step: Step) -> None:
        """What the other columns say of a step."""
        for header, place in self._layout.others.items():
            if text := row.cell(place):
                step.note(f"{header}: {text}")

    def _settle(self, report: UutReport, verdict: Status | None) -> UutReport:
        """A column of verdicts without one for the unit says that its steps decide."""
        if verdict is None and "verdict" in self._layout.places:
            return report
        return self._fields.settle(report, verdict)


def _raise_any(faults: list[ConversionError]) -> None:
    if len(faults) == 1:
        raise faults[0]
    if faults:
        told = [str(fault) for fault in faults[:_MAX_FAULTS]]
        raise ConversionError("\n".join([f"{len(faults)} lines cannot be read:", *told]))


@lru_cache(maxsize=100)  # a station's files begin with few different headers
def _find_columns(chosen: tuple[tuple[str, Column], ...], header: tuple[str, ...] | None) -> Layout:
    return Layout.of(dict(chosen), {name: _KNOWN[name] for name, _ in chosen}, header)


def _look_for_delimiter(stream: TextIO, skipped: int) -> str:
    lines = [stream.readline() for _ in range(skipped + 20)]
    stream.seek(0)
    found = find_delimiter(lines[skipped:])
    if found is None:
        raise ConversionError("there are no columns to be seen: set the argument delimiter")
    return found


def _lower(words: Mapping[str, Status]) -> dict[str, Status]:
    return {word.lower(): status for word, status in words.items()}
