"""The service as it is now, in the words of `get_status`."""

import os
from datetime import UTC, datetime
from typing import Literal

import trio

from pywats_client.config.model import ConverterConfig
from pywats_client.ipc.commands.service import (
    CONVERTER_STATES,
    ComponentStatus,
    ConverterReport,
    DiskStatus,
    GetStatus,
    QueueCounts,
    WorkerCounts,
)
from pywats_client.ipc.events import NOT_ASKED, ConnectionState, ConverterState, ConverterStatus
from pywats_client.queue.name import STAMP, State
from pywats_client.service.hub import Component
from pywats_client.service.keep_up import WITHIN_SECONDS
from pywats_client.service.parts import Parts

API_STATUS: dict[ConnectionState, Literal["Online", "Offline", "Error"]] = {
    ConnectionState.ONLINE: "Online",
    ConnectionState.BUSY: "Online",
    ConnectionState.OFFLINE: "Offline",
    ConnectionState.REFUSED: "Error",
}
"""Our relation to the server, as the older protocol writes it."""
UNDELIVERED = (State.QUEUED, State.PROCESSING, State.ERROR)
"""What will be sent."""
LOOKS_AFTER = {"watchdog": "disk", "age of the queue": "queue", "conversion slots": "converting"}
"""Parts of the tree whose health goes under another name."""


def status(parts: Parts) -> GetStatus.Result:
    """Everything; nothing of it waits for a disk or another process."""
    snapshot, config, activity = parts.hub.snapshot, parts.settings.config, parts.activity
    last = last_delivered(parts)
    counts = queue_counts(parts)
    return GetStatus.Result(
        status=snapshot.service,
        api_status=API_STATUS[parts.connection.state],
        instance_id=parts.instance.id,
        converters=[converter_report(parts, converter) for converter in config.converters],
        queue_size=counts.queued + counts.processing + counts.error,
        start_time=activity.started.isoformat(timespec="seconds"),
        reason=snapshot.service_reason,
        uptime_seconds=round(activity.uptime_seconds, 3),
        version=parts.control_plane.endpoint.version,
        pid=os.getpid(),
        server_url=config.server.url,
        connection=parts.connection.state,
        connection_reason=parts.connection.reason,
        clock_offset_seconds=parts.connection.clock.offset_seconds,
        paused=list(parts.control.paused),
        queue=counts,
        oldest_waiting_seconds=oldest_waiting_seconds(parts),
        last_delivered=last.isoformat(timespec="seconds") if last else None,
        conversions_last_minute=activity.conversions.total,
        uploads_last_minute=activity.uploads.total,
        config_fault=snapshot.config_fault,
        degraded=dict(snapshot.degraded),
        components=[_component(parts, name, component) for name, component in sorted(parts.hub.components.items())],
        workers=worker_counts(parts),
        disk=disk_status(parts),
        subscribers=parts.hub.subscribers,
        events_dropped=parts.hub.dropped,
        rest=parts.control_plane.http_address,
    )


def last_delivered(parts: Parts) -> datetime | None:
    """When a report was delivered last, in this run or, as far as the journal is loaded, in an earlier one."""
    return parts.activity.last_delivered or parts.journal.last_delivered


def queue_counts(parts: Parts) -> QueueCounts:
    """Reports by state."""
    counts = parts.queue.folder.index.counts
    by_state = {str(state): counts[state] for state in (*UNDELIVERED, State.REJECTED)}
    return QueueCounts(**by_state, delivered=parts.hub.snapshot.delivered)


def oldest_waiting_seconds(parts: Parts) -> float | None:
    """How long the report has waited that has waited longest; None where none waits."""
    stamp = parts.queue.folder.index.oldest_waiting()
    if stamp is None:
        return None
    since = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    return max(0.0, round((parts.clock.now() - since).total_seconds(), 3))


def worker_counts(parts: Parts) -> WorkerCounts:
    """Worker processes."""
    seen = parts.intake.workers.statistics
    limit = parts.settings.config.service.max_converter_workers
    return WorkerCounts(alive=seen.alive, busy=seen.busy, retired=seen.retired, limit=limit)


def disk_status(parts: Parts) -> DiskStatus | None:
    """The room where the queue lies, as the watchdog saw it last; None where that could not be asked."""
    room = parts.disk_space.room
    if room is None:
        return None
    return DiskStatus(free_bytes=room.free, total_bytes=room.total, min_free_bytes=room.least, days_left=room.days)


def converter_report(parts: Parts, converter: ConverterConfig) -> ConverterReport:
    """One configured converter. One that was configured a moment ago waits to be taken up."""
    seen = parts.hub.snapshot.converters.get(converter.name, ConverterStatus())
    return ConverterReport(
        name=converter.name,
        state=CONVERTER_STATES[seen.state],
        reason=seen.reason,
        paused=seen.paused,
        pending_count=parts.pool.waiting().get(converter.name, 0),
        converted=seen.converted,
        failed=seen.failed,
        in_error_folder=seen.in_error_folder,
        ignored=seen.ignored,
        last_error=seen.last_error,
        isolation=seen.isolation,
    )


def _component(parts: Parts, name: str, component: Component) -> ComponentStatus:
    """One part of the tree: what it says of itself, and what it says of the world."""
    failed_lately = [moment for moment in component.failures if trio.current_time() - moment < WITHIN_SECONDS]
    if component.fails_often and failed_lately:
        state: Literal["running", "restarting", "error"] = "error"
    else:
        state = "running" if component.is_running else "restarting"
    reason = component.error if failed_lately else _trouble(parts, name)
    return ComponentStatus(
        name=name, state=state, health="degraded" if reason else "ok", reason=reason, restarts=component.restarts
    )


def _trouble(parts: Parts, name: str) -> str:
    """Why a part that runs cannot do its work for now; empty where it can."""
    snapshot = parts.hub.snapshot
    if name == "connection" and not parts.connection.is_online and parts.connection.reason != NOT_ASKED:
        return parts.connection.reason or str(parts.connection.state)
    kind, _, converter = name.partition(" ")
    seen = snapshot.converters.get(converter) if kind == "converter" else None
    if seen and not seen.paused and seen.state in (ConverterState.ERROR, ConverterState.WAITING):
        return seen.reason
    return snapshot.degraded.get(LOOKS_AFTER.get(name, name), "")
