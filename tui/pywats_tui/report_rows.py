"""A report of the queue as a row of a table, and where its file is."""

from datetime import timedelta
from pathlib import Path

from pywats_client.ipc.commands.queue import QueuedReport
from pywats_client.logs import show_name
from pywats_client.paths import Instance
from pywats_tui.widgets.window_table import Column, Row
from pywats_tui.words import bytes_, now, stamp

COLUMNS = (
    Column("id", "id", 8),
    Column("state", "state", 11),
    Column("arrived", "arrived", 11),
    Column("changed", "changed", 11, least=110),
    Column("attempt", "try", 3, is_right=True),
    Column("size", "size", 7, least=90, is_right=True),
    Column("serial_number", "serial number", 15),
    Column("part_number", "part number", 13, least=96),
    Column("result", "result", 6, least=110),
    Column("source", "source", 28, least=150),
    Column("why", "reason", 0),
)
STATES = {
    "queued": "· queued",
    "processing": "↑ uploading",
    "error": "! error",
    "rejected": "x rejected",
    "completed": "+ delivered",
    "discarded": "- discarded",
}
"""Sign and word; people say uploading and delivered."""
PAINT = {"error": "doubtful", "rejected": "bad", "completed": "good", "discarded": "dim"}


def row(report: QueuedReport) -> Row:
    """Its cells."""
    cells = {
        "id": report.id[:8],
        "state": STATES[report.state],
        "arrived": stamp(report.arrived),
        "changed": stamp(report.changed),
        "attempt": str(report.attempt),
        "size": bytes_(report.size),
        "serial_number": show_name(report.serial_number),
        "part_number": show_name(report.part_number),
        "result": show_name(report.result),
        "source": show_name(report.source),
        "why": why(report),
    }
    return Row(report.id, cells, PAINT.get(report.state, ""))


def why(report: QueuedReport) -> str:
    """When it is tried next, and the first line of what was wrong."""
    first = show_name(report.reason.partition("\n")[0])
    if report.next_try_seconds is None:
        return first
    next_try = stamp(now() + timedelta(seconds=report.next_try_seconds))
    return f"next try {next_try}" + (f": {first}" if first else "")


def path(report: QueuedReport, instance: Instance) -> Path:
    """Where its file is on this machine; delivered ones lie in a folder a day (UTC)."""
    below = {"completed": Path("completed", report.changed[:10]), "discarded": Path("discarded")}
    return instance.queue / below.get(report.state, Path()) / report.file
