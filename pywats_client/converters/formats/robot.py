"""Robot Framework: output.xml of all generations that the framework still reads, and output.json (7.2 and later)."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading import xml
from pywats_client.converters.reading.fields import Fields, FormatArguments, tell
from pywats_client.converters.reading.named_facts import NamedFacts
from pywats_client.converters.reading.nested import MAX_DEPTH, bounded, explain, printable, sequence, titled
from pywats_client.converters.reading.robot_output import is_json, own_status, read
from pywats_client.errors import ConversionError
from pywats_client.wsjf import PassFail, SequenceCall, Step, UutReport, shorten
from pywats_client.wsjf.build import AnyOf
from pywats_client.wsjf.model import Group, Status

_STATUSES: Mapping[str, Status] = {"PASS": "P", "FAIL": "F", "SKIP": "S", "NOT RUN": "S", "NOT SET": "D"}
_ROOTS = ("IF/ELSE ROOT", "TRY/EXCEPT ROOT")
"""Items around branches, of which Robot's own log shows nothing, either."""
_GENERATOR = re.compile(r"(Robot|Rebot) ")
_SEVERAL = "a file is about one unit, so run the units one by one"


class Robot(FileConverter):
    """Read by Robot Framework's own reader. Suites, tests and keywords are sequences, the innermost keywords actions.

    The unit is known from metadata of the suites, such as Serial Number, else from the arguments; other metadata
    become misc infos. Arguments, documentation, tags and messages stand in the report texts. The converter's own
    arguments may hold the name of any metadata, and {suite}, the name of the outermost suite.
    """

    name = "robot"
    description = "Robot Framework: output.xml and output.json, with suites, tests and keywords"

    class Arguments(FormatArguments):
        """How much of the file is taken over."""

        keyword_depth: int = Field(default=MAX_DEPTH, ge=0, le=MAX_DEPTH)
        """How many levels of keywords below a test become steps. 0: none, a test is one step; for huge files."""

    def matches(self, source: Source) -> float:
        """The generator says it; old ones are known by their suite."""
        if is_json(source):
            return 1.0
        root = xml.root_of(source)
        if root is None or root.tag != "robot":
            return 0.0
        if _GENERATOR.match(root.get("generator", "")):
            return 1.0
        return 0.9 if root.find("suite") is not None else 0.0

    def convert(self, source: Source, context: Context) -> UutReport:
        """One report."""
        result = read(source, with_keywords=context.arguments.keyword_depth > 0)
        try:
            return _Run(result, own_status(source), context.arguments.keyword_depth).report(source, context.arguments)
        except RecursionError:
            raise ConversionError("suites or keywords are nested too deeply") from None
        except (AttributeError, TypeError, OverflowError) as fault:
            raise ConversionError(f"the file holds a value of the wrong kind: {fault}") from None


class _Run:
    """One run of the framework; `result` is its reader's, `own_status` what the file says of the outermost suite."""

    def __init__(self, result: Any, own_status: str, keyword_depth: int) -> None:
        self._result, self._own_status, self._keyword_depth = result, own_status, keyword_depth
        self._facts = NamedFacts()

    def report(self, source: Source, arguments: FormatArguments) -> UutReport:
        """The report of the unit that was tested."""
        suite = self._result.suite
        if not suite.test_count:
            raise ConversionError("there is no test, so there is no verdict")
        for inner in _suites(suite):
            for name, text in inner.metadata.items():
                self._facts.gather(str(name), printable(str(text)).strip(), _SEVERAL)
        fields = Fields(source, arguments, {**self._facts.placeholders, "suite": printable(str(suite.name))})
        report = self._facts.report(
            fields, start=_moment(_start(suite)), execution_time=suite.elapsed_time.total_seconds()
        )
        report.sequence_name = shorten(printable(str(suite.name)), 200) or report.sequence_name
        tell(report, "generator", str(self._result.generator or ""))
        for message in self._result.errors.messages:
            report.root.note(_text_of(message))
        report.add(self._suite(suite, report, 1))
        verdict = _STATUSES[self._own_status or suite.status]
        return fields.settle(report, fields.require_result(None) if verdict == "S" else verdict)

    def _suite(self, suite: Any, report: UutReport, depth: int) -> SequenceCall:
        if depth > MAX_DEPTH:
            raise ConversionError(f"suites lie within suites, more than {MAX_DEPTH} deep")
        made = sequence(str(suite.name), "suite", str(suite.source or ""))
        for name, text in suite.metadata.items():
            self._facts.tell(report, printable(str(name)), printable(str(text)).strip(), made)
        _note(made, "documentation", suite.doc)
        if suite.has_setup:
            made.add(self._fixture(suite.setup, "S"))
        for child in suite.suites:
            made.add(self._suite(child, report, depth + 1))
        for test in suite.tests:
            made.add(self._test(test))
        if suite.has_teardown:
            made.add(self._fixture(suite.teardown, "C"))
        return _judged(made, suite)

    def _fixture(self, keyword: Any, group: Group) -> Step:
        """The setup or teardown of a suite."""
        step = self._keyword(keyword, 1)
        step.group = group
        return step

    def _test(self, test: Any) -> Step:
        step = self._verdict(test)
        if self._keyword_depth:
            step = self._add_parts(sequence(str(test.name), "test"), test, 0)
        _note(step, "documentation", test.doc)
        _note(step, "tags", ", ".join(map(str, test.tags)))
        _note(step, "timeout", test.timeout)
        _note(step, "line", test.lineno)
        _note_messages(step, test)
        return _judged(step, test)

    def _verdict(self, test: Any) -> Step:
        """A test without its keywords."""
        title = titled(str(test.name), "test")
        if test.status not in ("PASS", "FAIL"):
            return Step(**title)
        step = PassFail(step_type="ET_PFT", **title)
        step.add(None, test.passed)
        return step

    def _keyword(self, item: Any, depth: int) -> Step:
        """A keyword, or a control structure such as FOR: a sequence, if there is something in it."""
        name = _name(item)
        inner = [part for part, _ in _parts(item) if part.type != "MESSAGE"]
        step: Step
        if inner and depth < self._keyword_depth:
            step = self._add_parts(sequence(name, item.type), item, depth)
        else:
            step = Step(**titled(name, item.type))
            if inner:
                step.note(f"steps in it that are left out: {len(inner)}")
        if _is_keyword(item):
            _note(step, "library", item.owner)
            _note(step, "arguments", "    ".join(map(str, item.args)))
            _note(step, "assigned to", ", ".join(map(str, item.assign)))
            _note(step, "documentation", item.doc)
            _note(step, "tags", ", ".join(map(str, item.tags)))
            _note(step, "timeout", item.timeout)
        _note_messages(step, item)
        return _judged(step, item)

    def _add_parts(self, made: SequenceCall, item: Any, depth: int) -> SequenceCall:
        """What was run in a test or a keyword, one level deeper."""
        for part, group in _parts(item):
            if part.type != "MESSAGE":
                step = self._keyword(part, depth + 1)
                step.group = group
                made.add(step)
        return made


def _parts(item: Any) -> Iterator[tuple[Any, Group]]:
    """What stands in a test or a keyword, and to which group it belongs; branches without the item around them."""
    if getattr(item, "has_setup", False):
        yield item.setup, "S"
    for part in item.body:
        if part.type in _ROOTS:
            yield from ((branch, "M") for branch in part.body)
        else:
            yield part, "M"
    if getattr(item, "has_teardown", False):
        yield item.teardown, "C"


def _name(item: Any) -> str:
    """What Robot's log calls it: `Log`, `FOR ${x} IN RANGE 5`, `${x} = 0`."""
    if _is_keyword(item):
        return f"FOR {item.name}" if item.type == "FOR" else str(item.name or "")
    if item.type != "ITERATION":
        return str(item)
    assigned = item.assign if item.parent.type == "FOR" else {}
    return ", ".join(f"{name} = {value}" for name, value in assigned.items()) or "iteration"


def _is_keyword(item: Any) -> bool:
    """Whether it is a keyword, as loops were, too, before control structures had classes of their own."""
    return type(item).__name__ == "Keyword"


def _judged(step: AnyOf, item: Any) -> AnyOf:
    """Give a step the status of its item, whatever the steps in it say: some failures are expected."""
    if item.status not in _STATUSES:
        raise ConversionError(f"the status of {step.name!r} is {item.status!r}; known are {', '.join(_STATUSES)}")
    step.status = _STATUSES[item.status]
    step.start, step.total_time = _moment(item.start_time), item.elapsed_time.total_seconds()
    if item.message and item.failed:
        explain(step, str(item.message))
    else:
        _note(step, "message", item.message)
    return step


def _note(step: Step, name: str, text: object) -> None:
    if text is not None and str(text).strip():
        step.note(f"{name}: {bounded(str(text))}")


def _note_messages(step: Step, item: Any) -> None:
    messages = [_text_of(part) for part, _ in _parts(item) if part.type == "MESSAGE"]
    if messages:
        step.note(bounded("\n".join(messages)))


def _text_of(message: Any) -> str:
    html = ", HTML" if message.html else ""
    return f"{message.level}{html}: {bounded(str(message.message))}"


def _moment(time: datetime | None) -> datetime | None:
    """The generations of the format write the station's local time."""
    return time.astimezone() if time else None


def _suites(suite: Any) -> Iterator[Any]:
    yield suite
    for child in suite.suites:
        yield from _suites(child)


def _start(suite: Any) -> datetime | None:
    """When the run began: the suite says it, or the first of its tests."""
    times = [test.start_time for inner in _suites(suite) for test in inner.tests if test.start_time]
    return suite.start_time or min(times, default=None)
