"""The service of one instance: the nursery tree, whole, on one screen.

Nurseries nest in the order in which things must stop: leaving the blocks is stopping.
"""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import trio

from pywats_client.clock import Clock
from pywats_client.config.file import load
from pywats_client.config.model import Config, Service
from pywats_client.converters.process import Workers
from pywats_client.disk import Disk
from pywats_client.errors import AlreadyRunning, PywatsError
from pywats_client.ipc.events import QueueCounted, ServiceState
from pywats_client.logs import set_up
from pywats_client.paths import Instance
from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.name import State
from pywats_client.service.activity import Activity
from pywats_client.service.commits import Commits
from pywats_client.service.connection import Connection
from pywats_client.service.control import Control, Work, execute_anew
from pywats_client.service.control_plane import GOODBYE_SECONDS, PART
from pywats_client.service.conversion import Conversion
from pywats_client.service.converter_pool import ConverterPool
from pywats_client.service.counters import tell_counters
from pywats_client.service.disk_space import DiskSpace
from pywats_client.service.edges import Edges
from pywats_client.service.failed_sources import FailedSources
from pywats_client.service.figures import tell_figures
from pywats_client.service.handlers import dispatch_to
from pywats_client.service.http_face import PART as HTTP_PART
from pywats_client.service.http_face import HttpFace
from pywats_client.service.hub import Gate, Hub
from pywats_client.service.intake import Intake
from pywats_client.service.journal import Journal
from pywats_client.service.keep_connection import keep_connection, tell_status
from pywats_client.service.keep_up import keep_up
from pywats_client.service.log_feed import log_feed
from pywats_client.service.parts import Parts
from pywats_client.service.pending_queue import PendingQueue
from pywats_client.service.report_list import ReportList
from pywats_client.service.running import FolderLocks
from pywats_client.service.settings import Settings
from pywats_client.service.startable import leave_in_log, require_local_queue, require_own_folders
from pywats_client.service.watchdog import watch_age, watchdog

log = logging.getLogger(__name__)


async def run_tree(parts: Parts) -> None:
    """Everything that runs; returns when `stop` is set, the running uploads have ended and clients have heard it."""
    settings, hub, queue, plane = parts.settings, parts.hub, parts.queue, parts.control_plane
    in_thread, control = parts.in_thread, parts.control
    oldest = queue.folder.index.oldest_waiting
    watch_disk = partial(watchdog, parts.instance, settings, hub, parts.pool.gate, in_thread, parts.disk_space)
    vital = partial(keep_up, is_vital=True)
    async with trio.open_nursery() as service:
        await service.start(wait_for_signal, parts, service.cancel_scope)
        hub.publish(QueueCounted(reports=queue.counts()))
        control.tell(ServiceState.START_PENDING)
        async with trio.open_nursery() as clients:
            clients.start_soon(keep_up, "journal", hub, parts.journal.run, hub, settings, in_thread)
            clients.start_soon(vital, PART, hub, plane.serve, dispatch_to(parts))
            clients.start_soon(keep_up, HTTP_PART, hub, parts.http_face.serve, dispatch_to(parts))
            await plane.was_tried.wait()
            with trio.CancelScope() as grace:
                async with trio.open_nursery() as uploads:
                    uploads.start_soon(vital, "uploads", hub, queue.run, control.stop)
                    async with trio.open_nursery() as intake:
                        start = intake.start_soon
                        start(vital, "connection", hub, keep_connection, parts.connection, parts.clients, settings)
                        start(keep_up, "client status", hub, tell_status, parts.clients, settings, lambda: hub.snapshot)
                        start(vital, "queue folder", hub, queue.look_regularly)
                        start(vital, "settings", hub, settings.watch, hub, parts.hints, in_thread)
                        start(vital, "new settings", hub, follow_settings, parts)
                        start(keep_up, "watchdog", hub, watch_disk)
                        start(keep_up, "counters", hub, tell_counters, hub)
                        start(keep_up, "figures", hub, tell_figures, parts)
                        start(keep_up, "error folders", hub, parts.failed_sources.count_regularly, hub)
                        start(keep_up, "age of the queue", hub, watch_age, settings, hub, parts.clock, oldest)
                        start(keep_up, "folder events", hub, parts.hints.watch)
                        start(vital, "conversion slots", hub, parts.pool.run)
                        start(vital, "converters", hub, parts.intake.run)
                        control.tell_running()
                        await control.stop.wait()
                        control.tell(ServiceState.STOP_PENDING)
                        intake.cancel_scope.cancel()
                    grace.deadline = trio.current_time() + settings.config.service.grace_seconds
            await parts.clients.aclose()
            control.tell(ServiceState.STOPPED)
            hub.close()
            plane.finish()
            parts.http_face.finish()
            clients.cancel_scope.deadline = trio.current_time() + GOODBYE_SECONDS
        service.cancel_scope.cancel()


async def wait_for_signal(
    parts: Parts, everything: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """SIGINT, SIGTERM: stop, also instead of a restart; the second time at once.

    SIGHUP: reload, or stop where a terminal has gone.
    """
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
            elif parts.control.is_ending:
                log.warning("%s again: stopping at once", name)
                everything.cancel()
            else:
                log.info("%s: stopping", name)
                parts.control.end(restart=False)


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
        """Run in the foreground until a signal or a command ends it; asked to restart, this process begins anew."""
        if trio.run(self.run, restrict_keyboard_interrupt_to_checkpoints=True):
            execute_anew()

    async def run(self, stop: trio.Event | None = None, hub: Hub | None = None) -> bool:
        """Run until `stop` is set or a signal or command comes; what happens is told through `hub`.

        Returns whether a client has asked for a restart: then everything has ended, and may begin anew.
        Raises ConfigError when the configuration cannot be used, AlreadyRunning when another service owns the
        instance; what keeps it from starting stands in the log, too, but for that: the log is the other's.
        """
        try:
            config = load(self.instance, self._environ, disk=self._disk)
            async with self._opened(config, hub or Hub(), trio.Event() if stop is None else stop) as parts:
                parts.control.restore()
                await run_tree(parts)
                return parts.control.wants_restart
        except AlreadyRunning:
            raise
        except (PywatsError, OSError) as error:
            leave_in_log(self.instance, error)
            raise

    @contextlib.asynccontextmanager
    async def _opened(self, config: Config, hub: Hub, stop: trio.Event) -> AsyncIterator[Parts]:
        instance, disk, clock = self.instance, self._disk, self._clock
        require_local_queue(config, instance)
        disk.make_folder(instance.queue)
        folder = QueueFolder(instance.queue, disk, clock, jitter=self._edges.chance)
        folder.acquire()
        with contextlib.closing(folder), log_feed(hub):
            service = config.service
            self._set_up_log(service)
            _ignore_lease_breaks()
            locks = FolderLocks()
            require_own_folders(config, instance, locks)
            orphans = await self._edges.in_thread(folder.start, trio.current_time())
            if orphans:
                log.warning("put back %d reports that an earlier run was uploading", orphans)
            slots = trio.CapacityLimiter(service.max_converter_workers)
            async with self._edges.open_workers(slots) as workers:
                yield self._parts(config, hub, stop, folder, workers, slots, locks)

    def _parts(
        self,
        config: Config,
        hub: Hub,
        stop: trio.Event,
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
        commits = Commits(folder, in_thread)
        queue = PendingQueue(folder, connection, clients, settings, hub, hints, in_thread, commits.under_way)
        conversion = Conversion(folder, commits, workers, self._disk, self._clock, in_thread)

        def is_full() -> bool:
            most = settings.config.service.max_queue_size
            return bool(most) and folder.index.counts[State.QUEUED] >= most

        pool = ConverterPool(conversion, slots, hub, queue.wake, is_full)
        intake = Intake(instance, settings, pool, workers, hub, hints, locks, in_thread)
        activity = Activity(self._clock)
        journal = Journal(instance.journal, self._clock)
        hub.listeners.append(activity.note)
        plane = edges.control_plane(instance, settings, hub, self._disk, self._clock, self._environ)
        gates: dict[Work, Gate] = {"uploads": queue.gate, "intake": pool.gate}
        return Parts(
            instance=instance,
            environ=self._environ,
            clock=self._clock,
            disk=self._disk,
            disk_space=DiskSpace(),
            activity=activity,
            journal=journal,
            reports=ReportList(folder, journal, self._clock, in_thread),
            failed_sources=FailedSources(settings, instance.data, in_thread),
            control=Control(instance, self._disk, hub, gates, in_thread, stop),
            control_plane=plane,
            http_face=HttpFace(plane, settings, hub, in_thread),
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


def _ignore_lease_breaks() -> None:
    """A writer that opens a file just while we ask for a lease on it makes the kernel send SIGIO, which would kill."""
    if hasattr(signal, "SIGIO"):
        signal.signal(signal.SIGIO, signal.SIG_IGN)
