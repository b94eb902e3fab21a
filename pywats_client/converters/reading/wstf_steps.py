"""The step rows of WSTF, as steps of WSJF: for the format `wats_text`."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pywats_client.converters.reading.measured import OPERATORS, VERDICTS, number, whole
from pywats_client.converters.reading.nested import MAX_DEPTH
from pywats_client.converters.reading.texts import Line
from pywats_client.converters.reading.wire_steps import Wire, empty_root, judge, note, put_number
from pywats_client.errors import ConversionError
from pywats_client.wsjf.limits import CompOp
from pywats_client.wsjf.model import Status

_TITLES = {
    "name": "StepName",
    "measurename": "MeasureName",
    "value": "Value",
    "lowlimit": "LowLimit",
    "highlimit": "HighLimit",
    "compoperator": "CompOperator",
    "unit": "Unit",
    "status": "Status",
    "executiontime": "StepExecutionTime",
    "reporttext": "StepReportText",
    "errorcode": "StepErrorCode",
    "errormessage": "StepErrorMessage",
    "causedsequencefailure": "CausedSequenceFailure",
}
"""The columns behind that of the step type, in their usual order; known without case and the word Step before them."""
_TESTS = {
    "numericlimittest": ("numericMeas", "ET_NLT", "ET_MNLT"),
    "passfailtest": ("booleanMeas", "ET_PFT", "ET_MPFT"),
    "stringvaluetest": ("stringMeas", "ET_SVT", "ET_MSVT"),
}
"""Where a test's measurements stand, and the types of its step with one of them and with several."""
Read = Callable[[str, bool], Any]
"""A value from its text and whether it has a decimal comma; None for what has no place in the step's field."""


def read_text(text: str, _: bool) -> str:
    """The text itself."""
    return text


def read_amount(text: str, decimal_comma: bool) -> float:
    """A number with a form on the wire."""
    value = number(text, decimal_comma=decimal_comma)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value


def read_whole(text: str, _: bool) -> int | None:
    """A whole number."""
    try:
        return whole(text)
    except (ValueError, OverflowError):
        return None


def _truth(text: str, _: bool) -> bool | None:
    return {"P": True, "F": False}.get(VERDICTS.get(text.lower(), ""))


_OF_STEP: Mapping[str, tuple[str, Read]] = {
    "executiontime": ("totTime", read_amount),
    "reporttext": ("reportText", read_text),
    "errorcode": ("errorCode", read_whole),
    "errormessage": ("errorMessage", read_text),
    "causedsequencefailure": ("causedSeqFailure", _truth),
}
"""The columns that say something of the step: its field, and how the text is read."""
_CHART_TYPES = {name.lower(): name for name in ("Line", "LineLogX", "LineLogY", "LineLogXY")}
_CHART_FIELDS = ("chartType", "label", "yUnit", "yLabel", "xUnit", "xLabel")
_MAX_FAULTS = 50


def bare(text: str) -> str:
    """A key, title or type without case, blanks and signs."""
    return re.sub(r"[\W_]", "", text).lower()


@dataclass
class Row:
    """A step row: its cells, and those that are not empty by their column."""

    line: int
    cells: list[str]
    said: dict[str, str]

    @property
    def type(self) -> str:
        """The step type, without case and blanks."""
        return bare(self.said.get("type", ""))

    def take(self, column: str) -> str:
        """What a column says, once: what nobody takes is told."""
        return self.said.pop(column, "")


def rows(lines: Iterable[Line]) -> Iterator[Row]:
    """The rows below the title row, which names the columns, or without one."""
    columns: Sequence[str] = ("type", *_TITLES)
    for line in lines:
        cells = line.text.split("\t")
        if bare(cells[0]) == "steptype":
            columns = tuple(_column(cell) for cell in cells)
        else:
            said = {column: cell for column, cell in zip(columns, cells, strict=False) if cell.strip()}
            beyond = {
                f"column {place}": cell for place, cell in enumerate(cells, 1) if place > len(columns) and cell.strip()
            }
            yield Row(line.number, cells, said | beyond)


def _column(title: str) -> str:
    found = bare(title).removeprefix("step")
    return found if found in ("type", *_TITLES) else title.strip()


class Steps:
    """The steps of a unit as its rows come, and what is open: sequences, a step with several measurements, a chart."""

    def __init__(self, *, decimal_comma: bool) -> None:
        self.root = empty_root()
        self._decimal_comma = decimal_comma
        self._open = [self.root]
        """the sequences, the innermost last"""
        self._made: list[tuple[Wire, int]] = []
        self._step: Wire | None = None
        """the test that a row without a name adds to"""
        self._chart: Wire | None = None
        self._multiple = ""
        """the kind of multiple test that began and has not ended"""
        self._has_ends = False

    def read(self, lines: Iterable[Line]) -> None:
        """All rows of the unit. Raises ConversionError that names each bad one."""
        faults = []
        found = list(rows(lines))
        self._has_ends = any(row.type.startswith("endmultiple") for row in found)
        for row in found:
            try:
                self._add(row)
            except ValueError as fault:
                faults.append(ConversionError(str(fault), line=row.line))
        for sequence in self._open[1:]:
            note(sequence, "The file does not say where the sequence ends.")
        faults += self._judge()
        _raise_any(sorted(faults, key=lambda fault: fault.line or 0))

    def _judge(self) -> Iterator[ConversionError]:
        """Verdicts for what has none, what lies inside first."""
        for step, line in reversed(self._made):
            try:
                judge(step)
            except ValueError as fault:
                yield ConversionError(str(fault), line=line)
                step.setdefault("status", "F")
        judge(self.root)

    def _add(self, row: Row) -> None:
        kind = row.take("type")
        bare_kind = bare(kind)
        test = bare_kind.removeprefix("multiple")
        if test in _TESTS:
            step = self._add_test(row, test, is_multiple=test != bare_kind)
        elif bare_kind == "sequencecall":
            step = self._begin_sequence(row)
        elif bare_kind == "endsequencecall":
            step = self._end_sequence(row)
        elif bare_kind.removeprefix("endmultiple") in _TESTS:
            step = self._end_multiple(row)
        elif bare_kind in ("actionstep", "action"):
            step = self._begin(row, "ET_A", status=_status(row.take("status")) or "D")
        elif bare_kind == "chart":
            step = self._add_chart(row)
        elif bare_kind == "series":
            step = self._add_series(row)
        else:
            raise ValueError(f"the step type {kind.strip()!r} is not known")
        for column, text in row.said.items():
            note(step, f"{_TITLES.get(column, column)}: {text}")

    def _begin(self, row: Row, step_type: str, *, name: str = "", **more: Any) -> Wire:
        """A new step in the innermost sequence."""
        name = name or row.take("name").strip()
        if not name:
            raise ValueError("the step has no StepName")
        step = {"group": "M", "name": name, "stepType": step_type}
        step |= {key: value for key, value in more.items() if value is not None}
        self._open[-1]["steps"].append(step)
        self._made.append((step, row.line))
        self._step = self._chart = None
        self._multiple = ""
        self._say(step, row)
        return step

    def _say(self, step: Wire, row: Row) -> None:
        """What a row says of a step beside its measurements; what the step has already is told as a further one."""
        for column, (key, read) in _OF_STEP.items():
            text = row.said.get(column, "").strip()
            if text and key not in step and (value := read(text, self._decimal_comma)) is not None:
                step[key] = value
                row.take(column)

    def _begin_sequence(self, row: Row) -> Wire:
        if len(self._open) > MAX_DEPTH:
            raise ValueError(f"sequences are nested more than {MAX_DEPTH} deep")
        step = self._begin(row, "SequenceCall", status=_status(row.take("status")), steps=[])
        step["seqCall"] = {"path": step["name"], "name": step["name"], "version": "1.0"}
        self._open.append(step)
        return step

    def _end_sequence(self, row: Row) -> Wire:
        name = row.take("name").strip()
        if len(self._open) == 1:
            raise ValueError(f"EndSequenceCall {name!r} ends nothing: no sequence is open")
        sequence = self._open.pop()
        self._step = self._chart = None
        self._multiple = ""
        if name and name != sequence["name"]:
            raise ValueError(f"EndSequenceCall {name!r} does not end the sequence that is open, {sequence['name']!r}")
        return self._end(sequence, row)

    def _end_multiple(self, row: Row) -> Wire:
        name = row.take("name").strip()
        step, self._multiple = self._step, ""
        if step is None or (name and name != step["name"]):
            raise ValueError(f"the end of the multiple test {name!r} ends nothing: no such test is open")
        return self._end(step, row)

    def _end(self, step: Wire, row: Row) -> Wire:
        if status := _status(row.take("status")):
            step["status"] = status
        self._say(step, row)
        return step

    def _add_test(self, row: Row, test: str, *, is_multiple: bool) -> Wire:
        """A measurement, in a step of its own or in the one before; or the beginning of a step with several."""
        key, single, several = _TESTS[test]
        name, measure = (row.said.get(column, "").strip() for column in ("name", "measurename"))
        if is_multiple and name and not row.said.keys() & {"measurename", "value", "lowlimit", "highlimit"}:
            step = self._step = self._begin(row, several, status=_status(row.take("status")))
            self._multiple = test
            return step
        if self._goes_on(test, name, is_multiple=is_multiple):
            step = self._going_on(single, several)
            measure = measure or ("" if name == step["name"] else name)
            row.take("name")
            self._say(step, row)
        else:
            step = self._begin(row, several if is_multiple or measure else single)
            self._step, self._multiple = step, test if is_multiple else ""
        row.take("measurename")
        measured = {"name": measure} if measure else {}
        step.setdefault(key, []).append(measured)
        self._measure(test, step, measured, row)
        return step

    def _goes_on(self, test: str, name: str, *, is_multiple: bool) -> bool:
        """Whether a row adds to the step before it."""
        if not name or self._step is None or self._multiple != test:
            return not name
        return name == self._step["name"] if is_multiple else self._has_ends

    def _going_on(self, single: str, several: str) -> Wire:
        step = self._step
        if step is None:
            raise ValueError("the row has no StepName, and there is no test before it that it could add to")
        if step["stepType"] not in (single, several, "WATS_XYGMNLT"):
            raise ValueError(f"the row has no StepName, and the test before it, {step['name']!r}, is of another type")
        return step

    def _measure(self, test: str, step: Wire, measured: Wire, row: Row) -> None:
        if status := _status(row.take("status")):
            measured["status"] = status
        if test == "numericlimittest":
            self._measure_number(step, measured, row)
        elif test == "stringvaluetest":
            measured["value"] = row.take("value")
            if expected := row.take("lowlimit"):
                measured["limit"] = expected
            if op := row.take("compoperator").strip().upper():
                measured["compOp"] = "CASESENSIT" if op in ("EQ", "=", "==") else op
        else:
            verdict = VERDICTS.get(row.said.get("value", "").strip().lower())
            if verdict and measured.setdefault("status", verdict) == verdict:
                row.take("value")

    def _measure_number(self, step: Wire, measured: Wire, row: Row) -> None:
        if not row.said.get("value") and "status" not in measured:
            raise ValueError("the numeric test has neither Value nor Status")
        for column, key in (("value", "value"), ("lowlimit", "lowLimit"), ("highlimit", "highLimit")):
            put_number(step, measured, key, row.take(column), decimal_comma=self._decimal_comma)
        if unit := row.take("unit").strip():
            measured["unit"] = unit
        if op := row.take("compoperator").strip():
            measured["compOp"] = str(OPERATORS.get(op, op.upper()))
            _choose_limit(step, measured)

    def _add_chart(self, row: Row) -> Wire:
        """A chart of the test before it, or of a step of its own where there is none, or where a name is given."""
        cells = [cell.strip() for cell in row.cells[1:]]
        row.said.clear()
        place = next((place for place, cell in enumerate(cells[:2]) if cell.lower() in _CHART_TYPES), None)
        if place is None:
            raise ValueError(f"the chart has no chart type; known are {', '.join(_CHART_TYPES.values())}")
        chart = {**dict(zip(_CHART_FIELDS, cells[place:], strict=False)), "series": []}
        chart["chartType"] = _CHART_TYPES[cells[place].lower()]
        name, step = "".join(cells[:place]), self._step
        if name or step is None or "chart" in step:
            step = self._begin(row, "WATS_XYGMNLT", name=name or str(chart.get("label") or "Chart"))
            self._step = step
        elif step["stepType"] in ("ET_NLT", "ET_MNLT"):
            step["stepType"] = "WATS_XYGMNLT"
        step["chart"] = self._chart = chart
        _note_more(step, cells[place + len(_CHART_FIELDS) :])
        return step

    def _add_series(self, row: Row) -> Wire:
        cells = [cell.strip() for cell in row.cells[1:]]
        row.said.clear()
        if self._step is None or self._chart is None:
            raise ValueError("the series stands in no chart: there is none before it")
        place = next((place for place, cell in enumerate(cells) if cell.upper() == "XYG"), 0)
        if not place:
            raise ValueError("the series is none of the form: name, XYG, y values, x values")
        name, (ys, xs) = cells[place - 1], [*cells[place + 1 :], "", ""][:2]
        for value in filter(None, f"{ys};{xs}".split(";")):
            number(value.strip(), decimal_comma=True)
        self._chart["series"].append({"name": name, "dataType": "XYG", "xdata": xs, "ydata": ys})
        _note_more(self._step, [*cells[: place - 1], *cells[place + 3 :]])
        return self._step


def _note_more(step: Wire, cells: Iterable[str]) -> None:
    """Cells that have no meaning where they stand."""
    if more := " ".join(filter(None, cells)):
        note(step, f"further columns: {more}")


def _choose_limit(step: Wire, measured: Wire) -> None:
    """Where an operator takes one limit and two are given: that of its direction."""
    op = measured["compOp"]
    if op in CompOp.__members__ and CompOp(op).limit_count == 1 and {"lowLimit", "highLimit"} <= measured.keys():
        unused = "lowLimit" if op in ("LT", "LE") else "highLimit"
        note(step, f"{unused}: {measured.pop(unused)}")


def _status(text: str) -> Status | None:
    word = text.strip().lower()
    if word and word not in VERDICTS:
        raise ValueError(f"{text.strip()!r} is not a known Status")
    return VERDICTS.get(word)


def _raise_any(faults: list[ConversionError]) -> None:
    if len(faults) == 1:
        raise faults[0]
    if faults:
        told = [str(fault) for fault in faults[:_MAX_FAULTS]]
        raise ConversionError("\n".join([f"{len(faults)} lines cannot be read:", *told]), line=None)
