"""Commands about reports in the queue."""

from typing import Any, Literal

from pydantic import Field

from pywats_client.ipc.commands.base import Answer, Command
from pywats_client.ipc.protocol import Code, Scope

ReportState = Literal["queued", "processing", "error", "rejected", "completed", "discarded"]


class QueuedReport(Answer):
    """One report of the queue folder."""

    id: str
    """the queue id, which is the report's id unless its source gave it another"""
    state: ReportState
    arrived: str
    """ISO 8601 with zone"""
    changed: str
    """when it came to this state"""
    size: int
    priority: int
    attempt: int
    next_try_seconds: float | None = None
    reason: str = ""
    """the last error, or the server's words"""
    serial_number: str = ""
    part_number: str = ""
    result: str = ""
    source: str = ""
    converter: str = ""
    file: str
    """its name in the queue folder"""


class GetQueue(Command):
    """A window of the queue, and how many reports there are in each state.

    `search` looks for a part of the queue id, source name, serial or part number, whatever its case.
    """

    states: list[ReportState] = ["queued", "processing", "error", "rejected"]
    search: str = ""
    sort: Literal["arrived", "changed", "size", "state", "serial_number", "part_number"] = "arrived"
    descending: bool = False
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=1000)

    class Result(Answer):
        reports: list[QueuedReport]
        total: int
        """how many match"""
        counts: dict[str, int]
        """all reports, by state"""


class HistoryEntry(Answer):
    """One thing that happened to a file or report, from the journal."""

    time: str
    event: str
    detail: str = ""
    seconds: float | None = None
    """since the entry before"""


class GetReport(Command):
    """One report: where it is, its content, and what happened to it. `id` may be the first 4 letters or more."""

    id: str = Field(min_length=4, max_length=36)
    with_content: bool = True

    class Result(Answer):
        report: QueuedReport
        content: dict[str, Any] | None
        """the WSJF; null: not asked for, or its file is damaged"""
        damaged: bool = False
        server_id: str = ""
        history: list[HistoryEntry]


class Untouched(Answer):
    """A report or source that a command could not do."""

    id: str
    why: str
    code: Code = Code.FAILED
    """why, for programs: invalid (the id means none, or several), not_found, conflict (it waits already, or is being
    uploaded), temporary"""


class RetryReports(Command, scope=Scope.OPERATE):
    """Send failed or rejected reports again, soon. By id (of which the first letters are enough), or by state."""

    ids: list[str] = []
    states: list[Literal["error", "rejected"]] = []

    class Result(Answer):
        retried: list[str]
        untouched: list[Untouched]


class DiscardReports(Command, scope=Scope.OPERATE):
    """Put reports into the folder `discarded`; they are never sent, and never deleted by the service."""

    ids: list[str] = Field(min_length=1)

    class Result(Answer):
        discarded: list[str]
        untouched: list[Untouched]


class ClearQueue(Command, scope=Scope.OPERATE):
    """Delete delivered reports now, without waiting for `service.keep_completed_days`. Others are never deleted."""

    class Result(Answer):
        deleted: int
