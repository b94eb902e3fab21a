"""The steps of ATML (IEEE 1636.1): TestGroup, Test and SessionAction, what they measured and what is said of them."""

import re
from collections.abc import Iterator

from pywats_client.converters.reading.atml_values import (
    Limits,
    attribute,
    kind_of,
    limits_of,
    measured,
    named_values,
    text_of,
    told,
    value_below,
)
from pywats_client.converters.reading.property_tree import Group, Scalar, scalar
from pywats_client.converters.reading.step_measured import Verdict
from pywats_client.converters.reading.step_results import GROUPS, TEST, StepResult, check_nesting, status_of
from pywats_client.converters.reading.unit_facts import moment_or_fault
from pywats_client.converters.reading.xml import Element, line_of, local
from pywats_client.wsjf import Step
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.payloads import SequenceInfo

STEPS = frozenset({"TestGroup", "Test", "SessionAction"})
_KINDS = {"Test": TEST, "TestGroup": "SequenceCall", "ResultSet": "SequenceCall"}
"""What an element is where TestStand does not say it."""
_OWN_VALUE = frozenset({"", "Numeric", "String", "PassFail"})
"""Names that TestStand gives to the one value of a step."""
_TAKEN = frozenset({"ReportText", "ExitCode", "ButtonHit", "Response", "Error"})
"""Values that are no measurement, and have a place of their own."""
_NOT_TOLD = frozenset({"Index", "BlockLevel"})
_OF_DATUM = tuple(f"{{*}}{name}" for name in ("Confidence", "ErrorLimits", "Range", "Resolution"))
_CALLER = re.compile(r"SequenceCallStepName\s*=\s*'(.*)'", re.DOTALL)


def name_of(element: Element) -> str:
    """The name of a step: of a sequence call, that of the calling step."""
    caller = _CALLER.search(attribute(element, "userDefinedType"))
    own = _sequence(attribute(element, "name"))
    return attribute(element, "callerName") or (caller[1] if caller else "") or own.name or ""


class Steps:
    """Reads TestGroup, Test and SessionAction, and what they hold."""

    def __init__(self) -> None:
        self.by_id: dict[str, Step] = {}
        """the steps by their ID, which a failure chain names"""

    def read(self, element: Element, depth: int = 0) -> StepResult:
        """All that an element says, with the steps in it."""
        check_nesting(depth, line_of(element))
        result = StepResult(name_of(element), kind=_KINDS.get(local(element), ""))
        if local(element) in ("ResultSet", "TestGroup"):
            result.sequence = _sequence(attribute(element, "name"))
        _read_times(result, element)
        results = []
        for child in element:
            match local(child):
                case "TestGroup" | "Test" | "SessionAction":
                    result.steps.append(self._step(child, depth + 1))
                case "TestResult":
                    results.append(child)
                case _:
                    _read_fact(result, child)
        _read_results(result, results)
        return result

    def _step(self, element: Element, depth: int) -> Step:
        step = self.by_id[attribute(element, "ID")] = self.read(element, depth).step()
        return step


def _sequence(name: str) -> SequenceInfo:
    """TestStand calls a sequence by its file and its own name: C:\\tests\\board.seq#MainSequence."""
    path, sign, own = name.rpartition("#")
    return (
        SequenceInfo(path=path, name=own)
        if sign and path.lower().endswith(".seq")
        else SequenceInfo(path=name, name=name)
    )


def _read_times(result: StepResult, element: Element) -> None:
    start, end = attribute(element, "startDateTime"), attribute(element, "endDateTime")
    if start:
        result.start = moment_or_fault(start, line_of(element))
    if result.start and end:
        result.total_time = (moment_or_fault(end, line_of(element)) - result.start).total_seconds()
    result.guid = attribute(element, "testReferenceID") or None


def _read_fact(result: StepResult, child: Element) -> None:
    """What an element says beside its steps and its values."""
    match local(child):
        case "Outcome" | "ActionOutcome":
            judge(result, child)
        case "Extension":
            _read_extension(result, child)
        case "Data":
            value = value_below(child)
            for name, member in value.members if isinstance(value, Group) else [("Data", value)]:
                if member is not None:
                    result.take(name, member)
        case "Parameters":
            for parameter in child:
                _read_parameter(result, parameter)
        case "Events":
            for event in child:
                _read_event(result, event)
        case name:
            found = list(named_values(child)) or [("", text_of(child))]
            result.notes += [f"{name} {key}".strip() + f": {text}" for key, text in found if text]


def _status(outcome: Element) -> Status | None:
    """The verdict; the qualifier says more of it, and is what counts where the standard has no word for it."""
    value = attribute(outcome, "value")
    status = status_of(value)
    if status is None or status == "T":
        status = status_of(attribute(outcome, "qualifier")) or ("S" if value == "NotStarted" else status)
    return status


def judge(result: StepResult, outcome: Element) -> None:
    """The outcome of a step, with all that it says."""
    value, qualifier, status = attribute(outcome, "value"), attribute(outcome, "qualifier"), _status(outcome)
    result.judge(f"{value} {qualifier}".strip(), status)
    if qualifier and status_of(qualifier) is None and status is not None:
        result.notes.append(f"Outcome: {value}, {qualifier}")
    result.notes += [f"Outcome: {text}" for child in outcome if (text := text_of(child))]


def _read_extension(result: StepResult, extension: Element) -> None:
    """TestStand's properties of a step; others are told."""
    for name, text in named_values(extension):
        match name:
            case "StepType":
                result.kind = text
            case "StepGroup":
                result.group = GROUPS.get(text.lower(), "M")
            case "StepId":
                result.guid = text
            case "StepCausedSequenceFailure":
                result.caused_sequence_failure = text.lower() in ("true", "1")
            case "TotalTime":
                result.total_time = float(scalar(text).number or 0)
            case "ErrorCode" | "ErrorMessage":
                result.fail(*((text, "") if name == "ErrorCode" else ("", text)))
            case "ModuleTime":
                result.notes.append(f"Module time: {text} s")
            case _ if name not in _NOT_TOLD:
                result.notes.append(f"{name}: {text}")


def _read_parameter(result: StepResult, parameter: Element) -> None:
    name = attribute(parameter, "name", "ID") or "Parameter"
    holder = parameter.find("{*}Data")
    value = value_below(parameter if holder is None else holder)
    if value is not None:
        result.tell(name, value)
    result.notes += [f"{name}: {text_of(child)}" for child in parameter if local(child) == "Description"]


def _read_event(result: StepResult, event: Element) -> None:
    """An event of a step: an error has a place of its own."""
    attributes = [(str(name), attribute(event, str(name))) for name in event.attrib]
    said = {name.rpartition(".")[2].lower(): text for name, text in [*attributes, *named_values(event)] if text}
    message = next((said[name] for name in ("message", "msg", "description", "value") if name in said), "")
    code = next((said[name] for name in ("code", "errorcode", "data") if name in said), "")
    if "error" in f"{local(event)} {said.get('id', '')} {said.get('severity', '')}".lower():
        result.fail(code, message or text_of(event))
    else:
        result.notes.append(f"Event: {message or text_of(event)}")


def _read_results(result: StepResult, elements: list[Element]) -> None:
    """The values of a test. Beside the one that TestStand's single tests have, those without limits are additional."""
    is_multiple = "Multiple" in result.kind or result.kind.startswith("ET_M")
    names = [attribute(element, "name", "ID") for element in elements]
    has_own = not is_multiple and not _OWN_VALUE.isdisjoint(names)
    for element, name in zip(elements, names, strict=True):
        is_label = is_multiple or has_own or len(elements) > 1 or "name" in element.attrib or name in _TAKEN
        shown = name if is_label and (is_multiple or name not in _OWN_VALUE) else ""
        _read_result(result, element, "" if len(elements) == 1 and shown == result.name else shown, has_own)


def _read_result(result: StepResult, element: Element, name: str, has_own: bool) -> None:
    data, comparison = element.find("{*}TestData"), element.find("{*}TestLimits")
    value = None if data is None else value_below(data)
    unit = value.unit if isinstance(value, Scalar) else ""
    limits = Limits() if comparison is None else limits_of(comparison, unit)
    outcome = element.find("{*}Outcome")
    status = None if outcome is None else _status(outcome)
    if value is not None and (name in _TAKEN or (has_own and name and comparison is None)):
        result.take(name, value)
    elif data is not None and isinstance(value, Scalar):
        result.measured.append(measured(name, value, kind_of(data[0]), limits, status))
    else:
        if value is not None:
            result.tell(name or "Data", value)
        if status in ("P", "F"):
            result.measured.append(Verdict(status, name))
    label = name or "value"
    result.notes += [f"{label}: {note}" for note in [*limits.notes, *_properties(element, limits)]]


def _properties(element: Element, limits: Limits) -> Iterator[str]:
    """What else is said of a value; TestStand's raw limits say nothing new where they are the limits."""
    known = {"Low": limits.low, "High": limits.high}
    for child in element.iter("{*}Extension", "{*}Description", "{*}Indictments", *_OF_DATUM):
        if limits_in_words := told(child):
            yield f"{local(child)} {limits_in_words}"
            continue
        for name, text in named_values(child):
            if text and (name not in known or scalar(text).number != known[name]):
                yield f"{name} {text}"
        if not len(child) and (text := text_of(child)):
            yield f"{local(child)} {text}"
