"""`pywats-client queue list`."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_json_array, say
from pywats_client.cli.queue.place import queue_of
from pywats_client.cli.queue.shown import as_dict, duration, fault_of, next_try, short, since, size, unit_of
from pywats_client.logs import show_name
from pywats_client.queue.name import State

if TYPE_CHECKING:
    from pywats_client.queue.survey import Found

States = Annotated[
    list[State] | None,
    typer.Option("--state", help="Only reports of this state; may be given several times. Left out: undelivered ones."),
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many.")]
Search = Annotated[
    str, typer.Option("--search", metavar="TEXT", help="Only reports with this in id, serial, part number or reason.")
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
    from pywats_client.queue.survey import UNDELIVERED, reports

    wanted = search.casefold()
    listed = (found for found in reports(queue_of(instance_id, home), state or UNDELIVERED) if _has(found, wanted))
    shown = islice(listed, limit)
    if as_json:
        print_json_array(map(as_dict, shown))
    else:
        _print(shown)


def _has(found: "Found", wanted: str) -> bool:
    if not wanted:
        return True
    return any(wanted in text.casefold() for text in (str(found.name.id), *unit_of(found), found.reason))


def _print(shown: Iterable["Found"]) -> None:
    from shutil import get_terminal_size

    indent = WIDTHS["id"] + 2
    room = get_terminal_size().columns - indent
    count = 0
    for count, found in enumerate(shown, 1):
        if count == 1:
            print(_row(WIDTHS))
        print(_row(_cells(found)))
        for note in _notes(found):
            print(" " * indent + _cut(note, room))
    if not count:
        say("no such reports")


def _cells(found: "Found") -> list[str]:
    from pywats_client.queue.survey import arrival

    name = found.name
    came = f"{duration(since(arrival(name)))} ago"
    return [short(name), name.state, came, str(name.attempt), size(found.size), *unit_of(found)]


def _notes(found: "Found") -> Iterator[str]:
    """What a row has no room for."""
    if found.fault:
        yield fault_of(found)
        return
    from datetime import UTC, datetime

    due = next_try(found)
    left = (due - datetime.now(UTC)).total_seconds() if due else 0
    when = (f"next try within {duration(left)}" if left > 0 else "next try is due") if due else ""
    first = found.reason.partition("\n")[0]
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
