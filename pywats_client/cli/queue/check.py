"""`pywats-client queue check`."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from pywats_client.cli.known import command
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_answer, print_pairs, wrapped
from pywats_client.cli.queue.place import SHOWN, looking
from pywats_client.cli.queue.shown import SHORT, Row, since
from pywats_client.cli.words import duration, several, size
from pywats_client.errors import ExitCode

if TYPE_CHECKING:
    from pywats_client.queue.name import QueueName
    from pywats_client.queue.survey import Found, Survey


def check(instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Verify every report that the server does not have yet, and say what else lies in the queue folder.

    Nothing is changed, and a service may run meanwhile. Who may not look into the folder is told what the service
    knows: of the reports, not of what else lies there. The exit code is 1 where a report is damaged or cannot be read.
    """
    with looking(instance_id, home, at_folder_first=True) as look:
        seen, rejected = look.survey()
    if as_json:
        print_answer(_as_dict(seen, rejected))
    else:
        _print(seen, rejected, partial(command, instance_id=instance_id, home=home))
    if not seen.is_sound:
        raise typer.Exit(ExitCode.FAILED)


class Note(NamedTuple):
    """Something that a person should know: what, what to do about it, and which."""

    what: str
    cure: str
    items: Sequence[str]


def _print(seen: "Survey", rejected: Sequence[Row], run: Callable[[str], str]) -> None:
    import textwrap

    print_pairs(dict(_figures(seen)))
    for note in filter(lambda note: note.items, _notes(seen, rejected, run)):
        print()
        whole = f"{note.what}: {len(note.items):,}. {note.cure}"
        print(textwrap.fill(whole, 80, break_long_words=False, break_on_hyphens=False))
        for item in note.items[:SHOWN]:
            print("\n".join(wrapped(item, 4, "  ")))
        if len(note.items) > SHOWN:
            print(f"  … and {len(note.items) - SHOWN:,} more; --json names all")


def _figures(seen: "Survey") -> Iterator[tuple[str, str]]:
    from pywats_client.queue.name import State
    from pywats_client.queue.survey import arrival

    runs = {True: "runs", False: "does not run", None: "not known: this system does not tell who owns the queue"}
    yield "queue", str(seen.folder)
    yield "service", runs[seen.owner.is_there] + (f" (process {seen.owner.pid})" if seen.owner.pid else "")
    for state in State:
        yield state, f"{seen.counts[state]:>9,}"
    if seen.oldest:
        came = arrival(seen.oldest)
        waiting = f"{came:%Y-%m-%d %H:%M:%S} UTC, {duration(since(came))} ago ({_short(seen.oldest)})"
        yield "oldest", f"waits since {waiting}"
    whole = seen.undelivered - len(seen.damaged) - len(seen.unreadable)
    reports = several(seen.undelivered, "report")
    yield "whole", f"{whole:,} of {reports} that the server does not have, {size(seen.undelivered_bytes)}"


def _notes(seen: "Survey", rejected: Sequence[Row], run: Callable[[str], str]) -> Iterator[Note]:
    """In the order in which they matter; `run` makes a command line of a verb."""
    from pywats_client.cli.queue.from_folder import fault_of

    runs = bool(seen.owner.is_there)
    yield Note(
        "damaged",
        "These are never sent. Bring their sources again (from the done folder into the watched folder), then they"
        f" are healed; or set them aside with `{run('queue discard ID --yes')}`.",
        [f"{_short(found.name)}  {found.name.state}, {fault_of(found)}" for found in seen.damaged],
    )
    yield Note(
        "not readable",
        "Mend the permissions or the disk, then they are sent; the others are sent meanwhile.",
        [f"{_short(found.name)}  {found.name.state}, {fault_of(found)}" for found in seen.unreadable],
    )
    yield Note(
        "waiting for a person",
        f"`{run('queue show ID')}` says why. Bring the source again once the converter is mended; or `queue retry"
        " --rejected`, or `queue discard ID --yes`.",
        [_why(row) for row in rejected],
    )
    yield Note(
        "two reports under one id",
        "The one that came later counts: at its next look or start the service sets the other aside in `discarded`.",
        [str(name) for name in seen.doubled],
    )
    yield Note(
        "left half sent",
        "No service is sending these: at its next start they are put back and sent again; the server replaces,"
        " nothing is doubled.",
        [_told(name) for name in seen.orphaned],
    )
    yield Note(
        "found half sent before",
        "A crash interrupted their upload; from the third time on a report is sent last, and alone.",
        [_told(name) for name in seen.marked if name not in seen.orphaned],
    )
    yield Note(
        "reports of other programs",
        "The service takes them over " + ("as soon as they are still." if runs else "when it runs."),
        seen.foreign,
    )
    yield Note("other files", "No reports; left alone. Remove them by hand if nobody needs them.", seen.unknown)
    yield Note(
        "half written",
        "A crash has left these: their sources are converted again, and the next start removes them.",
        () if runs else seen.temporary,
    )


def _short(name: "QueueName") -> str:
    return str(name.id)[:SHORT]


def _told(name: "QueueName") -> str:
    return f"{_short(name)}  {name.state}" + (f", {several(name.orphaned, 'time')}" if name.orphaned else "")


def _why(row: Row) -> str:
    unit = " ".join(filter(None, (row.serial_number, row.part_number)))
    reason = row.reason.partition("\n")[0] or "no reason is noted"
    return "  ".join(filter(None, (row.id[:SHORT], unit, reason)))


def _as_dict(seen: "Survey", rejected: Sequence[Row]) -> dict[str, Any]:
    from pywats_client.logs import show_name
    from pywats_client.queue.name import State
    from pywats_client.queue.survey import arrival

    oldest = seen.oldest
    return {
        "folder": show_name(seen.folder),
        "is_sound": seen.is_sound,
        "service": {"is_running": seen.owner.is_there, "pid": seen.owner.pid},
        "counts": {str(state): seen.counts[state] for state in State},
        "undelivered": seen.undelivered,
        "undelivered_bytes": seen.undelivered_bytes,
        "oldest": {
            "id": str(oldest.id),
            "arrived": arrival(oldest).isoformat(),
            "age_seconds": round(since(arrival(oldest)), 1),
        }
        if oldest
        else None,
        "damaged": [_fault(found) for found in seen.damaged],
        "unreadable": [_fault(found) for found in seen.unreadable],
        "rejected": [{"id": row.id, "file": row.file.rpartition("/")[2], "reason": row.reason} for row in rejected],
        "doubled": [_named(name) for name in seen.doubled],
        "orphaned": [_named(name) for name in seen.orphaned],
        "marked": [_named(name) for name in seen.marked],
        "foreign": [show_name(text) for text in seen.foreign],
        "unknown": [show_name(text) for text in seen.unknown],
        "temporary": seen.temporary,
    }


def _named(name: "QueueName") -> dict[str, str]:
    return {"id": str(name.id), "file": str(name)}


def _fault(found: "Found") -> dict[str, str]:
    return _named(found.name) | {"fault": str(found.fault)}
