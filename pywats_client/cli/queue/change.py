"""`pywats-client queue retry` and `queue discard`: a service that runs is asked; else the folder is ours meanwhile."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from pywats_client.cli.asking import is_running
from pywats_client.cli.known import NotUnderstood, command
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_answer, say
from pywats_client.cli.queue import by_command
from pywats_client.cli.queue.place import chosen, digits_of, owned, queue_of, refuse_while_in_use
from pywats_client.cli.waiting import FAILED, Result, exit_code
from pywats_client.cli.words import several
from pywats_client.errors import ExitCode
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.queue.folder import QueueFolder
    from pywats_client.queue.name import State

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID…", help="Ids of reports, or their beginnings.")]
Wait = Annotated[bool, typer.Option("--wait", help="Return when each has been sent, or has failed again.")]
Act = Callable[["QueueFolder", UUID], str]
"""Does it for one report; the word for what became of it."""
Outcome = tuple[list[Result], list[str]]
"""What became of the reports, and what was given and means none."""


def retry(
    ids: Ids = None,
    all_: Annotated[bool, typer.Option("--all", help="All that failed or were rejected.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="All that were rejected.")] = False,
    wait: Wait = False,
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Put failed and rejected reports back into the queue; they are sent anew when the service runs.

    The exit code is 1 where there is no such report. With --wait, 6 where one was rejected again, or else 5 where
    the server was too busy for one.
    """
    from pywats_client.queue.name import State

    if bool(ids) + all_ + rejected != 1:
        raise NotUnderstood("give ids, or --all, or --rejected")
    states = (State.REJECTED,) if rejected else (State.ERROR, State.REJECTED)

    def by_service() -> Outcome:
        return by_command.retry(instance_id, home, ids or [], () if ids else states, wait=wait)

    def in_folder(folder: Path) -> Outcome:
        wanted, missing = _chosen(folder, ids) if ids else (sorted(_known(folder, states)), [])
        return _act_on_all(folder, wanted, _retry), missing

    _carry_out(by_service, in_folder, ids or (), instance_id, home, as_json=as_json, needs_service=wait)


def discard(
    ids: Ids = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Set reports aside in the folder `discarded` of the queue, never to be sent; they are not deleted.

    The exit code is 1 where there is no such report, or it is being uploaded.
    """
    if not ids:
        raise NotUnderstood("give the ids of the reports to set aside")
    if not yes and not sys.stdin.isatty():
        raise NotUnderstood("nothing is set aside unasked, and nobody can be asked here; --yes says it is meant")

    def by_service() -> Outcome:
        _ask(yes, len(ids))
        return by_command.discard(instance_id, home, ids)

    def in_folder(folder: Path) -> Outcome:
        wanted, missing = _chosen(folder, ids)
        _ask(yes or not wanted, len(wanted))
        return _act_on_all(folder, wanted, _discard), missing

    _carry_out(by_service, in_folder, ids, instance_id, home, as_json=as_json)


def _carry_out(
    by_service: Callable[[], Outcome],
    in_folder: Callable[[Path], Outcome],
    ids: Sequence[str],
    instance_id: str,
    home: Path | None,
    *,
    as_json: bool,
    needs_service: bool = False,
) -> None:
    """Let the service do it that runs, or do it in the folder where none does; tell what came of it."""
    for text in ids:
        digits_of(text)
    if needs_service or is_running(Instance.find(instance_id, home)):
        results, missing = by_service()
        rest_of = partial(by_command.rest_of, instance_id, home)
    else:
        folder = queue_of(instance_id, home)
        refuse_while_in_use(folder)
        results, missing = in_folder(folder)
        rest_of = partial(_rest_of, folder)
    why = [_why_missing(*rest_of(text), text, instance_id, home) for text in missing]
    _finish(results, missing, why, as_json)


def _ask(yes: bool, count: int) -> None:
    if not yes and not typer.confirm(f"Set {several(count, 'report')} aside, unsent?", err=True):
        say("nothing was done")
        raise typer.Exit(ExitCode.FAILED)


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
    return "waits already" if queue.index.of(queue_id) else FAILED


def _discard(queue: "QueueFolder", queue_id: UUID) -> str:
    return "discarded" if queue.discard(queue_id) else FAILED


def _rest_of(folder: Path, given: str) -> tuple[str, str]:
    """As `by_command.rest_of`."""
    from pywats_client.queue.beginnings import as_written
    from pywats_client.queue.survey import AT_REST, named

    found = [name for _, name in named(folder, AT_REST, f"_{as_written(digits_of(given))}")]
    return (str(found[-1].id), str(found[-1].state)) if found else ("", "")


def _why_missing(queue_id: str, state: str, given: str, instance_id: str, home: Path | None) -> str:
    if state == "completed":
        return f"{queue_id} is delivered: the server has it"
    if state != "discarded":
        return f"no undelivered report has an id that begins with {given}"
    show, submit = (
        command(verb, instance_id, home) for verb in (f"queue show {queue_id} --json", "submit report.json")
    )
    return f"{queue_id} was discarded; `{show} > report.json` and `{submit}` queue it anew"


def _finish(results: Sequence[Result], missing: Sequence[str], why: Sequence[str], as_json: bool) -> None:
    if as_json:
        print_answer({"reports": [result._asdict() for result in results], "not_found": missing})
    else:
        for result in results:
            print(f"{result.id}  {result.result}" + (f": {result.why}" if result.why else ""))
    for sentence in why:
        say(f"error: {sentence}")
    if not results and not missing:
        say("there is nothing to do")
    if code := exit_code(results) or (ExitCode.FAILED if missing else ExitCode.DONE):
        raise typer.Exit(code)
