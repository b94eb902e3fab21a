"""Which queue folder a command is about, who owns it, and which reports the given ids mean."""

import contextlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from pywats_client.cli.asking import NoAnswer, asking, is_running
from pywats_client.cli.known import known_instance
from pywats_client.cli.output import say
from pywats_client.errors import AlreadyRunning, ExitCode, PywatsError
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.cli.queue.shown import Look
    from pywats_client.ipc.client import IPCClient
    from pywats_client.queue.folder import QueueFolder

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


@contextlib.contextmanager
def looking(instance_id: str, home: Path | None, *, at_folder_first: bool = False) -> Iterator["Look"]:
    """Who tells of the queue: the service where one runs, else the folder; also where that service does not answer.

    `at_folder_first`: the folder for who may read it, also while a service runs. Raises NoAnswer for who may not.
    """
    instance = Instance.find(instance_id, home)
    may_read = os.access(instance.queue, os.R_OK | os.X_OK)
    with contextlib.ExitStack() as until_then:
        client = None
        if is_running(instance) and not (at_folder_first and may_read):
            try:
                client = until_then.enter_context(asking(instance_id, home))
            except NoAnswer as error:
                if not may_read:
                    raise
                say(f"{error}; this is what the folder shows")
        yield _from_service(client) if client else _from_folder(queue_of(instance_id, home))


def _from_service(client: "IPCClient") -> "Look":
    from pywats_client.cli.queue.from_service import FromService

    return FromService(client)


def _from_folder(folder: Path) -> "Look":
    from pywats_client.cli.queue.from_folder import FromFolder

    return FromFolder(folder)


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
    from pywats_client.queue.beginnings import Beginnings

    beginnings = Beginnings(known)
    ids: dict[UUID, None] = {}
    missing = []
    for text in given:
        fits = beginnings.fitting(digits_of(text), SHOWN + 1)
        if len(fits) > 1:
            shown = "".join(f"\n  {queue_id}" for queue_id in fits[:SHOWN]) + ("\n  …" if len(fits) > SHOWN else "")
            raise typer.BadParameter(f"several reports begin with {text}:{shown}", param_hint="ID")
        ids |= dict.fromkeys(fits)
        missing += [] if fits else [text]
    return list(ids), missing


def digits_of(text: str) -> str:
    """What the beginning of an id is looked for by; a usage error for what is none."""
    from pywats_client.queue.beginnings import beginning

    try:
        return beginning(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ID") from None
