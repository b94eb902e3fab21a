"""`pywats-client queue list`."""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import columns, painted, print_answers, say
from pywats_client.cli.queue.place import looking
from pywats_client.cli.queue.shown import SHORT, Row, as_dict, since
from pywats_client.cli.words import duration, size
from pywats_client.logs import show_name
from pywats_client.queue.name import State

States = Annotated[
    list[State] | None,
    typer.Option("--state", help="Only reports of this state; may be given several times. Left out: undelivered ones."),
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many.")]
Search = Annotated[
    str, typer.Option("--search", metavar="TEXT", help="Only reports with this in id, serial or part number.")
]
WIDTHS = {"id": 8, "state": 10, "arrived": 10, "tries": 5, "size": 8, "serial": 13, "part number": 13}
RIGHT = ("tries", "size")


def list_reports(
    state: States = None,
    limit: Limit = None,
    search: Search = "",
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the reports that the server does not have yet, the oldest first."""
    from pywats_client.queue.survey import UNDELIVERED

    with looking(instance_id, home) as look:
        shown = look.rows(state or UNDELIVERED, search, limit)
        if as_json:
            print_answers("reports", map(as_dict, shown))
        else:
            _print(shown, "no such reports" if state or search else "the queue is empty")


def _print(shown: Iterable[Row], nothing: str) -> None:
    indent = WIDTHS["id"] + 2
    room = columns() - indent
    count = 0
    for count, row in enumerate(shown, 1):
        if count == 1:
            print(painted(_row(WIDTHS), "dim"))
        print(_row(_cells(row)))
        for note in _notes(row):
            print(" " * indent + _cut(note, room))
    if not count:
        say(nothing)


def _cells(row: Row) -> list[str]:
    came = f"{duration(since(row.arrived))} ago"
    unit = row.serial_number, row.part_number
    return [row.id[:SHORT], row.state, came, str(row.attempts), size(row.bytes), *unit]


def _notes(row: Row) -> Iterator[str]:
    """What a row has no room for."""
    if row.fault:
        yield row.fault
        return
    left = (row.next_try - datetime.now(UTC)).total_seconds() if row.next_try else 0
    when = (f"next try within {duration(left)}" if left > 0 else "next try is due") if row.next_try else ""
    first = row.reason.partition("\n")[0]
    if when or first:
        yield ": ".join(filter(None, (when, first)))


def _row(cells: Iterable[str]) -> str:
    columns = []
    for cell, (title, width) in zip(cells, WIDTHS.items(), strict=True):
        text = _cut(cell, width)
        gap = " " * (width - _cells_of(text))
        columns.append(gap + text if title in RIGHT else text + gap)
    return "  ".join(columns).rstrip()


def _cut(text: str, width: int) -> str:
    """The text as it is safe to print; cut to a width in cells on a terminal, and nowhere else."""
    if not (text.isascii() and text.isprintable()):
        text = show_name(text)
    if _cells_of(text) <= width or not sys.stdout.isatty():
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1).rstrip() + "…"


def _cells_of(text: str) -> int:
    """How wide it is on a screen."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
