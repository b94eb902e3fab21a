"""The configuration in force. A file that cannot be used changes nothing, and is left as it is."""

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

import trio

from pywats_client.config.model import Config
from pywats_client.errors import ConfigError
from pywats_client.ipc.events import ConfigChanged, ConfigRejected
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Hub, Wake
from pywats_client.service.threads import InThread

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the files are looked at without a hint, as on a network share."""

Loader = Callable[[], Config]
Stamp = tuple[tuple[int, int, int] | None, ...]


class Settings:
    """Holds the configuration in force; who depends on it waits for the next one."""

    def __init__(self, config: Config, load: Loader, files: tuple[Path, ...]) -> None:
        self.config = config
        self._load, self._files = load, files
        self._stamp = self._look()
        self._changed = trio.Event()
        self.changing = trio.Lock()
        """held by who changes the files: what is read, changed and written must not be changed meanwhile"""
        self._loading = trio.Lock()
        self._wake = Wake()

    async def changed_from(self, config: Config) -> Config:
        """Wait until the configuration in force is another than `config`, and return it."""
        while self.config == config:
            await self._changed.wait()
        return self.config

    async def rest(self, seconds: float, config: Config) -> None:
        """Wait so long, or until the files were loaded again or someone hurries us.

        Returns at once where the configuration in force is another than `config`.
        """
        with trio.move_on_after(seconds):
            if self.config == config:
                await self._changed.wait()

    def hurry(self) -> None:
        """Wake those that `rest`, to look at once at what they look after."""
        self._changed.set()
        self._changed = trio.Event()

    def reload_soon(self) -> None:
        """Let `watch` load the files again, changed or not."""
        self._stamp = ()
        self._wake.ring()

    async def watch(self, hub: Hub, hints: Hints, in_thread: InThread) -> None:
        """Follow the files until cancelled."""
        with hints.watching(self._files[0].parent, wake=self._wake) as hint:
            while True:
                await hint.heard(LOOK_SECONDS)
                async with self.changing:  # who changes the files loads them, too: one change is told once
                    if self._look() != self._stamp:
                        with contextlib.suppress(ConfigError):  # it was told
                            await self.reload(hub, in_thread)

    async def reload(self, hub: Hub, in_thread: InThread) -> tuple[str, ...]:
        """Load and check the files now, and put what is valid in force; the sections that are others now.

        Raises ConfigError, after telling it, where the old configuration stays in force.
        """
        async with self._loading:
            self._stamp = self._look()
            try:
                config: Config = await in_thread(self._load)
            except ConfigError as error:
                log.error("the configuration cannot be used, the old one stays in force: %s", error)  # noqa: TRY400
                hub.publish(ConfigRejected(why=str(error)))
                raise
            return self._put_in_force(config, hub)

    def _put_in_force(self, config: Config, hub: Hub) -> tuple[str, ...]:
        sections = changed_sections(self.config, config)
        self.config = config
        self.hurry()
        if sections:
            log.info("a new configuration is in force: %s changed", ", ".join(sections))
        hub.publish(ConfigChanged(sections=sections))
        return sections

    def _look(self) -> Stamp:
        return tuple(map(_stamp, self._files))


def changed_sections(old: Config, new: Config) -> tuple[str, ...]:
    """The names of the sections that differ."""
    return tuple(key for key in Config.model_fields if getattr(new, key) != getattr(old, key))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
