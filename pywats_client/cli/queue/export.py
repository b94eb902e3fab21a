"""`pywats-client queue export`."""

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pywats_client.cli.known import NotUnderstood
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_answers, say
from pywats_client.cli.queue.listing import States
from pywats_client.cli.queue.place import looking
from pywats_client.cli.queue.shown import Detail, json_of
from pywats_client.cli.words import several
from pywats_client.errors import ExitCode, PywatsError
from pywats_client.paths import Instance
from pywats_client.queue.name import State

if TYPE_CHECKING:
    from pywats_client.disk import Disk

Target = Annotated[
    Path, typer.Argument(metavar="DIR", file_okay=False, help="The folder for the copies; made if it is missing.")
]
All = Annotated[bool, typer.Option("--all", help="Also the delivered and the discarded ones that are still kept.")]


def export(
    target: Target,
    state: States = None,
    all_: All = False,
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Copy the reports that the server does not have out of the queue, as `<id>.json`; the queue stays as it is.

    Each is verified first; damaged ones are named and left out, and the exit code is 1. A file that is there is
    never overwritten: one with the same content is left, for another the copy gets a number.
    """
    from pywats_client.disk import Disk

    if all_ and state:
        raise NotUnderstood("give --state or --all, not both")
    queue = Instance.find(instance_id, home).queue
    if queue.resolve() in (target.resolve(), *target.resolve().parents):
        raise NotUnderstood(f"{target} is in the queue itself; give a folder elsewhere")
    results: list[dict[str, Any]] = []
    with looking(instance_id, home) as look:
        disk = Disk()
        try:
            disk.make_folder(target)
            results.extend(_export(disk, each, target) for each in look.details(_states(state, all_)))
        except OSError as error:
            place = error.filename or target
            raise PywatsError(f"cannot write to {place}: {error.strerror}; {_told(results)} before that") from error
    if as_json:
        print_answers("reports", results)
    else:
        print(f"{target}: {_told(results)}")
    if any(result["fault"] for result in results):
        raise typer.Exit(ExitCode.FAILED)


def _states(given: list[State] | None, is_all: bool) -> Sequence[State]:
    from pywats_client.queue.survey import UNDELIVERED

    return tuple(State) if is_all else given or UNDELIVERED


def _export(disk: "Disk", detail: Detail, target: Path) -> dict[str, Any]:
    row, content = detail.row, detail.content
    result: dict[str, Any] = {"id": row.id, "file": None, "is_new": False, "fault": row.fault}
    if content is None:
        say(f"error: {row.file}: {row.fault}")
        return result
    for path in _names(target, row.id):
        if not os.path.lexists(path):
            disk.replace(path, content)
            return result | {"file": str(path), "is_new": True}
        if path.is_file() and _is_same(path.read_bytes(), content):
            return result | {"file": str(path)}
    raise AssertionError("the numbers do not end")


def _is_same(there: bytes, content: bytes) -> bool:
    """A service tells a report as JSON, and not byte for byte."""
    return there == content or (json_of(there) is not None and json_of(there) == json_of(content))


def _names(target: Path, stem: str) -> Iterator[Path]:
    yield target / f"{stem}.json"
    for number in itertools.count(1):
        yield target / f"{stem}-{number}.json"


def _told(results: list[dict[str, Any]]) -> str:
    new = sum(result["is_new"] for result in results)
    damaged = sum(bool(result["fault"]) for result in results)
    there = len(results) - new - damaged
    told = f"{several(new, 'report')} exported"
    return told + (f", {there:,} already there" if there else "") + (f", {damaged:,} damaged" if damaged else "")
