"""Tests with several results: of pins, or over an input that is stepped."""

import math
from collections import Counter
from collections.abc import Sequence

from pywats_client.converters.reading.stdf.flags import NOT_EXECUTED, joined, remarks, verdict_of
from pywats_client.converters.reading.stdf.functional import add_verdict
from pywats_client.converters.reading.stdf.limits import Limits, inherited, limits_of
from pywats_client.converters.reading.stdf.lot import Lot, Said
from pywats_client.converters.reading.stdf.records import Values
from pywats_client.wsjf import NumericLimit, SequenceCall, Step, shorten
from pywats_client.wsjf.model import Status

_FIRST_INPUT = 0x02
"""OPT_FLAG"""
_MAX_NAME, _MAX_POINTS = 100, 10_000


def add_multiple(sequence: SequenceCall, name: str, text: str, values: Values, lot: Lot) -> Step:
    """The test of a record MPR."""
    flags, results = values["TEST_FLG"], values.get("RTN_RSLT", ())
    first = lot.first("MPR", values["TEST_NUM"])
    limits, verdict = limits_of(values, first), verdict_of(flags)
    states = "".join(f"{state:x}" for state in values.get("RTN_STAT", ()))
    remarked = remarks(flags, values["PARM_FLG"], values.get("ALARM_ID", ""), limits)
    text = joined(text, *limits.remarks, *remarked, states and f"pin states {states}")
    if flags & NOT_EXECUTED or not results:
        return add_verdict(sequence, name, flags, text)
    numbers = [limits.value(number) for number in results]
    pins = inherited("RTN_INDX", values, first)
    inputs = _inputs(values, first, len(numbers))
    if inputs and not pins:
        unit = values.get("UNITS_IN") or first.get("UNITS_IN") or ""
        step = _chart(sequence, name, inputs, numbers, (unit, limits.unit), verdict)
        names = [f"{each:g} {unit}".strip() for each in inputs]
    else:
        step = sequence.multi_numeric(name, status=verdict or "P")
        names = _pin_names(values, pins, len(numbers), lot)
    step.note(text)
    _add_numbers(step, names, numbers, limits, verdict)
    return step


def _pin_names(values: Values, pins: Sequence[int] | None, count: int, lot: Lot) -> list[str]:
    site = values["HEAD_NUM"], values["SITE_NUM"]
    known = [lot.pin(index, *site) for index in pins or ()]
    return known if len(known) == count else [str(place) for place in range(1, count + 1)]


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
