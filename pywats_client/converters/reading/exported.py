"""Reports that were exported, or written by others, in such a form that a server takes them.

A server refuses some of what it exports (WSJF, sections 11, 12 and 14). What is changed is told in the report text of
the step, but for what a server knows itself.
"""

from pywats_client.converters.reading.exported_steps import MAX_NAME, cut, mend_chart, mend_measurements
from pywats_client.converters.reading.fields import Fields
from pywats_client.converters.reading.wire_steps import MEASURED, Wire, note, number_steps, objects, walk
from pywats_client.errors import ConversionError

_CALL_LENGTHS = {"path": 500, "name": 200, "version": 30}
_UUT_LENGTHS = {"comment": 5000, "fixtureId": 100, "batchSN": 100, "user": 100}
_OUTPUT = ("productName", "origin", "assetStats", "processCodeFormat")
_LOOP = {"num": "iterations", "n": "iterations", "passed": "passed", "failed": "failed", "endingIndex": "ending index"}
_BY_STEPS = {"P": "P", "D": "P", "S": "P", "F": "F", "E": "E", "T": "T"}
_FILLED = {"sn": "serial_number", "pn": "part_number", "rev": "revision"}


def complete(report: Wire, fields: Fields) -> None:
    """Fill what the report does not say, and change what a server would refuse. Raises ConversionError as `Fields`."""
    _fill(report, fields)
    _settle(report, fields)
    _complete_steps(report)
    _mend(report)


def require(report: Wire) -> None:
    """Raise ConversionError, naming the argument, where a test has no serial number or no verdict."""
    if not str(report.get("sn") or "").strip():
        raise ConversionError(
            "the file does not say the serial number: set the argument serial_number, or name_pattern"
        )
    if not report.get("result"):
        raise ConversionError("the file does not say the verdict: set the argument result")


def _fill(report: Wire, fields: Fields) -> None:
    _drop_nulls(report)
    if "type" not in report and report.keys() & {"uut", "uur", "root"}:
        report["type"] = "R" if "uur" in report else "T"
    inner = report.setdefault("uut", {}) if report.get("type") == "T" else report.get("uur")
    holders = [(report, key, field) for key, field in _FILLED.items()]
    if isinstance(inner, dict):
        _drop_nulls(inner)
        holders.append((inner, "user", "operator"))
    for holder, key, field in holders:
        if holder.get(key, "") == "" and (value := fields.fill(field)):
            holder[key] = value
    report.setdefault("rev", "")
    if isinstance(inner, dict):
        inner.setdefault("user", "")
    if "processCode" not in report and (code := fields.process_code()) is not None:
        report["processCode"] = code
        if isinstance(name := report.get("processName"), str) and isinstance(root := report.get("root"), dict):
            note(root, f"process: {name}")


def _drop_nulls(holder: Wire) -> None:
    """Exports write null for what is not said."""
    for key in [key for key, value in holder.items() if value is None]:
        del holder[key]


def _settle(report: Wire, fields: Fields) -> None:
    """A test without a verdict has that of its steps, if they have one; where it is another, the report says so."""
    root = report.get("root")
    status = str(root.get("status")) if isinstance(root, dict) else ""
    by_steps = _BY_STEPS.get(status)
    verdict = report.get("result") or (None if status in ("D", "S") else by_steps) or fields.fill("result")
    if not verdict:
        return
    report["result"] = verdict
    if isinstance(root, dict) and by_steps:
        report["result"] = _BY_STEPS["D"] if verdict == "D" else verdict
        if verdict != by_steps:
            note(root, f"The verdict of the unit is {verdict}, that of its steps {by_steps}.")


def _complete_steps(report: Wire) -> None:
    """What the format demands and can only be one thing: ids, the main group, the name and time of the outermost."""
    root = report.get("root")
    if not isinstance(root, dict):
        return
    number_steps(root)
    for step in walk(root):
        _drop_nulls(step)
        step.setdefault("group", "M")
    if not root.get("seqCall"):
        root["seqCall"] = {"path": root.get("name"), "name": root.get("name"), "version": "1.0"}
    uut = report.get("uut")
    if root.get("totTime") is None and isinstance(uut, dict) and uut.get("execTime") is not None:
        root["totTime"] = uut["execTime"]


def _mend(report: Wire) -> None:
    for key in _OUTPUT:
        report.pop(key, None)
    for holder in (report, report.get("uur")):
        if isinstance(holder, dict) and holder.get("processCode") is not None:
            holder.pop("processName", None)  # compared letter by letter, and the server knows the name by the code
    root = report.get("root")
    if isinstance(uut := report.get("uut"), dict):
        uut.pop("referencedByUURs", None)
        cut(root if isinstance(root, dict) else {}, uut, _UUT_LENGTHS)
    for unit in objects(report, "subUnits"):
        cut(root if isinstance(root, dict) else {}, unit, {"partType": 50})
        for failure in objects(unit, "failures"):
            _drop_step_name(failure)
    for step in walk(root):
        _mend_step(step)


def _mend_step(step: Wire) -> None:
    _drop_loop(step)
    mend_measurements(step)
    mend_chart(step)
    cut(step, step, {"name": MAX_NAME})
    if isinstance(call := step.get("seqCall"), dict):
        cut(step, call, _CALL_LENGTHS)
    _note_contradiction(step)


def _note_contradiction(step: Wire) -> None:
    """A step may pass over what failed in it, or fail by itself; its report text says so."""
    told = _BY_STEPS.get(str(step.get("status")))
    for key in ("steps", *MEASURED) if told in ("P", "F") else ():
        found = {str(item.get("status")) for item in objects(step, key)}
        by_items = next((status for status in ("E", "T", "F") if status in found), "P") if found else told
        if (told == "P") != (by_items == "P"):
            what = "the steps say" if key == "steps" else "the measurements say"
            note(step, f"The file says {told}, {what} {by_items}.")


def _drop_loop(step: Wire) -> None:
    """Repeated steps are siblings of one name: loops are refused as they are exported (WSJF, section 11)."""
    loop = step.pop("loop", None)
    if not isinstance(loop, dict):
        return
    index = loop.get("i") if loop.get("idx") is None else loop["idx"]
    if index is not None:
        note(step, f"Loop: iteration {index}")
        return
    numbers = [(loop.get(key), word) for key, word in _LOOP.items()]
    told = ", ".join(f"{word} {number}" for number, word in numbers if number is not None)
    note(step, f"Loop: {told}")


def _drop_step_name(failure: Wire) -> None:
    """A failure refers to its step by id; the name beside it is refused."""
    name = failure.pop("refStepName", None)
    if name and failure.get("refStepId") is None:
        failure["comment"] = f"{failure.get('comment') or ''}\nstep: {name}".strip()
