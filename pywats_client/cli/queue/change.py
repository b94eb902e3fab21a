"""`pywats-client queue retry` and `queue discard`: they own the folder while they work, so no service may run."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import UUID

import typer

from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_json, say
from pywats_client.cli.queue.place import chosen, owned, queue_of, refuse_while_in_use
from pywats_client.cli.queue.shown import several
from pywats_client.errors import ExitCode

if TYPE_CHECKING:
    from pywats_client.queue.folder import QueueFolder
    from pywats_client.queue.name import State

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID…", help="Ids of reports, or their beginnings.")]
Act = Callable[["QueueFolder", UUID], str]
"""Does it for one report; the word for what became of it."""
GONE = "gone"
FAILED = "failed"


class Result(NamedTuple):
    """What became of a report."""

    id: str
    result: str
    why: str | None = None


def retry(
    ids: Ids = None,
    all_: Annotated[bool, typer.Option("--all", help="All that failed or were rejected.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="All that were rejected.")] = False,
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Put failed and rejected reports back into the queue; they are sent anew when the service runs.

    While it runs, the exit code is 5: stop it first. The exit code is 1 where there is no such report.
    """
    from pywats_client.queue.name import State

    if bool(ids) + all_ + rejected != 1:
        raise typer.BadParameter("give ids, or --all, or --rejected", param_hint="ID")
    folder = queue_of(instance_id, home)
    refuse_while_in_use(folder)
    states = (State.REJECTED,) if rejected else (State.ERROR, State.REJECTED)
    wanted, missing = _chosen(folder, ids) if ids else (sorted(_known(folder, states)), [])
    _finish(_act_on_all(folder, wanted, _retry), missing, as_json)


def discard(
    ids: Ids = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Set reports aside in the folder `discarded` of the queue, never to be sent; they are not deleted.

    While the service runs, the exit code is 5: stop it first. The exit code is 1 where there is no such report.
    """
    if not ids:
        raise typer.BadParameter("which reports?", param_hint="ID")
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here: --yes confirms it", param_hint="--yes")
    folder = queue_of(instance_id, home)
    refuse_while_in_use(folder)
    wanted, missing = _chosen(folder, ids)
    if wanted and not yes and not typer.confirm(f"Set {several(len(wanted), 'report')} aside, unsent?", err=True):
        say("nothing was done")
        raise typer.Exit(ExitCode.FAILED)
    _finish(_act_on_all(folder, wanted, _discard), missing, as_json)


def _known(folder: Path, states: "Sequence[State]") -> set[UUID]:
    from pywats_client.queue.survey import named

    return {name.id for _, name in named(folder, states)}


def _chosen(folder: Path, given: Sequence[str]) -> tuple[list[UUID], list[str]]:
    from pywats_client.queue.survey import UNDELIVERED

    return chosen(_known(folder, UNDELIVERED), given)


def _act_on_all(folder: Path, ids: Sequence[UUID], act: Act) -> list[Result]:
    if not ids:
        return []
    with owned(folder) as queue:
        return [_act(queue, queue_id, act) for queue_id in ids]


def _act(queue: "QueueFolder", queue_id: UUID, act: Act) -> Result:
    """One that fails does not keep the others."""
    from pywats_client.queue.folder import Damaged

    try:
        return Result(str(queue_id), act(queue, queue_id))
    except (OSError, Damaged) as error:
        return Result(str(queue_id), FAILED, str(error))


def _retry(queue: "QueueFolder", queue_id: UUID) -> str:
    import time

    for name in queue.index.of(queue_id):
        queue.read(name)  # one that is damaged is not lined up only to be set aside again
    if queue.retry(queue_id, time.monotonic()):
        return "queued"
    return "waits already" if queue.index.of(queue_id) else GONE


def _discard(queue: "QueueFolder", queue_id: UUID) -> str:
    return "discarded" if queue.discard(queue_id) else GONE


def _finish(results: Sequence[Result], missing: Sequence[str], as_json: bool) -> None:
    if as_json:
        print_json({"reports": [result._asdict() for result in results], "not_found": missing})
    else:
        for result in results:
            print(f"{result.id}  {result.result}" + (f": {result.why}" if result.why else ""))
    for text in missing:
        say(f"error: no undelivered report has an id that begins with {text}")
    if not results and not missing:
        say("there is nothing to do")
    if missing or any(result.result in (GONE, FAILED) for result in results):
        raise typer.Exit(ExitCode.FAILED)
