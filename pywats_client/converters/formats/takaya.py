"""Takaya flying probes: the log (ATD) of a panel, with its boards, which are called groups, and their steps."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from logging import Logger

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.dates import dated, is_ambiguous
from pywats_client.converters.reading.fields import MAX_FACT, Fields, tell
from pywats_client.converters.reading.in_circuit import place, seconds
from pywats_client.converters.reading.measured import VERDICTS
from pywats_client.converters.reading.programs import Program, ProgramArguments
from pywats_client.converters.reading.takaya_rows import Header, Row
from pywats_client.converters.reading.texts import Line, beginning, streamed
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport, shorten
from pywats_client.wsjf.model import Status

_MARK = "@"
_GROUP = re.compile(r"\*\s*GROUP\s+No\.\s*(\d+)\s*\*", re.IGNORECASE)
_VERDICT = re.compile(r"\*\s*([^*]*[^*\s])\s*\*")
_COUNTS = re.compile(r"D\.T:.*", re.IGNORECASE)
_FACT = re.compile(r"(?P<date>DATE)\s+(?P<when>.*)|(?P<name>[^:\t\"]+?)\s*:\s*(?P<text>.*)", re.IGNORECASE)
_DURATION = re.compile(
    r"(?:(\d{1,4})\s*h(?:ours?)?\s*)?(?:(\d{1,6})\s*m(?:in)?\s*)?(?:(\d{1,9}(?:\.\d{1,6})?)\s*s(?:ec)?)?",
    re.IGNORECASE | re.ASCII,
)
"""`14 s`, `1 min 14 s`"""
_NEWER_ENDING = re.compile(r"\.SWX\d+$", re.IGNORECASE)
_JAPANESE = re.compile(rb"(?:[\x81-\x9f][\x40-\x7e\x80-\xfc]){2}|\x83[\xb6\xca]")
"""Shift-JIS: two letters, or a Greek one of a unit. What stands for their first bytes elsewhere is no letter."""
_WORDS: Mapping[str, Status] = {
    **VERDICTS,
    **dict.fromkeys(("stop", "break"), "T"),
    **dict.fromkeys(("no test", "not tested", "untested"), "S"),
}
_KNOWN = ("model", "date", "test time", "test id", "serial no.", "operator", "lot no.")


@dataclass
class Section:
    """What a panel says of itself, or one of its boards."""

    line: int
    number: str = ""
    """of a group; empty for the panel, and for its only board where there are no groups"""
    verdict: str = ""
    counts: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    """by their names in lower case"""
    others: list[str] = field(default_factory=list)
    """lines that are none of these"""
    rows: list[Row] = field(default_factory=list)
    fault: ConversionError | None = None

    def column(self, name: str) -> str:
        """What all rows say alike."""
        return self.rows[0].get(name) if self.rows else ""

    def status(self) -> Status | None:
        """The verdict. ConversionError for an unknown one."""
        if not self.verdict:
            return None
        if self.verdict.lower() not in _WORDS:
            raise ConversionError(f"{self.verdict!r} is not a known verdict; PASS and FAIL are", line=self.line)
        return _WORDS[self.verdict.lower()]


class Takaya(FileConverter):
    """From two real logs, of an APT94xx and of a newer probe; the maker's specification is not public.

    A group is a board, and a unit. Its rows come in quotes and a fixed order, or in columns below a header. Limits are
    the reference with its tolerances, but opens (OP) and shorts (SH) are judged otherwise: these keep reference and
    tolerances in their report text. A second test value is that of a second try, and counts. Units stay as they are,
    such as KO. A model is a test program. Without an encoding, text that looks like Shift-JIS is read as that. The
    texts of the arguments may also hold {group}, the number of the board, and {panel}, its serial number.
    """

    name = "takaya"
    description = "Takaya flying probe, ATD log of APT94xx and newer: one report a group of the panel"

    class Arguments(ProgramArguments):
        """How to read what the file leaves open."""

        day_first: bool | None = None
        """Whether 1/3/2023 is 1 March; unset: it is, and the report notes that day and month could change places."""

    def matches(self, source: Source) -> float:
        """The mark of the beginning, and counts like nothing else."""
        start = [line.strip() for line in beginning(source).splitlines() if line.strip()]
        if not start or start[0] != _MARK:
            return 0.0
        return 0.95 if any(_COUNTS.fullmatch(line) or _GROUP.fullmatch(line) for line in start[1:20]) else 0.1

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a board, as soon as the next one begins."""
        log = _Log(source, context.arguments, context.log)
        line = None
        for line in streamed(source, context.arguments.encoding or _encoding(source)):
            yield from log.read(line)
        if line is None:
            raise ConversionError("the file is empty")
        yield from log.finish(line.number)


def _encoding(source: Source) -> str:
    """Shift-JIS where all of the text is that, some of it looks like that, and it is not UTF-8; empty otherwise."""
    possible, looks_japanese = {"utf-8", "cp932"}, False
    with source.open() as stream:
        for line in stream:
            possible -= {encoding for encoding in possible if not _is_text(line, encoding)}
            looks_japanese = looks_japanese or _JAPANESE.search(line) is not None
    return "cp932" if possible == {"cp932"} and looks_japanese else ""


def _is_text(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


class _Log:
    """What was read so far: the panel, its board that is open, and the header of the rows."""

    def __init__(self, source: Source, arguments: Takaya.Arguments, log: Logger) -> None:
        self._source, self._arguments, self._log = source, arguments, log
        self._panel = Section(1)
        self._board: Section | None = None
        self._header: Header | None = None
        self._is_empty = True

    def read(self, line: Line) -> Iterator[UutReport | ConversionError]:
        """One line; gives the board that it ends, or what is wrong with that."""
        text = line.text.strip()
        group = _GROUP.fullmatch(text)
        if text == _MARK or group:
            yield from self._close()
            self._board = Section(line.number, group[1]) if group else None
        elif verdict := _VERDICT.fullmatch(text):
            if self._board is None or self._board.verdict or self._board.rows:
                yield from self._close()
                self._panel = Section(line.number)
            (self._board or self._panel).verdict = verdict[1]
        elif text[0].isdecimal():
            yield from self._read_row(line)
        elif header := Header.of(line.text):
            self._header = header
        else:
            self._read_fact(text)

    def finish(self, line: int) -> Iterator[ConversionError]:
        """The end of the file: a board that is still open is not complete."""
        if self._board:
            yield ConversionError(
                f"the file breaks off: the board that begins in line {self._board.line} does not end with {_MARK}",
                line=line,
            )
        elif self._is_empty:
            yield ConversionError("the file has no boards, which begin with GROUP No. or with a step")

    def _read_row(self, line: Line) -> Iterator[UutReport | ConversionError]:
        try:
            row = Row.of(line, self._header)
        except ConversionError as fault:
            self._board = self._board or Section(line.number)
            self._board.fault = self._board.fault or fault
            return
        if self._board and not self._board.verdict and self._board.rows and self._board.number != row.group:
            yield from self._close()
        if not self._board:
            self._board = Section(line.number, row.group, "" if row.group else self._panel.verdict)
        self._board.rows.append(row)

    def _read_fact(self, text: str) -> None:
        section = self._board or self._panel
        if _COUNTS.fullmatch(text):
            section.counts = " ".join(text.split())
        elif found := _FACT.fullmatch(text):
            name, said = (found["date"], found["when"]) if found["date"] else (found["name"], found["text"])
            section.facts[name.strip().lower()] = said.strip()
        else:
            section.others.append(text)

    def _close(self) -> Iterator[UutReport | ConversionError]:
        """The board that was open, complete."""
        board, self._board = self._board, None
        if not board:
            return
        self._is_empty = False
        try:
            if board.fault:
                raise board.fault
            if board.status() == "S":
                self._log.info("%s: group %s was not tested", self._source.name, board.number)
            else:
                yield self._report(board)
        except ConversionError as fault:
            yield fault

    def _report(self, board: Section) -> UutReport:
        facts = {**self._panel.facts, "serial no.": "", **board.facts}
        model = board.column("Model") or facts.get("model", "")
        program = Program(_NEWER_ENDING.sub("", model))
        panel = self._panel.facts.get("serial no.", "")
        more = {"program": program.name, "group": board.number, "panel": panel}
        fields = Fields(self._source, self._arguments, more)
        when = facts.get("date") or f"{board.column('Date_of_test')} {board.column('Time_of_test')}".strip()
        report = fields.report(
            serial_number=facts["serial no."] or board.column("Serial_No.1") or ("" if board.number else panel),
            **program.product(fields, self._arguments),
            operator=facts.get("operator"),
            start=self._moment(when, board.line) if when else None,
            station=shorten(facts.get("test id") or board.column("Tester_ID"), MAX_FACT) or None,
            batch_serial_number=shorten(facts.get("lot no.", ""), MAX_FACT) or None,
            execution_time=_seconds(facts.get("test time") or board.column("Testing_time")),
            socket_index=place(board.number),
            line=board.line,
        )
        program.describe(report)
        self._tell(report, board, facts, model)
        if self._arguments.day_first is None and is_ambiguous(when):
            report.root.note(f"{when}: the order of day and month is not said, and taken as day first.")
        for row in board.rows:
            row.add_to(report)
        return fields.judge(report, board.status(), board.line)

    def _tell(self, report: UutReport, board: Section, facts: Mapping[str, str], model: str) -> None:
        """What a report has no fields for."""
        tell(report, "Model", model)
        tell(report, "Index", board.column("Index"))
        for name, text in facts.items():
            if name not in _KNOWN or (name == "test time" and report.execution_time is None):
                tell(report, name.capitalize(), text)
        if board.number:
            tell(report, "Counts of the group", board.counts)
            tell(report, "Verdict of the panel", self._panel.verdict)
        tell(report, "Counts of the panel", self._panel.counts)
        for text in (*self._panel.others, *board.others):
            report.root.note(text)

    def _moment(self, text: str, line: int) -> datetime:
        try:
            return dated(text, day_first=self._arguments.day_first is not False)
        except ValueError as fault:
            raise ConversionError(str(fault), line=line) from None


def _seconds(text: str) -> float | None:
    """A duration in words, in clocks' figures, or as a number of seconds; None where the text says none."""
    found = _DURATION.fullmatch(text)
    if not found or not text:
        return seconds(text)
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest
