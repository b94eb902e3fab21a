"""The channels of a TDMS file as steps: charts, numbers and texts."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, Self

from pywats_client.converters.reading.measured import Measured
from pywats_client.converters.reading.tdms_content import bare, chunks, first, kind_of, text
from pywats_client.wsjf import NumericLimit, SequenceCall, Step, shorten

_MAX_NAME, _MAX_TEXTS, _PIECE = 100, 100, 1 << 16
_LOW, _HIGH = ("lowlimit", "lowerlimit", "lsl"), ("highlimit", "upperlimit", "usl")
_UNIT = ("unitstring", "niunitdescription", "unit")
_SHOWN = re.compile(
    r"unit_string|NI_UnitDescription|wf_(increment|start_offset|samples|xname|xunit_string)"
    r"|NI_(Scal|Number_Of_Scales|ChannelLength).*"
)
"""Properties that a chart shows itself, and those that tell how raw data are scaled, which has been done."""


def add_channel(sequence: SequenceCall, channel: Any, max_points: int) -> bool:
    """Add its step; whether that has limits. A chart has at most so many points a curve."""
    name, kind = shorten(text(channel.name) or "Channel", _MAX_NAME), kind_of(channel)
    step: Step
    if not len(channel):
        step = sequence.action(name)
    elif kind == "O":
        step = _add_texts(sequence, name, [text(value) for values in chunks(channel) for value in values])
    elif len(channel) > 1 or kind == "c":
        step = _add_chart(sequence, name, channel, max_points)
    elif kind in "iuf":
        said = {bare(key): value for key, value in channel.properties.items()}
        low, high = _number(said, _LOW), _number(said, _HIGH)
        step = Measured(name, first(channel).item(), low, high, unit=_unit(channel)).add_to(sequence)
        note_properties(step, channel)
        return low is not None or high is not None
    else:
        step = sequence.text(name, text(first(channel)))
    note_properties(step, channel)
    return False


def note_properties(step: Step, holder: Any) -> None:
    """What is said of a group or a channel and is not seen in its step; a name that was cut."""
    if len(holder.name) > _MAX_NAME:
        step.note(text(holder.name))
    for name, value in holder.properties.items():
        if not _SHOWN.fullmatch(name) and (said := text(value)):
            step.note(f"{text(name)}: {said}")


def _add_texts(sequence: SequenceCall, name: str, texts: list[str]) -> Step:
    if len(texts) == 1:
        return sequence.text(name, texts[0])
    step = sequence.multi_text(name)
    for number, each in enumerate(texts[:_MAX_TEXTS], 1):
        step.add(str(number), each)
    if len(texts) > _MAX_TEXTS:
        step.note(f"{len(texts)} texts; those after the first {_MAX_TEXTS}:\n" + "\n".join(texts[_MAX_TEXTS:]))
    return step


def _add_chart(sequence: SequenceCall, name: str, channel: Any, max_points: int) -> NumericLimit:
    axis, unit, bucket, series = _Axis.of(channel.properties), _unit(channel), 1, []
    is_time = kind_of(channel) == "M"
    for part_name, part in _parts(name, channel).items():
        places, values, bucket = _thinned(channel, part, max_points)
        series.append((part_name, axis.at(places), values))
    step = sequence.chart(
        name,
        series=series,
        x_label=axis.label,
        x_unit=axis.unit or None,
        y_label=name,
        y_unit=("s" if is_time else unit) or None,
    )
    if bucket > 1:
        step.note(f"the chart shows the lowest and the highest of each {bucket} of {len(channel)} points")
    if is_time:
        step.note(f"seconds since {text(first(channel))}")
    return step


def _parts(name: str, channel: Any) -> dict[str, Callable[[Any], Any]]:
    """What is drawn of the values: two curves of complex ones, for times the seconds since the first."""
    match kind_of(channel):
        case "c":
            return {"real": lambda numbers: numbers.real, "imaginary": lambda numbers: numbers.imag}
        case "M":
            start = first(channel)
            return {name: lambda moments: (moments - start).astype("f8") / 1e6}
        case "b":
            return {name: lambda flags: flags.astype("f8")}
    return {name: lambda numbers: numbers}


class _Axis(NamedTuple):
    """What a channel is drawn over."""

    label: str
    unit: str
    start: Decimal = Decimal(0)
    increment: Decimal = Decimal(1)

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """The time of a waveform, or whatever its properties call it; else the index of the values."""
        increment, start = properties.get("wf_increment"), properties.get("wf_start_offset", 0.0)
        if not (_is_number(increment) and increment and _is_number(start)):
            return cls("Index", "")
        label, unit = (text(properties.get(name, "")) for name in ("wf_xname", "wf_xunit_string"))
        return cls(label or "Time", unit or ("" if label else "s"), Decimal(repr(start)), Decimal(repr(increment)))

    def at(self, places: Iterable[int]) -> list[float]:
        """The places on the axis, without the noise of binary multiplication."""
        return [float(self.start + place * self.increment) for place in places]


def _thinned(channel: Any, part: Callable[[Any], Any], max_points: int) -> tuple[list[int], list[float], int]:
    """Places and values for a chart, and of how many values each two were chosen; 1: they are all there."""
    bucket = -(-2 * len(channel) // max_points) if len(channel) > max_points else 1
    places: list[int] = []
    values: list[float] = []
    start = 0
    for piece in _pieces(channel, bucket * (_PIECE // bucket or 1)):
        numbers = part(piece)
        whole = len(numbers) // bucket * bucket
        for offset, rows in ((0, numbers[:whole].reshape(-1, bucket)), (whole, numbers[whole:].reshape(1, -1))):
            chosen = [offset + place for place in _extremes(rows)]
            places += [start + place for place in chosen]
            values += numbers[chosen].tolist()
        start += len(numbers)
    return places, values, bucket


def _pieces(channel: Any, size: int) -> Iterator[Any]:
    """The values of a channel, so many at a time: the file may hold them one by one, or all in one."""
    import numpy

    waiting: list[Any] = []
    missing = size
    for values in chunks(channel):
        while len(values) >= missing:
            yield numpy.concatenate((*waiting, values[:missing]))
            waiting, values, missing = [], values[missing:], size
        waiting.append(values)
        missing -= len(values)
    if waiting:
        yield numpy.concatenate(waiting)


def _extremes(rows: Any) -> list[int]:
    """Where the lowest and the highest value of each row stand, counted from the first of all; NaN is neither."""
    if not rows.size:
        return []
    lows = highs = rows
    if rows.dtype.kind == "f":
        lows, highs = rows.copy(), rows.copy()
        lows[rows != rows], highs[rows != rows] = math.inf, -math.inf
    pairs = zip(lows.argmin(axis=1).tolist(), highs.argmax(axis=1).tolist(), strict=True)
    size = rows.shape[1]
    return [row * size + place for row, pair in enumerate(pairs) for place in sorted(set(pair))]


def _unit(channel: Any) -> str:
    named = {bare(name): value for name, value in channel.properties.items()}
    return next((text(named[name]) for name in _UNIT if named.get(name)), "")


def _number(said: Mapping[str, Any], names: Iterable[str]) -> float | None:
    return next((said[name] for name in names if _is_number(said.get(name))), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
