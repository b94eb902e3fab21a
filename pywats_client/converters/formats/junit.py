"""JUnit XML, as test runners of software and firmware write it: Ant, Surefire, pytest, gtest, CTest, Twister…"""

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading import xml
from pywats_client.converters.reading.fields import Fields, FormatArguments, tell
from pywats_client.converters.reading.junit_cases import (
    COUNTS,
    OUTCOMES,
    add_case,
    explain_outcome,
    moment,
    note_counts,
    note_text,
    others,
    outcome,
    properties,
    seconds,
    within,
)
from pywats_client.converters.reading.named_facts import NamedFacts
from pywats_client.converters.reading.nested import MAX_DEPTH, sequence, skip_if_all_were
from pywats_client.converters.reading.xml import Element, line_of, local
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, UutReport, shorten

_ROOTS = ("testsuites", "testsuite", "testrun")
_SUITE, _CASE = "testsuite", "testcase"
_SEVERAL = "for one unit a suite, set report_per to suite"


class Junit(FileConverter):
    """From the format's schemas and what its writers add. Suites are sequences, test cases their steps.

    A test case without an element that says otherwise has passed; the format has no other verdict. The unit is
    known from properties, such as serial_number or PartNumber, else from the arguments; others become misc infos.
    Arguments may hold the name of any property, and {suite}, the name of the suite.
    """

    name = "junit"
    description = "JUnit XML: results of test runners (pytest, Surefire, gtest, CTest, Twister and others)"

    class Arguments(FormatArguments):
        """How the file is to be read."""

        report_per: Literal["file", "suite"] = "file"
        """Whether the file is about one unit, or each of its outermost suites about one."""

    def matches(self, source: Source) -> float:
        """The root is `testsuites`, or a `testsuite` that says as much as its name."""
        root = xml.root_of(source)
        if root is None or local(root) not in _ROOTS:
            return 0.0
        if local(root) == "testsuites" or {local(child) for child in root} & {_SUITE, _CASE}:
            return 0.95
        return 0.9 if "tests" in root.attrib and "name" in root.attrib else 0.3

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """One report, or one a suite."""
        root = xml.parse(source)
        if local(root) not in _ROOTS:
            raise ConversionError(f"the file is not JUnit XML: it begins with <{local(root)}>", line=line_of(root))
        suites = [child for child in root if local(child) == _SUITE]
        if context.arguments.report_per == "file" or local(root) == _SUITE or not suites:
            parts = [root] if local(root) == _SUITE else list(root)
            yield _Unit(root, parts).report(source, context.arguments)
            return
        around = [child for child in root if local(child) not in (_SUITE, _CASE)]
        for suite in suites:
            try:
                yield _Unit(suite, [*around, suite]).report(source, context.arguments)
            except ConversionError as fault:
                yield fault


class _Unit:
    """One unit: `whole` is the element that is all about it, `parts` are what its report is made of."""

    def __init__(self, whole: Element, parts: list[Element]) -> None:
        self._whole, self._parts = whole, parts
        self._suites = list(within(parts, _SUITE))
        self._cases = list(within(parts, _CASE))
        if not self._cases and not any(local(part) in OUTCOMES for suite in self._suites for part in suite):
            raise ConversionError("there is no test case, so there is no verdict", line=line_of(whole))
        self._facts = NamedFacts()
        for holder in within(parts, "properties"):
            for name, text in properties(holder):
                self._facts.gather(name, text, _SEVERAL, line_of(holder))

    def report(self, source: Source, arguments: FormatArguments) -> UutReport:
        """The unit's report."""
        fields = Fields(source, arguments, {**self._facts.placeholders, "suite": self._name()})
        report = self._facts.report(
            fields,
            start=self._start(),
            station=self._host(),
            execution_time=self._seconds(),
            line=line_of(self._whole),
        )
        self._describe(report)
        for part in self._parts:
            self._add(part, report.root, report, depth=1)
        if self._whole not in self._parts:
            note_counts(self._whole, report.root)
        return self._settle(report, fields)

    def _name(self) -> str:
        """What the tests are called: the element around them says it, or the first suite."""
        names = (element.get("name", "").strip() for element in [self._whole, *self._suites])
        return next(filter(None, names), "")

    def _describe(self, report: UutReport) -> None:
        """What the element around the suites says of them."""
        report.sequence_name = shorten(self._name(), 200) or report.sequence_name
        if self._whole not in self._parts:
            for name, text in others(self._whole, ("name", "time", "timestamp", *COUNTS)):
                tell(report, name, text)

    def _settle(self, report: UutReport, fields: Fields) -> UutReport:
        """Where no test case came to a verdict, the argument `result` has to say it."""
        was_tested = report.result != "P" or any(outcome(case) != "S" for case in self._cases)
        return fields.settle(report, report.result if was_tested else fields.require_result(None))

    def _start(self) -> datetime | None:
        """The earliest time that the suites tell; without one, that of the test cases."""
        for elements in ([self._whole, *self._suites], self._cases):
            told = [found for element in elements if (found := moment(element))]
            if told:
                return min(told)
        return None

    def _host(self) -> str:
        """The machine that ran the tests; runners that do not know it write "localhost"."""
        hosts = (suite.get("hostname", "").strip() for suite in [self._whole, *self._suites])
        return next((host for host in hosts if host and host != "localhost"), "")

    def _seconds(self) -> float | None:
        """How long it all took, or the sum of its parts."""
        outermost = [part for part in self._parts if local(part) == _SUITE]
        for elements in ([self._whole], outermost, self._cases):
            told = [found for element in elements if (found := seconds(element)) is not None]
            if told:
                return math.fsum(told)
        return None

    def _add(self, element: Element, sequence: SequenceCall, report: UutReport, depth: int) -> None:
        """What stands in a suite, or around the suites."""
        kind = local(element)
        if kind == _SUITE:
            sequence.add(self._suite(element, report, depth))
        elif kind == _CASE:
            add_case(element, sequence)
        elif kind == "properties":
            for name, text in properties(element):
                self._facts.tell(report, name, text, sequence)
        elif kind in OUTCOMES:
            explain_outcome(sequence, element)
            sequence.worsen(OUTCOMES[kind])
        else:
            note_text(element, sequence)

    def _suite(self, suite: Element, report: UutReport, depth: int) -> SequenceCall:
        """A suite's sequence, in which the test cases of another class than the suite's have one of their own."""
        if depth > MAX_DEPTH:
            raise ConversionError(f"suites lie within suites, more than {MAX_DEPTH} deep", line=line_of(suite))
        made = sequence(suite.get("name", ""), _SUITE, suite.get("file", ""))
        made.total_time, made.start = seconds(suite), moment(suite)
        groups: dict[str, SequenceCall] = {}
        for child in suite:
            group = _group(child, suite)
            if group and group not in groups:
                groups[group] = made.add(sequence(group, _CASE))
            self._add(child, groups.get(group, made), report, depth + 1)
        for inner in (*groups.values(), made):
            skip_if_all_were(inner)
        for name, text in others(suite, ("name", "time", "timestamp", *COUNTS)):
            made.note(f"{name}: {text}")
        note_counts(suite, made)
        return made


def _group(case: Element, suite: Element) -> str:
    """The class of a test case, where neither its suite nor its own name says it already."""
    group = " ".join(case.get("classname", "").split()) if local(case) == _CASE else ""
    return "" if group == suite.get("name") or group in case.get("name", "") else group
