"""Listen SoundCheck: a row a measurement with tabs between the columns, one unit after another."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.dates import dated, is_day_first
from pywats_client.converters.reading.fields import Fields, tell
from pywats_client.converters.reading.measured import VERDICTS, Measured, Texts, limit
from pywats_client.converters.reading.nested import MAX_NAME
from pywats_client.converters.reading.tables import Layout, Row
from pywats_client.converters.reading.texts import TextArguments, beginning, lines, read
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport, shorten
from pywats_client.wsjf.model import Status

_KNOWN: Mapping[str, Sequence[str]] = {
    "serial_number": ("serial", "serial number", "serial no", "sn"),
    "part_number": ("part number", "part no", "part", "pn"),
    "revision": ("revision", "rev"),
    "process_code": ("process code", "operation code"),
    "operator": ("operator", "operator name", "user"),
    "station": ("station", "station name", "test station", "computer"),
    "lot": ("lot", "lot number", "lot no", "batch"),
    "date": ("date", "test date"),
    "time": ("time", "date time", "test time", "timestamp"),
    "comment": ("comment", "comments"),
    "step": ("name", "measurement", "test name"),
    "value": ("value", "margin", "measured value"),
    "unit": ("unit", "units"),
    "verdict": ("result", "verdict", "pass fail", "status"),
    "tolerance": ("tolerance", "tolerance type"),
    "limits": ("limits", "limit"),
    "high": ("max", "maximum", "upper limit", "high limit"),
    "low": ("min", "minimum", "lower limit", "low limit"),
}
"""The columns by their headers; case, blanks and signs in these do not matter."""
_TABLE = {"step", "value", "verdict"}
_SIDES = {"max": "high", "maximum": "high", "upper": "high", "min": "low", "minimum": "low", "lower": "low"}
_NOTHING = ("", "-", "--", "---", "n/a", "na", "none")
_PART_NUMBER = re.compile(r"P/?N[\s#:.].*", re.IGNORECASE)
_TEXTS = Texts(decimal_comma=True, verdicts={})


class Listen(FileConverter):
    """From a real file, and what is known of its European variant: decimal comma, dates such as 22-07-2020.

    A unit is the rows with the same serial number, time and lot that follow one another, and its verdict that of
    its rows. Limits are given as texts: those of the tolerance Max/Min, such as 100.0/90.0, are limits of the value;
    others, such as tolerance curves, are told in the report text, because the value is then a margin to them. The lot
    is the batch; where nothing says the part number, but the lot begins with P/N, it is the part number, too.
    """

    name = "listen"
    description = "Listen SoundCheck: tab-separated results, a row a measurement, with several units in a file"

    class Arguments(TextArguments):
        """How the file is to be read."""

        day_first: bool | None = None
        """Whether 01-02-2020 is in February. Unset: as another date of the file shows, else where no / is in it."""

    def matches(self, source: Source) -> float:
        """The header names the columns."""
        for text in beginning(source).splitlines()[:50]:
            if layout := _layout(_cells(text)):
                found = layout.places.keys()
                return 1.0 if {"serial_number", "tolerance", "limits"} <= found else 0.5 * ("tolerance" in found)
        return 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a unit."""
        table = _Table(source, context.arguments)
        found = False
        for _, rows in groupby(table.rows(), lambda row: row.unit):
            found, measured = True, list(rows)
            try:
                yield table.report(measured)
            except ConversionError as fault:
                yield fault if fault.line else ConversionError(str(fault), line=measured[0].line)
        if not found:
            raise ConversionError(
                "there are no results: the table has a header with Name, Margin (or Value) and Result"
            )


def _cells(text: str) -> list[str]:
    """Some have semicolons in the place of tabs."""
    return [cell.strip() for cell in text.split("\t" if "\t" in text else ";")]


def _layout(cells: Sequence[str]) -> Layout | None:
    """Which column says what, if this is a header."""
    if not any(cell.rstrip(": ").lower() in _KNOWN["step"] for cell in cells):
        return None  # most rows, at once
    layout = Layout.of({}, _KNOWN, cells)
    return layout if layout.places.keys() >= _TABLE else None


class _Row(NamedTuple):
    """A measurement: what its line says, by field, and by the headers of other columns."""

    line: int
    said: dict[str, str]
    of_unit: dict[str, str]
    of_step: dict[str, str]
    is_whole: bool
    """whether it reaches to its result, and in a last line without an end to the last column"""

    @property
    def start(self) -> str:
        """The text of date and time."""
        return f"{self.said.get('date', '')} {self.said.get('time', '')}".strip()

    @property
    def unit(self) -> tuple[str, str, str]:
        """What is the same in all rows of a unit."""
        return self.said.get("serial_number", ""), self.start, self.said.get("lot", "")


class _Table:
    """One file, and how it is to be read."""

    def __init__(self, source: Source, arguments: Listen.Arguments) -> None:
        self._source, self._encoding = source, arguments.encoding
        self._fields = Fields(source, arguments)
        self._day_first = arguments.day_first
        if self._day_first is None:
            self._day_first = _find_order(row.start for row in self.rows())

    def rows(self) -> Iterator[_Row]:
        """The measurements. Names and values before the header are said of all; a header may come again."""
        before, more, layout, width = dict[str, str](), dict[str, str](), None, 0
        last = _unended(self._source, self._encoding)
        for line in lines(self._source, self._encoding):
            cells = _cells(line.text)
            if header := _layout(cells):
                layout, width = header, len(cells)
            elif layout:
                row = _row(Row(line.number, cells), layout, before, more)
                yield row._replace(is_whole=row.is_whole and (line.number != last or len(cells) >= width))
            else:
                known = Layout.of({}, _KNOWN, cells[:1]).places
                target, key = (before, next(iter(known))) if known else (more, cells[0].rstrip(": ") or "title")
                target[key] = " ".join(cells[1:]).strip()

    def report(self, rows: list[_Row]) -> UutReport:
        """One unit. ConversionError where a row of it cannot be read."""
        first = rows[0]
        report = self._begin(first)
        for name, text in first.of_unit.items():
            tell(report, name, text)
        for row in rows:
            try:
                _add_step(report, row)
            except ValueError as fault:
                raise ConversionError(str(fault), line=row.line) from None
        is_judged = any(_verdict(row.said.get("verdict", "")) or _limits(row.said) for row in rows)
        return self._fields.settle(report, report.result if is_judged else self._fields.require_result(None))

    def _begin(self, row: _Row) -> UutReport:
        said, fields = row.said, self._fields
        lot = said.get("lot", "")
        part_number = fields.fill("part_number", said.get("part_number"))
        return fields.report(
            serial_number=said.get("serial_number"),
            part_number=part_number or (lot if _PART_NUMBER.fullmatch(lot) else ""),
            revision=said.get("revision"),
            process_code=said.get("process_code"),
            operator=said.get("operator"),
            station=said.get("station"),
            batch_serial_number=lot or None,
            comment=said.get("comment"),
            start=self._moment(row),
            line=row.line,
        )

    def _moment(self, row: _Row) -> datetime | None:
        try:
            return dated(row.start, day_first=bool(self._day_first)) if row.start else None
        except ValueError as fault:
            raise ConversionError(str(fault), line=row.line) from None


def _row(row: Row, layout: Layout, before: Mapping[str, str], more: Mapping[str, str]) -> _Row:
    """Other columns are about the unit where they stand before the measurement's name, else about the step."""
    others = {name: row.cell(place) for name, place in layout.others.items() if row.cell(place)}
    of_unit = {name for name in others if layout.others[name] < layout.places["step"]}
    return _Row(
        row.line,
        {**before, **layout.texts(row)},
        {**more, **{name: text for name, text in others.items() if name in of_unit}},
        {name: text for name, text in others.items() if name not in of_unit},
        len(row.cells) > max(layout.places[field] for field in _TABLE),
    )


def _unended(source: Source, encoding: str) -> int:
    """The number of the last line, if it has no end: then it has all columns, or the file breaks off there."""
    text = read(source, encoding)
    return 0 if text.endswith(("\r", "\n")) else len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _find_order(dates: Iterable[str]) -> bool:
    """Whether the day comes first: as the first date that leaves no choice, else where no / parts the numbers."""
    day_first = True
    for date in dates:
        if is_day_first(date, otherwise=True) == is_day_first(date, otherwise=False):
            return is_day_first(date, otherwise=True)
        day_first = "/" not in date
    return day_first


def _verdict(text: str) -> Status | None:
    if text.lower() in _NOTHING:
        return None
    try:
        return VERDICTS[text.lower()]
    except KeyError:
        raise ValueError(f"{text!r} is not a known result, such as PASS or FAIL") from None


def _add_step(report: UutReport, row: _Row) -> None:
    """ValueError where the row says what cannot be."""
    said = row.said
    name, value = said.get("step", ""), said.get("value", "")
    if not name or not row.is_whole:
        raise ValueError("the row breaks off" if not row.is_whole else "the measurement has no name")
    sides = _limits(said)
    low, high = (limit(sides.get(side, ""), decimal_comma=True) for side in ("low", "high"))
    text = "" if value.lower() in _NOTHING else value
    step = Measured(
        shorten(name, MAX_NAME), text, low, high, unit=said.get("unit", ""), verdict=_verdict(said.get("verdict", ""))
    ).add_to(report, _TEXTS)
    untold = {} if _of_tolerance(said) else {"Tolerance": said.get("tolerance", ""), "Limits": said.get("limits", "")}
    whole = {"Name": name} if len(name) > MAX_NAME else {}
    for header, more in {**whole, **untold, **row.of_step}.items():
        if more:
            step.note(f"{header}: {more}")


def _limits(said: Mapping[str, str]) -> Mapping[str, str]:
    """The limits as texts: of a tolerance that says which is which, else of columns of their own."""
    sides = _of_tolerance(said) or {side: said[side] for side in ("low", "high") if side in said}
    return {side: text for side, text in sides.items() if text.lower() not in _NOTHING}


def _of_tolerance(said: Mapping[str, str]) -> Mapping[str, str]:
    """The limits of a tolerance such as Max/Min; empty for others."""
    sides = [_SIDES.get(word.strip().lower(), "") for word in said.get("tolerance", "").split("/")]
    texts = [text.strip() for text in said.get("limits", "").split("/")]
    return dict(zip(sides, texts, strict=True)) if "" not in sides and len(sides) == len(texts) else {}
