"""From the nested records of a test in a Teradyne Spectrum log to steps."""

from collections.abc import Mapping
from types import MappingProxyType

from pywats_client.converters.reading.measured import VERDICTS, Measured
from pywats_client.converters.reading.nested import explain, sequence, set_verdict, titled
from pywats_client.converters.reading.spectrum_records import Quantity, Record
from pywats_client.wsjf import SequenceCall, Step, UutReport
from pywats_client.wsjf.model import Status

_VERDICTS: Mapping[str, Status] = {**VERDICTS, **dict.fromkeys(("untested", "not_tested", "not tested"), "S")}
_LIMITS = ("LOLIM", "HILIM")


def add_test(
    holder: UutReport | SequenceCall,
    record: Record,
    name: str,
    outer_limits: Mapping[str, Quantity] = MappingProxyType({}),
) -> Step:
    """A record with a verdict. What holds one such record is one with it; what holds several is a sequence."""
    chain, inner = [record], _tests(record)
    while len(inner) == 1:
        chain += inner
        inner = _tests(inner[0])
    numbers = {each.name: each for link in chain for each in link.all("MEASVAL", *_LIMITS) if each.quantity()}
    found = {name: quantity for name, record in numbers.items() if (quantity := record.quantity())}
    limits = {**outer_limits, **{side: found[side] for side in _LIMITS if side in found}}
    verdict = next((verdict for link in chain if (verdict := verdict_of(link))), None)
    if inner:
        step: Step = (group := sequence(name, record.name))
        for each in inner:
            add_test(group, each, each.said("PAGE_NAME") or each.said("SNAME") or each.said("TYPE"), limits)
        if verdict:
            set_verdict(group, verdict)
        holder.add(group)
    else:
        title = titled(name, record.name)
        step = _add_measured(holder, title["name"], found.get("MEASVAL"), limits, verdict)
        if "report_text" in title:
            step.note(title["report_text"])
    _note_rest(step, name, verdict, chain, list(numbers.values()))
    return step


def _tests(record: Record) -> list[Record]:
    return [inner for inner in record.inner if _is_test(inner)]


def _is_test(record: Record) -> bool:
    return any(inner.name in ("STAT", "MEASVAL") or _is_test(inner) for inner in record.inner)


def verdict_of(record: Record) -> Status | None:
    """What a record says of itself: done, where that is none of the known words; None where it says nothing."""
    text = record.said("STAT").lower()
    return _VERDICTS.get(text, "D") if text else None


def _add_measured(
    holder: UutReport | SequenceCall,
    name: str,
    value: Quantity | None,
    limits: Mapping[str, Quantity],
    verdict: Status | None,
) -> Step:
    """The step of a value with its limits; those that cannot be compared with it are told."""
    fitting = {side: limit.value for side, limit in limits.items() if value and limit.fits(value)}
    if value:
        low, high = (fitting.get(side) for side in _LIMITS)
        step = Measured(name, value.value, low, high, unit=value.unit, verdict=verdict).add_to(holder)
    elif verdict:
        step = Measured(name, verdict=verdict).add_to(holder)
    else:
        step = holder.action(name)
    for side, limit in limits.items():
        if side not in fitting:
            step.note(f"{side}: {limit.value} {limit.unit}")
    return step


def _note_rest(step: Step, name: str, verdict: Status | None, chain: list[Record], numbers: list[Record]) -> None:
    """What the records of a test say beside its name, value, limits, time and verdict."""
    told = {f"{kind}: {name}" for kind in ("SNAME", "PAGE_NAME", "TYPE")} | {"TYPE: RAW"}
    for link in chain:
        if link.text:
            step.note(link.text)
        for record in link.inner:
            is_verdict = record.name == "STAT" and VERDICTS.get(record.text.lower()) == verdict
            is_kept = is_verdict or record.name == "TIME" or any(record is number for number in numbers)
            if is_kept or _is_test(record) or (line := f"{record.name}: {record.flat()}") in told:
                continue
            told.add(line)
            if record.name == "FAIL_MSG" and verdict in ("F", "E", "T"):
                explain(step, record.text)
            elif not line.endswith(": "):
                step.note(line)
