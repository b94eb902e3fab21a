"""Checks of measurements: their number, names, limits and verdicts."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from pywats_client.wsjf.findings import Findings, Place, quoted
from pywats_client.wsjf.limits import CompOp, StringOp
from pywats_client.wsjf.rules import NO_NUMBERS, Fields, check_fields, may, must, number, one_of, text

STATUSES = ("P", "F", "D", "S", "E", "T")
_ALPHABETICAL = ("EQ", "NE", "GT", "LT", "GE", "LE")
_COMP_OPS = {op.value: op for op in CompOp}
_STRING_OPS = frozenset((*StringOp, *_ALPHABETICAL))


class _Kind(NamedTuple):
    key: str
    is_single: bool


_KINDS: Mapping[str, _Kind] = {
    **dict.fromkeys(("ET_NLT", "NumericLimitTest"), _Kind("numericMeas", True)),
    **dict.fromkeys(("ET_MNLT", "WATS_XYGMNLT"), _Kind("numericMeas", False)),
    **dict.fromkeys(("ET_PFT", "PassFailTest"), _Kind("booleanMeas", True)),
    "ET_MPFT": _Kind("booleanMeas", False),
    **dict.fromkeys(("ET_SVT", "StringValueTest"), _Kind("stringMeas", True)),
    "ET_MSVT": _Kind("stringMeas", False),
}


def _number_or_its_name(value: Any) -> str | None:
    return None if value in NO_NUMBERS else number(value)


def _string_op(value: Any) -> str | None:
    known = isinstance(value, str) and value.upper() in _STRING_OPS
    return None if known else f"is {quoted(value)}: use one of {', '.join(StringOp)}"


_NUMERIC = Fields(
    {
        "compOp": must(one_of(*CompOp)),
        "name": may(text(100)),
        "status": must(one_of(*STATUSES)),
        "unit": may(text()),
        "value": may(_number_or_its_name),
        "lowLimit": may(_number_or_its_name),
        "highLimit": may(_number_or_its_name),
    }
)
_BOOLEAN = Fields({"name": may(text(100)), "status": must(one_of(*STATUSES))})
_STRING = Fields(
    {
        "compOp": must(_string_op),
        "name": may(text(100)),
        "status": must(one_of(*STATUSES)),
        "value": may(text()),
        "limit": may(text()),
    }
)

_PAYLOADS: tuple[tuple[str, Fields], ...] = (
    ("numericMeas", _NUMERIC),
    ("booleanMeas", _BOOLEAN),
    ("stringMeas", _STRING),
)


def check_measurements(findings: Findings, step: Place) -> None:
    """Everything measured in one step."""
    measured: dict[str, list[Place]] = {}
    for key, fields in _PAYLOADS:
        measured[key] = list(findings.objects(step, key)) if key in step.value else []
        for place in measured[key]:
            check_fields(findings, place, fields)
    for place in measured["numericMeas"]:
        _check_number(findings, place)
    for place in measured["stringMeas"]:
        _check_text(findings, place)
    step_type = step.value.get("stepType")
    kind = _KINDS.get(step_type) if isinstance(step_type, str) else None
    if kind is None:
        _check_names(findings, measured["numericMeas"], required=False)
    elif kind.is_single:
        _check_single(findings, step, kind.key, measured[kind.key])
    else:
        _check_names(findings, measured[kind.key], required=True)
        _check_overall(findings, step, kind.key, measured[kind.key])


def _check_single(findings: Findings, step: Place, key: str, measured: list[Place]) -> None:
    status = step.value.get("status")
    if len(measured) > 1:
        problem = f"holds {len(measured)} measurements, a single test holds one: make it a multiple test"
        findings.add(step, key, problem)
    elif not measured and status in ("P", "F"):
        findings.add(step, key, "is missing: a test that passed or failed holds one measurement")
    elif measured and status in STATUSES and measured[0].value.get("status") in STATUSES:
        _check_same_status(findings, step, measured[0].value["status"], is_verdict=key == "booleanMeas")


def _check_same_status(findings: Findings, step: Place, measured: str, *, is_verdict: bool) -> None:
    status = step.value["status"]
    if status != measured and (is_verdict or {status, measured} == {"P", "F"}):
        problem = f"is {status}, but that of its measurement is {measured}: a single test has one status"
        findings.add(step, "status", problem, fatal=is_verdict)


def _check_names(findings: Findings, measured: list[Place], *, required: bool) -> None:
    seen: set[str] = set()
    for place in measured:
        name = place.value.get("name")
        if name is None or name == "":
            if required:
                findings.add(place, "name", "is missing: each measurement of a multiple test has a name")
        elif isinstance(name, str):
            if name in seen:
                findings.add(place, "name", f"is {quoted(name)} a second time: names differ within a step")
            seen.add(name)


def _check_overall(findings: Findings, step: Place, key: str, measured: list[Place]) -> None:
    status = step.value.get("status")
    statuses = [place.value.get("status") for place in measured]
    if status == "F" and statuses and all(each == "P" for each in statuses):
        findings.add(step, "status", "is F, but all its measurements are P: one of them is wrong", fatal=False)
    elif status == "P" and "F" in statuses:
        findings.add(step, "status", "is P, but one of its measurements is F: one is wrong", fatal=False)
    elif status in ("P", "F") and not statuses and step.value.get("chart") is None:
        findings.add(step, key, "is empty: a test that passed or failed has measured something", fatal=False)


def _check_number(findings: Findings, place: Place) -> None:
    content = place.value
    op, value, status = content.get("compOp"), content.get("value"), content.get("status")
    for key in ("value", "lowLimit", "highLimit"):
        if isinstance(content.get(key), str) and content[key] in NO_NUMBERS:
            problem = f"is the text {content[key]}: leave it out, and say it in the step's reportText"
            findings.add(place, key, problem, fatal=False)
    if value is None and status == "P":
        findings.add(place, "value", "is missing, yet the measurement passed", fatal=False)
    comp_op = _COMP_OPS.get(op) if isinstance(op, str) else None
    if comp_op is None:
        return
    low, high = content.get("lowLimit"), content.get("highLimit")
    if _limits_fit(findings, place, comp_op) and _is_number(value):
        if comp_op.is_inside and _is_number(low) and _is_number(high) and low > high:
            findings.add(place, "lowLimit", "is above highLimit: no value can pass", fatal=False)
        if all(limit is None or _is_number(limit) for limit in (low, high)):
            _check_verdict(findings, place, comp_op.holds(value, low, high))


def _limits_fit(findings: Findings, place: Place, op: CompOp) -> bool:
    """Whether the limits that the operator needs are there."""
    low, high = place.value.get("lowLimit"), place.value.get("highLimit")
    if (low is not None, high is not None) == (op.limit_count > 0, op.limit_count > 1):
        return True
    if op.limit_count == 1 and low is None and high is not None:
        problem = f"is missing: the limit of {op.value} stands in lowLimit, move it there from highLimit"
        findings.add(place, "lowLimit", problem)
        return False
    needed = ("lowLimit", "highLimit")[: op.limit_count]
    missing = [key for key in needed if place.value.get(key) is None]
    for key in missing:
        problem = f"is missing: operator {op.value} needs it; give it, or choose another operator"
        findings.add(place, key, problem)
    for key in ("lowLimit", "highLimit")[op.limit_count :]:
        if place.value.get(key) is not None:
            findings.add(place, key, f"is not looked at by operator {op.value}: leave it out", fatal=False)
    return not missing


def _check_text(findings: Findings, place: Place) -> None:
    content = place.value
    op, value, limit = content.get("compOp"), content.get("value"), content.get("limit")
    if not isinstance(op, str) or op.upper() not in _STRING_OPS:
        return
    if op.upper() in _ALPHABETICAL:
        problem = f"is {op}, which no server is known to have: use CASESENSIT, IGNORECASE or LOG"
        findings.add(place, "compOp", problem, fatal=False)
        return
    string_op = StringOp(op.upper())
    if string_op is not StringOp.LOG and limit is None:
        findings.add(place, "limit", f"is missing: operator {string_op.value} compares with it")
    elif isinstance(value, str) and isinstance(limit, str):
        _check_verdict(findings, place, string_op.holds(value, limit))


def _check_verdict(findings: Findings, place: Place, passes: bool) -> None:
    status = place.value.get("status")
    if status in ("P", "F") and (status == "P") is not passes:
        problem = f"is {status}, but value and limits say {'P' if passes else 'F'}: one of them is wrong"
        findings.add(place, "status", problem, fatal=False)


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isnan(value)
    return isinstance(value, int) and not isinstance(value, bool)
