"""`pywats-client queue show`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pywats_client.cli.options import Home, InstanceId
from pywats_client.cli.output import print_pairs
from pywats_client.cli.queue.place import chosen, queue_of
from pywats_client.cli.queue.shown import content_of, duration, next_try, several, since
from pywats_client.errors import PywatsError

if TYPE_CHECKING:
    from pywats_client.queue.name import QueueName
    from pywats_client.queue.survey import Found

Id = Annotated[str, typer.Argument(metavar="ID", help="The report's id, or its beginning.")]
AsWsjf = Annotated[bool, typer.Option("--json", help="Print the report as it is sent: WSJF.")]


def show(id_: Id, instance_id: InstanceId = "default", home: Home = None, as_json: AsWsjf = False) -> None:
    """Show a report: where it stands, what happened to it, why it failed, and its content.

    Delivered and discarded ones are found as long as they are kept. The exit code is 1 where it is damaged.
    """
    files = _find(queue_of(instance_id, home), id_)
    found, others = files[-1], files[:-1]
    if as_json:
        if found.fault:
            raise PywatsError(str(found.fault))
        sys.stdout.buffer.write(found.content + b"\n" * sys.stdout.isatty())
        return
    _print_facts(found)
    for other in others:
        print(f"also there: {other.path.name}")
    if found.reason:
        _print_reason(found.reason)
    if found.fault:
        raise PywatsError(str(found.fault))
    print()
    _print_content(found)


def _find(folder: Path, given: str) -> list["Found"]:
    """The report's files, the last to come at the end: first among those that the server does not have."""
    from pywats_client.queue.survey import AT_REST, UNDELIVERED, find, named

    for states in (UNDELIVERED, AT_REST):
        ids, _ = chosen({name.id for _, name in named(folder, states)}, [given])
        if ids and (files := find(folder, ids[0], states)):
            return files
    raise PywatsError(f"no report in {folder} has an id that begins with {given}")


def _print_facts(found: "Found") -> None:
    from pywats_client.queue.survey import arrival

    name, due = found.name, next_try(found)
    facts = {
        "id": str(name.id),
        "state": str(name.state),
        "file": str(found.path),
        "arrived": _moment(arrival(name)),
        "changed": _moment(datetime.fromtimestamp(found.changed, UTC)),
        "size": f"{found.size:,} bytes, {'NOT ' if found.fault else ''}as they were queued",
        "priority": str(name.priority),
    }
    print_pairs(facts | _history(name) | ({"next try": f"at the latest {due:%Y-%m-%d %H:%M:%S} UTC"} if due else {}))


def _history(name: "QueueName") -> dict[str, str]:
    failed = {"failed": several(name.attempt, "time")} if name.attempt else {}
    return failed | ({"left half sent": several(name.orphaned, "time")} if name.orphaned else {})


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({duration(since(moment))} ago)"


def _print_reason(reason: str) -> None:
    from pywats_client.logs import show_name

    print("\nreason:")
    for line in reason.splitlines():
        print(f"  {show_name(line)}".rstrip())


def _print_content(found: "Found") -> None:
    from pydantic import ValidationError

    from pywats_client.cli.report_tree import print_report
    from pywats_client.wsjf import read_report

    report = content_of(found)
    try:
        read_report(report)
    except ValidationError as error:
        print(f"its content has not the shape of a report ({several(error.error_count(), 'fault')}); --json shows it")
        return
    print_report(report)
