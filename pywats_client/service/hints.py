"""One file system watcher over all folders. What it says are hints: they only wake whoever lists a folder.

Measured with watchfiles: overflow loses events silently, a folder removed and made again is dead to it, and
cancelling takes seconds unless its stop event is set. So every listener lists again by the clock as well.
"""

import contextlib
import itertools
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import trio
from watchfiles import Change, awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

from pywats_client.service.hub import Wake

log = logging.getLogger(__name__)

DEBOUNCE_MS, STEP_MS = 200, 20
"""Changes are gathered for the first at most, and told once nothing came for the second."""


Wanted = Callable[[str], bool]
"""Whether a change of this name in the folder is worth a look."""


@dataclass(frozen=True, eq=False)
class _Listener:
    wake: Wake
    recursive: bool
    wants: Wanted


class Hints:
    """Which folders are watched, and who is woken by each."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[_Listener]] = {}
        self._folders_changed = Wake()

    @contextlib.contextmanager
    def watching(
        self, folder: Path, *, recursive: bool = False, wants: Wanted = bool, wake: Wake | None = None
    ) -> Iterator[Wake]:
        """A bell (`wake`, or a new one) that rings when something in the folder may have changed."""
        listener = _Listener(wake or Wake(), recursive, wants)
        listeners = self._listeners.setdefault(str(folder), [])
        listeners.append(listener)
        self._folders_changed.ring()
        try:
            yield listener.wake
        finally:
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop(str(folder), None)
            self._folders_changed.ring()

    def rearm(self) -> None:
        """A folder appeared, or was made anew: watch what is there now."""
        self._folders_changed.ring()

    async def watch(self) -> None:
        """Watch until cancelled; begins anew whenever the folders change."""
        while True:
            stop = trio.Event()
            async with trio.open_nursery() as nursery:
                for recursive in (False, True):
                    if folders := self._folders(recursive=recursive):
                        nursery.start_soon(self._watch, folders, stop, recursive)
                nursery.start_soon(_set_when_cancelled, stop)
                nursery.start_soon(self._ring_all_soon)
                await self._folders_changed.heard()
                stop.set()
                nursery.cancel_scope.cancel()

    async def _ring_all_soon(self) -> None:
        """What happened while no watcher stood is found by a look."""
        await trio.sleep(STEP_MS / 1000)
        self.ring_all()

    def ring_all(self) -> None:
        """Wake every listener."""
        for listener in itertools.chain.from_iterable(self._listeners.values()):
            listener.wake.ring()

    def _folders(self, *, recursive: bool) -> list[str]:
        return [
            folder
            for folder, listeners in self._listeners.items()
            if any(listener.recursive for listener in listeners) == recursive and Path(folder).is_dir()
        ]

    async def _watch(self, folders: list[str], stop: trio.Event, recursive: bool) -> None:
        changes = awatch(
            *folders,
            watch_filter=self._ring,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            stop_event=stop,
            recursive=recursive,
            ignore_permission_denied=True,
        )
        try:
            async for _ in changes:
                raise AssertionError("the filter lets nothing through")
        except* OSError as faults:
            log.warning("cannot watch for changes, only look by the clock: %s", faults.exceptions[0])
        except* WatchfilesRustInternalError:
            # A name that is not UTF-8 ends the library's watcher. It is a change like any other; a new one follows.
            self.ring_all()
            self.rearm()

    def _ring(self, change: Change, path: str) -> bool:
        """Ring for the folders that hold the path. Used as the filter, so that no batch has to travel."""
        folder, _, name = path.rpartition(os.sep)
        for listener in self._listeners.get(folder, ()):
            if listener.wants(name):
                listener.wake.ring()
        while folder := folder.rpartition(os.sep)[0]:
            for listener in self._listeners.get(folder, ()):
                if listener.recursive:
                    listener.wake.ring()
        return False


async def _set_when_cancelled(stop: trio.Event) -> None:
    try:
        await trio.sleep_forever()
    finally:
        stop.set()
