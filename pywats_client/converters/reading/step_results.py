"""What a test executive says of a step, whatever the file's form, and the step of the report that it makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pywats_client.converters.reading.property_tree import Array, Plot, Scalar, Value, chart_of, left_over, lines, plots
from pywats_client.converters.reading.property_tree import Group as Members
from pywats_client.converters.reading.step_measured import MAX_NAME, Measured, Verdict, measuring_step, settle_step
from pywats_client.errors import ConversionError
from pywats_client.wsjf import CallExecutable, MessagePopup, NumericLimit, SequenceCall, Step, shorten
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
_MAX_MESSAGE = 200
SEQUENCE_KINDS = frozenset({"SequenceCall", "WATS_SeqCall"})
VERDICT_KINDS = frozenset(
    {
        *("PassFailTest", "ET_PFT", "ET_MPFT", "NumericLimitTest", "ET_NLT", "NI_MultipleNumericLimitTest", "ET_MNLT"),
        *("StringValueTest", "ET_SVT", "ET_MSVT"),
    }
)
"""Steps that judge: where there is a verdict and no value, the verdict was measured; without both, an action."""
TEST = "Test"
"""A step that judges, of a writer that knows no step types."""
_OWN_KINDS = {
    TEST,
    *SEQUENCE_KINDS,
    *VERDICT_KINDS,
    "",
    "Action",
    "ET_A",
    "CallExecutable",
    "MessagePopup",
    "WATS_XYGMNLT",
}
_OTHER_KINDS = frozenset(
    """Statement Label Goto DoWhile NI_Flow_If NI_Flow_ElseIf NI_Flow_Else NI_Flow_End NI_Flow_For NI_Flow_ForEach
    NI_Flow_Break NI_Flow_Continue NI_Flow_While NI_Flow_DoWhile NI_Flow_Select NI_Flow_Case NI_Wait NI_Lock
    NI_Rendezvous NI_Queue NI_Notification NI_Batch_Sync NI_BatchSpec NI_AutoSchedule NI_UseResource NI_ThreadPriority
    NI_Semaphore NI_OpenDatabase NI_CloseDatabase NI_OpenSQLStatement NI_CloseSQLStatement NI_DataOperation NI_IVIDmm
    NI_IVIScope NI_IVIFgen NI_IVIPowerSupply NI_IVITools NI_Switch NI_FTPFiles NI_LV_CheckSystemStatus
    NI_LV_RunVIAsynchronously""".split()  # noqa: SIM905
)
"""Step types that reports on servers have as they are."""


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
        elif name == "AdditionalResults" and isinstance(value, Members):
            self.tell("", value)
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
        if drawn := plots(name, value):
            self.plots += drawn
            self.notes += lines(name, left_over(value))
        elif isinstance(value, Members):
            for key, member in value.members:
                self.tell(f"{name}.{key}" if name else key, member)
        elif isinstance(value, Array) and not value.is_plain:
            for place, item in value.elements:
                self.tell(f"{name}[{']['.join(map(str, place))}]", item)
        else:
            self.notes += lines(name, value)

    def step(self) -> Step:
        """The step, complete but for its place in the report."""
        step = self._with_content()
        step.group, step.start, step.total_time, step.ts_guid = self.group, self.start, self.total_time, self.guid
        step.error_code, step.caused_sequence_failure = self.error_code, self.caused_sequence_failure
        if self.error_message:
            step.error_message = shorten(self.error_message, _MAX_MESSAGE)
            if len(self.error_message) > _MAX_MESSAGE:
                step.note(self.error_message)
        if self.kind in _OTHER_KINDS and type(step) is Step:
            step.step_type = self.kind
        elif self.kind not in _OWN_KINDS or (self.kind in VERDICT_KINDS and type(step) is Step):
            step.note(f"Step type: {self.kind}")
        if len(self.name) > MAX_NAME:
            step.note(f"Name: {self.name}")
        for note in self.notes:
            step.note(note)
        return step

    def _with_content(self) -> Step:
        """The class that fits; what was measured goes before what a program or an operator answered."""
        if (
            self.steps
            or self.sequence
            or self.kind in SEQUENCE_KINDS
            or len({type(item) for item in self.measured}) > 1
        ):
            return self._as_sequence()
        name = self._short_name
        if self.measured:
            self._note_answers()
            return self._drawn(measuring_step(name, self.measured, self.status))
        if self.exit_code is not None or self.kind == "CallExecutable":
            return self._drawn(CallExecutable(name=name, executable=Executable(exit_code=self.exit_code)))
        if self.button is not None or self.response is not None or self.kind == "MessagePopup":
            return self._drawn(MessagePopup(name=name, popup=Popup(button=self.button, response=self.response)))
        if self.plots:
            return self._drawn(NumericLimit(name=name, step_type="WATS_XYGMNLT", status="D"))
        if self.status in ("P", "F") and self.kind in (*VERDICT_KINDS, TEST):
            return measuring_step(name, [Verdict(self.status)], self.status)
        return self._drawn(Step(name=name))

    @property
    def _short_name(self) -> str:
        return shorten(self.name, MAX_NAME) or self.kind or "Step"

    def _as_sequence(self) -> Step:
        """A sequence call, or a test of measurements of several kinds: a step each."""
        info = self.sequence or SequenceInfo()
        call = SequenceInfo(
            path=shorten(info.path or self.name, 500),
            name=shorten(info.name or self.name, 200),
            version=shorten(info.version or "1.0", 30),
        )
        sequence = SequenceCall(name=self._short_name, call=call, steps=[])
        for step in self.steps:
            sequence.add(step)
        for item in self.measured:
            sequence.add(
                measuring_step(shorten(item.name, MAX_NAME) or self._short_name, [item._replace(name="")], None)
            )
        if self.plots:
            sequence.add(StepResult("Chart", plots=self.plots).step())
        self._note_answers()
        settle_step(sequence, self.status, "steps" if sequence.steps else "")
        return sequence

    def _note_answers(self) -> None:
        """What a program or an operator answered, in a step that has no place for it."""
        for name in ("exit_code", "button", "response"):
            if (answer := getattr(self, name)) is not None:
                self.notes.append(f"{name.replace('_', ' ').capitalize()}: {answer}")

    def _drawn(self, step: Step) -> Step:
        """With its chart, and the file's verdict."""
        step.status = self.status or step.status
        if self.plots:
            step.step_type = "WATS_XYGMNLT" if step.step_type == "ET_MNLT" else step.step_type
            step.graph, notes = chart_of(self.name, self.plots)
            for note in notes:
                step.note(note)
        return step


def check_nesting(depth: int, line: int | None) -> None:
    """Raises ConversionError where sequences lie too deeply within one another to be a test's."""
    if depth > MAX_NESTING:
        raise ConversionError(f"sequences are nested more than {MAX_NESTING} deep", line=line)
