"""Commands about reports in the queue. What moves one runs on the loop's thread, which the queue belongs to."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import trio

from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands.queue import (
    ClearQueue,
    DiscardReports,
    GetQueue,
    GetReport,
    RetryReports,
    Untouched,
)
from pywats_client.ipc.events import QueueCounted, ReportMoved
from pywats_client.ipc.protocol import Code
from pywats_client.queue.beginnings import Beginnings, as_written, beginning
from pywats_client.queue.folder import Damaged
from pywats_client.queue.name import State
from pywats_client.queue.survey import AT_REST, UNDELIVERED, Found, find, named
from pywats_client.service.handlers.registry import handlers
from pywats_client.service.parts import Parts

AT_ONCE = 50
"""So many reports are moved before others get their turn: a move takes some 60 µs."""
TOLD = 500
"""Up to so many moves are told one by one: of more, subscribers are told the sum, or they would fall behind."""

Act = Callable[[Parts, UUID], ReportMoved | Untouched]
"""Moves one report, or says why not."""


@handlers.handles(GetQueue)
async def get_queue(command: GetQueue, parts: Parts) -> GetQueue.Result:
    """Look through the queue."""
    return await parts.reports.window(command)


@handlers.handles(GetReport)
async def get_report(command: GetReport, parts: Parts) -> GetReport.Result:
    """Among those that the server does not have first, then among those that rest."""
    found: Found = await parts.in_thread(_find, parts.queue.folder.path, _digits(command.id))
    if isinstance(found.fault, OSError):
        raise found.fault
    facts = parts.journal.facts(found.name.id)
    return GetReport.Result(
        report=await parts.reports.row(found.path, found.name),
        content=await parts.in_thread(_content, found) if command.with_content else None,
        damaged=isinstance(found.fault, Damaged),
        server_id=facts.server_id if facts else "",
        history=parts.journal.history(found.name.id),
    )


def _digits(given: str) -> str:
    try:
        return beginning(given)
    except ValueError as error:
        raise CommandFailed(Code.INVALID, str(error)) from None


def _find(folder: Path, digits: str) -> Found:
    """The file that came last of the report that is meant. Raises CommandFailed."""
    text = as_written(digits)
    for states in (UNDELIVERED, AT_REST):
        ids = {name.id for _, name in named(folder, states, f"_{text}")}
        if len(ids) > 1:
            raise CommandFailed(Code.INVALID, _several(text, sorted(ids)))
        if ids and (files := find(folder, ids.pop(), states)):
            return files[-1]
    raise CommandFailed(Code.NOT_FOUND, f"no report has an id that begins with {text}")


def _several(text: str, ids: Sequence[UUID]) -> str:
    return f"several reports begin with {text}, such as {ids[0]} and {ids[1]}"


def _content(found: Found) -> dict[str, Any] | None:
    try:
        content = json.loads(found.content)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


@handlers.handles(RetryReports)
async def retry_reports(command: RetryReports, parts: Parts) -> RetryReports.Result:
    """Put them back into the queue, from attempt 0."""
    if not command.ids and not command.states:
        raise CommandFailed(Code.INVALID, "name reports by `ids`, or by `states`")
    wanted, untouched = await _meant(parts, command.ids)
    states = set(command.states)
    wanted |= dict.fromkeys(name.id for name in parts.queue.folder.index.all() if name.state.value in states)
    retried, left = await _move_all(parts, wanted, _retry)
    return RetryReports.Result(retried=retried, untouched=untouched + left)


def _retry(parts: Parts, queue_id: UUID) -> ReportMoved | Untouched:
    folder = parts.queue.folder
    before = _state_of(parts, queue_id, (State.ERROR, State.REJECTED))
    if before and folder.retry(queue_id, trio.current_time()):
        return ReportMoved(queue_id=queue_id, before=before, after=State.QUEUED)
    if _state_of(parts, queue_id, [State.PROCESSING]):
        return _untouched(queue_id, Code.CONFLICT, "is being uploaded")
    if _state_of(parts, queue_id, [State.QUEUED]):
        return _untouched(queue_id, Code.CONFLICT, "waits already")
    return _untouched(queue_id, Code.NOT_FOUND, "is gone")


@handlers.handles(DiscardReports)
async def discard_reports(command: DiscardReports, parts: Parts) -> DiscardReports.Result:
    """Set them aside."""
    wanted, untouched = await _meant(parts, command.ids)
    discarded, left = await _move_all(parts, wanted, _discard)
    return DiscardReports.Result(discarded=discarded, untouched=untouched + left)


def _discard(parts: Parts, queue_id: UUID) -> ReportMoved | Untouched:
    if _state_of(parts, queue_id, [State.PROCESSING]):
        return _untouched(queue_id, Code.CONFLICT, "is being uploaded")
    before = _state_of(parts, queue_id, UNDELIVERED)
    if before and parts.queue.folder.discard(queue_id):
        return ReportMoved(queue_id=queue_id, before=before, after=State.DISCARDED)
    return _untouched(queue_id, Code.NOT_FOUND, "is gone")


@handlers.handles(ClearQueue)
async def clear_queue(command: ClearQueue, parts: Parts) -> ClearQueue.Result:
    """Sweep as if none were to be kept."""
    return ClearQueue.Result(deleted=await parts.queue.sweep_delivered(0))


async def _meant(parts: Parts, given: Sequence[str]) -> tuple[dict[UUID, None], list[Untouched]]:
    """The undelivered reports that are meant, each once, and what means none, or several."""
    if not given:
        return {}, []
    known = {name.id for name in parts.queue.folder.index.all()}
    meant: tuple[dict[UUID, None], list[Untouched]] = await parts.in_thread(_look_up, known, given)
    return meant


def _look_up(known: Collection[UUID], given: Sequence[str]) -> tuple[dict[UUID, None], list[Untouched]]:
    beginnings = Beginnings(known)
    wanted: dict[UUID, None] = {}
    untouched = []
    for text in given:
        try:
            fits = beginnings.fitting(beginning(text), 2)
        except ValueError as error:
            untouched.append(Untouched(id=text, why=str(error), code=Code.INVALID))
            continue
        if len(fits) == 1:
            wanted[fits[0]] = None
        elif fits:
            untouched.append(Untouched(id=text, why=_several(text, fits), code=Code.INVALID))
        else:
            why = f"no undelivered report has an id that begins with {text}"
            untouched.append(Untouched(id=text, why=why, code=Code.NOT_FOUND))
    return wanted, untouched


async def _move_all(parts: Parts, wanted: Iterable[UUID], act: Act) -> tuple[list[str], list[Untouched]]:
    """Move these, in parts between which others have their turn, and tell; what was moved, and what was not."""
    moved: list[str] = []
    untouched: list[Untouched] = []
    waiting = list(wanted)
    for start in range(0, len(waiting), AT_ONCE):
        events = []
        for queue_id in waiting[start : start + AT_ONCE]:
            match _moved(parts, queue_id, act):
                case Untouched() as left:
                    untouched.append(left)
                case event:
                    events.append(event)
        _tell(parts, events, is_long=len(waiting) > TOLD)
        moved += [str(event.queue_id) for event in events]
        await trio.lowlevel.checkpoint()
    return moved, untouched


def _moved(parts: Parts, queue_id: UUID, act: Act) -> ReportMoved | Untouched:
    """One that fails does not keep the others."""
    try:
        return act(parts, queue_id)
    except OSError as error:
        return _untouched(queue_id, Code.TEMPORARY, str(error))


def _tell(parts: Parts, events: Sequence[ReportMoved], *, is_long: bool) -> None:
    if not events:
        return
    tell = parts.hub.note if is_long else parts.hub.publish
    for event in events:
        tell(event)
    if is_long:
        parts.hub.publish(QueueCounted(reports=parts.queue.counts()))
    parts.queue.wake.ring()


def _state_of(parts: Parts, queue_id: UUID, states: Collection[State]) -> str:
    """The state of the report if it is one of these; otherwise empty."""
    known = (name.state for name in parts.queue.folder.index.of(queue_id))
    return next((str(state) for state in known if state in states), "")


def _untouched(queue_id: UUID, code: Code, why: str) -> Untouched:
    return Untouched(id=str(queue_id), why=why, code=code)
