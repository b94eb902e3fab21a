"""What a step of an exported report measured, in such a form that a server takes it: for `exported`."""

import itertools
import math
import re
from collections.abc import Mapping

from pywats_client.converters.reading.measured import number
from pywats_client.converters.reading.wire_steps import MEASURED, Wire, note, objects, put_number
from pywats_client.wsjf.limits import CompOp, StringOp
from pywats_client.wsjf.model import shorten
from pywats_client.wsjf.payloads import Series

MAX_NAME = 100
CHART_POINTS = 10_000
_SINGLE = {
    **dict.fromkeys(("ET_NLT", "NumericLimitTest"), ("numericMeas", "ET_MNLT")),
    **dict.fromkeys(("ET_PFT", "PassFailTest"), ("booleanMeas", "ET_MPFT")),
    **dict.fromkeys(("ET_SVT", "StringValueTest"), ("stringMeas", "ET_MSVT")),
}
"""Types of steps with one measurement: where it stands, and the type of a step with several."""
_MULTIPLE = {kind: key for key, kind in _SINGLE.values()} | {"WATS_XYGMNLT": "numericMeas"}
_WORDS = {"P": "passed", "F": "failed", "D": "done", "S": "skipped", "E": "error", "T": "terminated"}
_PLAIN_POINTS = re.compile(r"[-+0-9.eE;]*")


def cut(step: Wire, holder: Wire, lengths: Mapping[str, int]) -> None:
    """Texts of at most so many characters, in the step or in what it holds; the report text has those that were cut."""
    for key, length in lengths.items():
        if isinstance(text := holder.get(key), str) and len(text) > length:
            holder[key] = shorten(text, length)
            note(step, f"{key}: {text}")


def mend_measurements(step: Wire) -> None:
    """The step's type, the names, the comparisons and the verdicts of what it measured."""
    for measured in (item for key in MEASURED for item in objects(step, key)):
        cut(step, measured, {"name": MAX_NAME})
    for measured in objects(step, "numericMeas"):
        _mend_numbers(step, measured)
        _mend_comparison(step, measured)
        _note_contradiction(step, measured)
    for measured in objects(step, "stringMeas"):
        _mend_text_comparison(step, measured)
    kind = step.get("stepType")
    if isinstance(kind, str) and kind in _SINGLE:
        kind = _mend_single(step, kind)
    if isinstance(kind, str) and kind in _MULTIPLE:
        _mend_names(step, objects(step, _MULTIPLE[kind]))


def _mend_single(step: Wire, kind: str) -> str:
    """A single test that has one measurement; without one it is an action, with several a multiple test."""
    key, multiple = _SINGLE[kind]
    measured = objects(step, key)
    status = str(step.get("status"))
    if len(measured) > 1:
        step["stepType"] = multiple
    elif not measured and status in ("P", "F"):
        step["stepType"] = "ET_A"
        note(step, f"{kind} without a measurement")
    elif measured and key == "booleanMeas" and measured[0].get("status") != status and status in _WORDS:
        told = measured[0].get("status")
        note(step, f"The step says {_WORDS[status]}, its measurement says {_WORDS.get(str(told), told)}.")
        measured[0]["status"] = status
    return str(step["stepType"])


def _mend_names(step: Wire, measured: list[Wire]) -> None:
    """Each measurement of a multiple test has a name of its own; one without has that of its step."""
    counts: dict[str, int] = {}
    for item in measured:
        name = first = str(item.get("name") or step.get("name"))
        while name in counts:
            counts[first] += 1
            name = f"{first[: MAX_NAME - len(str(counts[first])) - 1]} {counts[first]}"
        counts[name] = 1
        item["name"] = name


def _mend_numbers(step: Wire, measured: Wire) -> None:
    """Numbers that are written as texts, such as "NaN", which has no form on the wire and is told."""
    for key in ("value", "lowLimit", "highLimit"):
        if isinstance(text := measured.get(key), str):
            try:
                put_number(step, measured, key, measured.pop(key))
            except ValueError:
                measured[key] = text  # the check says so, with its place


def _mend_comparison(step: Wire, measured: Wire) -> None:
    """An operator that has the limits it needs; a single limit stands in the low place."""
    op, low, high = (measured.get(key) for key in ("compOp", "lowLimit", "highLimit"))
    if not isinstance(op, str):
        return
    if op.upper() not in CompOp.__members__:
        _only_record(step, measured, f"{op} is not a comparison of WATS")
        return
    chosen = CompOp(op.upper())
    if chosen.limit_count == 2 and (low is None) != (high is None):
        note(step, f"{_named(measured)}{op} with one limit only: {low if high is None else high}")
        chosen = CompOp(chosen[:2] if high is None else chosen[2:])
    if chosen.limit_count == 1 and low is None:
        low, high = high, None
        measured["lowLimit"] = low
        measured.pop("highLimit", None)
    if chosen.limit_count and low is None:
        _only_record(step, measured, f"{op} without a limit")
    else:
        measured["compOp"] = str(chosen)


def _mend_text_comparison(step: Wire, measured: Wire) -> None:
    op = measured.get("compOp")
    if not isinstance(op, str):
        return
    measured["compOp"] = op.upper()
    if op.upper() not in StringOp.__members__:
        _only_record(step, measured, f"{op} is not a comparison of WATS")
    elif op.upper() != "LOG" and measured.get("limit") is None:
        _only_record(step, measured, f"{op} without a limit")
    value, expected, status = (measured.get(key) for key in ("value", "limit", "status"))
    if measured["compOp"] != "LOG" and isinstance(value, str) and isinstance(expected, str):
        _note_verdict(step, measured, status, does_hold=StringOp(measured["compOp"]).holds(value, expected))


def _only_record(step: Wire, measured: Wire, why: str) -> None:
    keys = ("lowLimit", "highLimit", "limit")
    limits = [f"{key} {measured.pop(key)}" for key in keys if measured.get(key) is not None]
    measured["compOp"] = "LOG"
    note(step, _named(measured) + ", ".join([why, *limits]))


def _note_contradiction(step: Wire, measured: Wire) -> None:
    status, op, value = (measured.get(key) for key in ("status", "compOp", "value"))
    limits = [measured.get(key) for key in ("lowLimit", "highLimit")]
    are_numbers = _is_number(value) and all(limit is None or _is_number(limit) for limit in limits)
    if status in ("P", "F") and isinstance(op, str) and op != CompOp.LOG and are_numbers:
        _note_verdict(step, measured, status, does_hold=CompOp(op).holds(value, *limits))  # type: ignore[arg-type]


def _note_verdict(step: Wire, measured: Wire, status: object, *, does_hold: bool) -> None:
    verdict = "P" if does_hold else "F"
    if status in ("P", "F") and verdict != status:
        note(step, f"{_named(measured)}The file says {_WORDS[str(status)]}, its limits say {_WORDS[verdict]}.")


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return not math.isnan(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _named(measured: Wire) -> str:
    return f"{measured['name']}: " if measured.get("name") else ""


def mend_chart(step: Wire) -> None:
    """As many x as y values in each series, all of them numbers, and not more than are taken."""
    chart = step.get("chart")
    for series in objects(chart, "series") if isinstance(chart, dict) else []:
        texts = [series.get(key) or "" for key in ("xdata", "ydata")]
        if all(isinstance(text, str) for text in texts) and not _are_points(*texts):
            _mend_series(step, series, *texts)


def _are_points(xs: str, ys: str) -> bool:
    count = xs.count(";")
    is_plain = _PLAIN_POINTS.fullmatch(xs) and _PLAIN_POINTS.fullmatch(ys) and (not xs) == (not ys)
    return bool(is_plain) and count == ys.count(";") and count < CHART_POINTS


def _mend_series(step: Wire, series: Wire, x_text: str, y_text: str) -> None:
    name = series.get("name") or "series"
    try:
        xs, ys = (_numbers(text) for text in (x_text, y_text))
    except ValueError:
        return  # the check says so, with its place
    if not x_text:
        xs = [float(index) for index in range(len(ys))]
        note(step, f"{name}: the file has no x values; the points are numbered from 0")
    if len(xs) != len(ys):
        note(step, f"{name}: the file has {len(xs)} x values and {len(ys)} y values; the others are left out")
    points = list(zip(xs, ys, strict=False))
    if len(points) > CHART_POINTS:
        every = math.ceil(len(points) / CHART_POINTS)
        note(step, f"{name}: of {len(points)} points, each {every}th")
        points = list(itertools.islice(points, 0, None, every))
    plot, left_out = Series.of(str(name), [x for x, _ in points], [y for _, y in points])
    if left_out:
        note(step, f"{name}: {left_out} points are NaN or infinite, and left out")
    series["xdata"], series["ydata"] = plot.x_data, plot.y_data


def _numbers(text: str) -> list[float]:
    """The numbers that are joined by ";", with a point or a comma as decimal sign."""
    return [number(each.strip(), decimal_comma=True) for each in text.split(";")] if text else []
