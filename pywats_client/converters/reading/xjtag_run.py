"""A run of an XJTAG log: what it says of the unit, its groups, and their functions with what they wrote."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath, PureWindowsPath

from pywats_client.converters.reading.archives import Archive
from pywats_client.converters.reading.fields import tell
from pywats_client.converters.reading.measured import VERDICTS, moment
from pywats_client.converters.reading.nested import MAX_DEPTH, bounded, sequence, set_verdict, titled
from pywats_client.converters.reading.xjtag_html import Row, Rows, anchor_of, text_of
from pywats_client.converters.reading.xml import Element, line_of, local
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, Step, UutReport, shorten
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.payloads import Attachment

_GROUP, _FUNCTION, _TEXT, _HTML = "testgroup", "testfunction", "text-output", "html-output"
_ABOUT, _SUMMARY, _SNIPPETS, _HEADER, _RESULT = "testruninfo", "summary", "snippets", "header", "result"
_OF_REPORT = frozenset({"serial", "user", "result"})
_WORDS: Mapping[str, Status] = {
    **VERDICTS,
    **dict.fromkeys(("cancelled", "canceled", "stopped", "incomplete"), "T"),
    "notrun": "S",
}
_FIRST_WORDS: Mapping[str, Status] = {word: _WORDS[word] for word in ("passed", "failed", "skipped", "error")}
"""Of results that say more, such as `Failed (2 errors)`."""
_SPAN = re.compile(r"</?span[^>]*>")
"""Texts may be coloured."""
_FULL_OUTPUT = re.compile(r"ShowFullConnTestOutput\('([^']*)'\)")
"""A link to a file of the archive, by the place that this had before."""
_MAX_ATTACHED = 100 << 10
_MAX_MESSAGE, _MAX_FILE_NAME = 200, 256


class Run:
    """The root element of a run. Raises ConversionError where it is none."""

    def __init__(self, root: Element, archive: Archive) -> None:
        if local(root) != "testrun":
            raise ConversionError(f"the root is {local(root)}, that of a run is testrun", line=line_of(root))
        self._root, self._archive = root, archive
        self.about = {local(child): _text(child).strip() for child in root.iterfind(f"{{*}}{_ABOUT}/{{*}}*")}
        """what is said of the run, by name"""
        rows = [row for html in root.iterfind(f"{{*}}{_SUMMARY}/{{*}}{_HTML}") for row in Row.all_of(_text(html))]
        self.seconds = next((row.seconds for row in rows if row.id.endswith("_totaltime")), None)
        self._groups = Rows(row for row in rows if row.id and not row.id.endswith("_totaltime"))
        self._functions = {
            snippet.get("key", ""): [row for html in snippet for row in Row.all_of(_text(html))]
            for snippet in root.iterfind(f"{{*}}{_SNIPPETS}/{{*}}snippet")
        }
        """the rows of each group, by its id"""

    @property
    def start(self) -> datetime | None:
        """When it began."""
        text = self._root.get("datetime", "")
        try:
            return moment(text) if text else None
        except ValueError:
            raise ConversionError(f"datetime is {text!r}, which is no time", line=line_of(self._root)) from None

    @property
    def verdict(self) -> Status | None:
        """Its own result. ConversionError for a run that was not executed."""
        result = self.about.get(_RESULT, "")
        verdict = _status(result, line_of(self._root))
        if verdict in ("S", "D"):
            raise ConversionError(f"the run was not executed: its result is {result}", line=line_of(self._root))
        return verdict

    def add_to(self, report: UutReport) -> None:
        """Its groups as sequences, and what else it says."""
        for element in self._root:
            kind = local(element)
            if kind == _GROUP:
                passed_over, row = self._groups.take(element.get("name", ""))
                self._add_absent(report, passed_over)
                functions = Rows(self._functions.get(row.id, ()) if row else ())
                report.add(self._group(element, row, functions))
            elif kind == _ABOUT:
                self._tell(report, element)
            elif kind not in (_TEXT, _HTML, _SUMMARY, _SNIPPETS, _HEADER):
                _note(report.root, element)
        self._add_absent(report, self._groups.rest())
        header = "".join(map(_text, self._root.iterfind(f"{{*}}{_HEADER}")))
        for text in (_written(self._root)[0], header):
            if text.strip():
                report.root.note(bounded(text))

    def _group(self, element: Element, row: Row | None, functions: Rows, depth: int = 1) -> SequenceCall:
        if depth > MAX_DEPTH:
            raise ConversionError(f"groups lie more than {MAX_DEPTH} deep in each other", line=line_of(element))
        group = sequence(element.get("name", ""), _GROUP)
        for child in element:
            kind = local(child)
            if kind == _GROUP:
                group.add(self._group(child, None, functions, depth + 1))
            elif kind == _FUNCTION:
                self._add_function(group, child, functions)
            elif kind not in (_TEXT, _HTML):
                _note(group, child)
        if row:
            _add_passed_over(group, functions.rest())
            group.total_time = row.seconds
            if verdict := _status(row.result, line_of(element)):
                set_verdict(group, verdict)
        if text := _written(element)[0].strip():
            group.note(bounded(text))
        return group

    def _add_function(self, group: SequenceCall, element: Element, rows: Rows) -> None:
        name = element.get("name", "")
        anchor = anchor_of(" ".join(map(_text, element.iterfind(f"{{*}}{_HTML}"))))
        passed_over, row = rows.take(name, anchor)
        _add_passed_over(group, passed_over)
        text, errors, links = _written(element)
        result = next((result.get("value", "") for result in element.iterfind(f"{{*}}{_RESULT}")), "")
        verdict = _status(result or (row.result if row else ""), line_of(element))
        step = _add_verdict(group, name, verdict or "T")
        if verdict is None:
            step.note("The function has no result.")
        step.total_time = row.seconds if row else None
        if text.strip():
            step.note(bounded(text))
        if errors.strip() and verdict != "P":
            step.error_message = shorten(" ".join(errors.split()), _MAX_MESSAGE)
        for child in element:
            if local(child) not in (_TEXT, _HTML, _RESULT):
                _note(step, child)
        for link in links:
            self._attach(step, PureWindowsPath(link).name)

    def _attach(self, step: Step, file: str) -> None:
        """The full output of a connection test, a file of the archive."""
        name = next((name for name in self._archive.names if PurePosixPath(name).name == file), None)
        if name is None or step.attachment:
            step.note(f"The log refers to {file}.")
            return
        try:
            content = self._archive.read(name, _MAX_ATTACHED)
        except ConversionError as fault:
            step.note(f"{file} is not attached: {fault}")
        else:
            step.attachment = Attachment.of(shorten(file, _MAX_FILE_NAME), content, "text/plain")

    def _add_absent(self, report: UutReport, rows: Sequence[Row]) -> None:
        """Groups that the log has passed over."""
        for row in rows:
            group = sequence(row.name, _GROUP)
            _add_passed_over(group, self._functions.get(row.id, ()))
            group.status = _status(row.result, None) or "S"
            report.add(group)

    def _tell(self, report: UutReport, element: Element) -> None:
        """What is said of the run that a report has no fields for."""
        for child in element:
            if local(child) in _OF_REPORT:
                continue
            for each in child.iter():
                name = each.get("name") or local(each).replace("-", " ")
                tell(report, name, _text(each).strip() or each.get("value", ""))


def _text(element: Element) -> str:
    return element.text or ""


def _status(text: str, line: int | None) -> Status | None:
    """None for an empty text. ConversionError for an unknown one."""
    words = text.lower().split()
    if not words:
        return None
    found = "S" if words[0] == "not" else _WORDS.get(" ".join(words)) or _FIRST_WORDS.get(words[0])
    if found is None:
        raise ConversionError(f"{text!r} is not a known result; Passed and Failed are", line=line)
    return found


def _written(holder: Element) -> tuple[str, str, list[str]]:
    """What a test wrote, that part of it which tells of faults, and the links to other files."""
    words, errors, links = [], [], []
    for child in holder:
        text = _text(child)
        if local(child) == _HTML:
            links += _FULL_OUTPUT.findall(text)
            seen = text_of(text)
            words.append(seen if child.get("inline") == "True" or not seen else f"{seen}\n")
        elif local(child) == _TEXT:
            kind, text = child.get("output-type", "").lower(), _SPAN.sub("", text)
            if kind.startswith(("fail", "error")):
                errors.append(text)
            if kind != "pass":
                words.append(text)
    return "".join(words), "".join(errors), links


def _add_verdict(group: SequenceCall, name: str, verdict: Status) -> Step:
    title = titled(name, _FUNCTION)
    return group.passed(ok=verdict == "P", **title) if verdict in ("P", "F") else group.action(status=verdict, **title)


def _add_passed_over(group: SequenceCall, rows: Sequence[Row]) -> None:
    """Functions of which the summary alone knows: skipped ones."""
    for row in rows:
        _add_verdict(group, row.name, _status(row.result, None) or "S").total_time = row.seconds


def _note(step: Step, element: Element) -> None:
    """An element that is not known, in words."""
    for each in element.iter():
        words = [f"{name!s} {value!s}" for name, value in each.attrib.items()]
        if told := " ".join([*words, _text(each).strip()]).strip():
            step.note(f"{local(each)}: {told}")
