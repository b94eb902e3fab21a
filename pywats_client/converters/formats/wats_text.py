"""WATS Standard Text Format (WSTF): texts with tabs between them, one unit after the other."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.exported import complete, require
from pywats_client.converters.reading.fields import Fields
from pywats_client.converters.reading.measured import VERDICTS
from pywats_client.converters.reading.texts import Line, TextArguments, beginning, streamed
from pywats_client.converters.reading.wire_steps import Wire, note, put_start, tell
from pywats_client.converters.reading.wstf_steps import Read, Steps, bare, read_amount, read_text, read_whole
from pywats_client.errors import ConversionError

_MARK = re.compile(r"--\s*(header-start|header-end|step-data-start|step-data-end|uut-end)\s*--", re.IGNORECASE)


_ONLY_FOR_READERS = ("active", "import")
"""Modes of the official reader, under the key ConverterMode; they say nothing of the unit."""


class _Field(NamedTuple):
    """Where a key of the header belongs."""

    of_report: bool
    """or else of its object `uut`"""
    key: str
    read: Read = read_text
    comes_again: bool = False
    """in the footer, and the last one stands"""


def _verdict(text: str, _: bool) -> str:
    verdict = VERDICTS.get(text.lower(), "S")
    if verdict == "S":
        raise ValueError(f"{text!r} is not a known verdict of a unit")
    return verdict


def _process_code(text: str, _: bool) -> int:
    code = read_whole(text, False)
    if code is None:
        raise ValueError(f"{text!r} is not a process code: it is a whole number")
    return code


_FIELDS = {
    "serialnumber": _Field(True, "sn"),
    "partnumber": _Field(True, "pn"),
    "revision": _Field(True, "rev"),
    "operationtypecode": _Field(True, "processCode", _process_code),
    "operationtypename": _Field(True, "processName"),
    "stationname": _Field(True, "machineName"),
    "uutstatus": _Field(True, "result", _verdict, comes_again=True),
    "errorcode": _Field(False, "errorCode", read_whole, comes_again=True),
    "errormessage": _Field(False, "errorMessage", comes_again=True),
    "executiontime": _Field(False, "execTime", read_amount, comes_again=True),
    "operatorname": _Field(False, "user"),
    "testsocketindex": _Field(False, "testSocketIndex", read_whole),
    "fixtureid": _Field(False, "fixtureId"),
    "batchserialnumber": _Field(False, "batchSN"),
    "comment": _Field(False, "comment"),
}


class WatsText(FileConverter):
    """Experimental: from a table of the format's lines and columns; no file was at hand.

    Assumed: the step rows have the columns in their usual order where no title row names them; rows without a step
    name add to the test before them; a chart belongs to the test before it; a limit of LT or LE may stand in either
    limit's column.
    """

    name = "wats_text"
    description = "WSTF, the text form of WATS reports (experimental)"

    class Arguments(TextArguments):
        """How numbers and times are written."""

        decimal_comma: bool = False
        """Whether 3,3 is a number between 3 and 4."""
        start_format: str = ""
        """Form of StartDateTime, as of strptime; empty: ISO 8601. Without zone: the station's."""

    def matches(self, source: Source) -> float:
        """By the line that begins a unit."""
        marks = [
            found[1].lower() for line in beginning(source).splitlines() if (found := _MARK.fullmatch(line.strip()))
        ]
        return 1.0 if marks[:1] == ["header-start"] else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[dict[str, Any] | ConversionError]:
        """A report a unit."""
        arguments, found = context.arguments, False
        fields = Fields(source, arguments)
        try:
            for unit in _units(streamed(source, arguments.encoding)):
                found = True
                yield unit if isinstance(unit, ConversionError) else _converted(unit, fields, context)
        except ConversionError as fault:
            if not found:
                raise
            yield fault
        if not found:
            raise ConversionError("the file holds no unit: none begins with --Header-Start--")


@dataclass
class _Unit:
    """The lines of one unit."""

    line: int
    said: list[Line] = field(default_factory=list)
    """of the header and the footer"""
    rows: list[Line] = field(default_factory=list)
    mark: str = "header-start"
    """the last one"""


def _units(lines: Iterator[Line]) -> Iterator[_Unit | ConversionError]:
    """Each unit from its header to its end; what stands outside of one is a fault."""
    unit, is_told = None, False
    for line in lines:
        found = _MARK.fullmatch(line.text.strip())
        mark = found[1].lower() if found else ""
        if mark == "header-start":
            if unit:
                yield unit
            unit, is_told = _Unit(line.number), False
        elif unit is None:
            if not is_told:
                yield ConversionError("this stands in no unit: --Header-Start-- is missing", line=line.number)
            is_told = True
        elif mark:
            unit.mark = mark
            if mark == "uut-end":
                yield unit
                unit = None
        else:
            (unit.rows if unit.mark == "step-data-start" else unit.said).append(line)
    if unit:
        yield unit


def _converted(unit: _Unit, fields: Fields, context: Context) -> Wire | ConversionError:
    try:
        if unit.mark not in ("step-data-end", "uut-end"):
            line = max((line.number for line in (*unit.said, *unit.rows)), default=unit.line)
            raise ConversionError("the unit breaks off: neither --Step-Data-End-- nor --UUT-End-- is there", line=line)
        report = _Report(context.arguments).read(unit)
        if unit.mark != "uut-end":
            context.log.error("line %d: the unit has no --UUT-End--", unit.line)
            note(report["root"], "The file does not say where the unit ends: --UUT-End-- is missing.")
        complete(report, fields)
        require(report)
    except ConversionError as fault:
        return fault if fault.line else ConversionError(str(fault), line=unit.line)
    return report


class _Report:
    """A unit on its way to WSJF."""

    def __init__(self, arguments: WatsText.Arguments) -> None:
        self._arguments = arguments
        self._uut: Wire = {"user": ""}
        self._report: Wire = {"type": "T", "uut": self._uut, "miscInfos": [], "subUnits": []}
        self._moments: dict[str, str] = {}

    def read(self, unit: _Unit) -> Wire:
        """The report of the unit. Raises ConversionError with the line."""
        steps = Steps(decimal_comma=self._arguments.decimal_comma)
        self._report["root"] = steps.root
        for line in unit.said:
            self._say(line)
        steps.read(unit.rows)
        starts = (self._moments.get(key, "") for key in ("startdatetime", "utcstartdatetime"))
        if untold := put_start(self._report, *starts):
            tell(self._report, "UTCStartDateTime", untold)
        return self._report

    def _say(self, line: Line) -> None:
        """A line of the header or the footer: a key, a tab, and what it says."""
        key, tab, text = (part.strip(" ") for part in line.text.partition("\t"))
        text = " ".join(text.split("\t")).strip()
        try:
            if bare(key) == "subunit":
                self._add_sub_unit(line)
            elif not tab and bare(key) not in _FIELDS:
                note(self._report["root"], line.text)
            elif text and not self._put(bare(key), text):
                tell(self._report, key, text)
        except ValueError as fault:
            raise ConversionError(f"{key}: {fault}", line=line.number) from None

    def _put(self, key: str, text: str) -> bool:
        """Put a text where it belongs; whether there is such a place, and it can hold the text."""
        if key in ("startdatetime", "utcstartdatetime"):
            self._moments[key] = self._moment(text)
        elif key in ("softwarename", "softwareversion"):
            call = self._report["root"]["seqCall"]
            call |= {"name": text, "path": text} if key == "softwarename" else {"version": text}
        elif key in _FIELDS:
            return self._put_field(_FIELDS[key], text)
        else:
            return key == "convertermode" and text.lower() in _ONLY_FOR_READERS
        return True

    def _put_field(self, field: _Field, text: str) -> bool:
        holder = self._report if field.of_report else self._uut
        value = field.read(text, self._arguments.decimal_comma)
        if holder.get(field.key) and not field.comes_again:
            return bool(holder[field.key] == value)
        if value is not None:
            holder[field.key] = value
        return value is not None

    def _moment(self, text: str) -> str:
        form = self._arguments.start_format
        try:
            moment = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
        except ValueError:
            expected = f"of the form {form}" if form else "of ISO 8601: set the argument start_format"
            raise ValueError(f"{text!r} is not a time {expected}") from None
        return moment.isoformat()

    def _add_sub_unit(self, line: Line) -> None:
        """Subunit, description, part number, serial number, revision."""
        cells = [cell.strip() for cell in line.text.split("\t")]
        part_type, pn, sn, rev, *more = [*cells[1:], "", "", "", ""][: max(4, len(cells) - 1)]
        self._report["subUnits"].append({"partType": part_type, "pn": pn, "sn": sn, "rev": rev})
        if any(more):
            tell(self._report, f"Subunit {sn}", " ".join(more).strip())
