"""What a test executive says of a step, whatever the file's form, and the step of the report that it makes."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import NamedTuple, TypeVar

from pywats_client.converters.property_tree import Group as Members
from pywats_client.converters.property_tree import Plot, Scalar, Value, chart_of, lines, plots
from pywats_client.errors import ConversionError
from pywats_client.wsjf import (
    CallExecutable,
    MessagePopup,
    NumericLimit,
    PassFail,
    SequenceCall,
    Step,
    StringValue,
    UutReport,
    shorten,
)
from pywats_client.wsjf.limits import CompOp, StringOp, arrange
from pywats_client.wsjf.model import Group, Status
from pywats_client.wsjf.payloads import Executable, Popup, SequenceInfo

STATUSES: Mapping[str, Status] = {
    "passed": "P",
    "failed": "F",
    "done": "D",
    "skipped": "S",
    "error": "E",
    "terminated": "T",
    "aborted": "T",
}
"""TestStand's words for a verdict, in lower case."""

GROUPS: Mapping[str, Group] = {"setup": "S", "main": "M", "cleanup": "C"}
MAX_NESTING = 50
"""Sequences within sequences; test executives themselves do not go so deep."""
MAX_NAME, MAX_MESSAGE = 100, 200
SEQUENCE_KINDS = frozenset({"SequenceCall", "WATS_SeqCall"})
VERDICT_KINDS = frozenset(
    {
        *("PassFailTest", "ET_PFT", "ET_MPFT", "NumericLimitTest", "ET_NLT", "NI_MultipleNumericLimitTest", "ET_MNLT"),
        *("StringValueTest", "ET_SVT", "ET_MSVT"),
    }
)
"""Steps that judge: where there is a verdict and no value, the verdict is what was measured."""
_OWN_KINDS = {*SEQUENCE_KINDS, *VERDICT_KINDS, "", "Action", "ET_A", "CallExecutable", "MessagePopup", "WATS_XYGMNLT"}
_OTHER_KINDS = frozenset(
    [
        "Statement",
        "Label",
        "Goto",
        "DoWhile",
        "NI_Flow_If",
        "NI_Flow_ElseIf",
        "NI_Flow_Else",
        "NI_Flow_End",
        "NI_Flow_For",
        "NI_Flow_ForEach",
        "NI_Flow_Break",
        "NI_Flow_Continue",
        "NI_Flow_While",
        "NI_Flow_DoWhile",
        "NI_Flow_Select",
        "NI_Flow_Case",
        "NI_Wait",
        "NI_Lock",
        "NI_Rendezvous",
        "NI_Queue",
        "NI_Notification",
        "NI_Batch_Sync",
        "NI_BatchSpec",
        "NI_AutoSchedule",
        "NI_UseResource",
        "NI_ThreadPriority",
        "NI_Semaphore",
        "NI_OpenDatabase",
        "NI_CloseDatabase",
        "NI_OpenSQLStatement",
        "NI_CloseSQLStatement",
        "NI_DataOperation",
        "NI_IVIDmm",
        "NI_IVIScope",
        "NI_IVIFgen",
        "NI_IVIPowerSupply",
        "NI_IVITools",
        "NI_Switch",
        "NI_FTPFiles",
        "NI_LV_CheckSystemStatus",
        "NI_LV_RunVIAsynchronously",
    ]
)
"""Step types that reports on servers have as they are."""
_WORDS = {"P": "passed", "F": "failed", "D": "done", "S": "skipped", "E": "error", "T": "terminated"}
AnyStep = TypeVar("AnyStep", bound=Step)


class Number(NamedTuple):
    """A number that was measured, with its limits."""

    value: float
    name: str = ""
    low: float | None = None
    high: float | None = None
    op: CompOp | None = None
    unit: str = ""
    status: Status | None = None


class Text(NamedTuple):
    """A text that was measured, and the one expected."""

    value: str
    name: str = ""
    expected: str | None = None
    ignore_case: bool = False
    status: Status | None = None


class Verdict(NamedTuple):
    """A verdict without a value."""

    status: Status
    name: str = ""


Measured = Number | Text | Verdict


def status_of(word: str) -> Status | None:
    """The verdict that a word says; None where it says none that a report knows."""
    return STATUSES.get(word.strip().lower())


@dataclass
class StepResult:
    """The facts of one step, gathered from a file; `step` makes the step of them."""

    name: str
    kind: str = ""
    """the step type, in TestStand's words"""
    status: Status | None = None
    """the file's own verdict; it wins over limits and inner steps"""
    word: str = ""
    """its own word for that"""
    group: Group = "M"
    start: datetime | None = None
    total_time: float | None = None
    guid: str | None = None
    error_code: int | None = None
    error_message: str = ""
    caused_sequence_failure: bool | None = None
    sequence: SequenceInfo | None = None
    steps: list[Step] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    exit_code: float | None = None
    button: float | None = None
    response: str | None = None
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def judge(self, word: str, status: Status | None = None) -> None:
        """The file's verdict, by its word; one that reports do not know is told."""
        self.word, self.status = word.strip(), status or status_of(word)
        if self.word and self.status is None:
            self.notes.append(f"Status: {self.word}")

    def take(self, name: str, value: Value) -> None:
        """A value by its name in TestStand's results."""
        number = value.number if isinstance(value, Scalar) else None
        if name == "ReportText" and isinstance(value, Scalar):
            self.notes[:0] = [value.text] if value.text.strip() else []
        elif name == "ExitCode" and number is not None:
            self.exit_code = number
        elif name == "ButtonHit" and number is not None:
            self.button = number
        elif name == "Response" and isinstance(value, Scalar):
            self.response = value.text
        elif name == "Error" and isinstance(value, Members):
            self._take_error(value)
        else:
            self.tell(name, value)

    def _take_error(self, error: Members) -> None:
        """Code, message and whether it occurred; an untouched one says 0, nothing and False."""
        for name, member in error.members:
            text = member.text.strip() if isinstance(member, Scalar) else ""
            if name == "Code" and text not in ("", "0"):
                self.fail(text, "")
            elif name == "Msg":
                self.fail("", text)
            elif name not in ("Code", "Occurred"):
                self.tell(f"Error.{name}", member)

    def fail(self, code: str, message: str) -> None:
        """An error's code and message."""
        if re.fullmatch(r"[+-]?[0-9]{1,18}", code):
            self.error_code = int(code)
        elif code:
            self.notes.append(f"Error code: {code}")
        if message:
            self.error_message = f"{self.error_message}\n{message}".strip()

    def tell(self, name: str, value: Value) -> None:
        """A value that is no measurement of the step: arrays of numbers are drawn, others go to the report text."""
        drawn = plots(name, value)
        self.plots += drawn
        if drawn and isinstance(value, Members):
            value = Members([member for member in value.members if member[0].lower() not in ("x", "y", "dt")])
        if isinstance(value, Members) or not drawn:
            self.notes += lines(name, value)

    def step(self) -> Step:
        """The step, complete but for its place in the report."""
        step = self._with_content()
        step.group, step.start, step.total_time, step.ts_guid = self.group, self.start, self.total_time, self.guid
        step.error_code, step.caused_sequence_failure = self.error_code, self.caused_sequence_failure
        if self.error_message:
            step.error_message = shorten(self.error_message, MAX_MESSAGE)
            if len(self.error_message) > MAX_MESSAGE:
                step.note(self.error_message)
        if self.kind in _OTHER_KINDS and type(step) is Step:
            step.step_type = self.kind
        elif self.kind not in _OWN_KINDS:
            step.note(f"Step type: {self.kind}")
        if len(self.name) > MAX_NAME:
            step.note(f"Name: {self.name}")
        for note in self.notes:
            step.note(note)
        return step

    def _with_content(self) -> Step:
        """The class that fits what the step holds."""
        if self.steps or self.sequence or self.kind in SEQUENCE_KINDS:
            return self._as_sequence(self.steps)
        if self.exit_code is not None:
            return self._drawn(self._new(CallExecutable, executable=Executable(exit_code=self.exit_code)))
        if self.button is not None or self.response is not None:
            return self._drawn(self._new(MessagePopup, popup=Popup(button=self.button, response=self.response)))
        if len({type(item) for item in self.measured}) > 1:
            return self._as_sequence([self._only(item) for item in self.measured])
        if self.measured:
            return self._drawn(self._measuring())
        if self.plots:
            return self._drawn(self._new(NumericLimit, step_type="WATS_XYGMNLT"))
        if self.status in ("P", "F") and self.kind in VERDICT_KINDS:
            return self._judged(self._new(PassFail, step_type="ET_PFT"), [Verdict(self.status)])
        return self._new(Step)

    def _new(self, kind: type[AnyStep], **content: object) -> AnyStep:
        name = shorten(self.name, MAX_NAME) or self.kind or "Step"
        fields: dict[str, object] = {"name": name, "status": self.status or "D", **content}
        return kind.model_validate(fields)

    def _as_sequence(self, steps: Iterable[Step]) -> Step:
        """Its own verdict stands; one that contradicts its steps is told."""
        info = self.sequence or SequenceInfo(path=self.name, name=self.name)
        call = SequenceInfo(
            path=shorten(info.path or self.name, 500),
            name=shorten(info.name or self.name, 200),
            version=shorten(info.version or "1.0", 30),
        )
        sequence = self._new(SequenceCall, status="P", call=call)
        for step in steps:
            sequence.add(step)
        if self.plots:
            sequence.add(StepResult("Chart", plots=self.plots, status="D").step())
        self._settle(sequence, sequence.status, "steps")
        return sequence

    def _only(self, item: Measured) -> Step:
        name = item.name or self.name
        return StepResult(name, status=item.status, measured=[item._replace(name="")]).step()

    def _measuring(self) -> Step:
        """A step of one measurement, or of several with names."""
        single = len(self.measured) == 1 and not self.measured[0].name
        first = self.measured[0]
        if isinstance(first, Number):
            return self._judged(self._new(NumericLimit, step_type="ET_NLT" if single else "ET_MNLT"), self.measured)
        if isinstance(first, Text):
            return self._judged(self._new(StringValue, step_type="ET_SVT" if single else "ET_MSVT"), self.measured)
        if single and self.status not in ("P", "F", None):  # a single verdict is that of its step
            step = self._new(Step)
            step.note(f"Its own verdict was {_WORDS[first.status]}.")
            return step
        return self._judged(self._new(PassFail, step_type="ET_PFT" if single else "ET_MPFT"), self.measured)

    def _judged(self, step: AnyStep, measured: Sequence[Measured]) -> AnyStep:
        single = step.step_type in ("ET_NLT", "ET_SVT", "ET_PFT")
        step.status = "P"
        for item, name in zip(measured, _unique([item.name for item in measured]), strict=True):
            own = self.status if single else item.status
            _add(step, item, None if single else name, own or item.status, self.status)
            if len(item.name) > len(name):
                step.note(f"{name}: its name is {item.name}")
        self._settle(step, step.status, "measurements")
        return step

    def _settle(self, step: Step, found: Status, of_what: str) -> None:
        """Give the step the file's verdict, and say where that is not what the parts of it say."""
        step.status = self.status or found
        contradicts = {step.status, found} == {"P", "F"} and not step.step_type.endswith(("_NLT", "_SVT", "_PFT"))
        if contradicts:
            step.note(f"The file says {_WORDS[step.status]}, its {of_what} say {_WORDS[found]}.")

    def _drawn(self, step: AnyStep) -> AnyStep:
        if self.plots:
            step.graph, notes = chart_of(self.name, self.plots)
            for note in notes:
                step.note(note)
        return step


def _unique(names: Sequence[str]) -> list[str]:
    """Names that differ, as those within a step must, and are not empty."""
    found: dict[str, None] = {}
    for place, name in enumerate(names):
        bare = shorten(name or f"Measurement {place}", MAX_NAME - 6)
        tries = (bare if number == 1 else f"{bare} ({number})" for number in count(1))
        found[next(each for each in tries if each not in found)] = None
    return list(found)


def _add(step: Step, item: Measured, name: str | None, status: Status | None, of_step: Status | None) -> None:
    """One measurement with its verdict, and a note where that is not what its limits say."""
    if isinstance(item, Number) and isinstance(step, NumericLimit):
        _add_number(step, item, name, status, of_step)
    elif isinstance(item, Text) and isinstance(step, StringValue):
        step.add(name, item.value, expected=item.expected, ignore_case=item.ignore_case, status=status)
        if item.expected is not None:
            op = StringOp.IGNORECASE if item.ignore_case else StringOp.CASESENSIT
            _note_contradiction(step, name, status, holds=op.holds(item.value, item.expected))
    elif isinstance(item, Verdict) and isinstance(step, PassFail):
        step.add(name, item.status == "P", status=status)
        _note_contradiction(step, name, status, holds=item.status == "P")


def _add_number(
    step: NumericLimit, item: Number, name: str | None, status: Status | None, of_step: Status | None
) -> None:
    unit = item.unit or None
    try:
        comp_op, low, high = arrange(item.low, item.high, item.op)
    except ValueError as why:
        step.add(name, item.value, unit=unit, op="LOG", status=status or of_step)
        limits = f"limits {item.low} to {item.high}, comparison {item.op or 'not said'}"
        step.note(f"{name or 'value'}: {limits}, which a report cannot say ({why})")
        return
    step.add(name, item.value, low=item.low, high=item.high, op=item.op, unit=unit, status=status)
    if comp_op is not CompOp.LOG:
        holds = math.isfinite(item.value) and comp_op.holds(item.value, low, high)
        _note_contradiction(step, name, status, holds=holds)


def _note_contradiction(step: Step, name: str | None, status: Status | None, *, holds: bool) -> None:
    if status in ("P", "F") and holds != (status == "P"):
        of_what = f"{name}: the" if name else "The"
        says = {True: "passed", False: "failed"}
        what = "value says" if isinstance(step, PassFail) else "limits say"
        step.note(f"{of_what} file says {says[not holds]}, its {what} {says[holds]}.")


def fill(report: UutReport, main: StepResult) -> None:
    """Hand the main sequence over to the report; its verdict is settled with that of the unit."""
    made = replace(main, status=None, kind="SequenceCall").step()
    assert isinstance(made, SequenceCall)
    for step in made.steps:
        report.add(step)
    root = report.root
    root.name, root.call, root.report_text = made.name, made.call, made.report_text
    root.start, root.total_time, root.ts_guid = made.start, made.total_time, made.ts_guid
    root.error_code, root.error_message = made.error_code, made.error_message
    root.caused_sequence_failure = made.caused_sequence_failure
    report.execution_time = main.total_time
    report.error_code, report.error_message = made.error_code, made.error_message


def check_nesting(depth: int, line: int | None) -> None:
    """Raises ConversionError where sequences lie too deeply within one another to be a test's."""
    if depth > MAX_NESTING:
        raise ConversionError(f"sequences are nested more than {MAX_NESTING} deep", line=line)


def mark_cause(report: UutReport, causes: Sequence[Step]) -> None:
    """Say which step made the unit fail: of the steps of a failure chain the one that calls no other."""
    ends = [step for step in causes if not isinstance(step, SequenceCall)] or list(causes)
    for step in ends:
        step.caused_uut_failure = True
    if ends:
        report.failing_step_id = _place(report.root, ends[0])


def _place(root: SequenceCall, wanted: Step) -> int | None:
    """The number of a step, counted depth first from 1 as in the report."""
    waiting: list[Step] = [root]
    place = 0
    while waiting:
        step = waiting.pop()
        place += 1
        if step is wanted:
            return place
        if isinstance(step, SequenceCall):
            waiting.extend(reversed(step.steps))
    return None
