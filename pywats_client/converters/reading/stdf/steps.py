"""The tests of a part as steps of its report."""

import math
import struct
from typing import Any, NamedTuple, TypeAlias, cast

from pywats_client.converters.reading.measured import Measured
from pywats_client.converters.reading.stdf.flags import FAILED, INVALID, NOT_EXECUTED, joined, remarks, verdict_of
from pywats_client.converters.reading.stdf.functional import add_functional
from pywats_client.converters.reading.stdf.limits import HIGH_PASSES, LOW_PASSES, Limits, limits_of
from pywats_client.converters.reading.stdf.lot import Lot
from pywats_client.converters.reading.stdf.multiple import add_multiple
from pywats_client.converters.reading.stdf.parts import Part
from pywats_client.converters.reading.stdf.records import Record, StdfFile, Values, ptr_text, shortest
from pywats_client.wsjf import CompOp, SequenceCall, Step, UutReport, shorten
from pywats_client.wsjf.model import Status

_EQUAL_PASSES = LOW_PASSES | HIGH_PASSES
_RESULT_END = 12
"""Of RESULT in a PTR; what follows is mostly the same on each part."""
_VERDICTS = ("P", "F", "T")
_MAX_NAME, _MAX_PLANS = 100, 10_000
_WireStep: TypeAlias = dict[str, Any]
"""A step as `Step.to_wire` gives it. A lot holds millions, of which models would take twice the time."""


class _Plan(NamedTuple):
    """What all records of a parametric test have in common."""

    name: str
    limits: Limits
    alarm: str
    text: str
    step: _WireStep
    """without its status and its measurement"""
    measurement: dict[str, Any]
    """without its status and its value"""


class Steps:
    """Adds the tests of one part after another to their reports."""

    def __init__(self, stdf: StdfFile, lot: Lot) -> None:
        self._stdf, self._lot = stdf, lot
        self._ptr = struct.Struct(stdf.order + "IBBBBf")
        self._plans: dict[tuple[bytes, int, bytes], _Plan] = {}
        self._patterns: dict[tuple[str, bytes], _WireStep] = {}
        self.has_verdict = False
        """whether any test of the last part had a verdict or limits"""

    def add(self, report: UutReport, part: Part) -> None:
        """All of a part. Raises ConversionError for a record that cannot be read."""
        self.has_verdict = False
        sections: list[SequenceCall] = [report.root]
        last: Step | _WireStep = report.root
        for record in part.records:
            match record.name:
                case "PTR":
                    last = self._add_parametric(record, sections[-1])
                case "MPR":
                    last = self._add_multiple(record, sections[-1])
                case "FTR" | "STR":
                    last = self._add_functional(record, sections[-1]) or last
                case "BPS":
                    name = self._stdf.fields(record).get("SEQ_NAME") or "Program section"
                    sections.append(sections[-1].sequence(shorten(name, _MAX_NAME)))
                case "EPS":
                    sections = sections[:-1] or sections
                case _:
                    _note(last, self._stdf.text(record))

    def _add_parametric(self, record: Record, sequence: SequenceCall) -> Step | _WireStep:
        """A number. Millions of records differ in nothing else, so what they share is worked out once."""
        flags, parm, number = self._result(record)
        key = (record.body[:4], parm & _EQUAL_PASSES, record.body[_RESULT_END:])
        plan = self._plans.get(key) or self._plan(key, record)
        if flags & ~FAILED or parm & ~_EQUAL_PASSES:
            return self._add_remarkable(sequence, plan, flags, parm, number)
        self.has_verdict = True
        value = plan.limits.value(number)
        verdict: Status = "F" if flags else "P"
        if plan.limits.holds(value) != (verdict == "P") or not math.isfinite(value):
            return _add_measured(sequence, plan, value, verdict, plan.text)
        measured = {**plan.measurement, "value": value, "status": verdict}
        step = {**plan.step, "status": verdict, "numericMeas": [measured]}
        sequence.steps.append(cast(Any, step))
        sequence.worsen(verdict)
        return step

    def _add_remarkable(self, sequence: SequenceCall, plan: _Plan, flags: int, parm: int, number: float) -> Step:
        """A number of which the flags say more than pass or fail."""
        limits, verdict = plan.limits, verdict_of(flags)
        text = joined(plan.text, *remarks(flags, parm, plan.alarm, limits))
        if flags & NOT_EXECUTED:
            return sequence.action(plan.name, status="S", report_text=text)
        self.has_verdict |= verdict is not None or limits.exist
        if flags & INVALID:
            return _add_invalid(sequence, plan, verdict, joined(text, f"the result {number:g} is not valid"))
        return _add_measured(sequence, plan, limits.value(number), verdict, text)

    def _result(self, record: Record) -> tuple[int, int, float]:
        """TEST_FLG, PARM_FLG and RESULT, which may be left out where the first says that it is not valid."""
        if len(record.body) >= _RESULT_END:
            _, _, _, flags, parm, number = self._ptr.unpack_from(record.body)
            return flags, parm, shortest(number)
        values = self._stdf.fields(record)
        flags = values["TEST_FLG"]
        number = math.nan if flags & (INVALID | NOT_EXECUTED) else values["RESULT"]
        return flags, values["PARM_FLG"], number

    def _plan(self, key: tuple[bytes, int, bytes], record: Record) -> _Plan:
        values = self._stdf.fields(record)
        limits = limits_of(values, self._lot.first("PTR", values["TEST_NUM"], ptr_text(record.body)))
        name, text = self._name("PTR", values)
        text = joined(text, *limits.remarks)
        step = SequenceCall(name=name).numeric(name, 0.0, **limits.about, status="P", report_text=text).to_wire()
        (measurement,) = step.pop("numericMeas")
        plan = _Plan(name, limits, values.get("ALARM_ID", ""), text, step, measurement)
        if len(self._plans) < _MAX_PLANS:
            self._plans[key] = plan
        return plan

    def _name(self, kind: str, values: Values) -> tuple[str, str]:
        """What a test is called, and a text with its number, what else TSR says, and a name that is too long."""
        number = values["TEST_NUM"]
        name = values.get("TEST_TXT") or self._lot.name(kind, number) or f"Test {number}"
        about = self._lot.about(number, name)
        return shorten(name, _MAX_NAME), joined(f"test {number}", *about, name if len(name) > _MAX_NAME else "")

    def _add_multiple(self, record: Record, sequence: SequenceCall) -> Step:
        values = self._stdf.fields(record)
        step = add_multiple(sequence, *self._name("MPR", values), values, self._lot)
        has_limits = any(each.comp_op != CompOp.LOG for each in step.numeric_measurements)
        self.has_verdict |= has_limits or verdict_of(values["TEST_FLG"]) in _VERDICTS
        return step

    def _add_functional(self, record: Record, sequence: SequenceCall) -> _WireStep | None:
        """None for a record that the next one continues."""
        planned = self._patterns.get((record.name, record.body)) or self._pattern(record)
        if not planned:
            return None
        step = {**planned}
        self.has_verdict |= step["status"] in _VERDICTS
        sequence.steps.append(cast(Any, step))
        sequence.worsen(step["status"])
        return step

    def _pattern(self, record: Record) -> _WireStep | None:
        """The step of a functional test; those that passed say the same on each part."""
        values = self._stdf.fields(record)
        if values.get("CONT_FLG", 0) & 1:
            return None
        name, text = self._name(record.name, values)
        planned = add_functional(SequenceCall(name=name), name, text, values, self._lot).to_wire()
        if len(self._patterns) < _MAX_PLANS:
            self._patterns[record.name, record.body] = planned
        return planned


def _note(step: Step | _WireStep, text: str) -> None:
    if isinstance(step, Step):
        step.note(text)
    else:
        step["reportText"] += f"\n{text}"


def _add_measured(sequence: SequenceCall, plan: _Plan, value: float, verdict: Status | None, text: str) -> Step:
    limits = plan.limits
    measured = Measured(plan.name, value, limits.low, limits.high, limits.op, limits.unit, verdict=verdict)
    step = measured.add_to(sequence)
    step.note(text)
    return step


def _add_invalid(sequence: SequenceCall, plan: _Plan, verdict: Status | None, text: str) -> Step:
    """A test whose result is marked as not valid: its limits stay, the number goes into the report text."""
    return sequence.numeric(plan.name, math.nan, **plan.limits.about, status=verdict or "D", report_text=text)
