"""What can be done about reports and failed sources, from a list as from a detail; what became of it is shown."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from pywats_client.ipc.commands.queue import DiscardReports, RetryReports
from pywats_client.ipc.commands.sources import DiscardSources, RetrySources
from pywats_client.logs import show_name
from pywats_tui.widgets.ask import Ask
from pywats_tui.words import several

if TYPE_CHECKING:
    from pywats_tui.app import PywatsTui

Deed = Callable[["PywatsTui", Sequence[str]], Awaitable[bool]]
"""Does something about those of these ids; whether it was asked for."""


async def retry_reports(tui: "PywatsTui", ids: Sequence[str]) -> bool:
    """Send them again; whether something was asked for."""
    answer = await tui.order(RetryReports(ids=list(ids)), "queue", "retry", *ids)
    return _tell(tui, answer, "report", "queued again")


async def discard_reports(tui: "PywatsTui", ids: Sequence[str]) -> bool:
    """Set them aside, once a person has said yes."""
    if not await _is_meant(tui, ids, "report", "They go to the folder discarded of the queue, and are never sent."):
        return False
    answer = await tui.order(DiscardReports(ids=list(ids)), "queue", "discard", *ids, "--yes")
    return _tell(tui, answer, "report", "set aside")


async def retry_sources(tui: "PywatsTui", ids: Sequence[str]) -> bool:
    """Put them back into their watch folders; whether something was asked for."""
    answer = await tui.order(RetrySources(ids=list(ids)), "sources", "retry", *ids)
    return _tell(tui, answer, "source", "put back")


async def discard_sources(tui: "PywatsTui", ids: Sequence[str]) -> bool:
    """Set them aside, once a person has said yes."""
    if not await _is_meant(tui, ids, "source", "They go to the folder discarded in their error folder, undeleted."):
        return False
    answer = await tui.order(DiscardSources(ids=list(ids)), "sources", "discard", *ids, "--yes")
    return _tell(tui, answer, "source", "set aside")


async def _is_meant(tui: "PywatsTui", ids: Sequence[str], thing: str, detail: str) -> bool:
    answer: bool = await tui.push_screen_wait(Ask(f"Set {several(len(ids), thing)} aside?", detail))
    return answer


def copy(tui: "PywatsTui", text: str) -> None:
    """Into the clipboard of the terminal. Some have none: the text is shown, to be marked with the mouse."""
    tui.copy_to_clipboard(text)
    tui.notify(show_name(text), title="copied", markup=False)


def _tell(tui: "PywatsTui", answer: Any, thing: str, done: str) -> bool:
    """What became of it; a fault has been shown already."""
    if answer is None:
        return False
    ids = answer.retried if isinstance(answer, RetryReports.Result | RetrySources.Result) else answer.discarded
    lines = [f"{several(len(ids), thing)} {done}"]
    lines += [f"not {show_name(left.id)}: {left.why}" for left in answer.untouched[:3]]
    if (more := len(answer.untouched) - 3) > 0:
        lines.append(f"and {more:,} more not")
    tui.notify("\n".join(lines), severity="warning" if answer.untouched else "information", markup=False)
    return True
