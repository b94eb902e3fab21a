"""What was shown, how often, and what was reached: the results that `tests/README.md` is made of.

Each kind of run has its file here: `suite.json` is written anew by `make evidence`; in `torture.json` and
`soak.json` the runs add up, each time those are called.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).parent
README = FOLDER.parent / "README.md"
SOURCES = ("suite", "torture", "soak")


@dataclass(frozen=True)
class Row:
    """One case. `runs` is how many times it was run and passed; `figure` what was reached, in words."""

    id: str
    case: str
    injected: str
    promised: str
    runs: int = 1
    figure: str = ""

    def __add__(self, later: "Row") -> "Row":
        return replace(later, runs=self.runs + later.runs, figure=later.figure or self.figure)


def load(source: str) -> list[Row]:
    """The rows of one of SOURCES, as its last run has left them."""
    path = FOLDER / f"{source}.json"
    return [Row(**row) for row in json.loads(path.read_text("utf-8"))] if path.exists() else []


def save(source: str, rows: Iterable[Row]) -> None:
    """Write the rows, those of the same id and case added up."""
    added: dict[tuple[str, str], Row] = {}
    for row in rows:
        known = added.get((row.id, row.case))
        added[row.id, row.case] = known + row if known else row
    ordered = sorted(added.values(), key=_order)
    (FOLDER / f"{source}.json").write_text(json.dumps([asdict(row) for row in ordered], indent=1) + "\n", "utf-8")


def record(source: str, id: str, case: str, *, injected: str, promised: str, runs: int, figure: str = "") -> None:  # noqa: A002
    """Add runs to what was recorded before."""
    save(source, [*load(source), Row(id, case, injected, promised, runs, figure)])


def _order(row: Row) -> tuple[bool, str, str]:
    return not re.fullmatch(r"F\d\d", row.id), row.id, row.case


def table(rows: Iterable[Row]) -> str:
    """The rows as a table of Markdown."""
    lines = ["| id | case | how it is injected | what is promised | runs | reached |", "|---|---|---|---|---:|---|"]
    lines += [
        f"| {row.id} | {row.case} | {row.injected} | {row.promised} | {row.runs:,} | {row.figure or 'passed'} |"
        for row in rows
    ]
    return "\n".join(lines)


def readme() -> str:
    """The whole of `tests/README.md`."""
    text = (FOLDER / "README.template.md").read_text("utf-8")
    for source in SOURCES:
        text = text.replace(f"<!-- {source} -->", table(load(source)))
    return text
