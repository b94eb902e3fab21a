"""What the elements of JUnit XML say: test cases, their outcomes, times, properties, logs and counts."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pywats_client.converters.reading.nested import bounded, explain, titled
from pywats_client.converters.reading.xml import Element, line_of, local
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, Step, shorten
from pywats_client.wsjf.model import Status

OUTCOMES: Mapping[str, Status] = {"failure": "F", "error": "E", "skipped": "S", "disabled": "S", "ignored": "S"}
"""Elements that say how a test case ended; one without any has passed."""
COUNTS: Mapping[str, Status | None] = {
    **dict.fromkeys(("skipped", "skip", "skips", "disabled", "ignored"), "S"),
    "tests": None,
    "failures": "F",
    "errors": "E",
}
"""Attributes that count test cases, and of which outcome."""
_WORDS: Mapping[str, Status] = {
    **dict.fromkeys(("failed", "fail", "failure"), "F"),
    **dict.fromkeys(("error", "broken", "aborted", "timeout"), "E"),
    **dict.fromkeys(("skipped", "skip", "notrun", "not run", "disabled", "suppressed", "ignored", "pending"), "S"),
}
"""What the attributes `result` and `status` say, where no element does."""
_PASSING = ("", "run", "completed", "passed", "pass", "success", "ok")
_WORST: tuple[Status, ...] = ("E", "F", "S")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_MAX_MESSAGE = 200
_UTC = re.compile(r"\s*(UTC|GMT)$")
_EPOCH = re.compile(r"\d{9,10}(\.\d+)?|\d{13}")


def within(elements: Iterable[Element], name: str) -> Iterator[Element]:
    """All elements of this local name in these or below, in the order of the file."""
    for element in elements:
        yield from element.iter(f"{{*}}{name}")


def outcome(case: Element) -> Status:
    """How a test case ended; the worst counts where several elements say it."""
    told = {OUTCOMES[local(child)] for child in case if local(child) in OUTCOMES}
    words = (case.get(name, "").strip().lower() for name in ("result", "status"))
    told = told or {_WORDS[word] for word in words if word in _WORDS}
    return next((status for status in _WORST if status in told), "P")


def add_case(case: Element, sequence: SequenceCall) -> None:
    """The step of a test case: a verdict; an action where it came to none."""
    title, verdict = titled(case.get("name", ""), "testcase"), outcome(case)
    step: Step
    if verdict in ("P", "F"):
        step = sequence.passed(ok=verdict == "P", **title)
    else:
        step = sequence.action(status=verdict, **title)
    step.total_time, step.start = seconds(case), moment(case)
    for child in case:
        if OUTCOMES.get(local(child)) == "S":
            if why := outcome_text(child):
                step.note(bounded(why))
        elif local(child) in OUTCOMES:
            explain_outcome(step, child)
        elif local(child) == "properties":
            for name, text in properties(child):
                step.note(f"{name}: {text}")
        else:
            note_text(child, step)
    for name, text in others(case, ("name", "time", "timestamp", "classname")):
        if name not in ("result", "status") or text.lower() not in _PASSING:
            step.note(f"{name}: {text}")


def explain_outcome(step: Step, element: Element) -> None:
    """Why it failed. The error message is the element's own, also where a traceback that ends in it follows."""
    message = " ".join((element.get("message") or "").split())
    if message and message in " ".join(_text(element).split()):
        step.error_message = step.error_message or shorten(message, _MAX_MESSAGE)
    explain(step, outcome_text(element))


def outcome_text(element: Element) -> str:
    """What a failure, an error or a reason to skip says: message, kind, and the text below it."""
    message, kind, text = (element.get("message") or "").strip(), (element.get("type") or "").strip(), _text(element)
    if message and message in text:
        message = ""
    first = ": ".join(part for part in (kind if kind not in text else "", message) if part)
    return "\n".join(part for part in (first, text) if part)


def note_text(element: Element, step: Step) -> None:
    """Logs, attempts before the last one, and whatever else holds text."""
    text = "\n".join(part for part in (outcome_text(element), *_attributes(element, ("message", "type"))) if part)
    if text:
        step.note(f"{local(element)}: {bounded(text)}")


def note_counts(element: Element, sequence: SequenceCall) -> None:
    """Where a suite counts other than it holds, its report text says so; failures that only it knows count."""
    of_suite = [OUTCOMES[local(child)] for child in element if local(child) in OUTCOMES]
    cases = [outcome(case) for case in within([element], "testcase")] + of_suite
    own = [outcome(case) for case in element if local(case) == "testcase"] + of_suite
    for name in ("tests", "failures", "errors"):  # what counts as skipped, runners do not agree on
        status = COUNTS[name]
        said = element.get(name, "").strip()
        found = [len(those) if status is None else those.count(status) for those in (cases, own)]
        if said.isascii() and said.isdecimal() and len(said) < 10 and int(said) not in found:
            sequence.note(f'The file says {name}="{said}", and holds {found[0]}.')
            if status and int(said) and "F" not in cases and "E" not in cases:
                sequence.worsen(status)


def properties(element: Element) -> Iterator[tuple[str, str]]:
    """Names and texts; a text may stand in an attribute, or between the tags."""
    for child in element:
        name = (child.get("name") or local(child)).strip()
        text = (child.get("value") or _text(child)).strip()
        if text:
            yield name, text


def others(element: Element, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """The attributes that are not known, and say something; a time that is none is among them."""
    for name in map(str, element.attrib):
        is_other = name not in known or (name == "time" and seconds(element) is None)
        if is_other and not name.startswith("{") and (text := element.get(name, "").strip()):
            yield name, text


def seconds(element: Element) -> float | None:
    """How long it took; some write 1,234.5, and some 0,5."""
    text = element.get("time", "").strip()
    text = text.replace(",", "") if _GROUPED.fullmatch(text) else text.replace(",", ".")
    return float(text) if re.fullmatch(r"\d+(\.\d*)?([eE][+-]?\d+)?|\.\d+", text, re.ASCII) else None


def moment(element: Element) -> datetime | None:
    """When it began: ISO 8601, as mail has it, or seconds since 1970. ConversionError for what is no time."""
    text = element.get("timestamp", "").strip()
    if not text:
        return None
    try:
        return _moment(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise ConversionError(
            f"the timestamp {text!r} is not a time, such as 2026-01-30T10:49:36", line=line_of(element)
        ) from None


def _moment(text: str) -> datetime:
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000 if len(text) == 13 else float(text), UTC)
    try:
        return datetime.fromisoformat(_UTC.sub("Z", text))
    except ValueError:
        return parsedate_to_datetime(text)


def _attributes(element: Element, known: Collection[str]) -> Iterator[str]:
    for name, text in others(element, known):
        yield f"{name}: {text}"


def _text(element: Element) -> str:
    """The text of an element and of those in it, which some runners put there."""
    return "\n".join(text.strip() for text in map(str, element.itertext()) if text.strip())
