"""From what a converter returns to the bytes that are stored: completed, identified, checked."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from pywats_client.converters.base import Source, Station
from pywats_client.converters.messages import MAX_REPORT_BYTES
from pywats_client.errors import ConversionError, PartlyConverted
from pywats_client.queue.name import queue_id
from pywats_client.wsjf.check import Fault, check
from pywats_client.wsjf.model import utc_text
from pywats_client.wsjf.report import UurReport, UutReport

MAX_FAULTS = 50
_FAILED = ("F", "E", "T")
_ARGUMENTS = {"sn": "serial_number", "pn": "part_number", "processCode": "process_code", "result": "result"}
"""What fills a field that a file does not say, by the place where the check misses it."""
_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_NAMES = {
    kind: {name: field.serialization_alias or name for name, field in model.model_fields.items()}
    for kind, model in (("T", UutReport), ("R", UurReport))
}
"""Plain names of report fields to those on the wire, by the report's type; `uut.user` lies one level deeper."""


def each(made: object) -> Iterator[object]:
    """The reports that a converter returned, one by one as they are made, and what it says of units without one.

    Raises ConversionError where there is neither.
    """
    if isinstance(made, UutReport | UurReport | Mapping):
        yield made
        return
    if isinstance(made, str | bytes) or not isinstance(made, Iterable):
        raise _no_report(made)
    empty = True
    for report in made:
        empty = False
        if not isinstance(report, UutReport | UurReport | Mapping | ConversionError):
            raise _no_report(report)
        yield report
    if empty:
        raise ConversionError("the converter produced no report")


def _no_report(made: object) -> ConversionError:
    if made is None:
        return ConversionError("the converter produced no report")
    kind = type(made).__name__
    return ConversionError(f"the converter returned a {kind}; it must be a report, a WSJF dict, or several of them")


def sentence(fault: Fault) -> str:
    """A fault with its place in the report."""
    return fault.message if fault.message.startswith(fault.path) else f"{fault.path}: {fault.message}"


class Faults:
    """What is wrong with the units of a source: each sentence once, with the lines of those it is about."""

    def __init__(self) -> None:
        self.good = 0
        """units of which there is a report"""
        self._count = self._told = 0
        self._first: ConversionError | None = None
        self._lines: dict[str, list[int]] = {}

    def add(self, fault: ConversionError) -> None:
        """Another one."""
        self._first = self._first or fault
        self._count += 1
        if self._told < MAX_FAULTS:
            self._told += 1
            line = [] if fault.line is None else [fault.line]
            self._lines.setdefault(str(fault).removeprefix(f"line {fault.line}: "), []).extend(line)

    def raise_any(self) -> None:
        """Raise ConversionError where there were some, PartlyConverted where there are good units beside them."""
        if self._first is None:
            return
        if self._count == 1 and not self.good:
            raise self._first
        told = [f"line {', '.join(map(str, lines))}: {text}" if lines else text for text, lines in self._lines.items()]
        if self._count > self._told:
            told.append(f"… and {self._count - self._told} more")
        kind = PartlyConverted if self.good else ConversionError
        of_all = f"{self._count} of {self._count + self.good} units cannot be converted:"
        raise kind("\n".join([of_all, *told]), details=self._first.details)


class Finished(NamedTuple):
    """A report that is ready for the queue; `facts` in the order of `setup.Facts`."""

    queue_id: uuid.UUID
    content: bytes
    facts: tuple[str, ...]


class Finish:
    """Makes reports ready for the queue. Knows what the station and the configuration say of every report.

    `defaults` fill by the plain name of a field what a report leaves empty, and go before the station's.
    """

    def __init__(self, station: Station, defaults: Mapping[str, Any]) -> None:
        of_station = {"station": station.name, "location": station.location, "purpose": station.purpose}
        given = {name: value for name, value in defaults.items() if value not in (None, "")}
        self._values = of_station | given

    def reports(self, made: object, source: Source, seed: bytes) -> Iterator[Finished]:
        """Each good report with its queue id, which bad ones among them do not change.

        Raises ConversionError that lists the faults of a lone report. Where some of several are bad, the others
        come first, and PartlyConverted is raised at the end.
        """
        ids: dict[str, int] = {}
        faults = Faults()
        for index, report in enumerate(each(made)):
            try:
                if isinstance(report, ConversionError):
                    raise report
                finished = self._finish(report, queue_id(seed, index), source, index, ids)
            except ConversionError as fault:
                faults.add(fault)
            else:
                faults.good += 1
                yield finished
        faults.raise_any()

    def _finish(self, report: Any, name: uuid.UUID, source: Source, index: int, ids: dict[str, int]) -> Finished:
        content = report.to_wsjf() if isinstance(report, UutReport | UurReport) else dict(report)
        self._complete(content, name, source)
        text = _text_of(content)
        self._refuse_faults(content, text, index)
        own = str(content["id"]).lower()
        if own in ids:
            raise ConversionError(
                f"reports {ids[own] + 1} and {index + 1} have the same id {own}: one would replace the other"
            )
        ids[own] = index
        return Finished(name, _to_bytes(content, text, index), _facts(content))

    def _complete(self, report: dict[str, Any], name: uuid.UUID, source: Source) -> None:
        if not report.get("id"):
            report["id"] = str(name)
        names = _NAMES.get(str(report.get("type")), {})
        for field, value in self._values.items():
            outer, _, key = names.get(field, "").rpartition(".")
            holder = report
            if outer:
                if not isinstance(report.get(outer), Mapping):
                    continue  # the check says so
                holder = report[outer] = dict(report[outer])
            if key and holder.get(key) in (None, ""):
                holder[key] = value
        _complete_start(report, source)

    def _refuse_faults(self, report: Mapping[str, Any], text: str | None, index: int) -> None:
        faults = [fault for fault in check(report, text=text) if fault.fatal]
        if faults:
            lines = [sentence(fault) + _cure(fault) for fault in faults[:MAX_FAULTS]]
            if len(faults) > MAX_FAULTS:
                lines.append(f"… and {len(faults) - MAX_FAULTS} more")
            count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
            unit = f" ({report['sn']})" if report.get("sn") else ""
            raise ConversionError("\n".join([f"report {index + 1}{unit} has {count} that a server refuses:", *lines]))


def _cure(fault: Fault) -> str:
    argument = _ARGUMENTS.get(fault.path)
    return f"; the file does not say it: set the converter's argument {argument}" if argument else ""


def _complete_start(report: dict[str, Any], source: Source) -> None:
    """Fix the start at conversion: the file's own moment stays the same when it is converted again.

    A time without an offset is the station's local time.
    """
    start = report.get("start")
    if not start:
        moment = source.modified
        report["start"] = moment.isoformat()
    elif isinstance(start, str):
        try:
            moment = datetime.fromisoformat(start)
            if moment.utcoffset() is None:
                moment = moment.astimezone()
                report["start"] = moment.isoformat()
        except (ValueError, OverflowError):
            return  # the check says so, with its place
    else:
        return
    if not report.get("startUTC"):
        with suppress(OverflowError):  # at the ends of the calendar, of which the check says what is wrong
            report["startUTC"] = utc_text(moment)


def _facts(report: Mapping[str, Any]) -> tuple[str, ...]:
    known = (str(report.get(key) or "") for key in ("type", "sn", "pn", "result"))
    return *known, _first_failing_step(report) if report.get("result") in _FAILED else ""


def _first_failing_step(report: Mapping[str, Any]) -> str:
    """Down the failed steps, the first of each sequence: a failure that its sequence has passed over is none."""
    name, steps = "", [report.get("root") or {}]
    while step := next((step for step in steps if step.get("status") in _FAILED), None):
        name, steps = str(step.get("name") or ""), step.get("steps") or []
    return name


def _text_of(report: Mapping[str, Any]) -> str | None:
    """The report as JSON; None where it has none, of which the check may say more."""
    with suppress(TypeError, ValueError, RecursionError):
        return _to_json(report)
    return None


def _to_bytes(report: Mapping[str, Any], text: str | None, index: int) -> bytes:
    try:
        content = (text or _to_json(report)).encode()
    except (TypeError, ValueError) as fault:
        raise ConversionError(f"report {index + 1} cannot be written as JSON: {fault}") from fault
    if len(content) > MAX_REPORT_BYTES:
        raise ConversionError(
            f"report {index + 1} has {len(content) / 1e6:.1f} MB; more than {MAX_REPORT_BYTES / 1e6:.0f} MB are refused"
        )
    return content
