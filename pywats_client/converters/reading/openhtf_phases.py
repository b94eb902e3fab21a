"""Phases of an OpenHTF record, with their measurements, attachments and logs, as steps."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pywats_client.converters.reading.json_values import Json, obj, objects, text_of, texts
from pywats_client.converters.reading.nested import bounded, explain, sequence, titled
from pywats_client.converters.reading.openhtf_measurements import add_measurement, outcome
from pywats_client.errors import ConversionError
from pywats_client.wsjf import SequenceCall, Step, shorten

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEVELS = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
_KNOWN = (
    *("name", "descriptor_id", "outcome", "result", "measurements", "attachments", "options", "codeinfo"),
    *("subtest_name", "start_time_millis", "end_time_millis", "diagnosers", "diagnosis_results"),
    *("failure_diagnosis_results", "marginal"),
)
_ANY = "application/octet-stream"
_USUAL_OPTIONS: Sequence[Any] = (None, False, "KEEP", [], {})


class Logs:
    """The lines of a record's log, each with the phase that wrote it."""

    def __init__(self, records: Sequence[Json], phases: Sequence[Json]) -> None:
        self._lines: dict[int, list[str]] = {}
        by_name: dict[str, list[Json]] = {}
        for phase in phases:
            by_name.setdefault(text_of(phase.get("name")), []).append(phase)
        for record in records:
            _, _, name = text_of(record.get("logger_name")).partition(".phase.")
            writer = _last_begun(by_name.get(name, ()), record.get("timestamp_millis"))
            self._lines.setdefault(id(writer), []).append(_line(record))

    def of(self, phase: Json | None) -> str:
        """The lines of a phase, or of the test itself."""
        return bounded("\n".join(self._lines.get(id(phase), ())))


def _last_begun(phases: Sequence[Json], time: Any) -> Json | None:
    """A phase may be run more than once: the line is of the one that began last before it."""
    begun = [phase for phase in phases if _before(phase.get("start_time_millis"), time)]
    return begun[-1] if begun else next(iter(phases), None)


def _before(first: Any, second: Any) -> bool:
    return isinstance(first, int | float) and isinstance(second, int | float) and first <= second


def _line(record: Json) -> str:
    level = record.get("level")
    word = _LEVELS.get(level, text_of(level)) if isinstance(level, int) else text_of(level)
    time = moment(record, "timestamp_millis", "log record")
    clock = f"{time.isoformat(timespec='milliseconds')[11:23]} " if time else ""
    return f"{clock}{word} {text_of(record.get('message'))}"


def moment(holder: Json, key: str, place: str) -> datetime | None:
    """A time in milliseconds since 1970, in the station's zone; None where there is none. 0 says nothing, too."""
    value = holder.get(key)
    if value in (None, 0):
        return None
    try:
        return (_EPOCH + timedelta(milliseconds=value)).astimezone()
    except (TypeError, ValueError, OverflowError, OSError):
        raise ConversionError(f"{place}: {key} {text_of(value)!r} is not a time in milliseconds since 1970") from None


def set_times(step: Step, holder: Json, place: str) -> None:
    """When it began, and how long it took."""
    step.start, end = (moment(holder, key, place) for key in ("start_time_millis", "end_time_millis"))
    step.total_time = (end - step.start).total_seconds() if step.start and end else None


def phase_step(phase: Json, place: str, logs: Logs, attachment_bytes: int) -> Step:
    """A sequence of measurements and attachments; an action for a phase without."""
    place = f"{place}, phase {text_of(phase.get('name'))!r}"
    name, verdict = text_of(phase.get("name")), outcome(phase, place)
    measurements, attachments = objects(phase, "measurements", place), obj(phase, "attachments", place)
    step: Step
    if measurements or attachments:
        step = sequence(name, "phase")
        for measurement in measurements:
            add_measurement(measurement, step, place)
        for title, attachment in attachments.items():
            _attach(step, title, attachment, attachment_bytes)
        has_other_reason = verdict == "F" and _says_why(phase, measurements)
        if {verdict, step.status} == {"P", "F"} and not has_other_reason:
            step.note(f"The file says {verdict}, the steps say {step.status}.")
    else:
        step = Step(**titled(name, "phase"))
    step.status = verdict or step.status
    set_times(step, phase, place)
    _note_result(step, phase)
    _note_others(step, phase, place)
    if log := logs.of(phase):
        step.note(log)
    return step


def _says_why(phase: Json, measurements: Sequence[Json]) -> bool:
    """Whether a phase may have failed for another reason than that a value was outside its limits."""
    words = (text_of(measurement.get("outcome")) for measurement in measurements)
    return _result(phase) != "CONTINUE" or not {"UNSET", "PARTIALLY_SET"}.isdisjoint(words)


def _result(phase: Json) -> Any:
    """What a phase returned, as a word, or what it raised; None, or no text, where the record does not say it."""
    result = phase.get("result")
    if isinstance(result, Mapping) and "phase_result" in result:
        result = result["phase_result"]
    return result if isinstance(result, Mapping) or result is None else text_of(result).rpartition(".")[2]


def _attach(made: SequenceCall, title: str, attachment: Any, limit: int) -> None:
    """A file on a step of its own; without its bytes, or with too many, only its name and what is known of it."""
    step = made.action(**titled(title, "attachment"))
    about = dict(attachment) if isinstance(attachment, Mapping) else {}
    kind, data = text_of(about.pop("mimetype", None)), about.pop("data", None)
    for name, value in about.items():
        step.note(f"{name}: {bounded(text_of(value))}")
    try:
        content = base64.b64decode("".join(text_of(data).split()), validate=True)
    except (binascii.Error, ValueError):
        step.note(f"The file ({kind}) is not in the record: its text is not Base64.")
        return
    if data is None or len(content) > limit:
        size = "" if data is None else f" It has {len(content)} bytes: see attachment_limit_kb."
        step.note(f"The file ({kind}) is left out.{size}")
    else:
        made.attach(shorten(title, 256) or "attachment", content, shorten(kind, 100) or _ANY, step=step)


def _note_result(step: Step, phase: Json) -> None:
    """How the phase ended: what it returned, or what it raised; nothing at all for one that ran out of time."""
    result = _result(phase)
    if result is None and phase.get("result") is not None:
        explain(step, "The phase ran out of time.")
    if isinstance(result, Mapping):
        explain(step, f"{text_of(result.get('exc_type'))}: {text_of(result.get('exc_val'))}")
        if trace := text_of(result.get("exc_tb")):
            step.note(bounded(trace))
    elif result not in (None, "", "CONTINUE"):
        step.note(f"result: {result}")


def _note_others(step: Step, phase: Json, place: str) -> None:
    """What else a phase says."""
    code = obj(phase, "codeinfo", place)
    for key in ("docstring", "sourcecode"):
        if text := text_of(code.get(key)):
            step.note(bounded(text))
    options = obj(phase, "options", place).items()
    told = [f"{name}={text_of(value)}" for name, value in options if value not in _USUAL_OPTIONS]
    facts = {
        "options": ", ".join(told),
        "diagnosers": ", ".join(texts(phase, "diagnosers")),
        "diagnoses": ", ".join(texts(phase, "diagnosis_results")),
        "diagnoses of failure": ", ".join(texts(phase, "failure_diagnosis_results")),
        "marginal": "yes" if phase.get("marginal") else "",
        **{key: text_of(value) for key, value in phase.items() if key not in _KNOWN},
    }
    for name, text in facts.items():
        if text:
            step.note(f"{name}: {bounded(text)}")
