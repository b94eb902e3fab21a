"""Finds, before a report is queued, what a server would refuse or quarantine. Works on the wire's JSON as it is."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pywats_client.wsjf.check_parts import check_parts, check_uur, check_uut
from pywats_client.wsjf.check_steps import check_root
from pywats_client.wsjf.findings import Fault, Findings, Place, kind_of, quoted
from pywats_client.wsjf.rules import (
    Fields,
    check_fields,
    guid,
    integer,
    may,
    moment,
    must,
    one_of,
    parse_moment,
    text,
)

__all__ = ["Fault", "check"]

_HEADER = Fields(
    {
        "id": must(guid),
        "type": must(one_of("T", "R")),
        "pn": must(text(100, may_be_empty=False)),
        "sn": must(text(100, may_be_empty=False)),
        "rev": must(text(100)),
        "processCode": must(integer),
        "processName": may(text(100)),
        "processCodeFormat": may(text(100)),
        "result": must(one_of("P", "F", "E", "T")),
        "machineName": must(text(100, may_be_empty=False)),
        "location": must(text(100)),
        "purpose": must(text(100)),
        "start": must(moment),
        "startUTC": must(moment, fatal_if_missing=False),
    }
)
_OUTPUT = ("productName", "origin", "assetStats", "additionalData")
_FAILED = ("F", "E", "T")
_RISKY = re.compile(r"[*%?\[\]^!/\\]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = "\\"
"""What JSON writes control characters with."""
_CLOCKS_DIFFER = timedelta(minutes=5)


def check(report: Mapping[str, Any], *, now: datetime | None = None, text: str | None = None) -> list[Fault]:
    """Every fault of a report in WSJF, in no other order than the report's own; an empty list is a good report.

    Never raises, whatever JSON it is given. `now` (aware, default the present) tells what is in the future.
    `text`: the report in JSON that is not escaped to ASCII and has no NaN, where the caller has it; saves time.
    Source: the WSJF reference, sections 2 to 13.
    """
    if not isinstance(report, Mapping):
        return [Fault("", f"the report must be a JSON object, not {kind_of(report)}")]
    findings = Findings()
    place = Place(None, "", report)
    _check_header(findings, place, now or datetime.now(UTC))
    check_parts(findings, place)
    if report.get("type") == "T":
        check_uut(findings, place)
        if root := findings.object(place, "root", required=True, is_step=True):
            _check_result(findings, place, check_root(findings, root))
    elif report.get("type") == "R":
        check_uur(findings, place)
    if text is None or not text.isprintable() or _ESCAPE in text:
        _check_values(findings, place)
    return findings.faults


def _check_header(findings: Findings, report: Place, now: datetime) -> None:
    check_fields(findings, report, _HEADER)
    for key in ("rev", "location", "purpose"):
        if report.value.get(key) == "":
            findings.add(report, key, "is empty: give one, in the source or the configuration", fatal=False)
    for key in ("pn", "sn"):
        value = report.value.get(key)
        if isinstance(value, str) and (risky := _RISKY.search(value)):
            problem = f"holds {risky.group()}, which makes searches fail: use letters, digits, - and ."
            findings.add(report, key, problem, fatal=False)
    for key in _OUTPUT:
        if report.value.get(key):
            findings.add(report, key, "is output of the server: leave it out", fatal=False)
    _check_start(findings, report, now)


def _check_start(findings: Findings, report: Place, now: datetime) -> None:
    start = parse_moment(report.value.get("start"))
    in_utc = parse_moment(report.value.get("startUTC"))
    if in_utc is not None and in_utc.tzinfo is None:
        findings.add(report, "startUTC", "has no offset: end it in Z", fatal=False)
        in_utc = in_utc.replace(tzinfo=UTC)
    if start is None:
        return
    if start.tzinfo is None:
        findings.add(report, "start", "has no UTC offset: write one, such as +01:00, or Z")
        return
    if start - now > _CLOCKS_DIFFER:
        problem = f"is {quoted(report.value['start'])}, in the future: set the station's clock"
        findings.add(report, "start", problem + "; a server quarantines such reports")
    if in_utc is not None and abs(start - in_utc) >= timedelta(seconds=1):
        findings.add(report, "startUTC", "is not the same instant as start: correct one, or leave startUTC out")


def _check_result(findings: Findings, report: Place, steps: list[Place]) -> None:
    """Result and steps should tell the same story; a file's own verdict may have its reasons."""
    result = report.value.get("result")
    failed = next((step for step in steps if step.value.get("status") in _FAILED), None)
    if result == "F" and failed is None:
        findings.add(report, "result", "is F, but no step failed: say in a step why it failed", fatal=False)
    elif result == "P" and failed is not None:
        name = quoted(failed.value.get("name"))
        problem = f"is P, but step {name} has status {failed.value['status']}: one of them is wrong"
        findings.add(report, "result", problem, fatal=False)


def _check_values(findings: Findings, report: Place) -> None:
    """Characters and numbers without a form on the wire, anywhere, known keys or not."""
    waiting = [report]
    while waiting:
        place = waiting.pop()
        content = place.value
        for key, value in enumerate(content) if isinstance(content, list) else content.items():
            if isinstance(value, str):
                if not value.isprintable() and (found := _FORBIDDEN.search(value)):
                    code = f"U+{ord(found.group()):04X}"
                    findings.add(place, key, f"holds the character {code}, which is not allowed: remove it")
            elif isinstance(value, dict | list):
                waiting.append(place.below(key, value, is_step=isinstance(value, dict) and _is_step(place, key)))
            elif isinstance(value, float) and not math.isfinite(value):
                problem = f"is {value}, which JSON cannot write: leave it out, and say it in a reportText"
                findings.add(place, key, problem)


def _is_step(place: Place, key: str | int) -> bool:
    """Whether what stands there is a step: the root, or an item of the steps of a step."""
    if place.parent is None:
        return key == "root"
    return place.key == "steps" and place.parent.is_step and isinstance(key, int)
