"""One configured converter at work: what it needs, and what it has found."""

import logging
import os
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from pywats_client.config.model import Config, ConverterConfig, Folders
from pywats_client.converters.isolation import Isolation
from pywats_client.converters.process import ModuleInfo, Setup
from pywats_client.converters.registry import resolve
from pywats_client.converters.templates import with_template
from pywats_client.disk import lock
from pywats_client.errors import ConfigError
from pywats_client.ipc.events import ConverterChanged, ConverterState
from pywats_client.paths import Instance
from pywats_client.service.hub import Hub, Wake
from pywats_client.service.kept import Kept
from pywats_client.service.watch_folder import Rules, Signature, Sources

log = logging.getLogger(__name__)


@dataclass(eq=False)
class RunningConverter:
    """A converter whose module has loaded and whose folder is there."""

    config: ConverterConfig
    setup: Setup
    info: ModuleInfo
    folders: Folders
    sources: Sources
    kept: Kept
    nursery: trio.Nursery
    waiting: deque[tuple[str, Signature]] = field(default_factory=deque)
    """settled sources that have no worker yet"""
    wake: Wake = field(default_factory=Wake)
    served: int = 0
    """when it last got a worker, as a running number: turns go round among converters of one priority"""
    is_loaded: bool = True
    """whether the module, as it is now, can be used"""
    companions: dict[str, Mapping[Path, Signature]] = field(default_factory=dict)
    """how the companions of a source were when they were last looked at"""
    held: dict[str, str] = field(default_factory=dict)
    """why a source was not taken when it was last tried"""

    def rules(self) -> Rules:
        """Which names in the watched folder are sources."""
        return Rules(
            folder=self.folders.watch,
            patterns=self.config.file_patterns,
            recursive=self.config.recursive,
            excluded=frozenset(self.folders[1:]),
            takes_folders=self.info.is_folder,
            ready_marker=self.info.ready_marker,
            min_file_count=self.info.min_file_count,
        )

    def hold(self, name: str, signature: Signature, seconds: float) -> None:
        """Leave a source where it is, and try again later."""
        self.sources.hold(name, signature, trio.current_time() + seconds)
        self.wake.ring()


def setup_of(config: Config, converter: ConverterConfig, instance: Instance) -> Setup:
    """What the workers of a converter are told. Raises ConversionError where there is no such module, or template."""
    module, stamp = resolve(converter.module_path, instance.converters)
    arguments, template_stamp = with_template(converter.module_path, converter.arguments, instance.converters)
    station = config.station
    return Setup(
        name=converter.name,
        module=module,
        module_stamp=stamp + template_stamp,
        arguments=arguments,
        station={"name": station.name, "location": station.location, "purpose": station.purpose},
        defaults=converter.report_defaults,
        timeout_seconds=converter.timeout_seconds,
        memory_limit_mb=converter.memory_limit_mb,
        isolation=_isolation(converter, instance) if converter.isolation == "bwrap" else None,
    )


def _isolation(converter: ConverterConfig, instance: Instance) -> Isolation:
    """What the converter is shown, and what of the instance it is not shown even if that lies beside its module."""
    files = (instance.config, instance.converters_config)
    return Isolation(
        folder=converter.folders(instance.data).watch,
        allow=tuple(os.path.expanduser(name) for name in converter.isolation_allow),  # noqa: PTH111 -- as for folders
        hidden=(
            *files,
            *(file.with_name(f"{file.name}.bak") for file in files),
            *(instance.data.parent, instance.log.parent, instance.endpoint.parent),
        ),
    )


def tell_state(
    hub: Hub, name: str, state: ConverterState, reason: str = "", isolation: str = "", *, paused: bool = False
) -> None:
    """Publish and log what a converter is doing, where that is new; `isolation` is what holds it while it does.

    `paused`: waits for nothing but a person who has paused it.
    """
    status = hub.snapshot.converters.get(name)
    if status and (status.state, status.reason, status.isolation) == (state, reason, isolation):
        return
    level = logging.WARNING if reason and not paused else logging.INFO
    held_by = f" ({isolation})" if isolation else ""
    log.log(level, "converter %s: %s%s%s", name, state, held_by, f": {reason}" if reason else "")
    hub.publish(ConverterChanged(converter=name, state=state, reason=reason, isolation=isolation, paused=paused))


class FolderLocks:
    """Kernel locks on watched folders: one folder, one instance; many converters of it may share it."""

    def __init__(self) -> None:
        self._held: dict[Path, tuple[int, int]] = {}

    @contextmanager
    def holding(self, folder: Path) -> Iterator[None]:
        """Hold a folder. Raises ConfigError where another instance has it, OSError where it is not there."""
        if folder in self._held:
            descriptor, users = self._held[folder]
        else:
            try:
                descriptor, users = lock(folder), 0
            except BlockingIOError:
                raise ConfigError("watch_folder", f"{folder} is watched by another instance") from None
        self._held[folder] = descriptor, users + 1
        try:
            yield
        finally:
            descriptor, users = self._held.pop(folder)
            if users > 1:
                self._held[folder] = descriptor, users - 1
            else:
                os.close(descriptor)
