"""What a report holds beside its steps: misc infos, sub units with their failures, assets."""

from typing import Annotated

from pydantic import Field

from pywats_client.wsjf.model import Moment, Number, WireModel, wire


class MiscInfo(WireModel):
    """A searchable fact; description and text at most 100 characters each."""

    description: str
    text: str | None = None
    numeric: Number | None = None
    typedef: str | None = None


class Failure(WireModel):
    """What was found broken: `category` and `code` must be a pair that the repair process defines."""

    category: str
    code: str
    comment: str | None = None
    component: Annotated[str | None, wire("comRef")] = None
    function_block: Annotated[str | None, wire("funcBlock")] = None
    step_id: Annotated[int | None, wire("refStepId")] = None
    article_number: Annotated[str | None, wire("artNumber")] = None
    article_revision: Annotated[str | None, wire("artRev")] = None
    article_vendor: Annotated[str | None, wire("artVendor")] = None
    article_description: Annotated[str | None, wire("artDescription")] = None


class SubUnit(WireModel):
    """A part with a serial number of its own. In a repair, index 0 is the unit itself."""

    part_type: str
    part_number: Annotated[str, wire("pn")]
    revision: Annotated[str | None, wire("rev")] = None
    serial_number: Annotated[str, wire("sn")]
    index: Annotated[int | None, wire("idx")] = None
    parent_index: Annotated[int | None, wire("parentIdx")] = None
    replaced_index: Annotated[int | None, wire("replacedIdx")] = None
    position: int | None = None
    failures: list[Failure] = Field(default_factory=list)

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
        """A failure of this part; `component` is its reference, such as U1, `step_id` the step that found it."""
        failure = Failure(
            category=category,
            code=code,
            comment=comment,
            component=component,
            function_block=function_block,
            step_id=step_id,
        )
        self.failures.append(failure)
        return failure


class Asset(WireModel):
    """A tool or fixture used; the server counts its uses when it knows the serial number."""

    serial_number: Annotated[str, wire("sn")]
    usage_count: int | None = None
    asset_type: str | None = None
    part_number: str | None = None
    calibration_date: Moment | None = None
    calibration_due: Moment | None = None
