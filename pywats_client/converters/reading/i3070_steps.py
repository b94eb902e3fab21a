"""From the records of a board in an i3070 log to steps."""

import re

from pywats_client.converters.reading.i3070_records import Record
from pywats_client.converters.reading.measured import Measured, limit, number
from pywats_client.converters.reading.nested import sequence, set_verdict, titled
from pywats_client.wsjf import SequenceCall, Step, UutReport
from pywats_client.wsjf.model import Status

_ZERO = re.compile(r"[+-]?0+", re.ASCII)
_UNITS = {
    **dict.fromkeys(("A-RES", "A-JUM", "A-FUS", "A-SWI", "A-POT", "A-NFE", "A-PFE"), "Ohm"),
    **dict.fromkeys(("A-DIO", "A-ZEN"), "V"),
    "A-CAP": "F",
    "A-IND": "H",
}
"""Base units of the measurements; the gain of a transistor (A-NPN, A-PNP) has none, A-MEA measures anything."""
_TITLES = {
    "D-T": "Digital",
    "D-PLD": "PLD",
    "TS": "Shorts",
    "PF": "Pins",
    "TJET": "TestJet",
    "CCHK": "ConnectCheck",
    "PCHK": "Polarity check",
    "BS-CON": "Boundary scan connect",
    "PRB": "Probe",
    "ARRAY": "Array",
}
_LIMITS = ("LIM2", "LIM3")


def add_test(holder: UutReport | SequenceCall, record: Record) -> None:
    """A block, a test, or what is told about them. A block of one test is one step with it."""
    if record.name == "BLOCK":
        _add_block(holder, record)
    elif _is_test(record):
        _add_single(holder, record, record.said().get("designator") or _title(record))
    else:
        _whole(holder).note(record.flat())


def _add_block(holder: UutReport | SequenceCall, block: Record) -> None:
    name, verdict = block.said().get("designator", ""), _verdict(block)
    tests = [record for record in block.inner if _is_test(record)]
    notes = [record.flat() for record in block.inner if not _is_test(record)]
    if not tests:
        step: Step = Measured(titled(name, "block")["name"], verdict=verdict or "D").add_to(holder)
    elif len(tests) == 1 and verdict in (None, _verdict(tests[0])):
        step = _add_single(holder, tests[0], name)
    else:
        step = group = sequence(name, "block")
        for record in block.inner:
            add_test(group, record)
        if verdict:
            set_verdict(group, verdict)
        holder.add(group)
        return
    for note in notes:
        step.note(note)


def _add_single(holder: UutReport | SequenceCall, record: Record, name: str) -> Step:
    title, verdict = titled(name, _title(record)), _verdict(record)
    step = _measured(record, title["name"], verdict).add_to(holder)
    for text in (title.get("report_text"), *_rest(record, name)):
        if text:
            step.note(text)
    return step


def _measured(record: Record, name: str, verdict: Status | None) -> Measured:
    """What was measured; without a number, the verdict alone."""
    try:
        value = number(record.said().get("value", "")) if record.is_analog else None
    except ValueError:
        value = None
    if value is None:
        return Measured(name, verdict=verdict or "D")
    low, high = (_limit(record, side) for side in ("low", "high"))
    if low is not None and high is not None and low > high:
        low, high = high, low  # the greater limit is the high one, whatever its place
    return Measured(name, value, low, high, unit=_UNITS.get(record.name, ""), verdict=verdict)


def _limit(record: Record, side: str) -> float | None:
    """A limit; None where there is none, or no number."""
    texts = [inner.said().get(side, "") for inner in record.inner if inner.name in _LIMITS]
    try:
        return limit(texts[-1]) if texts else None
    except ValueError:
        return None


def _rest(record: Record, name: str) -> list[str]:
    """What a test says beside its name, value, limits and verdict."""
    said = record.said()
    has_value = record.is_analog and _measured(record, name, None).value != ""
    hidden = {"value"} if has_value else set()
    if said.get("designator") == name:
        hidden.add("designator")
    if _verdict(record) == "P" or said.get("status", "").lstrip("0") == "1":
        hidden.add("status")
    lines = [f"{field}: {text}" for field, text in said.items() if field not in hidden]
    for inner in record.inner:
        limits = inner.said() if inner.name in _LIMITS else {}
        if "nominal" in limits:
            lines.append(f"nominal: {limits['nominal']}")
        is_kept = has_value and all(_limit(record, side) is not None for side in limits.keys() & {"low", "high"})
        if not (limits and is_kept):
            lines.append(inner.flat())
    return lines


def _is_test(record: Record) -> bool:
    return record.is_analog or record.name in _TITLES


def _title(record: Record) -> str:
    return _TITLES.get(record.name, record.name)


def _verdict(record: Record) -> Status | None:
    """Zero is a pass, any other status a failure."""
    status = record.said().get("status", "")
    return None if not status else "P" if _ZERO.fullmatch(status) else "F"


def _whole(holder: UutReport | SequenceCall) -> Step:
    return holder.root if isinstance(holder, UutReport) else holder
