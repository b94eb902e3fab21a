"""Which queue folder a command is about, who owns it, and which reports the given ids mean."""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from pywats_client.cli.options import known_instance
from pywats_client.errors import AlreadyRunning, ExitCode, PywatsError
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.queue.folder import QueueFolder

SHORTEST = 4
"""Characters of an id that are enough, where no other report begins with them."""
WHOLE = 32
"""Hexadecimal digits of an id."""
SHOWN = 10
"""So many are named one by one; `--json` names all."""


class InUse(PywatsError):
    """A service owns the folder, and moves its reports itself."""

    exit_code = ExitCode.TEMPORARY

    def __init__(self, folder: Path, pid: int | None) -> None:
        process = f" (process {pid})" if pid else ""
        super().__init__(f"a service{process} is using the queue {folder}: stop the service, then try again")


def queue_of(instance_id: str, home: Path | None) -> Path:
    """The queue folder of an instance. NoInstance, or a sentence where no report has ever come."""
    folder = Instance.find(instance_id, home).queue
    if not folder.is_dir():
        known_instance(instance_id, home)
        raise PywatsError(f"there is no queue yet: {folder} does not exist; the service makes it at its first start")
    return folder


def refuse_while_in_use(folder: Path) -> None:
    """InUse where a service is seen to own the folder, before anything is asked."""
    from pywats_client.queue.owner import owner_of

    owner = owner_of(folder)
    if owner.is_there:
        raise InUse(folder, owner.pid)


@contextlib.contextmanager
def owned(folder: Path) -> Iterator["QueueFolder"]:
    """The folder as its only owner, after what a crash has left is put right. InUse while a service runs."""
    import time

    from pywats_client.clock import Clock
    from pywats_client.disk import Disk
    from pywats_client.queue.folder import QueueFolder

    queue = QueueFolder(folder, Disk(), Clock())
    try:
        queue.acquire()
    except AlreadyRunning as error:
        raise InUse(folder, error.pid) from None
    with contextlib.closing(queue):
        queue.start(time.monotonic())
        yield queue


def chosen(known: Collection[UUID], given: Sequence[str]) -> tuple[list[UUID], list[str]]:
    """The ids that are meant, each once, and what was given and means none.

    Usage errors: what is no beginning of an id, is too short, or fits several reports.
    """
    from bisect import bisect_left

    in_order = sorted(queue_id.hex for queue_id in known)
    ids: dict[UUID, None] = {}
    missing = []
    for text in given:
        prefix = _prefix(text)
        start = bisect_left(in_order, prefix)
        fits = [UUID(each) for each in in_order[start : start + SHOWN + 1] if each.startswith(prefix)]
        if len(fits) > 1:
            shown = "".join(f"\n  {queue_id}" for queue_id in fits[:SHOWN]) + ("\n  …" if len(fits) > SHOWN else "")
            raise typer.BadParameter(f"several reports begin with {text}:{shown}", param_hint="ID")
        ids |= dict.fromkeys(fits)
        missing += [] if fits else [text]
    return list(ids), missing


def _prefix(text: str) -> str:
    from pywats_client.logs import show_name

    prefix = text.lower().replace("-", "")
    if not prefix or prefix.strip("0123456789abcdef") or len(prefix) > WHOLE:
        raise typer.BadParameter(f"{show_name(text)!r} is not the beginning of an id", param_hint="ID")
    if len(prefix) < SHORTEST:
        raise typer.BadParameter(f"{text!r} is too short: {SHORTEST} characters at least", param_hint="ID")
    return prefix
