"""A report for people: its unit, its steps as a tree, each value with its limits and verdict."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from pywats_client.logs import show_name

_STATUS = {
    "P": ("passed", "green"),
    "F": ("FAILED", "bold red"),
    "D": ("done", "dim"),
    "S": ("skipped", "dim"),
    "E": ("ERROR", "bold red"),
    "T": ("TERMINATED", "bold red"),
}
_LIMITS = {
    "EQ": "= {0}",
    "NE": "≠ {0}",
    "GT": "> {0}",
    "GE": "≥ {0}",
    "LT": "< {0}",
    "LE": "≤ {0}",
    "GTLT": "{0} < … < {1}",
    "GTLE": "{0} < … ≤ {1}",
    "GELT": "{0} ≤ … < {1}",
    "GELE": "{0} ≤ … ≤ {1}",
    "LTGT": "< {0} or > {1}",
    "LTGE": "< {0} or ≥ {1}",
    "LEGT": "≤ {0} or > {1}",
    "LEGE": "≤ {0} or ≥ {1}",
}


def print_report(report: Mapping[str, Any]) -> None:
    """Print it on stdout: in colours on a terminal, unless NO_COLOR is set; plain and 80 wide elsewhere."""
    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 80)
    title = Text.assemble((_shown(report.get("sn")), "bold"), f"  {_shown(report.get('pn'))}")
    if report.get("rev"):
        title.append(f" rev {_shown(report['rev'])}")
    kind = {"T": "test", "R": "repair"}.get(str(report.get("type")), "report")
    title.append(f"  {kind} {_shown(report.get('processCode'))}  ")
    tree = Tree(title.append_text(_verdict(report.get("result"))), guide_style="dim")
    for line in _facts(report):
        tree.add(Text(line, style="dim"))
    root = report.get("root") or {}
    _add_notes(tree, root)
    for step in root.get("steps") or ():
        _add_step(tree, step)
    for unit in report.get("subUnits") or ():
        _add_unit(tree, unit)
    console.print(tree, soft_wrap=False)


def _facts(report: Mapping[str, Any]) -> Iterator[str]:
    inner = report.get("uut") or report.get("uur") or {}
    place = [report.get("machineName"), report.get("location"), report.get("purpose")]
    yield f"at {', '.join(_shown(text) for text in place if text)}, {_shown(report.get('start'))}"
    yield f"by {_shown(inner.get('user')) or '(nobody named)'}, id {_shown(report.get('id'))}"
    if inner.get("comment"):
        yield _shown(inner["comment"])
    for info in report.get("miscInfos") or ():
        yield f"{_shown(info.get('description'))}: {_shown(info.get('text', info.get('numeric')))}"


def _add_step(above: Tree, step: Mapping[str, Any]) -> None:
    values = [_measured(item) for key in ("numericMeas", "stringMeas", "booleanMeas") for item in step.get(key) or ()]
    line = Text(_shown(step.get("name")))
    is_single = len(values) == 1 and not values[0][0]
    if is_single and values[0][1]:
        line.append("  ").append_text(values[0][1])
    branch = above.add(line.append("  ").append_text(_verdict(step.get("status"))))
    for name, value, status in () if is_single else values:
        branch.add(Text(name + "  ").append_text(value).append("  ").append_text(_verdict(status)))
    _add_notes(branch, step)
    for child in step.get("steps") or ():
        _add_step(branch, child)


def _add_notes(branch: Tree, step: Mapping[str, Any]) -> None:
    for key in ("reportText", "errorMessage"):
        for line in str(step.get(key) or "").splitlines():
            branch.add(Text(_shown(line), style="italic"))
    if chart := step.get("chart"):
        names = ", ".join(_shown(series.get("name")) for series in chart.get("series") or ())
        branch.add(Text(f"chart {_shown(chart.get('label'))}: {names}", style="dim"))
    if attachment := step.get("attachment"):
        branch.add(Text(f"attached {_shown(attachment.get('name'))}", style="dim"))


def _add_unit(tree: Tree, unit: Mapping[str, Any]) -> None:
    parts = (unit.get("partType"), unit.get("sn"), unit.get("pn"), unit.get("rev"))
    branch = tree.add(Text("sub unit " + " ".join(_shown(part) for part in parts if part)))
    for failure in unit.get("failures") or ():
        told = (failure.get("category"), failure.get("code"), failure.get("comRef"), failure.get("comment"))
        branch.add(Text("failure: " + ", ".join(_shown(part) for part in told if part), style="red"))


def _measured(item: Mapping[str, Any]) -> tuple[str, Text, Any]:
    """Name, value with limits, and status of a measurement."""
    value = Text(_shown(item.get("value")), style="cyan")
    if value and item.get("unit"):
        value.append(f" {_shown(item['unit'])}")
    limits = item.get("lowLimit"), item.get("highLimit")
    comparison = str(item.get("compOp", "")).upper()
    if item.get("limit") is not None:
        value.append(f"  = {_shown(item['limit'])}", style="dim")
    elif comparison in _LIMITS:
        value.append("  " + _LIMITS[comparison].format(*map(_shown, limits)), style="dim")
    return _shown(item.get("name")), value, item.get("status")


def _verdict(status: Any) -> Text:
    word, style = _STATUS.get(str(status), (_shown(status), ""))
    return Text(word, style=style)


def _shown(value: Any) -> str:
    """A value of the report as text that is safe on a terminal."""
    return "" if value is None else show_name(str(value))
