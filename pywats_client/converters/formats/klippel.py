"""Klippel QC: a header of settings and verdicts, and a folder of the same name with the measured values and curves."""

import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path, PureWindowsPath
from typing import NoReturn

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.fields import Fields, tell
from pywats_client.converters.reading.klippel_header import LISTS, START, VERDICT, Header, Verdict
from pywats_client.converters.reading.measured import Measured, Texts, limit
from pywats_client.converters.reading.nested import MAX_NAME, sequence
from pywats_client.converters.reading.tables import Row, read_rows
from pywats_client.converters.reading.texts import Line, TextArguments, beginning, lines, read
from pywats_client.errors import ConversionError, NotMine
from pywats_client.wsjf import NumericLimit, SequenceCall, UutReport, shorten
from pywats_client.wsjf.model import Status
from pywats_client.wsjf.payloads import SequenceInfo
from pywats_client.wsjf.steps import Step

_SERIAL, _STATION, _OPERATOR = "Cfg_SerialNumber", "Cfg_PCName", "Cfg_UserName"
_ERROR, _DATABASE = "Ctrl_ErrorGeneral", "Cfg_DatabasePath"
_PLACED = {VERDICT, START, _SERIAL, _STATION, _OPERATOR, _ERROR, _DATABASE, *LISTS}
_NO_VALUE = ("", "-", "--", "n/a")
_MAX_POINTS = 10_000


class Klippel(FileConverter):
    """From a real log, whose header explains each of its keys.

    A file of the folder is called `<task>-<what>.txt`, and the steps of a task are a sequence: a row of its single
    values is a numeric step, a curve is a chart with its limits, and the smallest distance to them. The lists of the
    header give their verdicts. Files do not tell units, but frequencies (frq) are in Hz.
    """

    name = "klippel"
    description = "Klippel QC: a header file (Key=Value) and the folder of the same name with values and curves"

    Arguments = TextArguments

    def matches(self, source: Source) -> float:
        """The keys of the header are unmistakable; what lies in its folder is no other format's."""
        found = {VERDICT, START, "Results_Pass"} & _beginning(source).values.keys()
        return (0.9 if _is_of_a_log(source) else 0.0, 0.5, 0.9, 1.0)[len(found)]

    def companions(self, source: Source) -> Iterable[Path]:
        """The folder with the values; a header that names measures has one, and waits for it."""
        folder = _folder(source)
        return (folder,) if folder.is_dir() or _beginning(source).verdicts else ()

    def convert(self, source: Source, context: Context) -> UutReport:
        """The one unit of the header."""
        encoding, folder = context.arguments.encoding, _folder(source)
        header = Header(lines(source, encoding))
        if VERDICT not in header.values:
            _refuse(source)
        if header.breaks_off:
            raise ConversionError("the header breaks off: no setting follows its last comment", line=header.breaks_off)
        fields = Fields(source, context.arguments)
        report = _begin(header, fields, source)
        if folder.is_dir():
            _Folder(report, header, folder, encoding).add_all()
        elif header.verdicts:
            raise ConversionError(f"the folder with the measured values is not beside the file: {folder.name}")
        return _settle(report, header, fields)


def _beginning(source: Source) -> Header:
    return Header(Line(number, text) for number, text in enumerate(beginning(source).splitlines(), 1))


def _folder(source: Source) -> Path:
    return source.path.with_suffix("")


def _is_of_a_log(source: Source) -> bool:
    """Whether it lies in the folder of a header."""
    folder = source.path.parent
    header = Source(folder.parent / f"{folder.name}{source.path.suffix}")
    return header.path.is_file() and VERDICT in _beginning(header).values


def _refuse(source: Source) -> NoReturn:
    if _is_of_a_log(source):
        raise NotMine("it lies in the folder of a Klippel log, and is converted with the header beside that")
    raise ConversionError(f"the file is no header of a Klippel log: it has no {VERDICT}=")


def _begin(header: Header, fields: Fields, source: Source) -> UutReport:
    report = fields.report(
        serial_number=header.text(_SERIAL),
        operator=header.text(_OPERATOR),
        station=header.text(_STATION) or None,
        start=header.start(source.name),
        error_message=header.text(_ERROR) or None,
        line=header.places.get(_SERIAL),
    )
    if database := header.text(_DATABASE):
        name = shorten(PureWindowsPath(database).name, 200)
        report.root.call = SequenceInfo(path=shorten(database, 500), name=name, version="1.0")
        tell(report, _DATABASE, database)
    for key, text in header.values.items():
        if key not in _PLACED:
            tell(report, key, text)
    return report


def _settle(report: UutReport, header: Header, fields: Fields) -> UutReport:
    """The overall verdict; where its code is empty, the measures that the header judges decide."""
    verdict, note = header.overall()
    if note:
        report.root.note(note)
    if not header.verdicts or header.text(VERDICT):
        verdict = fields.require_result(verdict)
    return fields.settle(report, verdict or report.result)


class _Folder:
    """Makes steps of the files of the folder, and of what the header alone says of a measure."""

    def __init__(self, report: UutReport, header: Header, folder: Path, encoding: str) -> None:
        self._report, self._header, self._folder, self._encoding = report, header, folder, encoding
        self._tasks: dict[str, SequenceCall] = {}
        self._measured: set[str] = set()
        self._others: list[str] = []

    def add_all(self) -> None:
        """All files in the order of their names, then the measures without a file."""
        for path in sorted(path for path in self._folder.rglob("*") if path.is_file()):
            name = path.relative_to(self._folder).as_posix()
            if path.suffix.lower() != ".txt":
                self._others.append(name)
                continue
            try:
                self._add_file(path, name)
            except (ConversionError, ValueError) as fault:
                raise ConversionError(f"{name}: {fault}") from None
        tell(self._report, "other files in the folder", ", ".join(self._others))
        for name, verdict in self._header.verdicts.items():
            if name not in self._measured:
                _add_verdict(self._report, name, verdict)

    def _add_file(self, path: Path, name: str) -> None:
        text = read(Source(path), self._encoding).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        first = next(filter(str.strip, text), "")
        delimiter = next((sign for sign in "\t;," if sign in first), "\t")
        rows = list(read_rows(text, delimiter))
        if not rows:
            raise ConversionError("the file is empty")
        if text[-1] and text[-1].count(delimiter) < len(rows[0].cells) - 1:
            raise ConversionError("the file breaks off in this row", line=len(text))
        task = Path(name).stem.rpartition("-")[0] or Path(name).stem
        columns = [cell or f"column {place}" for place, cell in enumerate(rows[0].cells, 1)]
        if columns[0].lower() == "name":
            for row in rows[1:]:
                self._add_value(task, dict(zip(map(str.lower, columns), row.cells, strict=False)), row.line)
        elif len(columns) > 1:
            self._add_curve(task, columns, rows[1:])
        else:  # neither a table of values nor a curve
            self._others.append(name)

    def _task(self, name: str) -> SequenceCall:
        if name not in self._tasks:
            self._tasks[name] = self._report.add(sequence(name, "task"))
        return self._tasks[name]

    def _verdict(self, name: str) -> Verdict:
        self._measured.add(name)
        return self._header.verdicts.get(name, Verdict())

    def _add_value(self, task: str, cells: dict[str, str], line: int) -> None:
        name = cells.pop("name")
        if not name:
            raise ConversionError("the value has no name", line=line)
        verdict = self._verdict(name)
        try:
            step = _measure(self._task(task), name, cells, verdict.status)
        except ValueError as fault:
            raise ConversionError(str(fault), line=line) from None
        for text in (verdict.note, *(f"{column}: {text}" for column, text in cells.items() if text)):
            if text:
                step.note(text)

    def _add_curve(self, task: str, columns: list[str], rows: list[Row]) -> None:
        curve = Curve(columns, rows)
        verdict = self._verdict(curve.name)
        series = list(curve.thinned())
        if not series:
            _add_verdict(self._task(task), curve.name, verdict._replace(status=verdict.status or "S"))
            return
        step = self._task(task).chart(
            shorten(curve.name, MAX_NAME),
            series=series,
            x_label=curve.x_name,
            x_unit=curve.x_unit,
            y_label=curve.name,
            chart_type="LineLogX" if curve.x_unit and min(curve.xs, default=0.0) > 0 else "Line",
            status=verdict.status or ("P" if curve.is_measured else "S"),
        )
        curve.explain(step, verdict)


class Curve:
    """The first column is x, the second what was measured; columns called max and min are its limits."""

    def __init__(self, columns: list[str], rows: list[Row]) -> None:
        self.x_name, self.name, *_ = columns
        self.x_unit = "Hz" if self.x_name.lower() in ("frq", "freq", "frequency", "f") else None
        self.xs: list[float] = []
        self._columns: dict[str, list[float | None]] = {column: [] for column in columns[1:]}
        for row in rows:
            x = _number(row.cell(0), row.line)
            if x is None:
                raise ConversionError(f"the point has no {self.x_name}", line=row.line)
            self.xs.append(x)
            for place, values in enumerate(self._columns.values(), 1):
                values.append(_number(row.cell(place), row.line))

    @property
    def is_measured(self) -> bool:
        """Whether any point has a value, and not only limits."""
        return any(value is not None for value in self._columns[self.name])

    @property
    def _step(self) -> int:
        """Of so many points, one fits into a chart."""
        return max(1, math.ceil(len(self.xs) / _MAX_POINTS))

    def thinned(self) -> Iterator[tuple[str, list[float], list[float]]]:
        """The series, without the points that have no value; of too many one in so many."""
        for name, values in self._columns.items():
            points = [(x, y) for x, y in zip(self.xs, values, strict=True) if y is not None]
            if points := points[:: self._step]:
                yield name, [x for x, _ in points], [y for _, y in points]

    def explain(self, step: NumericLimit, verdict: Verdict) -> None:
        """The distance to the limits as a number, and what is to be said of verdict and points."""
        if verdict.note:
            step.note(verdict.note)
        if not self.is_measured:
            step.note("The file has no value.")
        if self._step > 1:
            step.note(f"Of {len(self.xs)} points, one in {self._step} is in the chart.")
        margin, x = min(self._margins(), default=(None, 0.0))
        if margin is None:
            return
        step.add("margin", margin, low=0.0, status=verdict.status)
        step.add("margin at", x, unit=self.x_unit)
        if verdict.status in ("P", "F") and (margin >= 0) != (verdict.status == "P"):
            words = ("failed", "passed")
            step.note(f"The file says {words[verdict.status == 'P']}, its limits say {words[margin >= 0]}.")

    def _margins(self) -> Iterator[tuple[float, float]]:
        """The distance of each point to the nearer limit, negative outside, and its x."""
        limits = {name.lower(): values for name, values in self._columns.items()}
        none: list[float | None] = [None] * len(self.xs)
        lows, highs = limits.get("min", none), limits.get("max", none)
        for x, value, low, high in zip(self.xs, self._columns[self.name], lows, highs, strict=True):
            if value is None or not math.isfinite(value):
                continue
            if low is not None:
                yield _difference(value, low), x
            if high is not None:
                yield _difference(high, value), x


def _difference(first: float, second: float) -> float:
    """Without the noise of binary fractions."""
    if not (math.isfinite(first) and math.isfinite(second)):
        return first - second
    return float(Decimal(repr(first)) - Decimal(repr(second)))


def _number(text: str, line: int) -> float | None:
    """None where a sign such as `-` says that there is none."""
    try:
        return limit(text, decimal_comma=True)
    except ValueError as fault:
        raise ConversionError(str(fault), line=line) from None


def _measure(task: SequenceCall, name: str, cells: dict[str, str], status: Status | None) -> Step:
    """The step of a single value; what it takes is out of the cells. ValueError where they do not fit."""
    text, title = cells.pop("value", ""), shorten(name, MAX_NAME)
    low, high = (limit(cells.pop(key, ""), decimal_comma=True) for key in ("min", "max"))
    unit = cells.pop("unit", "")
    if text.lower() in _NO_VALUE:
        step: Step = task.numeric(title, math.nan, low=low, high=high, unit=unit or None, status=status or "S")
        step.report_text = "The file has no value."
    else:
        measured = Measured(title, text, low, high, unit=unit, verdict=status)
        step = measured.add_to(task, Texts(decimal_comma=True, verdicts={}))
    if title != name:
        step.note(f"name: {name}")
    return step


def _add_verdict(target: UutReport | SequenceCall, name: str, verdict: Verdict) -> None:
    """A measure that only the header names, or one whose file holds no point."""
    name = shorten(name, MAX_NAME)
    if verdict.status in ("P", "F"):
        step: Step = target.passed(name, verdict.status == "P")
    else:
        step = target.action(name, status=verdict.status or "D")
    step.note("There is no value in the folder." + (f"\n{verdict.note}" if verdict.note else ""))
