"""The steps of a report as a tree that can be folded. No Textual here.

A report comes from any program: what is not of the expected shape is passed over.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pywats_tui.limits import drawn, sentence, shown

VERDICTS = {
    "P": "passed",
    "F": "FAILED",
    "D": "done",
    "S": "skipped",
    "E": "ERROR",
    "T": "TERMINATED",
}
BAD = frozenset("FET")
MEASUREMENTS = ("numericMeas", "stringMeas", "booleanMeas")


@dataclass(slots=True, eq=False)
class Node:
    """A step, a measurement, or a note. `is_bad`: it failed, or something below it did."""

    raw: Mapping[str, Any]
    depth: int
    is_step: bool = True
    children: list["Node"] = field(default_factory=list)
    is_bad: bool = False
    is_open: bool = False

    @property
    def verdict(self) -> str:
        """The word for its status; empty for a note."""
        status = self.raw.get("status")
        return VERDICTS.get(str(status), shown(status))

    @property
    def has_failed(self) -> bool:
        """Whether it failed itself."""
        return str(self.raw.get("status")) in BAD

    def text(self) -> str:
        """Name, value and limits."""
        if "note" in self.raw:
            return shown(self.raw["note"])
        single = _single(self.raw) if self.is_step else self.raw
        value = sentence(single) if single else ""
        return "  ".join(filter(None, (shown(self.raw.get("name")), value, drawn(single) if single else "")))


def tree(report: Mapping[str, Any]) -> list[Node]:
    """The uppermost nodes; those with something failed below them are unfolded."""
    root = _mapping(report.get("root"))
    top = [*_notes(root, 0), *(Node(step, 0) for step in _items(root.get("steps"))), *_units(report)]
    made, waiting = [], [node for node in top if node.is_step]
    while waiting:
        node = waiting.pop()
        made.append(node)
        steps = [Node(step, node.depth + 1) for step in _items(node.raw.get("steps"))]
        node.children += [*_measured(node), *_notes(node.raw, node.depth + 1), *steps]
        waiting += steps
    for node in reversed(made):
        node.is_bad = node.has_failed or any(child.is_bad for child in node.children)
        node.is_open = node.is_bad
    return top


def visible(top: Sequence[Node]) -> Iterator[Node]:
    """The nodes that nothing folded hides, from above."""
    waiting = list(reversed(top))
    while waiting:
        node = waiting.pop()
        yield node
        if node.is_open:
            waiting += reversed(node.children)


def first_bad(nodes: Sequence[Node]) -> int:
    """Where the innermost of the first failed step is; 0: none failed."""
    for index, node in enumerate(nodes):
        if node.has_failed and not any(child.is_bad for child in node.children):
            return index
    return 0


def _single(step: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The only measurement of a step, where it has no name of its own."""
    found = [item for key in MEASUREMENTS for item in _items(step.get(key))]
    return found[0] if len(found) == 1 and not found[0].get("name") else None


def _measured(step: Node) -> list[Node]:
    if _single(step.raw):
        return []
    found = [item for key in MEASUREMENTS for item in _items(step.raw.get(key))]
    return [Node(item, step.depth + 1, is_step=False, is_bad=str(item.get("status")) in BAD) for item in found]


def _notes(raw: Mapping[str, Any], depth: int) -> list[Node]:
    lines = [line for key in ("reportText", "errorMessage") for line in str(raw.get(key) or "").splitlines()]
    if chart := _mapping(raw.get("chart")):
        names = ", ".join(shown(series.get("name")) for series in _items(chart.get("series")))
        lines.append(f"chart {shown(chart.get('label'))}: {names}")
    if attachment := _mapping(raw.get("attachment")):
        lines.append(f"attached {shown(attachment.get('name'))}")
    return [Node({"note": line}, depth, is_step=False) for line in lines]


def _units(report: Mapping[str, Any]) -> Iterator[Node]:
    for info in _items(report.get("miscInfos")):
        text = f"{shown(info.get('description'))}: {shown(info.get('text', info.get('numeric')))}"
        yield Node({"note": text}, 0, is_step=False)
    for unit in _items(report.get("subUnits")):
        parts = (unit.get("partType"), unit.get("sn"), unit.get("pn"), unit.get("rev"))
        node = Node({"note": "sub unit " + " ".join(shown(part) for part in parts if part)}, 0, False, is_open=True)
        for failure in _items(unit.get("failures")):
            told = (failure.get("category"), failure.get("code"), failure.get("comRef"), failure.get("comment"))
            text = "failure: " + ", ".join(shown(part) for part in told if part)
            node.children.append(Node({"note": text, "status": "F"}, 1, False, is_bad=True))
        yield node


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
