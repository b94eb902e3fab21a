"""Steps within steps, of files that judge every level by themselves; and their long names and texts."""

import re
from typing import Required, TypedDict

from pywats_client.wsjf import SequenceCall, Step, shorten
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.payloads import SequenceInfo

MAX_NAME = 100
MAX_TEXT = 10_000
MAX_DEPTH = 100
"""Levels of steps that a report is given; the server and its pages have theirs, which nobody tells."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MAX_MESSAGE, _MAX_SEQUENCE_NAME, _MAX_PATH = 200, 200, 500


class Title(TypedDict, total=False):
    """The name of a step, and the report text that it begins with."""

    name: Required[str]
    report_text: str


def titled(name: str, otherwise: str) -> Title:
    """The name of a step; a long one is cut, and told in full in its report text. `otherwise`: if there is none."""
    name = " ".join(printable(name).split()) or otherwise
    if len(name) <= MAX_NAME:
        return {"name": name}
    return {"name": shorten(name, MAX_NAME), "report_text": f"name: {name}"}


def sequence(name: str, otherwise: str, path: str = "") -> SequenceCall:
    """A sequence that stands alone until it is complete: `report.add(…)` then takes over its own status.

    So what failed inside counts further up only where the file says that it does.
    """
    title = titled(name, otherwise)
    call = SequenceInfo(
        path=shorten(path, _MAX_PATH) or title["name"], name=shorten(title["name"], _MAX_SEQUENCE_NAME), version="1.0"
    )
    return SequenceCall(call=call, steps=[], **title)


def is_judged(sequence: SequenceCall) -> bool:
    """Whether any step within has a verdict."""
    return any(
        is_judged(step) if isinstance(step, SequenceCall) else step.status in ("P", "F", "E", "T")
        for step in sequence.steps
    )


def skip_if_all_were(sequence: SequenceCall) -> None:
    """A sequence of which every step was skipped, was skipped; one without steps has only been gone through."""
    if sequence.status == "P" and all(step.status == "S" for step in sequence.steps):
        sequence.status = "S" if sequence.steps else "D"


def set_verdict(step: Step, verdict: Status) -> None:
    """The file's own verdict of a sequence; where it is not that of its steps, its report text says so."""
    if step.status != verdict:
        step.note(f"The file says {verdict}, the steps say {step.status}.")
        step.status = verdict


def explain(step: Step, message: str) -> None:
    """Why a step failed: the first words as its error message, all of it in its report text."""
    message = message.strip()
    if message:
        step.error_message = step.error_message or shorten(" ".join(message[: _MAX_MESSAGE * 2].split()), _MAX_MESSAGE)
        if message not in (step.report_text or ""):
            step.note(bounded(message))


def bounded(text: str, limit: int = MAX_TEXT) -> str:
    """The text; of a very long one the beginning and the end, and how much is missing between them."""
    text = printable(text).strip()
    left_out = len(text) - limit
    if left_out <= 0:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {left_out} characters are left out …\n{text[-half:]}"


def printable(text: str) -> str:
    """The text with control characters, such as a console's escapes, as their symbols: a report may not hold them."""
    return _CONTROL.sub(lambda found: chr(0x2400 + ord(found[0])) if found[0] < " " else "\ufffd", text)
