"""source -> worker -> queue -> post-action, bounded by a CapacityLimiter.

A slot is taken first, and then the source whose turn it is: by priority, and in turn among converters of one
priority, so that a folder with thousands of files does not starve the others.
"""

import contextlib
import errno
import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import trio

from pywats_client.disk import Disk
from pywats_client.errors import ConfigError, ConversionError, NotMine, NotYet
from pywats_client.ipc.events import (
    ConverterState,
    ReportMoved,
    SourceConverted,
    SourceConverting,
    SourceFailed,
    SourceHeld,
)
from pywats_client.logs import show_name
from pywats_client.service.conversion import Conversion, Files, SourceChanged
from pywats_client.service.hub import PAUSE, Gate, Hub, Trouble, Wake
from pywats_client.service.running import RunningConverter, tell_state
from pywats_client.service.watch_folder import Signature

log = logging.getLogger(__name__)

RETRY_SECONDS = 15.0
"""After a fault that is not the source's: it cannot be read or moved, or the disk is full."""
FULL_QUEUE_SECONDS = 1.0
BUGS_FORGIVEN = 2
_MACHINE_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class ConverterPool:
    """Gives conversion slots to the sources of all converters."""

    def __init__(
        self,
        conversion: Conversion,
        slots: trio.CapacityLimiter,
        hub: Hub,
        queued: Wake,
        is_full: Callable[[], bool],
    ) -> None:
        self._is_full = is_full
        self._conversion, self.slots, self._hub, self._queued = conversion, slots, hub, queued
        self._converters: list[RunningConverter] = []
        self._served = 0
        self._bugs: Counter[Path] = Counter()
        self._trouble = Trouble(hub, "converting", longest=RETRY_SECONDS)
        self.ready = Wake()
        """rung when a source waits for a slot"""
        self.gate = Gate(self._tell_states)
        """shut while nothing may be converted: the disk or the queue is full, or a person has paused it"""

    @property
    def disk(self) -> Disk:
        """What files are handled with."""
        return self._conversion.disk

    @contextlib.contextmanager
    def joined(self, converter: RunningConverter) -> Iterator[None]:
        """While this lasts, the converter's sources get slots. It ends before the converter's nursery does."""
        self._converters.append(converter)
        self.tell_state(converter)
        try:
            yield
        finally:
            self._converters.remove(converter)

    def tell_state(self, converter: RunningConverter) -> None:
        """Say that the converter runs, or what it waits for."""
        reason = self._trouble.reason or self.gate.reason
        state = ConverterState.WAITING if reason else ConverterState.RUNNING
        paused = not self._trouble.reason and self.gate.is_shut_only_by(PAUSE)
        isolation = str(converter.setup.isolation or "limits")
        tell_state(self._hub, converter.config.name, state, reason, isolation, paused=paused)

    def _tell_states(self) -> None:
        for converter in self._converters:
            if converter.is_loaded:
                self.tell_state(converter)

    def waiting(self) -> dict[str, int]:
        """How many settled sources of each converter wait for a slot."""
        return {converter.config.name: len(converter.waiting) for converter in self._converters}

    def look_soon(self) -> None:
        """Let every watched folder be listed at once."""
        for converter in self._converters:
            converter.wake.ring()

    def offer(self, converter: RunningConverter, name: str, signature: Signature) -> None:
        """A settled source waits for a slot."""
        if (name, signature) in converter.kept:
            converter.sources.hold(name, signature, math.inf)
            return
        converter.waiting.append((name, signature))
        self.ready.ring()

    async def run(self) -> None:
        """Give each free slot to the source whose turn it is, until cancelled."""
        while True:
            slot = object()
            await self.slots.acquire_on_behalf_of(slot)
            try:
                converter, name, signature = await self._next_source()
                converter.nursery.start_soon(self._convert_in_slot, slot, converter, name, signature)
            except BaseException:
                self.slots.release_on_behalf_of(slot)
                raise

    async def _next_source(self) -> tuple[RunningConverter, str, Signature]:
        while True:
            await self._trouble.over()
            full = self._is_full()
            self.gate.set("queue", "as many reports wait as service.max_queue_size allows" if full else "")
            if full:
                await trio.sleep(FULL_QUEUE_SECONDS)
                continue
            await self.gate.passed()
            ready = [converter for converter in self._converters if converter.waiting and converter.is_loaded]
            if ready:
                converter = min(ready, key=lambda candidate: (candidate.config.priority, candidate.served))
                self._served += 1
                converter.served = self._served
                return converter, *converter.waiting.popleft()
            await self.ready.heard()

    async def _convert_in_slot(
        self, slot: object, converter: RunningConverter, name: str, signature: Signature
    ) -> None:
        try:
            await self._convert(converter, name, signature)
        finally:
            self.slots.release_on_behalf_of(slot)

    async def _convert(self, converter: RunningConverter, name: str, signature: Signature) -> None:
        """One source, to wherever it belongs afterwards."""
        source = converter.folders.watch / name
        try:
            await self._convert_or_set_aside(converter, source, signature)
        except SourceChanged:
            log.info("%s: %s changed while it was converted", converter.config.name, show_name(name))
        except NotYet as wait:
            self._hold(converter, name, signature, wait.delay, str(wait))
            return
        except NotMine as refusal:
            self._hold(converter, name, signature, math.inf, str(refusal) or "not for this converter")
            return
        except OSError as error:
            if os.path.lexists(source):
                self._meet(error, converter, name, signature)
                return
            log.info("%s: %s is gone", converter.config.name, show_name(name))
        self._bugs.pop(source, None)
        converter.held.pop(name, None)
        converter.sources.take_back([name])
        converter.wake.ring()

    async def _convert_or_set_aside(self, converter: RunningConverter, source: Path, signature: Signature) -> None:
        files: Files = {source: signature}
        try:
            files = await self._conversion.gather(converter, source, signature)
            await self._convert_and_put_away(converter, source, files)
        except ConversionError as error:
            await self._set_aside(converter, source, files, error)
        except (SourceChanged, NotYet, NotMine, OSError, ConfigError):
            raise  # ConfigError ends the converter's nursery: it is its state, not this source's fault
        except Exception as error:
            log.exception("%s: %s met a fault of this program", converter.config.name, show_name(source.name))
            self._bugs[source] += 1
            fault = f"a fault of this program: {error!r}"
            if self._bugs[source] <= BUGS_FORGIVEN:
                raise NotYet(fault, RETRY_SECONDS) from error
            await self._set_aside(converter, source, files, ConversionError(fault))

    async def _convert_and_put_away(self, converter: RunningConverter, source: Path, files: Files) -> None:
        began = trio.current_time()
        shown = show_name(source.name)
        seen, settled = converter.sources.seen_and_settled(str(source.relative_to(converter.folders.watch)))
        self._hub.publish(
            SourceConverting(
                converter=converter.config.name,
                source=shown,
                seen_seconds=began - seen,
                settled_seconds=began - settled,
            )
        )
        queued = await self._conversion.run(converter, files)
        for event in queued.events:
            self._hub.publish(event)
        self._queued.ring()
        self._learn("")
        if queued.fault:
            raise queued.fault
        await self._conversion.put_away(converter, files)
        seconds = trio.current_time() - began
        self._hub.publish(
            SourceConverted(converter=converter.config.name, source=shown, reports=queued.reports, seconds=seconds)
        )
        what = "is queued" if any(isinstance(event, ReportMoved) for event in queued.events) else "is known already"
        log.info("%s: %s %s as %s", converter.config.name, shown, what, ", ".join(map(str, queued.reports[:3])))

    async def _set_aside(self, converter: RunningConverter, source: Path, files: Files, error: ConversionError) -> None:
        await self._conversion.set_aside(converter, files, error)
        shown = show_name(source.name)
        log.warning("%s: %s is in the error folder: %s", converter.config.name, shown, error)
        self._hub.publish(SourceFailed(converter=converter.config.name, source=shown, reason=str(error)))

    def _meet(self, error: OSError, converter: RunningConverter, name: str, signature: Signature) -> None:
        """A fault of the machine or of the rights: the source stays, and is tried again."""
        if error.errno in _MACHINE_FAULTS:
            self._learn(str(error))
        self._hold(converter, name, signature, RETRY_SECONDS, str(error), logging.WARNING)

    def _learn(self, reason: str) -> None:
        self._trouble.learn(reason)
        self._tell_states()

    def _hold(
        self,
        converter: RunningConverter,
        name: str,
        signature: Signature,
        seconds: float,
        reason: str,
        level: int = logging.INFO,
    ) -> None:
        converter.hold(name, signature, seconds)
        if converter.held.get(name) == reason:
            return
        converter.held[name] = reason
        log.log(level, "%s: %s stays: %s", converter.config.name, show_name(name), reason)
        self._hub.publish(SourceHeld(converter=converter.config.name, source=show_name(name), reason=reason))
