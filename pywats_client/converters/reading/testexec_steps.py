"""From the elements of a TestExec SL result to steps."""

from datetime import datetime

from pywats_client.converters.reading.measured import VERDICTS, Measured, limit, moment, operator
from pywats_client.converters.reading.nested import MAX_DEPTH, explain, sequence, set_verdict, titled
from pywats_client.converters.reading.xml import Element, line_of, local
from pywats_client.converters.reading.xml_facts import Facts, bare
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, Step, UutReport
from pywats_client.wsjf.limits import CompOp, arrange
from pywats_client.wsjf.model import Status

_GROUPS = frozenset({"testsequence", "sequence", "testgroup", "group"})
_TESTS = frozenset({"test", "teststep", "step", "testresult"})
_MEASUREMENTS = frozenset({"measurement", "meas", "datapoint"})
_LISTS = frozenset({"testsequences", "testgroups", "groups", "tests", "steps", "teststeps", "measurements", "results"})
"""Elements that only hold others of their kind."""
_KINDS = _GROUPS | _TESTS | _MEASUREMENTS

VERDICT = ("result", "status", "outcome", "judgment", "judgement", "verdict", "passfail")
_NAME = ("name", "testname", "groupname", "measurementname", "label", "id")
_VALUE = ("value", "measuredvalue", "measured", "reading", "actualvalue", "actual", "data", *_MEASUREMENTS, "result")
_LOW = ("lowlimit", "lowerlimit", "limitlow", "low", "lower", "lsl", "minimum", "min")
_HIGH = ("highlimit", "upperlimit", "limithigh", "high", "upper", "usl", "maximum", "max")
_UNIT = ("unit", "units", "uom")
_OPERATOR = ("comparison", "comparator", "compop", "operator", "limittype")
_EXPECTED = ("expected", "expectedvalue", "expectedstring")
_MESSAGE = ("errormessage", "failuremessage", "failmessage", "message", "error")
DURATION = ("duration", "elapsedtime", "executiontime", "testtime")
START = ("starttime", "start", "timestamp")


def is_apart(element: Element) -> bool:
    """Whether an element is a step, or holds steps: what it says is not said of the element around it."""
    return bare(local(element)) in _KINDS | _LISTS


def inner_steps(element: Element) -> list[Element]:
    """The steps within an element, those in lists and other elements without a verdict of their own too."""
    found = []
    for inner in element:
        found += [inner] if bare(local(inner)) in _KINDS else inner_steps(inner)
    return found


def is_judged(element: Element) -> bool:
    """Whether anything in it has a verdict or a limit."""
    for each in element.iter("{*}*"):
        for name, text in (
            (local(each), each.text or ""),
            *((str(name), str(text)) for name, text in each.attrib.items()),
        ):
            if (bare(name) in VERDICT and is_verdict(text.strip())) or (bare(name) in _LOW + _HIGH and text.strip()):
                return True
    return False


def seconds(text: str) -> float | None:
    """A duration: seconds, or hours, minutes and seconds; None where it is none."""
    try:
        parts = [float(part) for part in text.removesuffix("s").strip().split(":")]
    except ValueError:
        return None
    total = sum(part * 60**power for power, part in enumerate(reversed(parts)))
    return total if len(parts) <= 3 and 0 <= total < 1e9 else None


def iso_moment(text: str) -> datetime | None:
    """A time of ISO 8601; None where it is none."""
    try:
        return moment(text)
    except ValueError:
        return None


def add_step(holder: UutReport | SequenceCall, element: Element, depth: int = 1) -> Step:
    """A group, test or measurement, and what is in it. A test of one measurement is one step with it."""
    if depth > MAX_DEPTH:
        raise ConversionError("the steps are nested too deeply", line=line_of(element))
    facts, inner = Facts(element, is_apart), inner_steps(element)
    name = facts.take(*_NAME)
    if not inner:
        return _add_single(holder, name or local(element), facts)
    verdict = _verdict(facts)
    is_test = bare(local(element)) in _TESTS and len(inner) == 1 and bare(local(inner[0])) in _MEASUREMENTS
    step: Step
    if is_test and verdict in (None, _verdict(Facts(inner[0], is_apart))):
        measured = Facts(inner[0], is_apart)
        own_name = measured.take(*_NAME)
        step = _add_single(holder, name or own_name or local(element), measured)
        if own_name not in ("", name or own_name):
            step.note(f"Measurement: {own_name}")
    else:
        step = group = sequence(name, local(element))
        for each in inner:
            add_step(group, each, depth + 1)
        if verdict:
            set_verdict(group, verdict)
        holder.add(group)
    _tell_rest(step, facts)
    return step


def _add_single(holder: UutReport | SequenceCall, name: str, facts: Facts) -> Step:
    title, notes = titled(name, "test"), []
    if "report_text" in title:
        notes.append(title["report_text"])
    verdict, value, unit = _verdict(facts), facts.take(*_VALUE), facts.take(*_UNIT)
    expected, comparison = facts.take(*_EXPECTED), facts.take(*_OPERATOR)
    limits = {"low": facts.take(*_LOW), "high": facts.take(*_HIGH)}
    low, high, op = _arranged(limits["low"], limits["high"], comparison)
    if verdict is None and facts.has(*VERDICT):
        verdict = "D"  # a word that is no verdict: the limits do not take its place
    measured = Measured(title["name"], value, low, high, op, unit, expected, verdict)
    try:
        step = measured.add_to(holder)
    except ValueError:  # neither a value nor a verdict, or limits beside a text
        low = high = op = None
        step = measured._replace(low=None, high=None, op=None, verdict=verdict or "D").add_to(holder)
    if low is None and high is None:
        notes += [f"{side} limit: {text}" for side, text in limits.items() if text]
    if comparison and op is None:
        notes.append(f"comparison: {comparison}")
    for note in notes:
        step.note(note)
    _tell_rest(step, facts)
    return step


def _arranged(low: str, high: str, comparison: str) -> tuple[float | None, float | None, CompOp | None]:
    """Limits and operator, as far as they are any and fit each other."""
    try:
        limits = limit(low), limit(high)
        arrange(*limits)
    except ValueError:
        return None, None, None
    try:
        arrange(*limits, op := operator(comparison))
    except ValueError:
        op = None
    return *limits, op


def _verdict(facts: Facts) -> Status | None:
    return VERDICTS.get(facts.take(*VERDICT, accept=is_verdict).lower())


def is_verdict(text: str) -> bool:
    """Whether a word is a verdict; a number is none, though some testers use them so."""
    return text.lower() in VERDICTS and not text.isdigit()


def _tell_rest(step: Step, facts: Facts) -> None:
    """Times and messages in their places; what else is said, in the report text."""
    step.total_time = seconds(facts.take(*DURATION, accept=lambda text: seconds(text) is not None)) or step.total_time
    step.start = iso_moment(facts.take(*START, accept=lambda text: iso_moment(text) is not None)) or step.start
    if step.status in ("F", "E", "T"):
        explain(step, facts.take(*_MESSAGE))
        step.error_code = int(facts.take("errorcode", accept=is_whole) or 0) or None
    for name, text in facts.others():
        step.note(f"{name}: {text}")


def is_whole(text: str) -> bool:
    """Whether a text is a whole number that fits everywhere."""
    return text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 10
