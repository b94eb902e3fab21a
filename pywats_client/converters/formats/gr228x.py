"""GenRad and Teradyne 228X, an in-circuit tester: its log of boards, one line an event, a fault or a measurement."""

import re
from collections.abc import Iterator, Mapping

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.fields import Fields, tell
from pywats_client.converters.reading.gr228x_lines import (
    EVENT,
    FAULT,
    MORE_NAILS,
    SERIAL_NUMBER,
    UNITS,
    measurement,
    moment_of,
    scaled_number,
    unit_of,
    value_of,
)
from pywats_client.converters.reading.measured import Measured
from pywats_client.converters.reading.nested import titled
from pywats_client.converters.reading.programs import Program, ProgramArguments
from pywats_client.converters.reading.texts import Line, beginning, streamed
from pywats_client.errors import ConversionError
from pywats_client.wsjf import Step, UutReport
from pywats_client.wsjf.model import Status

_FAULTS = {"O": "Opens", "S": "Shorts", "F": "Shorts"}
_LOADED, _START, _DIAGNOSE = "[", "@", "]"
_ENDS: Mapping[str, tuple[Status, str]] = {
    '"': ("P", ""),
    "/": ("F", ""),
    "?": ("T", "aborted"),
    "!": ("T", "cancelled"),
    "*": ("E", "error"),
    "&": ("E", "system error"),
    _DIAGNOSE: ("T", "return to diagnose without a verdict"),
}


class Gr228x(FileConverter):
    """The grammar is that of a log of a 2012 tester and of the vendor's public reader of such logs.

    A line says nothing of its verdict: its limits do, on which values pass. Of a line without a value, as those of
    digital tests are, only that it ran is known. The letters after a measurement say what was measured and how, and
    so its unit; after a number `M` is milli, `MEG` mega. That `(F` lists nails shorted together is an assumption.
    """

    name = "gr228x"
    description = "GenRad / Teradyne 228X in-circuit log: boards one after another"

    class Arguments(ProgramArguments):
        """Those of every text whose program is known."""

    def matches(self, source: Source) -> float:
        """Events with their dates, and programs that were loaded, look like nothing else."""
        events = [event for line in beginning(source).splitlines() if (event := EVENT.fullmatch(line.strip()))]
        if any(event["sign"] == _START and not event["before"] for event in events):
            return 0.95
        loaded = any(event["sign"] == _LOADED and event["before"] and not event["after"] for event in events)
        return 0.7 if loaded else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a board, as soon as the next one begins."""
        log = _Log(source, context.arguments)
        is_empty = True
        try:
            for line in streamed(source, context.arguments.encoding):
                if found := log.read(line):
                    is_empty = False
                    yield found
        except ConversionError as fault:
            yield fault
            return
        if found := log.finish():
            yield found
        elif is_empty:
            raise ConversionError("the file has no boards: a board begins with @, date and time")


class _Log:
    """What was read so far: the program, and the board that is open."""

    def __init__(self, source: Source, arguments: ProgramArguments) -> None:
        self._source, self._arguments = source, arguments
        self._program, self._loaded = Program(""), ""
        self._board: _Board | ConversionError | None = None
        self._outside: list[str] = []
        """lines before the first board that are no events"""

    def read(self, line: Line) -> UutReport | ConversionError | None:
        """One line; gives the board that it ends, or what is wrong with that."""
        text = line.text.strip()
        event = EVENT.fullmatch(text)
        if event and event["sign"] == _LOADED:
            done = self.finish()
            self._program, self._loaded = Program(event["before"]), event["when"]
            return done
        if event and event["sign"] == _START and not event["before"]:
            done = self.finish()
            self._board = self._begin(event, line.number)
            return done
        if isinstance(self._board, _Board):
            self._board.read(text, event, line.number)
        elif self._board is None:
            return self._read_outside(text, event, line.number)
        return None

    def finish(self) -> UutReport | ConversionError | None:
        """The board that was open, complete."""
        board, self._board = self._board, None
        return board.finish() if isinstance(board, _Board) else board

    def _begin(self, event: re.Match[str], line: int) -> "_Board | ConversionError":
        fields = self._program.fields(self._source, self._arguments)
        found = SERIAL_NUMBER.fullmatch(event["after"])
        serial_number = found[1] if found else ""
        try:
            report = fields.report(
                serial_number=serial_number,
                start=moment_of(event),
                line=line,
                **self._program.product(fields, self._arguments),
            )
        except ValueError as fault:
            return ConversionError(f"board {serial_number}: {fault}", line=line)
        except ConversionError as fault:
            return fault
        self._program.describe(report)
        tell(report, "Program loaded", self._loaded)
        for text in self._outside:
            report.root.note(text)
        self._outside.clear()
        return _Board(report, fields, line)

    def _read_outside(self, text: str, event: re.Match[str] | None, line: int) -> ConversionError | None:
        """Where the file begins, or goes on after a program was loaded: a test there has lost its beginning."""
        if event and event["sign"] == _DIAGNOSE:
            return None
        if event or FAULT.fullmatch(text) or measurement(text):
            self._board = ConversionError("a test has no beginning: there is no line with @, date and time", line=line)
        else:
            self._outside.append(f"line {line}: {text}")
        return None


class _Board:
    """The test of a board, whose beginning was read."""

    def __init__(self, report: UutReport, fields: Fields, line: int) -> None:
        self._report, self._fields, self._line = report, fields, line
        self._verdict: Status | None = None
        self._open_list: Step | None = None
        """the fault whose list of nails goes on"""

    def read(self, text: str, event: re.Match[str] | None, line: int) -> None:
        """Another line of it. What has no place, or comes after the verdict, is told as it stands."""
        goes_on, self._open_list = self._open_list, None
        if event and not event["before"]:
            self._end(event, line)
        elif self._verdict:
            self._report.root.note(f"line {line}, after the verdict: {text}")
        elif fault := FAULT.fullmatch(text):
            self._add_fault(fault)
        elif goes_on and MORE_NAILS.fullmatch(text):
            self._keep_nails(goes_on, text)
        elif measured := measurement(text):
            self._add_measurement(measured)
        else:
            self._report.root.note(f"line {line}: {text}")

    def finish(self) -> UutReport | ConversionError:
        """The whole board, or why there is no report of it."""
        try:
            verdict = self._verdict or self._fields.require_result(None)
        except ConversionError:
            return ConversionError(
                f"the test of board {self._report.serial_number} has no end: a line with its verdict, date and time "
                "is missing; to take it nevertheless, set the argument result",
                line=self._line,
            )
        if self._verdict is None and self._report.result == "F":
            verdict = "F"  # the argument cannot know better than what has failed
        return self._fields.settle(self._report, verdict)

    def _end(self, event: re.Match[str], line: int) -> None:
        report = self._report
        if self._verdict:
            what = {_DIAGNOSE: "Return to diagnose"}.get(event["sign"], f"Event {event['sign']}")
            tell(report, what, f"{event['when']}{event['after']}")
            return
        self._verdict, message = _ENDS[event["sign"]]
        report.error_message = message or None
        if event["after"].strip():
            report.root.note(f"line {line}: {event['after'].strip()}")
        try:
            seconds = (moment_of(event) - report.start).total_seconds()
        except ValueError as fault:
            report.root.note(f"line {line}: {fault}")
            return
        if seconds >= 0:
            report.execution_time = seconds
        else:
            report.root.note(f"The test ends before it begins, at {event['when']}.")

    def _add_fault(self, fault: re.Match[str]) -> None:
        step = self._report.passed(_FAULTS.get(fault["kind"].upper(), f"Fault {fault['kind']}"[:100]), ok=False)
        self._keep_nails(step, f"{fault['kind']} {fault['nails']}")

    def _keep_nails(self, step: Step, text: str) -> None:
        step.note(text.strip())
        self._open_list = step if text.rstrip().endswith(("+", ",")) else None

    def _add_measurement(self, found: re.Match[str]) -> None:
        """A number with its limits; without a value, all that is known is that the step ran."""
        said = found.groupdict()
        kind, value = found["type"].upper(), value_of(said)
        low, high = (scaled_number(said[side]) if said[side] else None for side in ("low", "high"))
        title = titled(found["name"], "")
        notes = [title.get("report_text"), said.get("text"), f"Type {kind}" if kind and kind not in UNITS else ""]
        if found["mark"] not in "=#":
            notes.append(f"Marked {found['mark']}")
        is_upside_down = low is not None and high is not None and low > high
        if is_upside_down or (value is None and (said["low"] or said["high"])):
            reason = "no value can pass, low is above high" if is_upside_down else "there is no value"
            notes.append(f"Limits {said['low'] or ''} to {said['high'] or ''}: {reason}")
            low = high = None
        step: Step = (
            self._report.action(title["name"])
            if value is None
            else Measured(title["name"], value, low, high, unit=unit_of(kind)).add_to(self._report)
        )
        for text in filter(None, notes):
            step.note(text)
