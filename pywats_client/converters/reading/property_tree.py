"""Values as test executives keep them: numbers and texts, arrays and groups of them, to any depth."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias, TypeGuard

from pywats_client.converters.reading.measured import number
from pywats_client.wsjf.payloads import Chart, Series

MAX_POINTS = 10_000
"""Points that a series of a chart may have."""
_EXACT = 2**53
"""Whole numbers above are not all doubles."""
_AXIS = re.compile(r"(x|y|dt)([ _]?(data|values|array))?", re.IGNORECASE)
_BASES = {"0x": 16, "0b": 2, "0o": 8, "0c": 8}


class Scalar(NamedTuple):
    """A single value: its text, and the number that the text says."""

    text: str
    number: float | None = None
    unit: str = ""


class Array(NamedTuple):
    """Values with their places, one index a dimension."""

    elements: Sequence[tuple[tuple[int, ...], "Value"]]
    unit: str = ""
    layout: str = ""
    """how rows or columns make plots, in TestStand's words, such as MultipleX-MultipleY-ColumnBased"""

    @property
    def is_plain(self) -> bool:
        """Whether its elements are single values."""
        return all(isinstance(item, Scalar) for _, item in self.elements)


class Group(NamedTuple):
    """Values with their names."""

    members: Sequence[tuple[str, "Value"]]


Value: TypeAlias = Scalar | Array | Group


class Plot(NamedTuple):
    """The points of an array."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    x_label: str = "Index"
    x_unit: str | None = None
    y_unit: str = ""


def number_of(text: str) -> float:
    """The number that a text says, exactly: with a point or a comma, or whole to a base, such as 0x1F.

    NaN and infinities as C writes them, too. ValueError where it says none.
    """
    plain = text.strip()
    base = _BASES.get(plain.lstrip("+-")[:2].lower())
    if base:
        return whole(plain.lower().replace("0c", "0o", 1), base)
    if plain.upper().lstrip("+-").startswith(("1.#", "IND")):
        sign = -1 if plain.startswith("-") else 1
        return sign * math.inf if "INF" in plain.upper() else math.nan
    value = number(plain, decimal_comma=True)
    if abs(value) >= _EXACT and len(plain) < 20 and plain.lstrip("+-").isdecimal():
        return int(plain)
    return value


def whole(text: str, base: int) -> int:
    """The whole number of at most 64 bits that digits to a base say. ValueError where they say none."""
    value = int(text, base)
    if value.bit_length() > 64:
        raise ValueError(f"{text!r} has more than 64 bits")
    return value


def scalar(text: str, unit: str = "") -> Scalar:
    """A value that should be a number; its text alone where it is none."""
    try:
        return Scalar(text, number_of(text), unit)
    except ValueError:
        return Scalar(text, None, unit)


def plots(name: str, value: Value) -> list[Plot]:
    """What of a value is a graph: an array of numbers, or a group of two arrays, or a waveform. Empty: nothing."""
    if isinstance(value, Array):
        return _plots_of_array(name, value)
    if isinstance(value, Group):
        drawn = {_axis(key): member for key, member in value.members if _axis(key)}
        xs, ys, dt = (_row(drawn.get(axis)) for axis in ("x", "y", "dt"))
        unit = getattr(drawn.get("y"), "unit", "")
        name = next((said.text for key, said in value.members if _is_name(said, key)), "") or name
        if ys and dt and isinstance(drawn["y"], Array):  # samples at equal distances, as LabVIEW has them: t0, dt, Y
            return [Plot(name, [place * dt[0] for place in range(len(ys))], ys, "Time", "s", unit)]
        if xs and ys and len(xs) == len(ys):
            return [Plot(name, xs, ys, "X", None, unit)]
    return []


def left_over(value: Value) -> Value:
    """What of a value that is drawn is no point of the plot, such as the t0 of a waveform."""
    members = value.members if isinstance(value, Group) else []
    return Group([(name, member) for name, member in members if not _axis(name) and not _is_name(member, name)])


def _is_name(value: Value, key: str) -> TypeGuard[Scalar]:
    """Whether a member of a group says the group's name."""
    return key.lower() == "name" and isinstance(value, Scalar)


def _axis(name: str) -> str:
    """The axis of which a member has the values: x, y, or dt, the distance of samples; empty for other names."""
    found = _AXIS.fullmatch(name)
    return found[1].lower() if found else ""


def _row(value: Value | None) -> Sequence[float] | None:
    """The numbers of an array, or the one of a scalar; None where there are none."""
    if isinstance(value, Scalar):
        return None if value.number is None else [value.number]
    if not isinstance(value, Array):
        return None
    numbers = [item.number for place, item in value.elements if isinstance(item, Scalar) and len(place) == 1]
    found = [number for number in numbers if number is not None]
    return found if found and len(found) == len(value.elements) else None


def _plots_of_array(name: str, array: Array) -> list[Plot]:
    """One dimension is a plot, two are a plot a row, unless the layout says otherwise."""
    rows: dict[int, list[tuple[int, float]]] = {}
    by_column = "column" in array.layout.lower()
    for place, item in array.elements:
        if not isinstance(item, Scalar) or item.number is None or len(place) not in (1, 2):
            return []
        row, column = place if len(place) == 2 else (0, place[0])
        row, column = (column, row) if by_column and len(place) == 2 else (row, column)
        rows.setdefault(row, []).append((column, item.number))
    if len(array.elements) < 2:
        return []
    return _laid_out(name, array, [rows[row] for row in sorted(rows)])


def _laid_out(name: str, array: Array, rows: list[list[tuple[int, float]]]) -> list[Plot]:
    layout, values = array.layout.lower(), [[value for _, value in row] for row in rows]
    if "singlex" in layout and len(rows) > 1:
        pairs = [(values[0], ys) for ys in values[1:]]
    elif "multiplex" in layout and len(rows) > 1:
        pairs = list(zip(values[::2], values[1::2], strict=False))
    else:
        pairs = [([float(index) for index, _ in row], ys) for row, ys in zip(rows, values, strict=True)]
    label = "X" if "x-" in layout and len(rows) > 1 else "Index"
    if len(pairs) == 1:
        return [Plot(name, *_same_length(*pairs[0]), label, None, array.unit)]
    return [
        Plot(f"{name} {index}", *_same_length(xs, ys), label, None, array.unit) for index, (xs, ys) in enumerate(pairs)
    ]


def _same_length(xs: list[float], ys: list[float]) -> tuple[list[float], list[float]]:
    size = min(len(xs), len(ys))
    return xs[:size], ys[:size]


def lines(name: str, value: Value) -> Iterator[str]:
    """What a value says, in lines of `name: text`; arrays of plain values in one. Empty texts are left out."""
    if isinstance(value, Scalar):
        if text := f"{value.text} {value.unit}".strip():
            yield f"{name}: {text}"
    elif isinstance(value, Group):
        for key, member in value.members:
            yield from lines(f"{name}.{key}" if name else key, member)
    elif value.is_plain:
        texts = [item.text for _, item in value.elements if isinstance(item, Scalar)]
        if any(texts):
            yield f"{name}: [{', '.join(texts)}] {value.unit}".strip()
    else:
        for place, item in value.elements:
            yield from lines(f"{name}[{']['.join(map(str, place))}]", item)


def chart_of(label: str, drawn: Sequence[Plot]) -> tuple[Chart, list[str]]:
    """The plots in one chart, and what is to be said of them: points left out, axes that differ."""
    series, notes = [], []
    for plot in drawn:
        every = math.ceil(len(plot.ys) / MAX_POINTS)
        line, left_out = Series.of(plot.name, plot.xs[::every], plot.ys[::every])
        series.append(line)
        if every > 1:
            ending = {2: "nd", 3: "rd"}.get(every, "th")
            notes.append(f"{plot.name}: every {every}{ending} of {len(plot.ys)} points is shown")
        if left_out:
            notes.append(f"{plot.name}: {left_out} points are NaN or infinite, and left out")
    units = sorted({plot.y_unit for plot in drawn if plot.y_unit})
    axes = [f"{plot.x_label} ({plot.x_unit})" if plot.x_unit else plot.x_label for plot in drawn]
    if len(units) > 1 or len(set(axes)) > 1:
        for plot, axis in zip(drawn, axes, strict=True):
            notes.append(f"{plot.name}: over {axis}" + (f", in {plot.y_unit}" if plot.y_unit else ""))
    chart = Chart(
        chart_type="Line",
        label=label,
        x_label=drawn[0].x_label,
        x_unit=drawn[0].x_unit,
        y_label="Value",
        y_unit=units[0] if len(units) == 1 else None,
        series=series,
    )
    return chart, notes
