"""`pywats-client queue export`."""

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_json_array, say
from pywats_client.cli.queue.listing import States
from pywats_client.cli.queue.place import queue_of
from pywats_client.cli.queue.shown import several
from pywats_client.errors import ExitCode, PywatsError
from pywats_client.queue.name import State

if TYPE_CHECKING:
    from pywats_client.disk import Disk
    from pywats_client.queue.survey import Found

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
    from pywats_client.queue.survey import reports

    if all_ and state:
        raise typer.BadParameter("give --state or --all, not both", param_hint="--all")
    folder = queue_of(instance_id, home)
    if folder.resolve() in (target.resolve(), *target.resolve().parents):
        raise typer.BadParameter(f"{target} is in the queue itself", param_hint="DIR")
    disk = Disk()
    disk.make_folder(target)
    results: list[dict[str, Any]] = []
    try:
        results.extend(_export(disk, each, target) for each in reports(folder, _states(state, all_)))
    except OSError as error:
        raise PywatsError(f"{error.filename or target}: {error.strerror}; {_told(results)} before that") from error
    if as_json:
        print_json_array(results)
    else:
        print(f"{target}: {_told(results)}")
    if any(result["fault"] for result in results):
        raise typer.Exit(ExitCode.FAILED)


def _states(given: list[State] | None, is_all: bool) -> Sequence[State]:
    from pywats_client.queue.survey import UNDELIVERED

    return tuple(State) if is_all else given or UNDELIVERED


def _export(disk: "Disk", found: "Found", target: Path) -> dict[str, Any]:
    result: dict[str, Any] = {"id": str(found.name.id), "file": None, "is_new": False, "fault": None}
    if found.fault:
        say(f"error: {found.fault}")
        return result | {"fault": str(found.fault)}
    for path in _names(target, str(found.name.id)):
        if not os.path.lexists(path):
            disk.replace(path, found.content)
            return result | {"file": str(path), "is_new": True}
        if path.is_file() and path.read_bytes() == found.content:
            return result | {"file": str(path)}
    raise AssertionError("the numbers do not end")


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
