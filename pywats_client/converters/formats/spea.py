"""SPEA 3030 and its kin, in-circuit testers: a log of runs, a record a line, its fields parted by `;`."""

import re
from collections.abc import Iterator
from itertools import chain, groupby
from typing import Literal, NamedTuple

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.fields import MAX_FACT, Fields, tell
from pywats_client.converters.reading.in_circuit import place
from pywats_client.converters.reading.nested import skip_if_all_were, titled
from pywats_client.converters.reading.spea_records import DateOrder, Record, Test
from pywats_client.converters.reading.texts import TextArguments, beginning, streamed
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, UutReport, shorten

_FORMAT, _START, _LOT, _SERIAL, _RESULT, _END = "FORMAT", "START", "LOT", "SN", "BOARDRESULT", "END"
_TESTS = ("ANL", "FUNC")
_COMPONENT = re.compile(r"[^\W\d_]*")
_MAX_SEQUENCE_NAME = 200


class Spea(FileConverter):
    """From a real log of a SPEA 3030 and the description of a reader of such logs; the maker's is not public.

    A run lasts from START to END. A unit is what has an SN and a BOARDRESULT; a run of a panel has several of both,
    in the order of its boards, which the second field of the tests numbers. A task is a sequence of its tests. Tests
    tried again stand beside the first try, as in the file. START says programme, part number, revision, a name
    without a known meaning, operator, date and time. The texts of the arguments may also hold {board}, its place on
    the panel, and {programme}.
    """

    name = "spea"
    description = "SPEA 3030 in-circuit log: START, LOT, ANL, SN, BOARDRESULT, END, with `;` between fields"

    class Arguments(TextArguments):
        """How to read what the file leaves open."""

        day_first: bool | None = None
        """Whether dates without a FORMAT record begin with the day; unset: they do, and an ambiguous one is noted."""
        group_by: Literal["task", "component", "none"] = "task"
        """What is a sequence: a task; neighbours whose names begin with the same letters, as R1 and R2; or nothing."""

    def matches(self, source: Source) -> float:
        """Known records, the first of them FORMAT or START."""
        kinds = [line.split(";")[0].strip().upper() for line in beginning(source).splitlines() if line.strip()]
        if not kinds or kinds[0] not in (_FORMAT, _START) or _START not in kinds[:3]:
            return 0.0
        return 0.95 if {_LOT, _SERIAL, *_TESTS} & set(kinds) else 0.4

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a unit, run by run."""
        log = _Log(source, context)
        for line in streamed(source, context.arguments.encoding):
            yield from log.read(Record.of(line))
        yield from log.finish()


class _Log:
    """The run that is open, and what was said before it."""

    def __init__(self, source: Source, context: Context) -> None:
        self._source, self._context = source, context
        self._order = DateOrder(argument=context.arguments.day_first)
        self._run: _Run | None = None
        self._is_empty, self._is_lost = True, False

    def read(self, record: Record) -> Iterator[UutReport | ConversionError]:
        """One record; an END gives the units of its run."""
        run = self._run
        if record.kind == _FORMAT:
            self._order = self._order._replace(format="".join(record.values))
        elif record.kind == _START:
            yield from self._broken_off(f"the next begins in line {record.line}")
            self._run = _Run(self._source, self._context, record, self._order)
            self._is_empty = self._is_lost = False
        elif run is None:
            if not self._is_lost:
                yield ConversionError(
                    f"{record.kind[:20]} belongs to no run, which begins with START", line=record.line
                )
            self._is_lost, self._is_empty = True, False
        elif record.kind == _END:
            self._run = None
            yield from run.units(record)
        else:
            run.add(record)

    def finish(self) -> Iterator[ConversionError]:
        """What is wrong with the end of the file."""
        yield from self._broken_off("the file ends")
        if self._is_empty:
            yield ConversionError("the file has no runs: a run begins with START")

    def _broken_off(self, why: str) -> Iterator[ConversionError]:
        if self._run:
            yield ConversionError(f"the run has no END: {why}", line=self._run.line)


class _Unit(NamedTuple):
    """The records of one board."""

    tests: list[Test]
    serial: Record
    result: Record

    @property
    def board(self) -> str:
        """Its place on the panel."""
        return self.tests[0].board if self.tests else ""


class _Run:
    """From START to END: the tests of one board, or of all boards of a panel."""

    def __init__(self, source: Source, context: Context, start: Record, order: DateOrder) -> None:
        self._source, self._arguments, self._log = source, context.arguments, context.log
        self._start, self._order = start, order
        self._boards: dict[tuple[int, str], list[Test]] = {}
        """by how many results stand before, and the board's number"""
        self._serials: list[Record] = []
        self._results: list[Record] = []
        self._others: list[Record] = []
        self._fault: ConversionError | None = None

    @property
    def line(self) -> int:
        """Where it begins."""
        return self._start.line

    def add(self, record: Record) -> None:
        """A record within the run; the first fault counts."""
        if record.kind == _SERIAL:
            self._serials.append(record)
        elif record.kind == _RESULT:
            self._results.append(record)
        elif record.kind not in _TESTS and not Test.is_likely(record):
            self._others.append(record)
        else:
            try:
                test = Test.of(record)
            except ConversionError as fault:
                self._fault = self._fault or fault
            else:
                self._boards.setdefault((len(self._results), test.board), []).append(test)

    def units(self, end: Record) -> Iterator[UutReport | ConversionError]:
        """The report of each board, or what is wrong with it."""
        try:
            if self._fault:
                raise self._fault
            units = self._sorted(end)
        except ConversionError as fault:
            yield fault
            return
        for unit in units:
            try:
                if unit.result.verdict() in ("S", "D"):
                    self._log.info("%s: board %s was not tested", self._source.name, unit.board)
                else:
                    yield self._report(unit, end, is_alone=len(units) == 1)
            except ConversionError as fault:
                yield fault

    def _sorted(self, end: Record) -> list[_Unit]:
        """What belongs to each board. ConversionError where that cannot be told."""
        tests = list(self._boards.values())
        count = max(len(self._serials), len(self._results), 1)
        if count == 1:
            tests = [sorted(chain.from_iterable(tests), key=lambda test: test.line)]
        serials = self._serials or [Record(self.line, _SERIAL, ())] * count
        results = self._results or [end if count == 1 else Record(self.line, _RESULT, ())] * count
        if not len(tests) == len(serials) == len(results):
            raise ConversionError(
                f"the run has {len(self._serials)} SN, {len(self._results)} BOARDRESULT and tests of {len(tests)} "
                "boards: which of them belong together cannot be told",
                line=self.line,
            )
        return [_Unit(*each) for each in zip(tests, serials, results, strict=True)]

    def _report(self, unit: _Unit, end: Record, *, is_alone: bool) -> UutReport:
        *names, operator = self._start.names or [""]
        programme, part_number, revision, name, *more = [*names, "", "", "", ""]
        fields = Fields(self._source, self._arguments, {"board": unit.board, "programme": programme})
        report = fields.report(
            serial_number=unit.serial.said,
            part_number=part_number or name,
            revision=revision,
            operator=operator,
            start=self._start.moment(self._order),
            line=unit.serial.line,
        )
        if programme:
            report.sequence_name = shorten(programme, _MAX_SEQUENCE_NAME)
        for text in filter(None, (name, *more)):
            tell(report, "Name in START", text)
        if not is_alone:
            report.socket_index = place(unit.board)
        self._tell(report, end)
        _add_tests(report, unit.tests, self._arguments.group_by)
        verdict = unit.result.verdict()
        if is_alone and end.verdict() not in (None, verdict):
            report.root.note(f"The run ended with {end.names[0]}.")
        return fields.judge(report, verdict, self.line)

    def _tell(self, report: UutReport, end: Record) -> None:
        """What else the run says of all its boards."""
        if end.date:
            seconds = (end.moment(self._order) - report.start).total_seconds()
            if seconds >= 0:
                report.execution_time = seconds
            else:
                report.root.note(f"The run ended before it began: {end.date}.")
        if self._order.is_guessed(self._start.date):
            report.root.note(f"{self._start.date}: the order of day and month is not said, and taken as day first.")
        for record in self._others:
            text = ";".join(record.values).strip(";")
            if record.kind == _LOT and len(text) <= MAX_FACT:
                report.batch_serial_number = text or None
            else:
                tell(report, record.kind, text)


def _add_tests(report: UutReport, tests: list[Test], group_by: str) -> None:
    for (_, name), of_group in groupby(tests, lambda test: _group(test, group_by)):
        sequence = report if group_by == "none" else report.sequence(**titled(name, "task"))
        for test in of_group:
            remark = test.remark or test.task
            is_told = group_by == "task" or test.task in remark
            test.add_to(sequence, remark if is_told else f"{test.task} {remark}")
        if isinstance(sequence, SequenceCall):
            skip_if_all_were(sequence)


def _group(test: Test, group_by: str) -> tuple[str, str]:
    """What neighbours of one sequence have in common; the second is its name."""
    if group_by == "task":
        return test.task_number, test.task
    letters = _COMPONENT.match(test.task)
    return "", letters[0] if letters and group_by == "component" else ""
