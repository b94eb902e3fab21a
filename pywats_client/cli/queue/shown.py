"""How reports and figures of the queue are put in words."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pywats_client.queue.name import QueueName
    from pywats_client.queue.survey import Found

SHORT = 8
"""Characters of an id that are shown where there is little room; commands take them as they are."""


def short(name: "QueueName") -> str:
    """The beginning of the id."""
    return str(name.id)[:SHORT]


def since(moment: datetime) -> float:
    """Seconds that have passed; none where the clock was set back meanwhile."""
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())


def duration(seconds: float) -> str:
    """`12 min`: in the largest unit that it fills twice."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(count: int) -> str:
    """`2.1 kB`, in units of 1000."""
    for unit, length in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= length:
            return f"{count / length:,.1f} {unit}"
    return f"{count} B"


def several(count: int, what: str) -> str:
    """`1 report`, `2 reports`."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def content_of(found: "Found") -> Any:
    """The report's JSON; None where it cannot be read, or is none."""
    try:
        return json.loads(found.content)
    except (ValueError, RecursionError):
        return None


def unit_of(found: "Found") -> tuple[str, str]:
    """Serial number and part number; empty where the report does not tell."""
    report = content_of(found)
    if not isinstance(report, dict):
        return "", ""
    return str(report.get("sn") or ""), str(report.get("pn") or "")


def fault_of(found: "Found") -> str:
    """What is wrong with the file, in few words."""
    if isinstance(found.fault, OSError):
        return f"it cannot be read: {found.fault.strerror}"
    if found.size == found.name.length:
        return "damaged: its content is not what was queued"
    return f"damaged: {found.size:,} bytes are there, {found.name.length:,} were queued"


def next_try(found: "Found") -> datetime | None:
    """When a report that failed is tried again, at the latest."""
    from pywats_client.queue.folder import retry_seconds
    from pywats_client.queue.name import State

    if found.name.state is not State.ERROR:
        return None
    failed = min(found.changed, datetime.now(UTC).timestamp())  # one in the future counts as now
    return datetime.fromtimestamp(failed + retry_seconds(found.name.attempt), UTC)


def as_dict(found: "Found") -> dict[str, Any]:
    """A report in JSON: what its name says, and the unit it is about."""
    from pywats_client.logs import show_name
    from pywats_client.queue.survey import arrival

    name = found.name
    serial_number, part_number = unit_of(found)
    due = next_try(found)
    return {
        "id": str(name.id),
        "state": str(name.state),
        "file": show_name(found.path),
        "arrived": arrival(name).isoformat(),
        "changed": datetime.fromtimestamp(found.changed, UTC).isoformat(),
        "attempts": name.attempt,
        "orphaned": name.orphaned,
        "priority": name.priority,
        "bytes": found.size,
        "serial_number": serial_number,
        "part_number": part_number,
        "next_try": due.isoformat() if due else None,
        "reason": found.reason,
        "fault": str(found.fault) if found.fault else None,
    }
