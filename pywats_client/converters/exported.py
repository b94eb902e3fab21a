"""Reports that were exported, or written by others, in such a form that a server takes them.

A server refuses some of what it exports (WSJF, sections 11, 12 and 14). What is changed is told in the report text of
the step, but for what a server knows itself.
"""

from collections.abc import Iterator

from pywats_client.converters.exported_steps import Wire, mend_chart, mend_measurements, note, objects
from pywats_client.converters.fields import Fields
from pywats_client.wsjf import shorten

MAX_NAME = 100
_OUTPUT = ("productName", "origin", "assetStats", "processCodeFormat")
_LOOP = {"num": "iterations", "n": "iterations", "passed": "passed", "failed": "failed", "endingIndex": "ending index"}
_FILLED = {"sn": "serial_number", "pn": "part_number", "rev": "revision", "result": "result"}


def mend(report: Wire) -> None:
    """Change what a server would refuse in a report that it has exported."""
    for key in _OUTPUT:
        report.pop(key, None)
    for holder in (report, report.get("uur")):
        if isinstance(holder, dict) and holder.get("processCode") is not None:
            holder.pop("processName", None)  # compared letter by letter, and the server knows the name by the code
    if isinstance(uut := report.get("uut"), dict):
        uut.pop("referencedByUURs", None)
    for unit in objects(report, "subUnits"):
        for failure in objects(unit, "failures"):
            _drop_step_name(failure)
    root = report.get("root")
    for step in _steps(root):
        _mend_step(step)
    if report.get("result") == "D" and isinstance(root, dict):
        report["result"] = "P"  # a unit that is done has passed, as a step that is done counts as passed
        note(root, "The file says done, which is no verdict of a unit.")


def fill(report: Wire, fields: Fields) -> None:
    """Fill what the report leaves empty from the file's name and the arguments. Raises ConversionError as `Fields`."""
    inner = report.get("uut" if report.get("type") == "T" else "uur")
    holders = [(report, key, field) for key, field in _FILLED.items()]
    holders += [(inner, "user", "operator")] if isinstance(inner, dict) else []
    for holder, key, field in holders:
        if holder.get(key) in (None, "") and (value := fields.fill(field)):
            holder[key] = value
    if report.get("processCode") is None and (code := fields.process_code()) is not None:
        report["processCode"] = code


def _steps(root: object) -> Iterator[Wire]:
    """Every step, depth first; without recursion, because a report may nest at will."""
    waiting = [root]
    while waiting:
        step = waiting.pop()
        if isinstance(step, dict):
            yield step
            waiting.extend(reversed(objects(step, "steps")))


def _mend_step(step: Wire) -> None:
    _drop_loop(step)
    mend_measurements(step)
    mend_chart(step)
    if isinstance(name := step.get("name"), str) and len(name) > MAX_NAME:
        step["name"] = shorten(name, MAX_NAME)
        note(step, name)


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
