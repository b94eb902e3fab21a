"""The steps of TestStand's XML report: each is a TEResult, whose TS says which step it was, with the results below."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from pywats_client.converters.reading.step_results import GROUPS, StepResult, check_nesting
from pywats_client.converters.reading.teststand_props import Props, inner, items, value_of
from pywats_client.converters.reading.teststand_values import read_measurements
from pywats_client.converters.reading.xml import Element, line_of
from pywats_client.wsjf import Step
from pywats_client.wsjf.payloads import SequenceInfo

_OF_STEP = frozenset({"Status", "TS"})
_OF_TS = frozenset(
    {"StartTime", "TotalTime", "Index", "StepName", "StepGroup", "StepId", "Id", "StepType", "BlockLevel"}
    | {"SequenceCall", "StepCausedSequenceFailure", "ModuleTime"}
)
_OF_CALL = frozenset({"ResultList", "SequenceFile", "SequenceFileVersion", "Sequence", "Status", "ThreadId"})


class Clock(NamedTuple):
    """Times of steps are seconds since the engine began; this says when some of them were."""

    moment: datetime
    seconds: float

    def at(self, seconds: float | None) -> datetime | None:
        """The moment of a step; None where it says none, or none of this calendar."""
        try:
            return None if seconds is None else self.moment + timedelta(seconds=seconds - self.seconds)
        except (OverflowError, ValueError):
            return None


class Steps:
    """Reads TEResults, and what they hold."""

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock
        self.by_id: dict[str, Step] = {}
        """the steps by their Id, which a failure chain names"""

    def read(self, element: Element, depth: int = 0) -> StepResult:
        """All that a TEResult says, with the steps in it."""
        check_nesting(depth, line_of(element))
        props = Props(element)
        ts = props.below("TS")
        result = StepResult(ts.text("StepName"), kind=ts.text("StepType"))
        result.judge(props.text("Status"))
        self._read_ts(result, ts)
        if "SequenceCall" in ts:
            self._read_call(result, ts.below("SequenceCall"), depth)
        taken = read_measurements(result, props) | _OF_STEP
        for name, prop in props.items():
            if name not in taken:
                result.take(name, value_of(prop))
        comments = [(child.text or "").strip() for child in element.iterchildren("Comment")]
        result.notes += [f"Comment: {text}" for text in comments if text]
        return result

    def _read_ts(self, result: StepResult, ts: Props) -> None:
        """Which step it was, and when."""
        result.group = GROUPS.get(ts.text("StepGroup").lower(), "M")
        result.total_time = ts.number("TotalTime")
        result.start = self._clock.at(ts.number("StartTime")) if self._clock else None
        result.guid = ts.text("StepId") or None
        if cause := ts.text("StepCausedSequenceFailure"):
            result.caused_sequence_failure = cause.lower() == "true"
        if time := ts.text("ModuleTime"):
            result.notes.append(f"Module time: {time} s")
        for name, prop in ts.items():
            if name not in _OF_TS and "ResultList" not in Props(prop):
                result.tell(name, value_of(prop))

    def _read_call(self, result: StepResult, call: Props, depth: int) -> None:
        """What a sequence call ran."""
        path, name, version = (call.text(key) for key in ("SequenceFile", "Sequence", "SequenceFileVersion"))
        result.sequence = SequenceInfo(path=path, name=name, version=version)
        result.steps += self._steps(call.get("ResultList"), depth + 1)
        for key, prop in call.items():
            if key not in _OF_CALL:
                result.tell(key, value_of(prop))

    def _steps(self, results: Element | None, depth: int) -> Iterator[Step]:
        """The steps of a list of results, each with the sequences that ran after it, such as its post action."""
        for _, item in items(results) if results is not None else ():
            element = inner(item)
            if element is None:
                continue
            result = self.read(element, depth)
            ts = Props(element).below("TS")
            step = self.by_id[ts.text("Id")] = result.step()
            yield step
            for name, prop in ts.items():
                if name not in _OF_TS and "ResultList" in Props(prop):
                    further = StepResult(f"{result.name} {name}", group=result.group)
                    further.judge(Props(prop).text("Status"))
                    self._read_call(further, Props(prop), depth)
                    if further.steps:
                        yield further.step()
