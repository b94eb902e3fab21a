"""Seica flying probes: the XML log of a panel, with the boards on it and their tests."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple, Self

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.dates import dated
from pywats_client.converters.reading.fields import MAX_FACT, Fields, tell
from pywats_client.converters.reading.in_circuit import Reading, place, quantity, seconds
from pywats_client.converters.reading.nested import sequence, set_verdict, skip_if_all_were, titled
from pywats_client.converters.reading.programs import ProductArguments, Program
from pywats_client.converters.reading.texts import scaled
from pywats_client.converters.reading.xml import Element, elements, line_of, local, root_of
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, UutReport, shorten
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.steps import Step

_SESSION, _BOARD, _TEST, _RESULT, _END = "ST", "BI", "TEST", "TR", "ET"
_ABOUT = ("Info", "PrgC", "FidMrk")
"""What else is said of a panel: version of the log, settings of the program, position marks."""
_USED = {
    _SESSION: {"NM", "NMP", "OP", "TN", "LT", "SD", "TS"},
    _BOARD: {"BC", "BCP", "SD", "TT", "TR"},
    _TEST: {"F", "NM", "TR", "MU", "ML", "MH", "MR", "TT"},
    _RESULT: {"T", "R", "L", "H", "U", "F"},
    _END: {"NM", "NMP", "LT", "BC", "OP", "ED"},
}
"""Attributes with a place in the report; the others are told in words."""


class Node(NamedTuple):
    """An element, to be kept after the file has been read on."""

    name: str
    attributes: Mapping[str, str]
    children: Sequence["Node"]
    text: str
    line: int | None

    @classmethod
    def of(cls, element: Element) -> Self:
        """With all that it holds."""
        children = [cls.of(child) for child in element if local(child)]
        attributes = {str(name): str(value).strip() for name, value in element.attrib.items()}
        return cls(local(element), attributes, children, (element.text or "").strip(), line_of(element))

    def get(self, name: str) -> str:
        """An attribute, empty where there is none."""
        return self.attributes.get(name, "")

    @property
    def tests(self) -> list["Node"]:
        """Those of a board, wherever they lie in it."""
        return [test for child in self.children for test in ([child] if child.name == _TEST else child.tests)]

    def told(self) -> str:
        """What has no place in the report, in words; empty where that is nothing."""
        used = _USED.get(self.name, set()) - ({"TR"} if self.get("TR") not in ("", "0", "1") else set())
        words = [f"{name} {value}" for name, value in self.attributes.items() if value and name not in used]
        return ", ".join([*words, self.text] if self.text else words)

    def verdict(self, name: str) -> Status | None:
        """0 is passed, and 1 failed. ConversionError for what is no such number."""
        code = self.get(name)
        if code and not code.lstrip("+-").isdecimal():
            raise ConversionError(f"{self.name} says {name} {code!r}, which is 0 or 1", line=self.line)
        if not code:
            return None
        return "F" if code.strip("+-0") else "P"


class Session(NamedTuple):
    """What a log says of a panel: its boards, and what stands before and after them."""

    start: Node | None
    about: list[Node]
    boards: list[Node]
    end: Node | None = None

    def said(self, name: str) -> str:
        """An attribute of the session."""
        return self.start.get(name) if self.start else ""

    def panel(self, board: Node) -> str:
        """The panel's barcode."""
        return board.get("BCP") or self.said("BC")


class SeicaXml(FileConverter):
    """From a real log and the description of a reader of such logs; the maker's specification is not public.

    A board (BI) is a unit. Neighbouring tests of one function (F) are a sequence; a test with partial results (TR) is
    one, too. Result codes: 0 is passed, any other failed. Dates begin with the day; a test's time (TT) is in
    milliseconds, that of a board in seconds, as the total of the panel shows. Attributes without a place in the
    report are told by their names in its texts. The texts of the arguments may also hold {panel}, its barcode, and
    {board}, the place on it.
    """

    name = "seica_xml"
    description = "Seica flying probe, XML log: one report a board of the panel"

    class Arguments(ProductArguments):
        """Those of every format whose program is known."""

    def matches(self, source: Source) -> float:
        """The short names of the root and of what it holds."""
        root = root_of(source)
        if root is None or local(root) != "R":
            return 0.0
        names = {local(child) for child in root} & {_SESSION, _BOARD, "PrgC"}
        return (0.0, 0.3, 0.9, 0.95)[len(names)]

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a board."""
        is_empty = True
        for session in _sessions(source):
            is_empty = False
            if isinstance(session, ConversionError):
                yield session
                continue
            for board in session.boards:
                if len(session.boards) > 1 and board.get("NT") == "0" and not board.tests:
                    context.log.info("%s: board %s was not tested", source.name, board.get("ID"))
                    continue
                try:
                    yield _report(source, context.arguments, session, board)
                except ConversionError as fault:
                    yield fault
        if is_empty:
            raise ConversionError("the file has no boards, which are elements BI")


def _sessions(source: Source) -> Iterator[Session | ConversionError]:
    """The panels of the file, and last what is wrong with it."""
    session = Session(None, [], [])
    broken: ConversionError | None = None
    try:
        for node in map(Node.of, elements(source, _SESSION, _BOARD, _END, *_ABOUT)):
            if node.name == _BOARD:
                session.boards.append(node)
            elif node.name in _ABOUT:
                session.about.append(node)
            elif node.name == _END:
                if session.boards:
                    yield session._replace(end=node)
                session = Session(None, [], [])
            elif session.boards:
                yield session
                session = Session(node, [], [])
            else:
                session = session._replace(start=node)
    except ConversionError as fault:
        broken = fault
    if session.boards:
        yield session
    if broken:
        yield broken


def _report(source: Source, arguments: SeicaXml.Arguments, session: Session, board: Node) -> UutReport:
    program = Program(session.said("NM") or session.said("NMP"))
    fields = Fields(
        source, arguments, {"program": program.name, "panel": session.panel(board), "board": board.get("ID")}
    )
    is_alone = len(session.boards) == 1
    report = fields.report(
        serial_number=_serial_number(fields, session, board),
        **program.product(fields, arguments),
        operator=session.said("OP"),
        start=_moment(board) or (_moment(session.start) if session.start else None),
        station=shorten(session.said("TN"), MAX_FACT) or None,
        batch_serial_number=shorten(session.said("LT"), MAX_FACT) or None,
        execution_time=seconds(board.get("TT")),
        socket_index=None if is_alone else place(board.get("ID")),
    )
    program.describe(report)
    _tell(report, session, board)
    _add_tests(report, board)
    return fields.judge(report, _verdict(board, session.end if is_alone else None), board.line)


def _serial_number(fields: Fields, session: Session, board: Node) -> str:
    """The board's own barcode; that of the panel only where no other board has it."""
    code = session.panel(board)
    of_file = board.get("BC") or (code if [session.panel(each) for each in session.boards].count(code) == 1 else "")
    found = fields.fill("serial_number", of_file)
    if not found and len(session.boards) > 1:
        raise ConversionError(
            f"board {board.get('ID')} has no barcode of its own: set the argument serial_number, "
            "such as {panel}-{board}",
            line=board.line,
        )
    return found


def _moment(node: Node) -> datetime | None:
    """When it began."""
    if not node.get("SD"):
        return None
    try:
        return dated(node.get("SD"), day_first=True)
    except ValueError as fault:
        raise ConversionError(f"{node.name} says SD {fault}", line=node.line) from None


def _verdict(board: Node, end: Node | None) -> Status | None:
    """The board's own result, else whether it has failed tests; else those of a panel of which it is all."""
    nodes = [node for node in (board, end) if node]
    told = (node.verdict(name) for node in nodes for name in ("TR", "NF"))
    return next((verdict for verdict in told if verdict), None)


def _tell(report: UutReport, session: Session, board: Node) -> None:
    """What a report has no fields for."""
    if session.panel(board) != report.serial_number:
        tell(report, "Panel", session.panel(board))
    if session.said("NMP") != session.said("NM"):
        tell(report, "Panel program", session.said("NMP"))
    tell(report, "Test mode", session.said("TS"))
    tell(report, "Session start", session.said("SD"))
    tell(report, "Session end", session.end.get("ED") if session.end else "")
    for node in (session.start, *session.about, board, session.end):
        if node:
            _note(report.root, node)


def _note(step: Step, node: Node) -> None:
    """An element and what it holds, but for the tests, in words."""
    if told := node.told():
        step.note(f"{node.name}: {told}")
    for child in node.children:
        if child.name not in (_TEST, _RESULT):
            _note(step, child)


def _add_tests(report: UutReport, board: Node) -> None:
    for function, of_function in groupby(board.tests, lambda test: test.get("F")):
        group = report.sequence(**titled(function, "TEST"))
        for test in of_function:
            try:
                step = _add_test(group, test)
            except ValueError as fault:
                raise ConversionError(f"test {test.get('NM')}: {fault}", line=test.line) from None
            step.total_time = _milliseconds(test)
            _note(step, test)
        skip_if_all_were(group)


def _add_test(group: SequenceCall, test: Node) -> Step:
    """A test, with its partial results in a sequence."""
    results = [child for child in test.children if child.name == _RESULT]
    verdict = test.verdict("TR")
    if not results:
        return _reading(test, "NM", "MR ML MH MU", verdict).add_to(group)
    steps = sequence(test.get("NM"), "test")
    if test.get("MR"):  # the result of the test is that of all that it holds
        _reading(test, "MK" if test.get("MK") else "NM", "MR ML MH MU", None).add_to(steps)
    for result in results:
        _note(_reading(result, "T", "R L H U", result.verdict("F")).add_to(steps), result)
    if verdict:
        set_verdict(steps, verdict)
    else:
        skip_if_all_were(steps)
    return group.add(steps)


def _reading(node: Node, name: str, measured: str, verdict: Status | None) -> Reading:
    """By the attributes that say value, limits and unit."""
    value, low, high, unit = map(node.get, measured.split())
    return Reading(node.get(name), value, low, high, unit, verdict)


def _milliseconds(test: Node) -> float | None:
    try:
        value = quantity(test.get("TT"))
    except ValueError:
        return None
    return scaled(str(value), -3) if math.isfinite(value) else None
