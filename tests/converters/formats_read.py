"""What a format makes of a file, without a process around it, and the facts of a report in words."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pywats_client.converters.base import Context, Source, Station
from pywats_client.converters.registry import check_arguments, load, resolve
from pywats_client.converters.results import Finish
from pywats_client.errors import ConversionError

STATION = Station("Station-1", "Lab", "Test")


def converted(
    name: str, source: Source, arguments: dict[str, Any], **defaults: Any
) -> tuple[list[dict[str, Any]], list[str]]:
    """The reports, as they would be sent, and what is wrong with the others or with the file, line by line."""
    reports = []
    converter = load(resolve(name, source.path.parent)[0])()
    source = Source(source.path, tuple(source.path.parent / path for path in converter.companions(source)))
    try:
        context = Context(STATION, check_arguments(type(converter), arguments), logging.getLogger())
        for _, content, _ in Finish(STATION, defaults).reports(converter.convert(source, context), source, b"seed"):
            reports.append(json.loads(content))
    except ConversionError as error:
        return reports, str(error).splitlines()
    return reports, []


UNSAID: dict[str, Any] = {"process_code": 99, "part_number": "?", "revision": "?", "operator": "?"}
"""Fields that a sample lacks come from the configuration; here they only make the report complete."""


def header(report: dict[str, Any], wanted: str) -> str:
    """The fields of the unit; those that were filled from the configuration are shown as empty.

    Serial number, part number, revision, process code, operator, result, start (`*` where it is the file's time).
    """
    code = None if report["processCode"] == 99 else report["processCode"]
    user = (report.get("uut") or report["uur"]).get("user", "")
    start = "*" if wanted.endswith("*") else report["start"]
    shown = [report["sn"], report["pn"], report["rev"], code, user, report["result"], start]
    return " ".join("" if text == "?" else str(text) for text in shown)


def steps(step: dict[str, Any], above: str = "") -> Iterator[str]:
    """A line a step: its place, each measurement with limits, chart, status, and report text."""
    for child in step.get("steps") or []:
        words = [word for measured in _measurements(child) for word in measured]
        words += [child["status"], f"[{child['reportText']}]" if child.get("reportText") else ""]
        yield f"{above}{child['name']}: " + " ".join(str(word) for word in words if word != "")
        yield from steps(child, f"{above}{child['name']}/")


def _measurements(step: dict[str, Any]) -> Iterator[list[Any]]:
    for number in step.get("numericMeas") or []:
        limits = [limit for limit in (number.get("lowLimit"), number.get("highLimit")) if limit is not None]
        yield [*_named(number), number.get("value"), number.get("unit") or "", number["compOp"], *limits, *_own(number)]
    for text in step.get("stringMeas") or []:
        yield [*_named(text), repr(text["value"]), text["compOp"], repr(text["limit"]) if "limit" in text else ""]
        yield _own(text)
    for verdict in step.get("booleanMeas") or []:
        yield [*_named(verdict), *_own(verdict)]
    if chart := step.get("chart"):
        yield [f"chart {chart['label']}:", *(_plot(series) for series in chart["series"])]


def _named(measured: dict[str, Any]) -> list[str]:
    return [f"{measured['name']}="] if measured.get("name") else []


def _own(measured: dict[str, Any]) -> list[str]:
    """A verdict of a measurement among several; that of a single one is its step's."""
    return [f"{measured['status']};"] if measured.get("name") else []


def _plot(series: dict[str, Any]) -> str:
    xs, ys = series["xdata"].split(";"), series["ydata"].split(";")
    return f"{series['name']} {len(xs)} points ({xs[0]}, {ys[0]}) to ({xs[-1]}, {ys[-1]})"


def counts(report: dict[str, Any]) -> dict[str, int]:
    """How many steps, measurements of each kind, charts and points there are, and steps of each status."""
    found: Counter[str] = Counter()
    waiting = list(report.get("root", {}).get("steps") or [])
    for step in waiting:
        waiting.extend(step.get("steps") or [])
        found["steps"] += 1
        found[f"status {step['status']}"] += 1
        for kind in ("numericMeas", "stringMeas", "booleanMeas"):
            found[kind] += len(step.get(kind) or [])
        for series in (step.get("chart") or {}).get("series") or []:
            found["series"] += 1
            found["points"] += len(series["ydata"].split(";"))
    return {name: count for name, count in found.items() if count}
