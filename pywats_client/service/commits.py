"""Reports into the queue, many sources at a time: while one commit runs, those who come wait, and then go together.

A commit costs a way to another thread and a sync of the folder; in a burst many sources share them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import trio

from pywats_client.queue.folder import Put, QueueFolder, Staged
from pywats_client.service.threads import InThread


@dataclass(eq=False)
class _Batch:
    """The reports of one source."""

    staged: Sequence[Staged]
    puts: Sequence[Put]
    fault: OSError | None = field(default_factory=lambda: OSError("the commit that it was part of was broken off"))
    """why it is not in the queue; None once it is there durably"""
    bell: trio.Event = field(default_factory=trio.Event)
    """rung when it was committed, or when it is its turn to commit all who wait"""


class Commits:
    """Commits to one queue folder, one group of sources after the other."""

    def __init__(self, queue: QueueFolder, in_thread: InThread) -> None:
        self._queue, self._in_thread = queue, in_thread
        self._waiting: list[_Batch] = []
        self._is_busy = False
        self.under_way: set[UUID] = set()
        """the ids of reports that are just being published"""

    async def commit(self, staged: Sequence[Staged], puts: Sequence[Put]) -> None:
        """Return once the reports of a source are durable. Raises OSError, for this source alone where it can be told.

        It is not cancelled on the way: who gives up on a source must not find it published afterwards.
        """
        batch = _Batch(staged, puts)
        self._waiting.append(batch)
        ids = {report.name.id for report in staged}
        self.under_way |= ids
        try:
            with trio.CancelScope(shield=True):
                if self._is_busy:
                    await batch.bell.wait()
                if batch in self._waiting:
                    await self._commit_waiting()
        finally:
            self.under_way -= ids
        if batch.fault:
            raise batch.fault

    async def _commit_waiting(self) -> None:
        group, self._waiting, self._is_busy = self._waiting, [], True
        try:
            await self._in_thread(self._commit, group)
        finally:
            for batch in group:
                batch.bell.set()
            self._is_busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].bell.set()

    def _commit(self, group: Sequence[_Batch]) -> None:
        """In another thread. What fails for one source is not the others' fault, but the sync is for all."""
        faults = [_fault_of(self._queue.publish, batch.staged, batch.puts) for batch in group]
        unsynced = _fault_of(self._queue.sync)
        for batch, fault in zip(group, faults, strict=True):
            batch.fault = fault or unsynced


def _fault_of(step: Callable[..., None], *args: Any) -> OSError | None:
    try:
        step(*args)
    except OSError as error:
        return error
    return None
