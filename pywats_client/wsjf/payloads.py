"""What steps carry beside measurements: sequence calls, charts, attachments, loops, additional results."""

import base64
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from pywats_client.wsjf.measurements import is_finite
from pywats_client.wsjf.model import WireModel, wire

ChartType = Literal["Line", "LineLogX", "LineLogY", "LineLogXY"]


class SequenceInfo(WireModel):
    """Which sequence a sequence call runs: file or folder (at most 500 characters), name (200), version (30)."""

    path: str | None = None
    name: str | None = None
    version: str | None = None


class Executable(WireModel):
    """How a called program ended."""

    exit_code: float | int | None = None


class Popup(WireModel):
    """What the operator answered: the button's number, and the text typed."""

    response: str | None = None
    button: float | int | str | None = None


class Series(WireModel):
    """One plot of a chart: x and y values, each joined by ";" in one text."""

    data_type: str | None = None
    name: str | None = None
    x_data: Annotated[str | None, wire("xdata")] = None
    y_data: Annotated[str | None, wire("ydata")] = None

    @classmethod
    def of(cls, name: str, xs: Sequence[float], ys: Sequence[float]) -> tuple[Self, int]:
        """The plot, and how many points were left out because they have a coordinate that is NaN or infinite.

        ValueError where there are not as many x as y values.
        """
        if len(xs) != len(ys):
            raise ValueError(f"series {name!r} has {len(xs)} x values and {len(ys)} y values")
        points = [(x, y) for x, y in zip(xs, ys, strict=True) if is_finite(x) and is_finite(y)]
        x_data, y_data = _joined(x for x, _ in points), _joined(y for _, y in points)
        plot = cls(data_type="XYG", name=name, x_data=x_data, y_data=y_data)
        return plot, len(xs) - len(points)


class Chart(WireModel):
    """A graph. Units may be absent."""

    chart_type: ChartType | str | None = None
    label: str | None = None
    x_label: str | None = None
    x_unit: str | None = None
    y_label: str | None = None
    y_unit: str | None = None
    series: list[Series] = Field(default_factory=list)


class Attachment(WireModel):
    """A file, in Base64: name at most 256 characters, content type 100, description 500."""

    name: str
    content_type: str | None = None
    data: str | None = None
    description: str | None = None

    @classmethod
    def of(cls, name: str, content: bytes, content_type: str, **more: Any) -> Self:
        """From the file's bytes."""
        return cls(name=name, content_type=content_type, data=base64.b64encode(content).decode(), **more)


class RepairAttachment(Attachment):
    """A file that belongs to a repair, or to one failure of it."""

    failure_index: Annotated[int | None, wire("failIdx")] = None


class Loop(WireModel):
    """A step's place in a loop, in reports that were read; nothing here writes one.

    The summary has all but `index`; an iteration has `index` alone, counted from 0.
    """

    index: Annotated[int | None, wire("idx")] = None
    count: Annotated[int | None, wire("num")] = None
    ending_index: int | None = None
    passed: int | None = None
    failed: int | None = None


class ArrayItem(WireModel):
    """One element of an array property, and where it stands."""

    text: str | None = None
    indexes: Any = None
    value: Any = None


class PropertyArray(WireModel):
    """An array as the value of a property."""

    dimension: int | None = None
    type: str | None = None
    indexes: list[ArrayItem] = Field(default_factory=list)


class Property(WireModel):
    """A named value, or a group of them."""

    name: str | None = None
    type: str | None = None
    flags: Any = None
    value: Any = None
    comment: str | None = None
    number_format: Annotated[str | None, wire("numFormat")] = None
    properties: Annotated[list["Property"], wire("props")] = Field(default_factory=list)
    array: PropertyArray | None = None


class AdditionalResult(WireModel):
    """Results of no other form, as a tree of properties; name at most 200 characters."""

    name: str | None = None
    properties: Annotated[list[Property], wire("props")] = Field(default_factory=list)


def _joined(numbers: Iterable[float]) -> str:
    return ";".join(str(number) for number in numbers)
