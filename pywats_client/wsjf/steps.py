"""The steps of a test: one class a kind; a kind not known here is a plain `Step` that keeps what it came with."""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from pydantic import Field, PrivateAttr

from pywats_client.wsjf.limits import CompOp
from pywats_client.wsjf.measurements import (
    BooleanMeasurement,
    NumericMeasurement,
    StringMeasurement,
    is_finite,
)
from pywats_client.wsjf.model import Group, Moment, Status, WireModel, is_worse, wire
from pywats_client.wsjf.payloads import AdditionalResult, Attachment, Chart, Executable, Loop, Popup


class Enclosing(Protocol):
    """What holds a step, and takes over its failure."""

    def worsen(self, status: Status) -> None:
        """Take over a verdict that is worse than the present one."""


class Step(WireModel):
    """What every step has; on its own an action (`ET_A`), or any step type without a class here.

    `name` at most 100 characters; `total_time` in seconds. `status` set by hand stays where it is;
    `worsen` carries a failure up to the enclosing sequences and the report.
    """

    id: int | None = None
    group: Group = "M"
    step_type: str = "ET_A"
    loop: Loop | None = None
    name: str
    start: Moment | None = None
    status: Status = "D"
    error_code: int | None = None
    error_message: str | None = None
    ts_guid: str | None = None
    total_time: Annotated[float | int | None, wire("totTime")] = None
    caused_sequence_failure: Annotated[bool | None, wire("causedSeqFailure")] = None
    caused_uut_failure: Annotated[bool | None, wire("causedUUTFailure")] = None
    report_text: str | None = None
    numeric_measurements: Annotated[list[NumericMeasurement], wire("numericMeas")] = Field(default_factory=list)
    graph: Annotated[Chart | None, wire("chart")] = None
    attachment: Attachment | None = None
    additional_results: list[AdditionalResult] = Field(default_factory=list)

    _enclosing: Enclosing | None = PrivateAttr(default=None)

    def __eq__(self, other: object) -> bool:
        """Steps are equal by content; where they stand does not matter."""
        return isinstance(other, Step) and self.to_wire() == other.to_wire()

    __hash__ = None  # type: ignore[assignment]

    def worsen(self, status: Status | None) -> None:
        """Take over a worse verdict, and hand it on upwards; a better one changes nothing. Order: `is_worse`."""
        if status is not None and is_worse(status, self.status):
            self.status = status
            if self._enclosing is not None:
                self._enclosing.worsen(status)

    def note(self, text: str) -> None:
        """Add a line to the report text."""
        self.report_text = f"{self.report_text}\n{text}" if self.report_text else text


class NumericLimit(Step):
    """A numeric limit test: single (`ET_NLT`), multiple (`ET_MNLT`), or beside a chart (`WATS_XYGMNLT`)."""

    step_type: str = "ET_MNLT"
    status: Status = "P"

    def add(
        self,
        name: str | None,
        value: float,
        *,
        low: float | None = None,
        high: float | None = None,
        unit: str | None = None,
        op: CompOp | str | None = None,
        status: Status | None = None,
    ) -> NumericMeasurement:
        """One more measurement; its verdict is computed as in `NumericMeasurement.judged`, and carried upwards."""
        measurement = NumericMeasurement.judged(name, value, low=low, high=high, unit=unit, op=op, status=status)
        self.numeric_measurements.append(measurement)
        if not is_finite(value):
            self.note(f"{name or 'value'}: {value}")
        self.worsen(measurement.status)
        return measurement


class PassFail(Step):
    """A pass/fail test: single (`ET_PFT`) or multiple (`ET_MPFT`)."""

    step_type: str = "ET_MPFT"
    status: Status = "P"
    boolean_measurements: Annotated[list[BooleanMeasurement], wire("booleanMeas")] = Field(default_factory=list)

    def add(self, name: str | None, ok: bool, *, status: Status | None = None) -> BooleanMeasurement:
        """One more verdict; a failure is carried upwards."""
        measurement = BooleanMeasurement(name=name, status=status or ("P" if ok else "F"))
        self.boolean_measurements.append(measurement)
        self.worsen(measurement.status)
        return measurement


class StringValue(Step):
    """A test of a text: single (`ET_SVT`) or multiple (`ET_MSVT`)."""

    step_type: str = "ET_MSVT"
    status: Status = "P"
    string_measurements: Annotated[list[StringMeasurement], wire("stringMeas")] = Field(default_factory=list)

    def add(
        self,
        name: str | None,
        value: str,
        *,
        expected: str | None = None,
        ignore_case: bool = False,
        status: Status | None = None,
    ) -> StringMeasurement:
        """One more text; without `expected` it is only recorded. A failure is carried upwards."""
        measurement = StringMeasurement.judged(name, value, expected=expected, ignore_case=ignore_case, status=status)
        self.string_measurements.append(measurement)
        self.worsen(measurement.status)
        return measurement


class CallExecutable(Step):
    """A program that the test called."""

    step_type: str = "CallExecutable"
    executable: Annotated[Executable | None, wire("callExe")] = None


class MessagePopup(Step):
    """A question to the operator."""

    step_type: str = "MessagePopup"
    popup: Annotated[Popup | None, wire("messagePopup")] = None


STEP_CLASSES: Mapping[str, type[Step]] = {
    **dict.fromkeys(("ET_NLT", "NumericLimitTest", "ET_MNLT", "WATS_XYGMNLT"), NumericLimit),
    **dict.fromkeys(("ET_PFT", "PassFailTest", "ET_MPFT"), PassFail),
    **dict.fromkeys(("ET_SVT", "StringValueTest", "ET_MSVT"), StringValue),
    "CallExecutable": CallExecutable,
    "MessagePopup": MessagePopup,
}
"""The class of each step type that has one, without the sequence call."""


def step_class(value: Any) -> type[Step]:
    """The class for a step on the wire, or of a step."""
    if isinstance(value, Step):
        return type(value)
    step_type = value.get("stepType") if isinstance(value, Mapping) else None
    return STEP_CLASSES.get(step_type, Step) if isinstance(step_type, str) else Step
