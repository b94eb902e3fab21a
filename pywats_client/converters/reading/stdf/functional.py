"""Functional tests: a verdict on a pattern of signals, and where it went wrong."""

from collections.abc import Iterator

from pywats_client.converters.reading.stdf.flags import NOT_EXECUTED, joined, remarks, verdict_of
from pywats_client.converters.reading.stdf.lot import Lot
from pywats_client.converters.reading.stdf.records import Values
from pywats_client.wsjf import SequenceCall, Step

_NUMBERS = {
    "CYCL_CNT": ("cycle", 0x01),
    "REL_VADR": ("vector address", 0x02),
    "REPT_CNT": ("repeat count", 0x04),
    "NUM_FAIL": ("failing pins", 0x08),
    "XFAIL_AD": ("failing X address", 0x10),
    "YFAIL_AD": ("failing Y address", 0x10),
    "VECT_OFF": ("vector offset", 0x20),
}
"""What each says, and the bit of OPT_FLAG by which it says nothing."""
_TEXTS = {
    "VECT_NAM": "vector",
    "TIME_SET": "time set",
    "OP_CODE": "op code",
    "LOG_TYP": "log",
    "PROG_TXT": "program",
    "RSLT_TXT": "result",
}
_NO_GENERATOR = (None, 255)


def add_verdict(sequence: SequenceCall, name: str, flags: int, text: str) -> Step:
    """A test without a number; `flags` as of TEST_FLG."""
    verdict = verdict_of(flags)
    if flags & NOT_EXECUTED:
        return sequence.action(name, status="S", report_text=text)
    if verdict in ("P", "F"):
        return sequence.passed(name, verdict == "P", report_text=text)
    return sequence.action(name, status=verdict or "D", report_text=text)


def add_functional(sequence: SequenceCall, name: str, text: str, values: Values, lot: Lot) -> Step:
    """The test of a record FTR or STR."""
    flags = values["TEST_FLG"]
    remarked = remarks(flags, 0, values.get("ALARM_ID", ""))
    return add_verdict(sequence, name, flags, joined(text, *remarked, *_said(values), *_pins(values, lot)))


def _said(values: Values) -> Iterator[str]:
    """What else is said of a functional test."""
    flags = values.get("OPT_FLAG", 0)
    for field, (label, absent) in _NUMBERS.items():
        if field in values and not flags & absent:
            yield f"{label} {values[field]}"
    yield from (f"{label} {values[field]}" for field, label in _TEXTS.items() if values.get(field))
    if values.get("PATG_NUM") not in _NO_GENERATOR:
        yield f"pattern generator {values['PATG_NUM']}"


def _pins(values: Values, lot: Lot) -> Iterator[str]:
    """What the pins returned, what they were set to, and which failed."""
    site = values["HEAD_NUM"], values["SITE_NUM"]
    for indexes, states, label in (("RTN_INDX", "RTN_STAT", "returned"), ("PGM_INDX", "PGM_STAT", "set")):
        pins = [lot.pin(index, *site) for index in values.get(indexes, ())]
        if pins:
            yield f"{label} " + " ".join(
                f"{pin}={state:x}" for pin, state in zip(pins, values.get(states, ()), strict=False)
            )
    for field, label in (("FAIL_PIN", "failed"), ("SPIN_MAP", "enabled comparators")):
        if values.get(field):
            yield f"{label} " + " ".join(lot.pin(index, *site) for index in values[field])
