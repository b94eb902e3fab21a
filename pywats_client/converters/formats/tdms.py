"""NI TDMS, what LabVIEW and DIAdem measure: groups of channels, each of them a chart, a number or texts."""

import math
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.extra import extra
from pywats_client.converters.reading.fields import Fields, FormatArguments, tell
from pywats_client.converters.reading.measured import VERDICTS, Measured, moment
from pywats_client.errors import ConversionError
from pywats_client.wsjf import NumericLimit, SequenceCall, Step, UutReport, shorten
from pywats_client.wsjf.model import Status

_MAX_POINTS, _MAX_NAME, _MAX_SEQUENCE = 10_000, 100, 200
_MAX_TEXTS, _PIECE = 100, 1 << 16
_TAG, _INDEX_TAG, _LEAD_IN = b"TDSm", b"TDSh", 28
_BIG_ENDIAN, _UNKNOWN_SIZE = 1 << 6, (1 << 64) - 1
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""LabVIEW's own zero, in 1904, stands for no time."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]+")
_FAULTS = (ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, StopIteration, TypeError)
"""What the library raises, beside ValueError and plain Exception, for a file that is no good."""

_FACTS = {
    "serial_number": ("serialnumber", "serialno", "serial", "sn", "uutserialnumber", "dutserialnumber"),
    "part_number": ("partnumber", "partno", "pn", "productnumber", "uutpartnumber", "dutpartnumber"),
    "revision": ("revision", "rev", "partrevision"),
    "operator": ("operator", "operatorname"),
    "start": ("starttime", "startdatetime", "datetime"),
    "verdict": ("result", "testresult", "uutresult", "overallresult", "verdict", "passfail"),
}
"""Properties of the file that say something of the unit, in small letters without blanks and signs."""
_OF_UNIT = ("P", "F", "E", "T")
_OF_FILE = ("name", "stem", "folder")
"""Placeholders that say something of the file as a file."""
_LOW, _HIGH = ("lowlimit", "lowerlimit", "lsl"), ("highlimit", "upperlimit", "usl")
_UNIT = ("unitstring", "niunitdescription", "unit")
_SHOWN = re.compile(
    r"unit_string|NI_UnitDescription|wf_(increment|start_offset|samples|xname|xunit_string)"
    r"|NI_(Scal|Number_Of_Scales|ChannelLength).*"
)
"""Properties that a chart shows itself, and those that tell how raw data are scaled, which has been done."""


class Tdms(FileConverter):
    """Read with npTDMS; the properties that charts use are those of LabVIEW's waveforms and of DIAdem.

    A group is a sequence. A channel of numbers is a chart over its time, or over the index where it has none; of a
    single number it is a numeric step, with limits where it has properties of such names; of texts it is text steps.
    DAQmx data come scaled. TDMS knows no verdict and no unit: properties such as `SerialNumber` or `Result` say them,
    or arguments.
    """

    name = "tdms"
    description = "NI TDMS of LabVIEW and DIAdem: channels as charts"

    class Arguments(FormatArguments):
        """Texts may hold properties: {SerialNumber} of the file, {Group.SerialNumber}, {Group.Channel.Operator}."""

        verdict: str = ""
        """The verdict, made of properties such as {Status} or {Results.Overall}: passed, ok, failed, …
        Empty: the file's property Result, else the argument result."""

    def matches(self, source: Source) -> float:
        """A file of data begins with its tag; one of an index has another."""
        with source.open() as stream:
            return 1.0 if stream.read(_LEAD_IN).startswith(_TAG) else 0.0

    def companions(self, source: Source) -> Iterable[Path]:
        """The index that LabVIEW writes beside it: not needed, but nothing without the file."""
        index = source.path.with_name(source.name + "_index")
        return [index] if index.is_file() else []

    def convert(self, source: Source, context: Context) -> UutReport:
        """One report a file."""
        with source.open() as stream:
            _require_whole(stream)
            stream.seek(0)
            with _understood(), _library().TdmsFile.open(stream) as content:
                return _Unit(source, context.arguments, content).report()


def _library() -> Any:
    """npTDMS. Below it numpy would take memory at once for a thread of each processor, more than a worker has."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with extra("tdms"):
        import nptdms  # type: ignore[import-untyped]
    return nptdms


@contextmanager
def _understood() -> Iterator[None]:
    """Whatever the library finds wrong with a file is said in a sentence."""
    try:
        yield
    except MemoryError:
        raise ConversionError(
            "the file is damaged, or has a segment for which there is not enough memory: raise memory_limit_mb, "
            "or have it written in smaller segments"
        ) from None
    except Exception as fault:
        if type(fault) is Exception or isinstance(fault, (*_FAULTS, ValueError, struct.error)):
            raise ConversionError(f"npTDMS cannot read the file: {fault or type(fault).__name__}") from fault
        raise


def _require_whole(stream: BinaryIO) -> None:
    """The file is a chain of segments. Raises ConversionError where one is cut off, which the library passes over."""
    size = stream.seek(0, os.SEEK_END)
    start = number = 0
    while start < size or not number:
        number += 1
        place = f"segment {number} at byte {start}"
        stream.seek(start)
        lead_in = stream.read(_LEAD_IN)
        if number == 1 and lead_in.startswith(_INDEX_TAG):
            raise ConversionError("the file is an index (.tdms_index): the data are in the file .tdms beside it")
        if not lead_in.startswith(_TAG):
            raise ConversionError("the file is not TDMS" if number == 1 else f"the file is damaged: {place} is none")
        if len(lead_in) < _LEAD_IN:
            raise ConversionError(f"{place} breaks off: the file ends there")
        is_big = struct.unpack_from("<i", lead_in, 4)[0] & _BIG_ENDIAN
        (length,) = struct.unpack_from(">Q" if is_big else "<Q", lead_in, 12)
        if length == _UNKNOWN_SIZE:
            raise ConversionError(f"{place} is not complete: the program that wrote it ended early, or still writes")
        start += _LEAD_IN + length
        if start > size:
            raise ConversionError(f"{place} breaks off: {start - size} of its {length} bytes are not there")


class _Unit:
    """The one unit of a file."""

    def __init__(self, source: Source, arguments: Tdms.Arguments, content: Any) -> None:
        self._content, self._said = content, _said(content)
        self._fields = Fields(source, arguments, _placeholders(content))
        self._has_limits = False

    def report(self) -> UutReport:
        """Raises ConversionError for what no argument says."""
        properties = self._content.properties
        report = self._fields.report(
            serial_number=self._said.get("serial_number"),
            part_number=self._said.get("part_number"),
            revision=self._said.get("revision"),
            operator=self._said.get("operator"),
            start=self._start(),
        )
        title = _text(properties.get("title") or properties.get("name") or "")
        report.sequence_name = shorten(title, _MAX_SEQUENCE) or report.sequence_name
        for name, value in properties.items():
            tell(report, _text(name), _text(value))
        for group in self._content.groups():
            sequence = report.sequence(shorten(_text(group.name) or "Group", _MAX_NAME))
            _note(sequence, group)
            for channel in group.channels():
                self._add(sequence, channel)
        verdict = self._verdict()
        return self._fields.settle(report, verdict if self._has_limits else self._fields.require_result(verdict))

    def _start(self) -> datetime | None:
        """The file's own time, else when its first channel began."""
        if said := self._said.get("start"):
            with suppress(ValueError):
                return moment(said)
        channels = (channel for group in self._content.groups() for channel in group.channels())
        starts = [_moment(channel.properties.get("wf_start_time")) for channel in channels]
        return min((start for start in starts if start and start >= _EARLIEST), default=None)

    def _verdict(self) -> Status | None:
        chosen, found = self._fields.fill("verdict"), self._said.get("verdict", "")
        if chosen and chosen.lower() not in VERDICTS:
            raise ConversionError(f"argument verdict: {chosen!r} is no word for a verdict, such as passed or failed")
        if chosen:
            return VERDICTS[chosen.lower()]
        verdict = None if found.isdecimal() else VERDICTS.get(found.lower())  # 0 may be a count of errors
        return verdict if verdict in _OF_UNIT else None

    def _add(self, sequence: SequenceCall, channel: Any) -> None:
        name = shorten(_text(channel.name) or "Channel", _MAX_NAME)
        kind = channel.dtype.kind
        if not len(channel):
            step = sequence.action(name)
        elif kind == "O":
            step = _add_texts(sequence, name, [_text(value) for chunk in channel.data_chunks() for value in chunk[:]])
        elif len(channel) > 1 or kind == "c":
            step = _add_chart(sequence, name, channel)
        elif kind in "iuf":
            step = self._add_number(sequence, name, channel)
        else:
            step = sequence.text(name, _text(_first(channel)))
        _note(step, channel)

    def _add_number(self, sequence: SequenceCall, name: str, channel: Any) -> Step:
        said = {_bare(key): value for key, value in channel.properties.items() if isinstance(value, int | float)}
        low, high = (_number(said, names) for names in (_LOW, _HIGH))
        self._has_limits |= low is not None or high is not None
        return Measured(name, _first(channel).item(), low, high, unit=_unit(channel)).add_to(sequence)


def _said(content: Any) -> dict[str, str]:
    """What properties of the file say of the unit, or those of its only group."""
    groups = content.groups()
    found: dict[str, str] = {}
    for holder in (content, *(groups if len(groups) == 1 else ())):
        named = {_bare(name): _text(value) for name, value in holder.properties.items()}
        for fact, names in _FACTS.items():
            text = next((named[name] for name in names if named.get(name)), "")
            found[fact] = found.get(fact) or text
    return found


def _placeholders(content: Any) -> dict[str, str]:
    """Every property, by the names that lead to it."""
    found = {name: _text(value) for name, value in content.properties.items() if name not in _OF_FILE}
    for group in content.groups():
        found.update({f"{group.name}.{name}": _text(value) for name, value in group.properties.items()})
        for channel in group.channels():
            path = f"{group.name}.{channel.name}"
            found.update({f"{path}.{name}": _text(value) for name, value in channel.properties.items()})
    return found


def _note(step: Step, holder: Any) -> None:
    """A name that was cut, and the properties that are not seen in the step itself."""
    if len(holder.name) > _MAX_NAME:
        step.note(_text(holder.name))
    for name, value in holder.properties.items():
        if not _SHOWN.fullmatch(name) and (text := _text(value)):
            step.note(f"{_text(name)}: {text}")


def _add_texts(sequence: SequenceCall, name: str, texts: list[str]) -> Step:
    if len(texts) == 1:
        return sequence.text(name, texts[0])
    step = sequence.multi_text(name)
    for number, text in enumerate(texts[:_MAX_TEXTS], 1):
        step.add(str(number), text)
    if len(texts) > _MAX_TEXTS:
        step.note(f"{len(texts)} texts; those after the first {_MAX_TEXTS}:\n" + "\n".join(texts[_MAX_TEXTS:]))
    return step


def _add_chart(sequence: SequenceCall, name: str, channel: Any) -> NumericLimit:
    axis, unit, bucket, series = _Axis.of(channel.properties), _unit(channel), 1, []
    is_time = channel.dtype.kind == "M"
    for part_name, part in _parts(name, channel).items():
        places, values, bucket = _thinned(channel, part)
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
        step.note(f"seconds since {_text(_first(channel))}")
    return step


def _parts(name: str, channel: Any) -> dict[str, Callable[[Any], Any]]:
    """What is drawn of the values: two curves of complex ones, for times the seconds since the first."""
    match channel.dtype.kind:
        case "c":
            return {"real": lambda numbers: numbers.real, "imaginary": lambda numbers: numbers.imag}
        case "M":
            first = _first(channel)
            return {name: lambda moments: (moments - first).astype("f8") / 1e6}
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
        label, unit = (_text(properties.get(name, "")) for name in ("wf_xname", "wf_xunit_string"))
        return cls(label or "Time", unit or ("" if label else "s"), Decimal(repr(start)), Decimal(repr(increment)))

    def at(self, places: Iterable[int]) -> list[float]:
        """The places on the axis, without the noise of binary multiplication."""
        return [float(self.start + place * self.increment) for place in places]


def _thinned(channel: Any, part: Callable[[Any], Any]) -> tuple[list[int], list[float], int]:
    """Places and values for a chart, and of how many values each two were chosen; 1: they are all there."""
    bucket = -(-2 * len(channel) // _MAX_POINTS) if len(channel) > _MAX_POINTS else 1
    places: list[int] = []
    values: list[float] = []
    start = 0
    for piece in _pieces(channel, bucket * (_PIECE // bucket or 1)):
        numbers = part(piece)
        whole = len(numbers) // bucket * bucket
        for first, rows in ((0, numbers[:whole].reshape(-1, bucket)), (whole, numbers[whole:].reshape(1, -1))):
            chosen = [first + place for place in _extremes(rows)]
            places += [start + place for place in chosen]
            values += numbers[chosen].tolist()
        start += len(numbers)
    return places, values, bucket


def _pieces(channel: Any, size: int) -> Iterator[Any]:
    """The values of a channel, so many at a time: the file may hold them one by one, or all in one."""
    import numpy

    waiting: list[Any] = []
    missing = size
    for chunk in channel.data_chunks():
        values = chunk[:]
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


def _first(channel: Any) -> Any:
    return next(value for chunk in channel.data_chunks() for value in chunk[:])


def _unit(channel: Any) -> str:
    named = {_bare(name): value for name, value in channel.properties.items()}
    return next((_text(named[name]) for name in _UNIT if named.get(name)), "")


def _number(said: Mapping[str, Any], names: Iterable[str]) -> float | None:
    return next((said[name] for name in names if _is_number(said.get(name))), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _moment(value: Any) -> datetime | None:
    """A time, which TDMS has in UTC; None for anything else."""
    if getattr(getattr(value, "dtype", None), "kind", "") != "M":
        return None
    found = value.astype("M8[us]").item()
    return found.replace(tzinfo=UTC).astimezone() if isinstance(found, datetime) else None


def _text(value: Any) -> str:
    """A property as a report can hold it."""
    found = _moment(value)
    return found.isoformat() if found else _CONTROL.sub(" ", str(value)).strip()


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
