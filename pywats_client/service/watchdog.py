"""Looks after what no task notices by itself: room on the disk and in memory, and reports that wait for too long."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import trio

from pywats_client.clock import Clock
from pywats_client.disk import free_bytes
from pywats_client.ipc.events import HealthChanged
from pywats_client.paths import Instance
from pywats_client.queue.name import STAMP
from pywats_client.service.disk_space import DiskSpace, Level
from pywats_client.service.hub import Gate, Hub
from pywats_client.service.memory import give_back
from pywats_client.service.settings import Settings
from pywats_client.service.threads import InThread

log = logging.getLogger(__name__)

LONG_WAIT_SECONDS = 3600.0
"""A report that has waited longer is worth a warning."""
SHORT_OF_DISK_SECONDS = 15.0
"""How soon to look again while the disk is full: work goes on within 30 s after space returns."""


async def watchdog(
    instance: Instance, settings: Settings, hub: Hub, gate: Gate, in_thread: InThread, space: DiskSpace
) -> None:
    """Look at once, at new settings, and every `watchdog_interval`, until cancelled."""
    told = (Level.ENOUGH, "")
    while True:
        config = settings.config
        interval = config.service.watchdog_interval
        try:
            free, total = await in_thread(free_bytes, instance.queue)
        except OSError as error:
            space.room = None
            level, reason = Level.FULL, f"the queue folder cannot be looked at: {error}"
            state = (level, reason)
        else:
            room = space.seen(trio.current_time(), free, config.disk.min_free_bytes(total), total)
            level, reason = room.level, room.reason
            state = (level, "")  # it is not told anew whenever a figure in the reason is another
        if state != told:
            told = state
            log.log(logging.WARNING if reason else logging.INFO, "%s", reason or "there is room on the disk again")
            hub.publish(HealthChanged(part="disk", reason=reason))
            gate.set("disk", reason if level is Level.FULL else "")
        give_back()
        await settings.rest(min(interval, SHORT_OF_DISK_SECONDS) if level is Level.FULL else interval, config)


async def watch_age(settings: Settings, hub: Hub, clock: Clock, oldest: Callable[[], str | None]) -> None:
    """Tell when a report has waited too long; `oldest` gives the stamp of the one that has waited longest."""
    while True:
        config, stamp = settings.config, oldest()
        since = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC) if stamp else clock.now()
        is_old = (clock.now() - since).total_seconds() > LONG_WAIT_SECONDS
        reason = f"a report has waited for the server since {since.isoformat(timespec='seconds')}" if is_old else ""
        if reason != hub.snapshot.degraded.get("queue", ""):
            log.log(
                logging.WARNING if reason else logging.INFO, "%s", reason or "no report has waited for long any more"
            )
            hub.publish(HealthChanged(part="queue", reason=reason))
        await settings.rest(config.service.watchdog_interval, config)
