"""Saki optical inspection: XML of a panel, its boards, and the components that were called defective."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading import xml
from pywats_client.converters.reading.dates import dated
from pywats_client.converters.reading.fields import Fields, FormatArguments, tell
from pywats_client.converters.reading.measured import VERDICTS
from pywats_client.converters.reading.nested import sequence, set_verdict, titled
from pywats_client.converters.reading.xml import Element, line_of, local, told
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, UutReport, shorten
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.steps import Step

_WORDS: Mapping[str, Status] = {
    **VERDICTS,
    **dict.fromkeys(("falsecall", "falsecalls", "false call", "repaired", "warning", "warnings", "passes"), "P"),
    **dict.fromkeys(("fails", "failure", "failures", "defect", "defects", "defective", "errors"), "F"),
    **dict.fromkeys(("untested", "not tested", "nottested", "uninspected", "badmark", "bad mark"), "S"),
}
"""Verdicts of panels, boards and components; a list of components is called by theirs."""
_VERDICT_NAMES = ("result", "judgement", "judgment", "verdict")
_NO_BARCODE = ("", "n/a", "na", "-", "none", "null", "no read", "noread")
_PART_NUMBER = re.compile(r"P/?N.*", re.IGNORECASE)
_NAMES = ("designator", "name", "reference", "component", "id")
"""What a component is called by."""
_PLACED = {"barcode", "result", "startdate", "starttime", "enddate", "endtime", "operator"}


class Saki(FileConverter):
    """From a real file of one panel; there is no public description.

    The panel is the unit, and each of its boards (Image) a sequence, with a sequence for each list of components
    (FalseCalls, Failed); a component is a passed or failed step. Where every board has a barcode of its own, boards
    are the units. False calls have passed: the machine called them, and the operator did not. A side that begins with
    PN is the part number where nothing else says one.
    """

    name = "saki"
    description = "Saki optical inspection (AOI): XML of a panel with its boards and components"

    class Arguments(FormatArguments):
        """What a report is about. Texts may hold {panel}, {image}, {side} and {program}, too."""

        unit: Literal["auto", "panel", "board"] = "auto"
        """Whether a panel or each of its boards is a unit. auto: boards, if all of them have a barcode."""
        day_first: bool = True
        """Whether 01/10/2024 is in October. Dates that leave no choice are read as they must be."""

    def matches(self, source: Source) -> float:
        """A panel with barcode and result, and what is in it."""
        root = xml.root_of(source)
        panel = next(root.iter("{*}Panel"), None) if root is not None else None
        if panel is None or not {"barcode", "result"} <= _said(panel).keys():
            return 0.0
        known = "startdate" in _said(panel) or any(local(child) in ("Image", "Program") for child in panel)
        return 1.0 if known else 0.6

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a panel or a board."""
        found = False
        try:
            for panel in xml.elements(source, "Panel"):
                found = True
                yield from _Panel(panel, source, context.arguments).reports()
        except ConversionError as fault:
            yield fault
            return
        if not found:
            raise ConversionError("the file holds no Panel")


def _attributes(element: Element) -> dict[str, str]:
    """The attributes that are not empty."""
    return {str(name): str(text).strip() for name, text in element.attrib.items() if str(text).strip()}


def _said(element: Element) -> dict[str, str]:
    """The attributes, by their names in lower case."""
    return {name.lower(): text for name, text in _attributes(element).items()}


def _barcode(element: Element) -> str:
    text = _said(element).get("barcode", "")
    return "" if text.lower() in _NO_BARCODE else text


def _verdict(element: Element) -> Status | None:
    """What the element says itself. ConversionError for an unknown word."""
    said = _said(element)
    text = next((said[name] for name in _VERDICT_NAMES if name in said), "")
    if text.lower() in _NO_BARCODE:
        return None
    if text.lower() not in _WORDS:
        raise ConversionError(f"{text!r} is not a known result, such as passed or failed", line=line_of(element))
    return _WORDS[text.lower()]


class _Panel:
    """One panel, and what its reports are about."""

    def __init__(self, element: Element, source: Source, arguments: Saki.Arguments) -> None:
        self._element, self._source, self._arguments = element, source, arguments
        self._said = _said(element)
        self._images = [child for child in element if local(child) == "Image"]
        program = next((child for child in element if local(child) == "Program"), None)
        self._program = _said(program) if program is not None else {}

    def reports(self) -> Iterator[UutReport | ConversionError]:
        """The report of the panel, or those of its boards."""
        boards = [_barcode(image) for image in self._images]
        by_board = self._arguments.unit == "board" or (self._arguments.unit == "auto" and boards and all(boards))
        for element in self._images if by_board else [self._element]:
            try:
                yield self._board(element) if by_board else self._panel()
            except ConversionError as fault:
                yield fault if fault.line else ConversionError(str(fault), line=line_of(element))

    def _panel(self) -> UutReport:
        fields = self._fields()
        report = self._begin(fields, _barcode(self._element))
        _add_lists(report, self._element)
        for place, image in enumerate(self._images, 1):
            name = f"Image {_said(image).get('id', place)}"
            board = sequence(name, name)
            _add_lists(board, image)
            verdict = _verdict(image)
            if verdict and board.steps:
                set_verdict(board, verdict)
            board.status = verdict or board.status
            report.add(board)
            for key, text in _said(image).items():
                if key not in {"id", *_VERDICT_NAMES} and text.lower() not in _NO_BARCODE:
                    board.note(f"{key}: {text}")
            for child in image:
                if local(child) != "Results":
                    board.note(told(child))
        return self._settle(report, fields, self._element)

    def _board(self, image: Element) -> UutReport:
        said = _said(image)
        fields = self._fields(image=said.get("id", ""))
        report = self._begin(fields, _barcode(image))
        if said.get("id", "").isdecimal():
            report.socket_index = int(said["id"])
        tell(report, "panel", _barcode(self._element))
        tell(report, "panel result", self._said.get("result"))
        for name, text in said.items():
            if name not in {"barcode", *_VERDICT_NAMES}:
                tell(report, f"image {name}", text)
        _add_lists(report, image)
        return self._settle(report, fields, image)

    def _fields(self, image: str = "") -> Fields:
        more = {"panel": _barcode(self._element), "image": image}
        more |= {"side": self._said.get("side", ""), "program": self._program.get("name", "")}
        return Fields(self._source, self._arguments, more)

    def _begin(self, fields: Fields, barcode: str) -> UutReport:
        said, side = self._said, self._said.get("side", "")
        start = self._moment("start")
        end = self._moment("end") if start else None
        report = fields.report(
            serial_number=barcode,
            part_number=fields.fill("part_number") or (side if _PART_NUMBER.fullmatch(side) else ""),
            operator=said.get("operator"),
            start=start,
            execution_time=(end - start).total_seconds() if start and end and end >= start else None,
        )
        if name := self._program.get("name"):
            report.sequence_name = shorten(name, 200)
        if version := self._program.get("ver") or self._program.get("version"):
            report.sequence_version = shorten(version, 30)
        self._tell_others(report)
        return report

    def _tell_others(self, report: UutReport) -> None:
        for name, text in self._said.items():
            if name not in _PLACED and name not in _VERDICT_NAMES:
                tell(report, name, text)
        for name, text in self._program.items():
            tell(report, f"program {name}", text)
        for child in self._element:
            if local(child) not in ("Image", "Program", "Results"):
                report.root.note(told(child))

    def _moment(self, which: str) -> datetime | None:
        text = f"{self._said.get(f'{which}date', '')} {self._said.get(f'{which}time', '')}".strip()
        if not self._said.get(f"{which}date"):
            return None
        try:
            return dated(text, day_first=self._arguments.day_first)
        except ValueError as fault:
            raise ConversionError(str(fault), line=line_of(self._element)) from None

    def _settle(self, report: UutReport, fields: Fields, element: Element) -> UutReport:
        """The verdict of the element; without one, that of boards and components, if there are any."""
        verdict = _verdict(element)
        if verdict in ("S", "D"):
            tell(report, "result", next(text for name, text in _said(element).items() if name in _VERDICT_NAMES))
            verdict = None
        if verdict is None and not report.root.steps:
            verdict = fields.require_result(None)
        return fields.settle(report, verdict or report.result)


def _add_lists(target: UutReport | SequenceCall, element: Element) -> None:
    """The lists of components below `Results`."""
    for results in element:
        if local(results) == "Results":
            for child in results:
                if "designator" in child.attrib or (child.attrib and not len(child)):
                    _add_component(target, child, None)
                else:
                    target.add(_list(child))


def _list(element: Element) -> SequenceCall:
    components = sequence(local(element), "components")
    for component in element:
        _add_component(components, component, _WORDS.get(local(element).lower()))
    return components


def _add_component(target: UutReport | SequenceCall, element: Element, of_list: Status | None) -> None:
    said = _said(element)
    title = titled(next((said.pop(name) for name in _NAMES if name in said), ""), local(element))
    verdict = _verdict(element) or of_list
    if verdict in ("P", "F"):
        step: Step = target.passed(ok=verdict == "P", **title)
    else:
        step = target.action(status=verdict or "D", **title)
    for name, text in _attributes(element).items():
        if name.lower() in said and name.lower() not in _VERDICT_NAMES:
            step.note(f"{name}: {text}")
    for child in element:
        step.note(told(child))
