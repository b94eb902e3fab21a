"""Measurements of an OpenHTF record, each with its value, validators and unit, as steps."""

import contextlib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pywats_client.converters.reading.json_values import Json, objects, text_of, texts
from pywats_client.converters.reading.measured import Measured, number
from pywats_client.converters.reading.nested import MAX_NAME, bounded, printable, titled
from pywats_client.converters.reading.openhtf_limits import expected, limits
from pywats_client.errors import ConversionError
from pywats_client.wsjf import CompOp, NumericLimit, SequenceCall, Step
from pywats_client.wsjf.model import Status

OUTCOMES: Mapping[str, Status] = {
    "PASS": "P",
    "FAIL": "F",
    "SKIP": "S",
    "ERROR": "E",
    "TIMEOUT": "E",
    "ABORTED": "T",
    "UNSET": "S",
    "PARTIALLY_SET": "D",
}
"""Outcomes of measurements, phases and tests. A measurement that is not set was skipped."""
_CHART_POINTS, _CHART_SERIES = 10_000, 100
_KNOWN = ("name", "outcome", "validators", "units", "dimensions", "docstring", "measured_value", "marginal")
_NO_UNIT = ("", "none", "no dimension", "no_dimension")


def outcome(holder: Json, place: str) -> Status | None:
    """The outcome that stands there; None where none does. Raises ConversionError for an unknown one."""
    word = text_of(holder.get("outcome")).rpartition(".")[2]
    if word and word.upper() not in OUTCOMES:
        raise ConversionError(f"{place}: the outcome {word!r} is not known; known are {', '.join(OUTCOMES)}")
    return OUTCOMES[word.upper()] if word else None


def add_measurement(measurement: Json, sequence: SequenceCall, place: str) -> Step:
    """The step of a measurement, of the kind that its value is. Raises ConversionError with its place."""
    name = text_of(measurement.get("name"))
    step = _Measurement(measurement, sequence, f"{place}, measurement {name!r}").add()
    word = text_of(measurement.get("outcome"))
    facts = {
        "outcome": word if word not in ("PASS", "FAIL") else "",
        "unit": "" if isinstance(step, NumericLimit) else unit_of(measurement.get("units")),
        "documentation": text_of(measurement.get("docstring")),
        "marginal": "yes" if measurement.get("marginal") else "",
        **{key: text_of(value) for key, value in measurement.items() if key not in _KNOWN},
    }
    for key, text in facts.items():
        if text:
            step.note(f"{key}: {bounded(text)}")
    return step


def unit_of(units: Any) -> str:
    """The sign of a unit, or its name where it has no sign; empty for none."""
    if not isinstance(units, Mapping):
        return text_of(units)
    sign, name = text_of(units.get("suffix") or units.get("uom_suffix")), text_of(units.get("name"))
    return sign or ("" if name.lower() in _NO_UNIT else name)


_Series = dict[str, tuple[list[float], list[float]]]
"""The curves of a chart: their names, with the x and y values."""


class _Axis(NamedTuple):
    label: str
    unit: str


class _Measurement:
    """One measurement, to be added to the sequence of its phase."""

    def __init__(self, measurement: Json, sequence: SequenceCall, place: str) -> None:
        self._measurement, self._sequence, self._place = measurement, sequence, place
        self._title = titled(text_of(measurement.get("name")), "measurement")
        self._name = self._title["name"]
        self._verdict = outcome(measurement, place)
        self._validators = texts(measurement, "validators")
        self._unit = unit_of(measurement.get("units"))

    def add(self) -> Step:
        """The step."""
        value: Any = self._measurement.get("measured_value")
        if value is None:
            return self._add_unset()
        if self._measurement.get("dimensions"):
            return self._add_points(value)
        if isinstance(value, str) and self._is_numeric():
            with contextlib.suppress(ValueError):
                value = number(value.strip())
        if isinstance(value, bool):
            return self._add_boolean(value)
        if _is_number(value):
            return self._add_number(value)
        if isinstance(value, list) and value and all(_is_number(each) for each in value):
            return self._add_chart({"": (list(range(len(value))), value)}, _Axis("index", ""))
        return self._add_text(printable(value) if isinstance(value, str) else text_of(value))

    def _is_numeric(self) -> bool:
        """Whether unit or validators are those of a number; one that demands an equal value may be that of a text."""
        found = limits(self._validators)
        is_range = found.op not in (CompOp.EQ, CompOp.NE) and (found.low, found.high) != (None, None)
        return bool(self._unit) or is_range

    def _add_number(self, value: float) -> Step:
        low, high, op, rest = limits(self._validators)
        measured = Measured(self._name, value, low, high, op, self._unit, verdict=self._verdict)
        return self._noted(measured.add_to(self._sequence), rest)

    def _add_text(self, value: str) -> Step:
        demanded, rest = expected(self._validators)
        step = self._sequence.text(self._name, value, expected=demanded, status=self._verdict)
        if demanded is not None:
            self._note_contradiction(step, holds=value == demanded)
        return self._noted(step, rest)

    def _add_boolean(self, value: bool) -> Step:
        """A verdict, where a certain value is demanded; else a text, because false may be as good as true."""
        demanded, rest = expected(self._validators)
        if demanded not in ("True", "False") or self._verdict not in ("P", "F", None):
            return self._noted(self._sequence.text(self._name, str(value), status=self._verdict), self._validators)
        holds = str(value) == demanded
        step = self._sequence.passed(self._name, holds, status=self._verdict)
        step.note(f"value: {value}, expected: {demanded}")
        self._note_contradiction(step, holds=holds)
        return self._noted(step, rest)

    def _add_unset(self) -> Step:
        step = self._without_value(self._verdict or "S")
        step.note("There is no value.")
        return self._noted(step, self._validators)

    def _without_value(self, verdict: Status) -> Step:
        if verdict in ("P", "F"):
            return self._sequence.passed(self._name, verdict == "P")
        return self._sequence.action(self._name, status=verdict)

    def _add_points(self, rows: Any) -> Step:
        """Values at coordinates: a chart, with a series for each combination of all coordinates but one."""
        axes = [_axis(each) for each in objects(self._measurement, "dimensions", self._place)]
        width = len(axes) + 1
        if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == width for row in rows):
            raise ConversionError(f"{self._place}: the value must be a list of lists of {width} values")
        columns = list(zip(*rows, strict=True))
        if not rows or not all(value is None or _is_number(value) for value in columns[-1]):
            return self._add_table(rows)
        numeric = [place for place in range(len(axes)) if all(map(_is_number, columns[place]))]
        if not numeric:
            return self._add_named(rows)
        chosen = max(numeric, key=lambda place: len(set(columns[place])))
        series: _Series = {}
        for *at, value in rows:
            others = (f"{axes[i].label}={text_of(each)}" for i, each in enumerate(at) if i != chosen)
            xs, ys = series.setdefault(", ".join(others), ([], []))
            xs.append(at[chosen])
            ys.append(math.nan if value is None else value)
        if 1 < len(axes) == len(numeric) and len(series) == len(rows):
            series = self._curves(axes, columns)
        return self._add_chart(series, axes[chosen]) if len(series) <= _CHART_SERIES else self._add_table(rows)

    def _curves(self, axes: Sequence[_Axis], columns: Sequence[Sequence[Any]]) -> _Series:
        """Coordinates that change together, such as time and voltage: each is a curve over the first, as the values."""
        xs, *others = columns
        names = [*(f"{axis.label} {axis.unit}".strip() for axis in axes[1:]), self._name]
        curves = ([math.nan if y is None else y for y in ys] for ys in others)
        return {name: (list(xs), ys) for name, ys in zip(names, curves, strict=True)}

    def _add_chart(self, series: _Series, axis: _Axis) -> Step:
        most = max(len(xs) for xs, _ in series.values())
        every = math.ceil(most / _CHART_POINTS)
        step = self._sequence.chart(
            self._name,
            series=[(name or self._name, xs[::every], ys[::every]) for name, (xs, ys) in series.items()],
            x_label=axis.label,
            x_unit=axis.unit or None,
            y_label=self._name,
            y_unit=self._unit or None,
            status=self._verdict or "D",
        )
        if every > 1:
            step.note(f"Of {most} points a series, the chart holds one of every {every}.")
        return self._noted(step, self._validators)

    def _add_named(self, rows: list[Any]) -> Step:
        """Numbers at coordinates that are names, such as channels: a measurement each."""
        names = [", ".join(map(text_of, at)) for *at, _ in rows]
        if len(set(names)) < len(names) or not all(0 < len(name) <= MAX_NAME for name in names):
            return self._add_table(rows)
        step = self._sequence.multi_numeric(self._name)
        for name, (*_, value) in zip(names, rows, strict=True):
            step.add(name, math.nan if value is None else value, unit=self._unit or None, status=self._verdict)
        step.status = self._verdict or step.status
        return self._noted(step, self._validators)

    def _add_table(self, rows: list[Any]) -> Step:
        """Values that no chart can hold: a file on the step."""
        step = self._without_value(self._verdict or "D")
        if rows:
            content = json.dumps({**self._measurement, "measured_value": rows}, ensure_ascii=False).encode()
            self._sequence.attach(f"{self._name}.json", content, "application/json", step=step)
        return self._noted(step, self._validators)

    def _noted(self, step: Step, validators: Sequence[str]) -> Step:
        for text in validators:
            step.note(f"validator: {bounded(text)}")
        if "report_text" in self._title:
            step.note(self._title["report_text"])
        return step

    def _note_contradiction(self, step: Step, *, holds: bool) -> None:
        if self._verdict in ("P", "F") and holds != (self._verdict == "P"):
            words = {True: "passed", False: "failed"}
            step.note(f"The file says {words[not holds]}, its validators say {words[holds]}.")


def _axis(dimension: Json) -> _Axis:
    label = text_of(dimension.get("description")) or text_of(dimension.get("name")) or "x"
    sign = text_of(dimension.get("suffix") or dimension.get("uom_suffix"))
    return _Axis(label, sign)


def _is_number(value: Any) -> bool:
    """Whether a report can hold it as a number."""
    return isinstance(value, float) or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    )
