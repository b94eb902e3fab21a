"""What a test executive says of the unit, by the names that TestStand and its WATS extension use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from pywats_client.converters.reading.fields import Fields, tell
from pywats_client.converters.reading.nested import is_judged
from pywats_client.converters.reading.step_results import StepResult
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, Step, UutReport
from pywats_client.wsjf.model import Status

_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("serialnumber", "sn", "uutserialnumber"), "serial_number"),
    **dict.fromkeys(("uutpartnumber", "partnumber", "pn"), "part_number"),
    **dict.fromkeys(("uutpartrevisionnumber", "partrevisionnumber", "partrevision", "revision", "rev"), "revision"),
    **dict.fromkeys(("uutoperationtype", "operationtypecode", "processcode", "pcode", "optypecodeint"), "process_code"),
    **dict.fromkeys(("optypecodestring",), "process_code"),
    **dict.fromkeys(("loginname", "operator"), "operator"),
    **dict.fromkeys(("stationid", "station"), "station"),
    **dict.fromkeys(("batchserialnumber", "batchsn"), "batch_serial_number"),
    **dict.fromkeys(("uutfixtureid", "fixtureid"), "fixture_id"),
    "testsocketindex": "socket_index",
    "batchfailcount": "batch_fail_count",
    "batchloopindex": "batch_loop_index",
    "comment": "comment",
    "location": "location",
    "purpose": "purpose",
}
_WHOLE = frozenset({"socket_index", "batch_fail_count", "batch_loop_index"})
_NOTHING = {"process_code": "0", "socket_index": "-1"}
"""Texts that stand for nothing said."""


class Part(NamedTuple):
    """A part of the unit with a serial number of its own."""

    part_type: str
    serial_number: str
    part_number: str
    revision: str = ""


@dataclass
class UnitFacts:
    """Gathers the facts by their names; those without a place of their own become misc infos."""

    said: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    more: list[tuple[str, str]] = field(default_factory=list)

    def take(self, name: str, text: str) -> None:
        """A fact by its name in the file; of two for the same place, the first stands."""
        text = text.strip()
        place = _NAMES.get(re.sub(r"[\W_]", "", name).lower())
        if not text or (place and text == _NOTHING.get(place)):
            return
        fits = place is not None and (place not in _WHOLE or re.fullmatch(r"-?[0-9]{1,9}", text))
        if not fits or self.said.setdefault(place or "", text) != text:
            self.more.append((name, text))

    def begin(self, fields: Fields, start: datetime | None, line: int | None) -> UutReport:
        """The report of the unit. Raises as `Fields.report`."""
        about: dict[str, Any] = {key: int(text) if key in _WHOLE else text for key, text in self.said.items()}
        report = fields.report(**about, start=start, line=line)
        for part in self.parts:
            if part.serial_number and part.part_number:
                kind = part.part_type[:50] or "Part"
                report.sub_unit(kind, part.serial_number, part.part_number, revision=part.revision)
            else:
                tell(report, part.part_type or "Part", " ".join(text for text in part[1:] if text))
        for name, text in self.more:
            tell(report, name, text)
        return report


def fill(report: UutReport, main: StepResult) -> None:
    """Hand the main sequence over to the report; its verdict is settled with the unit's."""
    made = replace(main, status=None, kind="SequenceCall").step()
    assert isinstance(made, SequenceCall)
    for step in made.steps:
        report.add(step)
    root = report.root
    root.name, root.call, root.report_text = made.name, made.call, made.report_text
    root.start, root.total_time, root.ts_guid = made.start, made.total_time, made.ts_guid
    root.error_code, root.error_message = made.error_code, made.error_message
    root.caused_sequence_failure = made.caused_sequence_failure
    report.execution_time = main.total_time
    report.error_code, report.error_message = made.error_code, made.error_message


def mark_cause(report: UutReport, causes: Sequence[Step]) -> None:
    """Say which step made the unit fail: of the steps of a failure chain the one that calls no other."""
    ends = [step for step in causes if not isinstance(step, SequenceCall)] or list(causes)
    for step in ends:
        step.caused_uut_failure = True
    if ends:
        report.failing_step_id = _place(report.root, ends[0])


def _place(root: SequenceCall, wanted: Step) -> int | None:
    """The number of a step, counted depth first from 1 as in the report."""
    waiting: list[Step] = [root]
    place = 0
    while waiting:
        step = waiting.pop()
        place += 1
        if step is wanted:
            return place
        if isinstance(step, SequenceCall):
            waiting.extend(reversed(step.steps))
    return None


def settle(report: UutReport, fields: Fields, status: Status | None, word: str, line: int | None) -> UutReport:
    """Give the report the file's verdict. Done is none: the steps decide, or the argument `result` if none is judged.

    Raises ConversionError where nothing in the file is a verdict, and no argument says one.
    """
    if status in ("P", "F", "E", "T"):
        return fields.settle(report, status)
    if word:
        report.root.note(f"The file says of the unit: {word}.")
    if status == "D" or (not word and is_judged(report.root)):
        return fields.settle(report, report.result if is_judged(report.root) else None)
    try:
        return fields.settle(report, fields.require_result(None))
    except ConversionError as fault:
        raise ConversionError(str(fault), line=line) from None


def moment_or_fault(text: str, line: int | None) -> datetime:
    """A time of ISO 8601; without a zone it is the station's. Raises ConversionError where it is none."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found if found.utcoffset() is not None else found.astimezone()
    except (ValueError, OverflowError):
        raise ConversionError(f"{text!r} is not a time of ISO 8601", line=line) from None
