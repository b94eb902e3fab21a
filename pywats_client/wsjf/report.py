"""The report itself: a test of a unit (UUT) or its repair (UUR)."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pywats_client.wsjf.build import AnyOf, Builder, SequenceCall
from pywats_client.wsjf.header import READING, Report
from pywats_client.wsjf.model import Moment, Status, is_worse, wire
from pywats_client.wsjf.parts import Failure, SubUnit
from pywats_client.wsjf.payloads import RepairAttachment, SequenceInfo

ROOT_NAME = "MainSequence Callback"


def _main_sequence() -> SequenceCall:
    call = SequenceInfo(path=ROOT_NAME, name=ROOT_NAME, version="1.0")
    return SequenceCall(name=ROOT_NAME, call=call, steps=[])


class UutReport(Report, Builder):
    """A test of a unit. The result starts as P, and steps that fail change it; set last, the file's own stands.

    `execution_time` in seconds. The steps stand in `root`; the methods of `Builder` add to it.
    """

    _inner = "uut"

    type: Literal["T"] = "T"
    root: SequenceCall = Field(default_factory=_main_sequence)
    operator: Annotated[str | None, wire("uut.user")] = None
    execution_time: Annotated[float | int | None, wire("uut.execTime")] = None
    comment: Annotated[str | None, wire("uut.comment")] = None
    fixture_id: Annotated[str | None, wire("uut.fixtureId")] = None
    socket_index: Annotated[int | None, wire("uut.testSocketIndex")] = None
    batch_serial_number: Annotated[str | None, wire("uut.batchSN")] = None
    batch_fail_count: Annotated[int | None, wire("uut.batchFailCount")] = None
    batch_loop_index: Annotated[int | None, wire("uut.batchLoopIndex")] = None
    error_code: Annotated[int | None, wire("uut.errorCode")] = None
    error_message: Annotated[str | None, wire("uut.errorMessage")] = None
    failing_step_id: Annotated[int | None, wire("uut.stepIdCausedUUTFailure")] = None

    def model_post_init(self, context: Any) -> None:
        """Failures of the steps reach the report."""
        super().model_post_init(context)
        self.root._enclosing = self

    @property
    def sequence_name(self) -> str:
        """The name of the sequence that was run, at most 200 characters."""
        return self._call.name or ""

    @sequence_name.setter
    def sequence_name(self, name: str) -> None:
        if self._call.path == self._call.name:
            self._call.path = name
        self._call.name = name

    @property
    def sequence_version(self) -> str:
        """Its version, at most 30 characters."""
        return self._call.version or ""

    @sequence_version.setter
    def sequence_version(self, version: str) -> None:
        self._call.version = version

    @property
    def _call(self) -> SequenceInfo:
        if self.root.call is None:
            self.root.call = SequenceInfo()
        return self.root.call

    def worsen(self, status: Status) -> None:
        """Take over a worse verdict as the result; a better one changes nothing. Order: `is_worse`."""
        if is_worse(status, self.result):
            self.result = status

    def add(self, step: AnyOf) -> AnyOf:
        """Add a step of any kind to the main sequence, and take over its failure."""
        return self.root.add(step)

    def sub_unit(self, part_type: str, serial_number: str, part_number: str, *, revision: str = "") -> SubUnit:
        """A part with a serial number of its own that is built into the unit."""
        part = SubUnit(part_type=part_type, serial_number=serial_number, part_number=part_number, revision=revision)
        self.sub_units.append(part)
        return part

    def to_wsjf(self) -> dict[str, Any]:
        """As `Report.to_wsjf`."""
        content = super().to_wsjf()
        execution_time = content["uut"].setdefault("execTime", 0.0)
        content["root"].setdefault("totTime", execution_time)
        content["root"] = _numbered(content["root"])
        return content


class UurReport(Report):
    """A repair. `process_code` is the repair operation, `test_process_code` the test in which the unit failed.

    The unit itself is the first of `sub_units`; `failure` says what was found on it.
    """

    _inner = "uur"

    type: Literal["R"] = "R"
    operator: Annotated[str | None, wire("uur.user")] = None
    comment: Annotated[str | None, wire("uur.comment")] = None
    test_process_code: Annotated[int | None, wire("uur.processCode")] = None
    test_process_name: Annotated[str | None, wire("uur.processName")] = None
    test_report_id: Annotated[str | None, wire("uur.refUUT")] = None
    confirm_date: Annotated[Moment | None, wire("uur.confirmDate")] = None
    finalize_date: Annotated[Moment | None, wire("uur.finalizeDate")] = None
    execution_time: Annotated[float | int | None, wire("uur.execTime")] = None
    binary_data: list[RepairAttachment] = Field(default_factory=list)

    def model_post_init(self, context: Any) -> None:
        """A repair that is built starts with its main unit."""
        super().model_post_init(context)
        if context != READING and not self.sub_units:
            self._part("Main", self.serial_number, self.part_number, self.revision)

    @property
    def main_unit(self) -> SubUnit:
        """The unit under repair."""
        return self.sub_units[0]

    def sub_unit(self, part_type: str, serial_number: str, part_number: str, *, revision: str = "") -> SubUnit:
        """A part of the main unit; `failure` on it says what was found there."""
        part = self._part(part_type, serial_number, part_number, revision)
        part.parent_index = self.main_unit.index
        return part

    def _part(self, part_type: str, serial_number: str, part_number: str, revision: str) -> SubUnit:
        part = SubUnit(
            part_type=part_type,
            serial_number=serial_number,
            part_number=part_number,
            revision=revision,
            index=len(self.sub_units),
        )
        self.sub_units.append(part)
        return part

    def failure(
        self,
        category: str,
        code: str,
        *,
        comment: str | None = None,
        component: str | None = None,
        function_block: str | None = None,
        step_id: int | None = None,
    ) -> Failure:
        """A failure of the unit itself, as `SubUnit.failure`."""
        return self.main_unit.failure(
            category,
            code,
            comment=comment,
            component=component,
            function_block=function_block,
            step_id=step_id,
        )

    def attach(
        self,
        name: str,
        content: bytes,
        content_type: str = "application/octet-stream",
        *,
        description: str | None = None,
        failure_index: int | None = None,
    ) -> RepairAttachment:
        """A file that belongs to the repair, or to the failure with that index, counted from 0."""
        attachment = RepairAttachment.of(
            name, content, content_type, description=description, failure_index=failure_index
        )
        self.binary_data.append(attachment)
        return attachment


def _numbered(root: dict[str, Any]) -> dict[str, Any]:
    """The steps with an id each, depth first; those that have one keep it, the others go on after the highest."""
    highest = max((step["id"] for step in _walk(root) if "id" in step), default=0)
    free = itertools.count(highest + 1)

    def number(step: dict[str, Any]) -> dict[str, Any]:
        step = step if "id" in step else {"id": next(free), **step}
        if "steps" in step:
            step["steps"] = [number(child) for child in step["steps"]]
        return step

    return number(root)


def _walk(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield step
    for child in step.get("steps", ()):
        yield from _walk(child)


def read_report(data: Mapping[str, Any]) -> UutReport | UurReport:
    """The report as objects; unknown keys and step types are kept, so `to_wsjf` gives the same content again.

    pydantic.ValidationError where the shape is not that of a report; `check` says more about a faulty one.
    """
    kind: type[UutReport | UurReport] = (
        UurReport if isinstance(data, Mapping) and data.get("type") == "R" else UutReport
    )
    return kind.model_validate(data, context=READING)
