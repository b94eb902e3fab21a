"""The service of one instance: the nursery tree, whole, on one screen.

Nurseries nest in the order in which things must stop: leaving the blocks is stopping.
"""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from pywats_client.clock import Clock
from pywats_client.config.file import load
from pywats_client.config.model import Config, Service
from pywats_client.converters.process import Workers
from pywats_client.disk import Disk, is_on_network
from pywats_client.errors import ConfigError
from pywats_client.ipc.events import ServiceState, ServiceStateChanged
from pywats_client.logs import set_up
from pywats_client.paths import Instance
from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.name import State
from pywats_client.service.clients import Clients
from pywats_client.service.commits import Commits
from pywats_client.service.connection import Connection
from pywats_client.service.conversion import Conversion
from pywats_client.service.converter_pool import ConverterPool
from pywats_client.service.edges import Edges
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Hub
from pywats_client.service.intake import Intake
from pywats_client.service.keep_connection import keep_connection, tell_status
from pywats_client.service.keep_up import keep_up
from pywats_client.service.pending_queue import PendingQueue
from pywats_client.service.running import FolderLocks
from pywats_client.service.settings import Settings
from pywats_client.service.threads import InThread
from pywats_client.service.watchdog import watch_age, watchdog

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the tree is made of."""

    instance: Instance
    clock: Clock
    settings: Settings
    hub: Hub
    hints: Hints
    connection: Connection
    clients: Clients
    queue: PendingQueue
    pool: ConverterPool
    intake: Intake
    in_thread: InThread
    set_up_log: Callable[[Service], None]


async def run_tree(parts: Parts, stop: trio.Event) -> None:
    """Everything that runs; returns when `stop` is set and the running uploads have ended."""
    settings, hub, queue, in_thread = parts.settings, parts.hub, parts.queue, parts.in_thread
    oldest = queue.folder.index.oldest_waiting
    vital = partial(keep_up, is_vital=True)
    async with trio.open_nursery() as service:
        await service.start(wait_for_signal, parts, stop, service.cancel_scope)
        with trio.CancelScope() as grace:
            async with trio.open_nursery() as uploads:
                uploads.start_soon(vital, "uploads", hub, queue.run, stop)
                async with trio.open_nursery() as intake:
                    start = intake.start_soon
                    start(vital, "connection", hub, keep_connection, parts.connection, parts.clients, settings)
                    start(keep_up, "client status", hub, tell_status, parts.clients, settings, lambda: hub.snapshot)
                    start(vital, "queue folder", hub, queue.look_regularly)
                    start(vital, "settings", hub, settings.watch, hub, parts.hints, in_thread)
                    start(vital, "new settings", hub, follow_settings, parts)
                    start(keep_up, "watchdog", hub, watchdog, parts.instance, settings, hub, parts.pool.gate, in_thread)
                    start(keep_up, "age of the queue", hub, watch_age, settings, hub, parts.clock, oldest)
                    start(keep_up, "folder events", hub, parts.hints.watch)
                    start(vital, "conversion slots", hub, parts.pool.run)
                    start(vital, "converters", hub, parts.intake.run)
                    _tell(parts, ServiceState.RUNNING)
                    await stop.wait()
                    _tell(parts, ServiceState.STOP_PENDING)
                    intake.cancel_scope.cancel()
                grace.deadline = trio.current_time() + settings.config.service.grace_seconds
        await parts.clients.aclose()
        _tell(parts, ServiceState.STOPPED)
        service.cancel_scope.cancel()


async def wait_for_signal(
    parts: Parts,
    stop: trio.Event,
    everything: trio.CancelScope,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """SIGINT, SIGTERM: stop, the second time at once. SIGHUP: reload, or stop where a terminal has gone."""
    # Asked now: a terminal that has gone says that it never was one.
    has_terminal = sys.stdin is not None and sys.stdin.isatty()
    signals = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    with trio.open_signal_receiver(*signals) as received:
        task_status.started()
        async for number in received:
            name = signal.Signals(number).name
            if name == "SIGHUP" and not has_terminal:
                log.info("SIGHUP: the configuration is loaded anew")
                parts.settings.reload_soon()
            elif stop.is_set():
                log.warning("%s again: stopping at once", name)
                everything.cancel()
            else:
                log.info("%s: stopping", name)
                stop.set()


async def follow_settings(parts: Parts) -> None:
    """Apply what changed to the parts that hold a copy of it; the others read the settings themselves."""
    config = parts.settings.config
    while True:
        old, config = config, await parts.settings.changed_from(config)
        parts.connection.slots.total_tokens = config.service.max_concurrent_uploads
        parts.pool.slots.total_tokens = config.service.max_converter_workers
        if config.server != old.server:
            parts.connection.reset()
        if config.service != old.service:
            parts.set_up_log(config.service)


def _tell(parts: Parts, state: ServiceState) -> None:
    log.info("instance %s: %s (process %d)", parts.instance.id, state, os.getpid())
    parts.hub.publish(ServiceStateChanged(state=state))


class ClientService:
    """The service of one instance. `home` holds everything of it; else the usual places do.

    `console`: whether the log goes to standard error as well as to its file.
    """

    def __init__(
        self,
        instance_id: str = "default",
        *,
        home: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        disk: Disk | None = None,
        clock: Clock | None = None,
        edges: Edges | None = None,
        console: bool = True,
    ) -> None:
        self.instance = Instance.find(instance_id, home, environ)
        self._edges, self._console = edges or Edges(), console
        self._environ, self._disk, self._clock = environ, disk or Disk(), clock or Clock()

    def start(self) -> None:
        """Run in the foreground until a signal ends it."""
        trio.run(self.run, restrict_keyboard_interrupt_to_checkpoints=True)

    async def run(self, stop: trio.Event | None = None, hub: Hub | None = None) -> None:
        """Run until `stop` is set or a signal comes; what happens is told through `hub`.

        Raises ConfigError when the configuration cannot be used, AlreadyRunning when another service owns the
        instance.
        """
        config = load(self.instance, self._environ, disk=self._disk)
        async with self._opened(config, hub or Hub()) as parts:
            await run_tree(parts, trio.Event() if stop is None else stop)

    @contextlib.asynccontextmanager
    async def _opened(self, config: Config, hub: Hub) -> AsyncIterator[Parts]:
        instance, disk, clock = self.instance, self._disk, self._clock
        if is_on_network(instance.queue) and not config.queue.allow_network:
            raise ConfigError(
                "queue.allow_network", f"{instance.queue} is on a network file system; set this key to use it"
            )
        disk.make_folder(instance.queue)
        folder = QueueFolder(instance.queue, disk, clock, jitter=self._edges.chance)
        folder.acquire()
        with contextlib.closing(folder):
            service = config.service
            self._set_up_log(service)
            _ignore_lease_breaks()
            locks = FolderLocks()
            _require_own_folders(config, instance, locks)
            orphans = await self._edges.in_thread(folder.start, trio.current_time())
            if orphans:
                log.warning("put back %d reports that an earlier run was uploading", orphans)
            slots = trio.CapacityLimiter(service.max_converter_workers)
            async with self._edges.open_workers(slots) as workers:
                yield self._parts(config, hub, folder, workers, slots, locks)

    def _parts(
        self,
        config: Config,
        hub: Hub,
        folder: QueueFolder,
        workers: Workers,
        slots: trio.CapacityLimiter,
        locks: FolderLocks,
    ) -> Parts:
        instance, edges, in_thread = self.instance, self._edges, self._edges.in_thread
        files = (instance.config, instance.converters_config)
        settings = Settings(config, partial(load, instance, self._environ, disk=self._disk), files)
        hints = edges.hints()
        clients = edges.clients(instance, settings, self._environ)
        upload_slots = trio.CapacityLimiter(config.service.max_concurrent_uploads)
        connection = Connection(hub, upload_slots, jitter=edges.chance)
        queue = PendingQueue(folder, connection, clients, settings, hub, hints, in_thread)
        conversion = Conversion(folder, Commits(folder, in_thread), workers, self._disk, self._clock, in_thread)

        def is_full() -> bool:
            most = settings.config.service.max_queue_size
            return bool(most) and folder.index.counts[State.QUEUED] >= most

        pool = ConverterPool(conversion, slots, hub, queue.wake, is_full)
        intake = Intake(instance, settings, pool, workers, hub, hints, locks, in_thread)
        return Parts(
            instance=instance,
            clock=self._clock,
            settings=settings,
            hub=hub,
            hints=hints,
            connection=connection,
            clients=clients,
            queue=queue,
            pool=pool,
            intake=intake,
            in_thread=in_thread,
            set_up_log=self._set_up_log,
        )

    def _set_up_log(self, keys: Service) -> None:
        set_up(self.instance.log, keys.log_level, keys.log_max_mb, keys.log_backups, console=self._console)


def _require_own_folders(config: Config, instance: Instance, locks: FolderLocks) -> None:
    for converter in config.converters:
        folder = converter.folders(instance.data).watch
        if converter.enabled and not converter.folder_fault():
            # One that is not there, or may not be read, is the converter's trouble, and told as its state.
            with contextlib.suppress(OSError):
                if folder.is_dir():
                    with locks.holding(folder):
                        pass


def _ignore_lease_breaks() -> None:
    """A writer that opens a file just while we ask for a lease on it makes the kernel send SIGIO, which would kill."""
    if hasattr(signal, "SIGIO"):
        signal.signal(signal.SIGIO, signal.SIG_IGN)
