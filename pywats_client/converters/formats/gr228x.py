"""GenRad and Teradyne 228X, an in-circuit tester: its log of boards, one line an event, a fault or a measurement."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.fields import Fields, tell
from pywats_client.converters.measured import Measured
from pywats_client.converters.nested import titled
from pywats_client.converters.programs import Program, ProgramArguments
from pywats_client.converters.texts import Line, beginning, lines, scaled
from pywats_client.errors import ConversionError
from pywats_client.wsjf import Step, UutReport
from pywats_client.wsjf.model import Status

_DATE = r"(?P<day>\d{1,2})-(?P<month>[A-Za-z]{3})-(?P<year>\d{4}|\d{2})"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)"
_EVENT = re.compile(rf"(?P<before>.*?)(?P<sign>[\[@?\"/*&!\]])\s*(?P<when>{_DATE}\s+{_TIME})(?P<after>.*)", re.ASCII)
"""`program[date time`, `@date time SN serial`, and how a test ended: a sign, date and time."""
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?"
_SCALED = rf"(?:{_NUMBER})(?:MEG|[GKMUNPF])?"
_MEASUREMENT = re.compile(
    rf"(?P<name>.+?)\s*(?P<mark>[=#%!<>~])\s*(?P<value>{_SCALED})?\s*"
    rf"(?:\(\s*(?P<low>{_SCALED})?\s*,\s*(?P<high>{_SCALED})?\s*\))?\s*(?P<type>[A-Z]{{0,4}})\s*",
    re.ASCII | re.IGNORECASE,
)
"""`name=value(low,high)type`, each of the later three may be missing; after `#` there are no limits."""
_FAULT = re.compile(r"\((?P<kind>[A-Za-z]+)\s+(?P<nails>.*)")
"""`(O 397,398,`: nails; a list that goes on ends in `+`."""
_MORE_NAILS = re.compile(r"[\d\s,+-]+")

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EXPONENTS = {"G": 9, "MEG": 6, "K": 3, "": 0, "M": -3, "U": -6, "N": -9, "P": -12, "F": -15}
_UNITS = {"R": "Ohm", "C": "F", "L": "H", "V": "V", "I": "A"}
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
        found = {event["sign"] for line in beginning(source).splitlines() if (event := _EVENT.fullmatch(line.strip()))}
        if _START in found:
            return 0.95
        return 0.7 if _LOADED in found else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a board, as soon as the next one begins."""
        log = _Log(source, context.arguments)
        is_empty = True
        for line in lines(source, context.arguments.encoding):
            if found := log.read(line):
                is_empty = False
                yield found
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
        event = _EVENT.fullmatch(text)
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
        after = event["after"].strip()
        serial_number = re.sub(r"^SN\b[\s:=]*", "", after)
        try:
            report = fields.report(
                serial_number=serial_number,
                start=_moment(event),
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
        if event or _FAULT.fullmatch(text) or _MEASUREMENT.fullmatch(text):
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
        elif fault := _FAULT.fullmatch(text):
            self._add_fault(fault)
        elif goes_on and _MORE_NAILS.fullmatch(text):
            self._keep_nails(goes_on, text)
        elif measured := _MEASUREMENT.fullmatch(text):
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
            seconds = (_moment(event) - report.start).total_seconds()
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
        """A number with its limits; without a number, all that is known is that the step ran."""
        kind = found["type"].upper()
        low, high = (_scaled(found[side]) if found[side] else None for side in ("low", "high"))
        title = titled(found["name"], "")
        name, notes = title["name"], [title.get("report_text"), _how(kind)]
        if found["mark"] not in "=#":
            notes.append(f"Marked {found['mark']}")
        is_upside_down = low is not None and high is not None and low > high
        if is_upside_down or (found["value"] is None and (found["low"] or found["high"])):
            reason = "no value can pass, low is above high" if is_upside_down else "there is no value"
            notes.append(f"Limits {found['low'] or ''} to {found['high'] or ''}: {reason}")
            low = high = None
        if found["value"] is None:
            step: Step = self._report.action(name)
        else:
            step = Measured(name, _scaled(found["value"]), low, high, unit=_unit(kind)).add_to(self._report)
        for text in filter(None, notes):
            step.note(text)


def _scaled(text: str) -> float:
    """The number that a text says, such as 1.5MEG."""
    number = re.match(_NUMBER, text, re.ASCII | re.IGNORECASE)
    assert number
    return scaled(number[0], _EXPONENTS[text[number.end() :].upper()])


def _unit(kind: str) -> str:
    """Of a type such as R, AR (adjusted), CP (parallel), CS (in series), VS (source)."""
    return _UNITS.get((kind[1:] if len(kind) > 1 and kind[0] == "A" else kind)[:1], "")


def _how(kind: str) -> str:
    """What the unit does not already say of a type."""
    return f"Type {kind}" if kind and kind not in _UNITS else ""


def _moment(event: re.Match[str]) -> datetime:
    """The time of an event at the station. ValueError where there is no such time."""
    month = event["month"].upper()
    if month not in _MONTHS:
        raise ValueError(f"{event['when']!r} is not a time: there is no month {event['month']}")
    year, day = int(event["year"]), int(event["day"])
    if year < 100:
        year += 1900 if year >= 70 else 2000
    hour, minute, second = (int(event[part]) for part in ("hour", "minute", "second"))
    try:
        return datetime(year, _MONTHS.index(month) + 1, day, hour, minute, second).astimezone()
    except (ValueError, OverflowError) as fault:
        raise ValueError(f"{event['when']!r} is not a time: {fault}") from None
