"""Waiting for what becomes of reports."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from pywats_client.cli.output import say
from pywats_client.cli.words import several
from pywats_client.errors import ExitCode, PywatsError

if TYPE_CHECKING:
    from pywats_client.ipc.session import Told

FAILED = "failed"
ENDS = ("completed", "error", "rejected", "discarded")
"""States in which nobody has to wait for a report any more."""


class Result(NamedTuple):
    """What became of a report."""

    id: str
    result: str
    why: str | None = None


class ServiceStopped(PywatsError):
    """The service has stopped while we waited for it."""

    exit_code = ExitCode.TEMPORARY


def outcomes(told: "Iterator[Told]", ids: Collection[str]) -> Iterator[Result]:
    """What became of each report, as soon as it has been sent or has failed. Raises ServiceStopped."""
    waiting = set(ids)
    if waiting:
        say(f"waiting for {several(len(waiting), 'upload')}; Ctrl-C ends the waiting only")
    while waiting:
        event = next(told, None)
        if event is None:
            raise ServiceStopped(f"the service has stopped; {several(len(waiting), 'report')} were not sent yet")
        if event.name == "report_moved" and event.data["after"] in ENDS and event.data["queue_id"] in waiting:
            waiting.remove(event.data["queue_id"])
            yield Result(event.data["queue_id"], event.data["after"], event.data["reason"].partition("\n")[0] or None)


def exit_code(results: Collection[Result]) -> ExitCode:
    """Of what was waited for: refused for good, or for now; or else whether something failed here."""
    found = {result.result for result in results}
    if "rejected" in found:
        return ExitCode.REFUSED
    if "error" in found:
        return ExitCode.TEMPORARY
    return ExitCode.FAILED if FAILED in found else ExitCode.DONE
