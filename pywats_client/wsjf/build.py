"""The short way for converter authors: a method a step, on reports and on sequences alike."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self, TypedDict, TypeVar, Unpack

from pydantic import Discriminator, Field, Tag

from pywats_client.wsjf.limits import CompOp
from pywats_client.wsjf.model import Group, Status, wire
from pywats_client.wsjf.payloads import Attachment, Chart, ChartType, Executable, Popup, SequenceInfo, Series
from pywats_client.wsjf.steps import (
    CallExecutable,
    MessagePopup,
    NumericLimit,
    PassFail,
    Step,
    StringValue,
    step_class,
)

AnyOf = TypeVar("AnyOf", bound=Step)


class About(TypedDict, total=False):
    """What may be said of any step; `total_time` in seconds."""

    group: Group
    start: datetime
    total_time: float
    report_text: str
    error_code: int
    error_message: str
    caused_sequence_failure: bool
    caused_uut_failure: bool


def _make(kind: type[AnyOf], about: About, **content: Any) -> AnyOf:
    """A step; TypeError for a name that no step has, which the model would take for a key of the future."""
    if about and (unknown := about.keys() - About.__annotations__.keys()):
        raise TypeError(f"step {content['name']!r}: no step has a field {', '.join(sorted(unknown))}")
    return kind(**content, **about)


class Builder:
    """The methods that add a step. Each returns it, and a failure changes the enclosing sequences and the report.

    `status` is the file's own verdict: where given it stands, whatever the limits say.
    """

    @abstractmethod
    def add(self, step: AnyOf) -> AnyOf:
        """Add a step of any kind, and take over its failure."""

    def numeric(
        self,
        name: str,
        value: float,
        *,
        low: float | None = None,
        high: float | None = None,
        unit: str | None = None,
        op: CompOp | str | None = None,
        status: Status | None = None,
        **about: Unpack[About],
    ) -> NumericLimit:
        """A number and its limits; limits count as passed (GELE, GE, LE) unless `op` says otherwise; none: recorded.

        NaN and infinities are kept as report text, and fail. ValueError where operator and limits do not fit.
        """
        step = _make(NumericLimit, about, step_type="ET_NLT", name=name, status=status or "P")
        try:
            step.add(None, value, low=low, high=high, unit=unit, op=op, status=status)
        except ValueError as why:
            raise ValueError(f"step {name!r}: {why}") from why
        return self.add(step)

    def multi_numeric(self, name: str, *, status: Status = "P", **about: Unpack[About]) -> NumericLimit:
        """A step of several numbers: `add(name, value, low=…, high=…, unit=…)` on what it returns."""
        return self.add(_make(NumericLimit, about, name=name, status=status))

    def passed(self, name: str, ok: bool, *, status: Status | None = None, **about: Unpack[About]) -> PassFail:
        """A verdict without a value."""
        step = _make(PassFail, about, step_type="ET_PFT", name=name, status=status or "P")
        step.add(None, ok, status=status)
        return self.add(step)

    def multi_passed(self, name: str, *, status: Status = "P", **about: Unpack[About]) -> PassFail:
        """A step of several verdicts: `add(name, ok)` on what it returns."""
        return self.add(_make(PassFail, about, name=name, status=status))

    def text(
        self,
        name: str,
        value: str,
        *,
        expected: str | None = None,
        ignore_case: bool = False,
        status: Status | None = None,
        **about: Unpack[About],
    ) -> StringValue:
        """A text, compared with the expected one where that is given, otherwise recorded."""
        step = _make(StringValue, about, step_type="ET_SVT", name=name, status=status or "P")
        step.add(None, value, expected=expected, ignore_case=ignore_case, status=status)
        return self.add(step)

    def multi_text(self, name: str, *, status: Status = "P", **about: Unpack[About]) -> StringValue:
        """A step of several texts: `add(name, value, expected=…)` on what it returns."""
        return self.add(_make(StringValue, about, name=name, status=status))

    def action(self, name: str, *, status: Status = "D", **about: Unpack[About]) -> Step:
        """Something done, without a measurement."""
        return self.add(_make(Step, about, name=name, status=status))

    def call_executable(
        self, name: str, exit_code: float, *, status: Status = "D", **about: Unpack[About]
    ) -> CallExecutable:
        """A program that was called, and how it ended."""
        payload = Executable(exit_code=exit_code)
        return self.add(_make(CallExecutable, about, name=name, executable=payload, status=status))

    def popup(
        self,
        name: str,
        *,
        button: int | None = None,
        response: str | None = None,
        status: Status = "D",
        **about: Unpack[About],
    ) -> MessagePopup:
        """A question to the operator: the number of the button pressed, and the text typed."""
        payload = Popup(button=button, response=response)
        return self.add(_make(MessagePopup, about, name=name, popup=payload, status=status))

    def chart(
        self,
        name: str,
        *,
        series: Iterable[tuple[str, Sequence[float], Sequence[float]]],
        x_label: str,
        y_label: str,
        x_unit: str | None = None,
        y_unit: str | None = None,
        label: str | None = None,
        chart_type: ChartType = "Line",
        status: Status = "P",
        **about: Unpack[About],
    ) -> NumericLimit:
        """A graph of `(name, xs, ys)` series; numbers derived from it: `add(name, value, …)` on what it returns.

        At most 10,000 points a series. Points that are NaN or infinite are left out, and the report text says so.
        """
        step = _make(NumericLimit, about, step_type="WATS_XYGMNLT", name=name, status=status)
        plots = []
        for series_name, xs, ys in series:
            plot, left_out = Series.of(series_name, xs, ys)
            plots.append(plot)
            if left_out:
                step.note(f"{series_name}: {left_out} points are NaN or infinite, and left out")
        step.graph = Chart(
            chart_type=chart_type,
            label=label or name,
            x_label=x_label,
            x_unit=x_unit,
            y_label=y_label,
            y_unit=y_unit,
            series=plots,
        )
        return self.add(step)

    def attach(
        self,
        name: str,
        content: bytes,
        content_type: str = "application/octet-stream",
        *,
        description: str | None = None,
        step: Step | None = None,
    ) -> Step:
        """A file: on the given step, or on a step of its own. A step holds one file, or a chart; else ValueError."""
        holder = step if step is not None else self.action(name)
        if holder.attachment is not None or holder.graph is not None:
            raise ValueError(f"step {holder.name!r} already has a file or a chart: attach to another step")
        holder.attachment = Attachment.of(name, content, content_type, description=description)
        return holder

    def sequence(
        self,
        name: str,
        *,
        path: str | None = None,
        version: str = "1.0",
        status: Status = "P",
        **about: Unpack[About],
    ) -> "SequenceCall":
        """A sequence of its own steps; as a context manager it only shows the nesting.

        `path` is the file or folder of the sequence; without one, its name stands there.
        """
        call = SequenceInfo(path=path or name, name=name, version=version)
        return self.add(_make(SequenceCall, about, name=name, call=call, status=status, steps=[]))


class SequenceCall(Step, Builder):
    """A step that holds steps."""

    step_type: str = "SequenceCall"
    status: Status = "P"
    steps: list["AnyStep"] = Field(default_factory=list)
    call: Annotated[SequenceInfo | None, wire("seqCall")] = None

    def model_post_init(self, context: Any) -> None:
        """Steps that were read hand failures up as built ones do."""
        super().model_post_init(context)
        for step in self.steps:
            step._enclosing = self

    def add(self, step: AnyOf) -> AnyOf:
        """Add a step of any kind, and take over its failure."""
        step._enclosing = self
        self.steps.append(step)
        self.worsen(step.status)
        return step

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end: a sequence is complete at any time."""


def _tag(value: Any) -> str:
    """The class for a step; one of an unknown type that holds steps is read as a sequence, and keeps its type."""
    kind = step_class(value)
    if kind is Step and isinstance(value, Mapping):
        is_sequence = value.get("stepType") in ("SequenceCall", "WATS_SeqCall")
        return "SequenceCall" if is_sequence or value.get("steps") else "Step"
    return kind.__name__


AnyStep = Annotated[
    Annotated[SequenceCall, Tag("SequenceCall")]
    | Annotated[NumericLimit, Tag("NumericLimit")]
    | Annotated[PassFail, Tag("PassFail")]
    | Annotated[StringValue, Tag("StringValue")]
    | Annotated[CallExecutable, Tag("CallExecutable")]
    | Annotated[MessagePopup, Tag("MessagePopup")]
    | Annotated[Step, Tag("Step")],
    Discriminator(_tag),
]
"""Any step, chosen by its step type."""

SequenceCall.model_rebuild()
