"""Keysight i3070 (Agilent and HP 3070), an in-circuit tester: its log of nested records, each in braces."""

import re
from collections.abc import Iterator
from datetime import datetime

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.fields import Fields, tell
from pywats_client.converters.reading.i3070_records import Record, boards
from pywats_client.converters.reading.i3070_steps import add_test
from pywats_client.converters.reading.programs import Program
from pywats_client.converters.reading.texts import TextArguments, beginning, read
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport
from pywats_client.wsjf.model import Status

_MARK = re.compile(r"\{\s*@(BATCH|BTEST)\s*\|")
_MOMENT = re.compile(r"(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}(\.\d+)?", re.ASCII)

_FAILURES = {
    1: "uncategorized failure",
    2: "failed in pin test",
    3: "failed in learn",
    4: "failed in shorts test",
    6: "failed in analog test",
    7: "failed in power supply test",
    8: "failed in digital test",
    9: "failed in functional test",
    10: "failed in pre-shorts test",
    11: "failed in board handler",
    12: "failed in barcode",
    13: "X'd out",
    14: "failed in VTEP or TestJet test",
    15: "failed in polarity check",
    16: "failed in ConnectCheck",
    17: "failed in analog cluster test",
    80: "runtime error",
    81: "aborted (stop)",
    82: "aborted (break)",
}
_ENDED_EARLY: dict[int, Status] = {13: "T", 80: "E", 81: "T", 82: "T"}
_MISC = {
    "BATCH": ("testhead", "testhead type", "process step", "panel type", "panel type revision", "version label"),
    "BTEST": ("multiple test", "log level", "log set", "learning", "known good", "status qualifier", "panel"),
}


class I3070(FileConverter):
    """Experimental: from the record format that the vendor documents; no file was at hand.

    Assumed: `{@BATCH` holds boards (`{@BTEST`), a board blocks, a block tests; a status of 0 is a pass; LIM2 is high
    and low limit, LIM3 nominal value, high and low, and of two limits the greater is the high one; times are of
    two-digit years, durations in seconds; values are in base units, which the kind of the test tells (not that of
    A-MEA). A board that was X'd out counts as terminated.
    """

    name = "i3070"
    description = "Keysight i3070 (Agilent, HP 3070) in-circuit log records (experimental)"

    class Arguments(TextArguments):
        """Those of every text."""

    def matches(self, source: Source) -> float:
        """The names of its records look like nothing else."""
        return 0.97 if _MARK.search(beginning(source)) else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a board."""
        fields = Fields(source, context.arguments)
        has_boards = False
        try:
            for board, around in boards(read(source, context.arguments.encoding)):
                has_boards = True
                yield _converted(board, around, fields)
        except ConversionError as fault:
            has_boards = True
            yield fault
        if not has_boards:
            raise ConversionError("the file has no boards: there is no record {@BTEST|…}")


def _converted(board: Record, around: list[Record], fields: Fields) -> UutReport | ConversionError:
    try:
        return _report(board, around, fields)
    except ConversionError as fault:
        return fault
    except ValueError as fault:
        return ConversionError(f"board {board.said().get('board', '')}: {fault}", line=board.line)


def _report(board: Record, around: list[Record], fields: Fields) -> UutReport:
    """A board and its batch. Raises ConversionError, and ValueError for a field that is not what it should be."""
    batch = next((record for record in around if record.name == "BATCH"), None)
    of_batch, of_board = batch.said() if batch else {}, board.said()
    start, end = (_moment(of_board[field]) if field in of_board else None for field in ("start", "end"))
    report = fields.report(
        serial_number=of_board.get("board"),
        part_number=of_batch.get("uut type"),
        revision=of_batch.get("uut type revision"),
        operator=of_batch.get("operator"),
        start=start,
        line=board.line,
        station=of_batch.get("controller"),
        fixture_id=of_batch.get("fixture"),
        batch_serial_number=of_batch.get("batch"),
        execution_time=_duration(of_board, start, end),
        socket_index=int(of_board["board number"]) if _WHOLE.fullmatch(of_board.get("board number", "")) else None,
    )
    Program(of_batch.get("testplan", ""), of_batch.get("testplan revision", "")).describe(report)
    for said, record_name in ((of_batch, "BATCH"), (of_board, "BTEST")):
        for name in _MISC[record_name]:
            tell(report, name.capitalize(), said.get(name))
    for name, form in (("duration", _SECONDS), ("board number", _WHOLE)):
        if not form.fullmatch(of_board.get(name, "0")):
            tell(report, name.capitalize(), of_board[name])
    for record in around:
        for beside in record.inner:
            report.root.note(beside.flat())
    for record in board.inner:
        add_test(report, record)
    return fields.judge(report, _verdict(of_board, report), board.line)


def _duration(said: dict[str, str], start: datetime | None, end: datetime | None) -> float | None:
    if _SECONDS.fullmatch(said.get("duration", "")):
        return float(said["duration"])
    return (end - start).total_seconds() if start and end and end >= start else None


def _verdict(said: dict[str, str], report: UutReport) -> Status | None:
    """The verdict of the board, if it has one; one that is not good tells why as error code and message."""
    text = said.get("status", "")
    if not text:
        return None
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"its status {text!r} is not a whole number")
    code = int(text)
    if code:
        report.error_code, report.error_message = code, _FAILURES.get(code)
    return _ENDED_EARLY.get(code, "F") if code else "P"


def _moment(text: str) -> datetime:
    """The station's local time that YYMMDDhhmmss says, or YYYYMMDDhhmmss. ValueError where it says none."""
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a time of the form YYMMDDhhmmss")
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    if year < 100:
        year += 1900 if year >= 70 else 2000
    try:
        return datetime(year, month, day, hour, minute, second).astimezone()
    except (ValueError, OverflowError) as fault:
        raise ValueError(f"{text!r} is not a time: {fault}") from None
