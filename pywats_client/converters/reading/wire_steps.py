"""Steps of WSJF in the making, for formats whose steps are those of WATS already."""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta, timezone
from typing import Any

from pywats_client.converters.reading.fields import MAX_FACT
from pywats_client.converters.reading.measured import number
from pywats_client.wsjf.limits import StringOp
from pywats_client.wsjf.measurements import NumericMeasurement
from pywats_client.wsjf.model import Status, is_worse
from pywats_client.wsjf.report import ROOT_NAME
from pywats_client.wsjf.rules import parse_moment

Wire = dict[str, Any]
"""An object of WSJF; in a report that was read, anything may stand in it."""

MEASURED = ("numericMeas", "booleanMeas", "stringMeas")
_NO_NUMBER = re.compile(r"[-+]?(IND|1\.#(QNAN|SNAN|IND|INF)\d*)", re.IGNORECASE)
"""What programs in C write for NaN and infinity, beside those words."""
_LARGEST_OFFSET = timedelta(hours=14)
_NO_LIMITS = (("lowLimit", -math.inf), ("highLimit", math.inf))


def objects(holder: Wire, key: str) -> list[Wire]:
    """The objects in the list under a key; none where there is no list."""
    items = holder.get(key)
    if not items:
        return []
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def walk(root: object) -> Iterator[Wire]:
    """Every step, depth first; without recursion, because a report may nest at will."""
    waiting = [root]
    while waiting:
        step = waiting.pop()
        if isinstance(step, dict):
            yield step
            waiting.extend(reversed(objects(step, "steps")))


def note(step: Wire, text: str) -> None:
    """Add a line to the report text of a step."""
    before = step.get("reportText")
    step["reportText"] = f"{before}\n{text}" if isinstance(before, str) and before else text


def tell(report: Wire, name: str, text: str) -> None:
    """A fact of a tested unit without a place of its own: a misc info, or report text where it is too long for that."""
    if max(len(name), len(text)) > MAX_FACT:
        note(report["root"], f"{name}: {text}")
    else:
        report.setdefault("miscInfos", []).append({"description": name, "text": text})


def empty_root() -> Wire:
    """A main sequence without steps."""
    call = {"path": ROOT_NAME, "name": ROOT_NAME, "version": "1.0"}
    return {"group": "M", "name": ROOT_NAME, "stepType": "SequenceCall", "seqCall": call, "steps": []}


def number_steps(root: Wire) -> None:
    """Steps without an id go on after the highest that there is."""
    steps = list(walk(root))
    ids = [step["id"] for step in steps if isinstance(step.get("id"), int)]
    free = itertools.count(1 + max(ids, default=0))
    for step in steps:
        if step.get("id") is None:
            step["id"] = next(free)


def put_start(report: Wire, start: str, in_utc: str) -> str:
    """The start of a report from texts in ISO 8601, and the same in UTC, which tells the offset of one without it.

    Either may be empty. Returns the one in UTC if it is another instant, and so cannot be sent.
    """
    local_time, utc = parse_moment(start), parse_moment(in_utc)
    if utc and utc.tzinfo is None:
        utc, in_utc = utc.replace(tzinfo=UTC), f"{in_utc}Z"
    if local_time and local_time.tzinfo is None and utc:
        offset = timedelta(minutes=round((local_time.replace(tzinfo=UTC) - utc) / timedelta(minutes=1)))
        if abs(offset) <= _LARGEST_OFFSET:
            local_time = local_time.replace(tzinfo=timezone(offset))
            start += local_time.isoformat()[-len("+00:00") :]
    if start or in_utc:
        report["start"] = start or in_utc
    if utc and (not local_time or (local_time.tzinfo and abs(local_time - utc) < timedelta(seconds=1))):
        report["startUTC"] = in_utc
        return ""
    return in_utc


def put_number(step: Wire, measured: Wire, key: str, text: str, *, decimal_comma: bool = False) -> None:
    """A number of a measurement from its text, if it says one; what has no form on the wire, such as NaN, is told.

    ValueError where the text says something else.
    """
    if not text.strip():
        return
    value = math.nan if _NO_NUMBER.fullmatch(text.strip()) else number(text.strip(), decimal_comma=decimal_comma)
    if math.isfinite(value):
        measured[key] = value
    elif (key, value) not in _NO_LIMITS:
        note(step, f"{measured.get('name') or ''} {key}: {text.strip()}".strip())


def judge(step: Wire) -> None:
    """Give verdicts to what has none, by the limits or by what the step holds. ValueError where none can be had."""
    for measured in objects(step, "numericMeas"):
        _judge_number(measured)
    for measured in objects(step, "stringMeas"):
        _judge_text(measured)
    for measured in objects(step, "booleanMeas"):
        if "status" not in measured and "status" not in step:
            raise ValueError("the pass/fail test has no Status")
        measured.setdefault("status", step.get("status"))
    step.setdefault("status", worst([item for key in (*MEASURED, "steps") for item in objects(step, key)]))


def _judge_number(measured: Wire) -> None:
    if "status" in measured and "compOp" in measured:
        return
    low, high, op = (measured.get(key) for key in ("lowLimit", "highLimit", "compOp"))
    try:
        judged = NumericMeasurement.judged(None, measured.get("value", math.nan), low=low, high=high, op=op)
    except ValueError as fault:
        raise ValueError(f"the numeric test has no Status: {fault}") from None
    measured["compOp"] = str(judged.comp_op)
    measured.setdefault("status", judged.status)


def _judge_text(measured: Wire) -> None:
    op = measured.setdefault("compOp", "CASESENSIT" if "limit" in measured else "LOG").upper()
    if "status" not in measured:
        if op not in StringOp.__members__:
            raise ValueError(f"the text test has no Status, and {op} is not known")
        does_hold = StringOp(op).holds(measured.get("value", ""), measured.get("limit", ""))
        measured["status"] = "P" if does_hold else "F"


def worst(items: Sequence[Wire]) -> Status:
    """The verdict of a step without one of its own: D, if it holds nothing that has one."""
    found: Status = items[0]["status"] if items else "D"
    for item in items:
        if is_worse(item["status"], found):
            found = item["status"]
        elif item["status"] != found and not is_worse(found, "P"):
            found = "P" if "P" in (item["status"], found) else "D"
    return found
