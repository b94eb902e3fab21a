"""Watching and converting: each configured converter in a nursery of its own."""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import trio

from pywats_client.config.model import Config, ConverterConfig, Folders
from pywats_client.converters.process import Setup, Workers
from pywats_client.disk import is_being_written, is_on_network
from pywats_client.errors import ConfigError, ConversionError
from pywats_client.ipc.events import ConverterRemoved, ConverterState, SourceSeen, SourcesWaiting
from pywats_client.logs import show_name
from pywats_client.paths import Instance
from pywats_client.service.converter_pool import ConverterPool
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Hub
from pywats_client.service.keep_up import keep_up
from pywats_client.service.kept import Kept
from pywats_client.service.running import FolderLocks, RunningConverter, setup_of, tell_state
from pywats_client.service.settings import Settings
from pywats_client.service.threads import InThread
from pywats_client.service.watch_folder import Listing, Sources, watch_folder

LOOK_SECONDS = 2.0
"""How often a folder that is missing, and the file of a user's own converter, are looked at."""
MOST_SEEN = 100
"""New sources of one look that are told one by one: thousands would push subscribers out."""


@dataclass(frozen=True)
class Intake:
    """What the converters' nurseries need."""

    instance: Instance
    settings: Settings
    pool: ConverterPool
    workers: Workers
    hub: Hub
    hints: Hints
    locks: FolderLocks
    in_thread: InThread

    async def run(self) -> None:
        """Run the converters of the configuration in force; a change touches only those it is about."""
        scopes: dict[str, trio.CancelScope] = {}
        running: dict[str, object] = {}
        turns: defaultdict[str, trio.Lock] = defaultdict(trio.Lock)
        config = self.settings.config
        async with trio.open_nursery() as nursery:
            while True:
                service = config.service
                wanted = {
                    item.name: (item, config.station, service.settle_seconds, service.rescan_seconds)
                    for item in config.converters
                }
                for name in [name for name in running if running[name] != wanted.get(name)]:
                    scopes.pop(name).cancel()
                    del running[name]
                for name in [name for name in wanted if name not in running]:
                    scopes[name], running[name] = trio.CancelScope(), wanted[name]
                    nursery.start_soon(self._run_in, scopes[name], turns[name], config, wanted[name][0])
                config = await self.settings.changed_from(config)

    async def _run_in(
        self, scope: trio.CancelScope, turn: trio.Lock, config: Config, converter: ConverterConfig
    ) -> None:
        with scope:
            # What the one before is just writing into the queue must be known when its source is met again.
            async with turn:
                if not converter.enabled:
                    tell_state(self.hub, converter.name, ConverterState.DISABLED)
                    await trio.sleep_forever()
                await keep_up(f"converter {converter.name}", self.hub, self._run_converter, config, converter)
        # What it told while it ended would bring it back.
        if all(known.name != converter.name for known in self.settings.config.converters):
            self.hub.publish(ConverterRemoved(converter=converter.name))

    async def _run_converter(self, config: Config, converter: ConverterConfig) -> None:
        """Watch and convert until cancelled; while that cannot be, say why, and try again later."""
        while True:
            tried, state, reason = self._setup(config, converter), ConverterState.RUNNING, ""
            try:
                await self._watch_and_convert(config, converter)
            except* (ConversionError, ConfigError) as faults:
                state, reason = ConverterState.ERROR, _first(faults)
            except* OSError as faults:
                state, reason = ConverterState.WAITING, _first(faults)
            tell_state(self.hub, converter.name, state, reason)
            if state is ConverterState.ERROR:
                with trio.move_on_after(config.service.rescan_seconds):
                    await self._until_changed(config, converter, tried)
            elif state is ConverterState.WAITING:
                await trio.sleep(min(config.service.rescan_seconds, LOOK_SECONDS))

    def _setup(self, config: Config, converter: ConverterConfig) -> Setup | None:
        with suppress(ConversionError):
            return setup_of(config, converter, self.instance)
        return None

    async def _until_changed(self, config: Config, converter: ConverterConfig, setup: Setup | None) -> None:
        """Wait until the module's file is another than when `setup` was made."""
        while self._setup(config, converter) == setup:  # noqa: ASYNC110 -- a file rings no bell
            await trio.sleep(LOOK_SECONDS)

    async def _watch_and_convert(self, config: Config, converter: ConverterConfig) -> None:
        if fault := converter.folder_fault():
            raise ConfigError("", fault)
        folders = converter.folders(self.instance.data)
        if not folders.watch.is_dir():
            raise FileNotFoundError(f"the watch folder {folders.watch} is not there; it is taken up as soon as it is")
        setup = setup_of(config, converter, self.instance)
        info = await self.workers.describe(setup)
        settle = config.service.settle_seconds if converter.settle_seconds is None else converter.settle_seconds
        polled = converter.watch == "poll" or (converter.watch == "auto" and is_on_network(folders.watch))
        with self.locks.holding(folders.watch):
            await self.in_thread(self._clear_up, folders)
            async with trio.open_nursery() as nursery:
                running = RunningConverter(
                    config=converter,
                    setup=setup,
                    info=info,
                    folders=folders,
                    sources=Sources(settle, _open_check(folders.watch, polled=polled or info.is_folder)),
                    kept=Kept(self.instance.data / "kept" / f"{_file_name(converter.name)}.jsonl", self.pool.disk),
                    nursery=nursery,
                )
                if setup.module_stamp:
                    nursery.start_soon(self._follow_module, config, running)
                with self.pool.joined(running):
                    await watch_folder(
                        running.rules(),
                        running.sources,
                        lambda name, signature: self.pool.offer(running, name, signature),
                        lambda listing: self._after_look(running, listing),
                        None if polled else self.hints,
                        running.wake,
                        config.service.rescan_seconds,
                        self.in_thread,
                    )

    def _clear_up(self, folders: Folders) -> None:
        """What crashes have left half done."""
        self.pool.disk.finish_removals(folders.watch)
        for folder in dict.fromkeys((folders.done, folders.error, folders.archive)):
            self.pool.disk.remove_unfinished(folder)

    def _after_look(self, running: RunningConverter, listing: Listing) -> None:
        new = (name for name, signature in running.sources.new if (name, signature) not in running.kept)
        for name in itertools.islice(new, MOST_SEEN):
            self.hub.publish(SourceSeen(converter=running.config.name, source=show_name(Path(name).name)))
        running.kept.shorten(listing.sources.keys())
        status = self.hub.snapshot.converter(running.config.name)
        if (status.waiting, status.ignored) != (len(running.waiting), listing.ignored):
            self.hub.publish(
                SourcesWaiting(converter=running.config.name, waiting=len(running.waiting), ignored=listing.ignored)
            )

    async def _follow_module(self, config: Config, running: RunningConverter) -> None:
        """Take up a changed module file, once it loads; until then the sources stay, and work in hand goes on.

        Returns when the new module has other sources than the old one: the folder must be watched anew.
        """
        tried: Setup | None = running.setup
        while True:
            with trio.move_on_after(math.inf if running.is_loaded else config.service.rescan_seconds):
                await self._until_changed(config, running.config, tried)
            tried = self._setup(config, running.config)
            running.is_loaded = False
            try:
                setup = setup_of(config, running.config, self.instance)
                info = await self.workers.describe(setup)
            except ConversionError as error:
                tell_state(self.hub, running.config.name, ConverterState.ERROR, str(error))
                continue
            if info.source_rules != running.info.source_rules:
                running.nursery.cancel_scope.cancel()
                return
            running.setup, running.info, running.is_loaded = setup, info, True
            self.pool.tell_state(running)
            self.pool.ready.ring()


def _open_check(folder: Path, *, polled: bool) -> Callable[[str], bool]:
    if polled:
        return lambda name: False
    return lambda name: is_being_written(folder / name)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else f"%{ord(letter):x}" for letter in name)


def _first(faults: BaseExceptionGroup[BaseException]) -> str:
    first = faults.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else str(first)
