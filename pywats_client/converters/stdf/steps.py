"""The tests of a part as steps of its report."""

import math
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from pywats_client.converters.measured import Measured
from pywats_client.converters.stdf.limits import HIGH_PASSES, LOW_PASSES, Limits, inherited, limits_of
from pywats_client.converters.stdf.lot import Lot, Said
from pywats_client.converters.stdf.passes import Part, ptr_text
from pywats_client.converters.stdf.records import Record, StdfFile, Values
from pywats_client.wsjf import NumericLimit, SequenceCall, Step, UutReport, shorten
from pywats_client.wsjf.model import Status

# TEST_FLG
_ALARM, _INVALID, _NOT_EXECUTED, _ABORTED, _NO_VERDICT, _FAILED = 0x01, 0x02, 0x10, 0x20, 0x40, 0x80
_TEST_REMARKS = {0x04: "the result is unreliable", 0x08: "timeout", _ABORTED: "aborted", _NOT_EXECUTED: "not executed"}
# PARM_FLG
_EQUAL_PASSES = LOW_PASSES | HIGH_PASSES
_PARM_REMARKS = {
    0x01: "scale error",
    0x02: "drift error",
    0x04: "oscillation",
    0x20: "passed by alternate limits, which the file does not hold",
}
_ABOVE, _BELOW = 0x08, 0x10
_FIRST_INPUT = 0x02
"""OPT_FLAG of MPR"""

_FTR_NUMBERS = {
    "CYCL_CNT": ("cycle", 0x01),
    "REL_VADR": ("vector address", 0x02),
    "REPT_CNT": ("repeat count", 0x04),
    "NUM_FAIL": ("failing pins", 0x08),
    "XFAIL_AD": ("failing X address", 0x10),
    "YFAIL_AD": ("failing Y address", 0x10),
    "VECT_OFF": ("vector offset", 0x20),
}
"""What each says, and the bit of OPT_FLAG by which it says nothing."""
_FTR_TEXTS = {
    "VECT_NAM": "vector",
    "TIME_SET": "time set",
    "OP_CODE": "op code",
    "LOG_TYP": "log",
    "PROG_TXT": "program",
    "RSLT_TXT": "result",
}
_NO_PATTERN = (None, 255)

_PTR_RESULT_END = 12
_VERDICTS = ("P", "F", "T")
_MAX_NAME, _MAX_POINTS, _MAX_PLANS = 100, 10_000, 10_000
_WireStep: TypeAlias = dict[str, Any]
"""A step as `Step.to_wire` gives it. A lot holds millions, of which models would take twice the time."""


class _Plan(NamedTuple):
    """What all records of a test have in common."""

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
                    last = self._add_multiple(self._stdf.fields(record), sections[-1])
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
        key = (record.body[:4], parm & _EQUAL_PASSES, record.body[_PTR_RESULT_END:])
        plan = self._plans.get(key) or self._plan(key, record)
        if flags & ~_FAILED or parm & ~_EQUAL_PASSES:
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
        limits, verdict = plan.limits, _verdict(flags)
        text = _joined(plan.text, *_remarks(flags, parm, plan.alarm, limits))
        if flags & _NOT_EXECUTED:
            return sequence.action(plan.name, status="S", report_text=text)
        self.has_verdict |= verdict is not None or limits.exist
        if flags & _INVALID:
            return _add_invalid(sequence, plan, verdict, _joined(text, f"the result {number:g} is not valid"))
        return _add_measured(sequence, plan, limits.value(number), verdict, text)

    def _result(self, record: Record) -> tuple[int, int, float]:
        """TEST_FLG, PARM_FLG and RESULT, which may be left out where the first says that it is not valid."""
        if len(record.body) >= _PTR_RESULT_END:
            _, _, _, flags, parm, number = self._ptr.unpack_from(record.body)
            return flags, parm, number
        values = self._stdf.fields(record)
        flags = values["TEST_FLG"]
        number = math.nan if flags & (_INVALID | _NOT_EXECUTED) else values["RESULT"]
        return flags, values["PARM_FLG"], number

    def _plan(self, key: tuple[bytes, int, bytes], record: Record) -> _Plan:
        values = self._stdf.fields(record)
        limits = limits_of(values, self._lot.first("PTR", values["TEST_NUM"], ptr_text(record.body)))
        name, text = self._name("PTR", values)
        text = _joined(text, *limits.remarks)
        step = SequenceCall(name=name).numeric(name, 0.0, **limits.about, status="P", report_text=text).to_wire()
        (measurement,) = step.pop("numericMeas")
        plan = _Plan(name, limits, values.get("ALARM_ID", ""), text, step, measurement)
        if len(self._plans) < _MAX_PLANS:
            self._plans[key] = plan
        return plan

    def _name(self, kind: str, values: Values) -> tuple[str, str]:
        """What a test is called, and the text that tells its number, and its name where that is too long."""
        number = values["TEST_NUM"]
        name = values.get("TEST_TXT") or self._lot.name(kind, number) or f"Test {number}"
        return shorten(name, _MAX_NAME), _joined(f"test {number}", name if len(name) > _MAX_NAME else "")

    def _add_multiple(self, values: Values, sequence: SequenceCall) -> Step:
        """Several numbers: of pins, or over an input that is stepped."""
        flags, results = values["TEST_FLG"], values.get("RTN_RSLT", ())
        first = self._lot.first("MPR", values["TEST_NUM"])
        limits, verdict = limits_of(values, first), _verdict(flags)
        name, text = self._name("MPR", values)
        remarks = _remarks(flags, values["PARM_FLG"], values.get("ALARM_ID", ""), limits)
        states = "".join(f"{state:x}" for state in values.get("RTN_STAT", ()))
        text = _joined(text, *limits.remarks, *remarks, states and f"pin states {states}")
        if flags & _NOT_EXECUTED or not results:
            step = _add_verdict(sequence, name, flags, text)
            self.has_verdict |= step.status in _VERDICTS
            return step
        self.has_verdict |= verdict is not None or limits.exist
        numbers = [limits.value(number) for number in results]
        pins = inherited("RTN_INDX", values, first)
        inputs = _inputs(values, first, len(numbers))
        if inputs and not pins:
            unit = values.get("UNITS_IN") or first.get("UNITS_IN") or ""
            step = _chart(sequence, name, inputs, numbers, (unit, limits.unit), verdict)
            names = [f"{each:g} {unit}".strip() for each in inputs]
        else:
            step = sequence.multi_numeric(name, status=verdict or "P")
            names = self._pin_names(values, pins, len(numbers))
        step.note(text)
        _add_numbers(step, names, numbers, limits, verdict)
        return step

    def _pin_names(self, values: Values, pins: Sequence[int] | None, count: int) -> list[str]:
        site = values["HEAD_NUM"], values["SITE_NUM"]
        known = [self._lot.pin(index, *site) for index in pins or ()]
        return known if len(known) == count else [str(place) for place in range(1, count + 1)]

    def _add_functional(self, record: Record, sequence: SequenceCall) -> _WireStep | None:
        """A verdict on a pattern of signals; None for a record that the next one continues."""
        key = record.name, record.body
        planned = self._patterns.get(key) or self._pattern(*key, self._stdf.fields(record))
        if not planned:
            return None
        step = {**planned}
        self.has_verdict |= step["status"] in _VERDICTS
        sequence.steps.append(cast(Any, step))
        sequence.worsen(step["status"])
        return step

    def _pattern(self, kind: str, body: bytes, values: Values) -> _WireStep | None:
        """The step of a functional test; those that passed are the same on each part."""
        if values.get("CONT_FLG", 0) & 1:
            return None
        flags = values["TEST_FLG"]
        name, text = self._name(kind, values)
        remarks = _remarks(flags, 0, values.get("ALARM_ID", ""), None)
        pins = self._pattern_pins(values, values["HEAD_NUM"], values["SITE_NUM"])
        step = _add_verdict(SequenceCall(name=name), name, flags, _joined(text, *remarks, *_said(values), *pins))
        planned = step.to_wire()
        if len(self._patterns) < _MAX_PLANS:
            self._patterns[kind, body] = planned
        return planned

    def _pattern_pins(self, values: Values, head: int, site: int) -> Iterator[str]:
        """What the pins returned, what they were set to, and which failed."""
        for indexes, states, label in (("RTN_INDX", "RTN_STAT", "returned"), ("PGM_INDX", "PGM_STAT", "set")):
            pins = [self._lot.pin(index, head, site) for index in values.get(indexes, ())]
            if pins:
                yield f"{label} " + " ".join(
                    f"{pin}={state:x}" for pin, state in zip(pins, values.get(states, ()), strict=False)
                )
        for field, label in (("FAIL_PIN", "failed"), ("SPIN_MAP", "enabled comparators")):
            if values.get(field):
                yield f"{label} " + " ".join(self._lot.pin(index, head, site) for index in values[field])


def _add_verdict(sequence: SequenceCall, name: str, flags: int, text: str) -> Step:
    """A test without a number."""
    verdict = _verdict(flags)
    if flags & _NOT_EXECUTED:
        return sequence.action(name, status="S", report_text=text)
    if verdict in ("P", "F"):
        return sequence.passed(name, verdict == "P", report_text=text)
    return sequence.action(name, status=verdict or "D", report_text=text)


def _verdict(flags: int) -> Status | None:
    """P or F; T for a test that was aborted before it failed; None where the flags say that there is none."""
    if flags & (_NO_VERDICT | _FAILED) == _FAILED:
        return "F"
    if flags & _ABORTED:
        return "T"
    return None if flags & _NO_VERDICT else "P"


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def _remarks(flags: int, parm: int, alarm: str, limits: Limits | None) -> Iterator[str]:
    """What the flags of a test say beside its verdict."""
    if flags & _ALARM:
        yield f"alarm {alarm}".strip()
    yield from (remark for bit, remark in _TEST_REMARKS.items() if flags & bit)
    yield from (remark for bit, remark in _PARM_REMARKS.items() if parm & bit)
    if limits and parm & _ABOVE and limits.high is None:
        yield "the result is above a high limit that the file does not hold"
    if limits and parm & _BELOW and limits.low is None:
        yield "the result is below a low limit that the file does not hold"
    if limits and limits.exist and _verdict(flags) is None:
        yield "the file gives no verdict"


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


def _inputs(values: Values, first: Said, count: int) -> list[float]:
    """The inputs of a test that steps through them; empty where it does not."""
    start, step = (inherited(field, values, first, as_first=_FIRST_INPUT) for field in ("START_IN", "INCR_IN"))
    if not step or not math.isfinite(step) or start is None or not math.isfinite(start):
        return []
    return [start + step * place for place in range(count)]


def _chart(
    sequence: SequenceCall,
    name: str,
    inputs: list[float],
    numbers: list[float],
    units: tuple[str, str],
    verdict: Status | None,
) -> NumericLimit:
    stride = -(-len(numbers) // _MAX_POINTS)
    step = sequence.chart(
        name,
        series=[(name, inputs[::stride], numbers[::stride])],
        x_label="input",
        x_unit=units[0] or None,
        y_label="result",
        y_unit=units[1] or None,
        status=verdict or "P",
    )
    if stride > 1:
        step.note(f"the chart shows one in {stride} of {len(numbers)} points")
    return step


def _add_numbers(
    step: NumericLimit, names: list[str], numbers: list[float], limits: Limits, verdict: Status | None
) -> None:
    """Each is judged by the limits, unless the file has passed the test as a whole."""
    seen: Counter[str] = Counter()
    holds = True
    for name, number in zip(names, numbers, strict=True):
        seen[name] += 1
        unique = name if seen[name] == 1 else f"{name} ({seen[name]})"
        holds &= limits.holds(number)
        step.add(
            shorten(unique, _MAX_NAME),
            number,
            **limits.about,
            status="P" if verdict == "P" else None,
        )
    if limits.exist and verdict in ("P", "F") and holds != (verdict == "P"):
        said, by_limits = ("passed", "failed") if verdict == "P" else ("failed", "passed")
        step.note(f"The file says {said}, its limits say {by_limits}.")


def _said(values: Values) -> Iterator[str]:
    """What else is said of a functional test."""
    flags = values.get("OPT_FLAG", 0)
    for field, (label, absent) in _FTR_NUMBERS.items():
        if field in values and not flags & absent:
            yield f"{label} {values[field]}"
    yield from (f"{label} {values[field]}" for field, label in _FTR_TEXTS.items() if values.get(field))
    if values.get("PATG_NUM") not in _NO_PATTERN:
        yield f"pattern generator {values['PATG_NUM']}"
