"""Commands about source files, and about what the journal knows."""

from typing import Literal

from pydantic import Field

from pywats_client.ipc.commands.base import Answer, Command
from pywats_client.ipc.commands.queue import HistoryEntry, Untouched
from pywats_client.ipc.protocol import Scope


class FailedSource(Answer):
    """One source in an error folder."""

    id: str
    """`<converter>/<path below its error folder>`"""
    converter: str
    name: str
    path: str
    size: int
    failed: str
    """when, ISO 8601 with zone"""
    reason: str
    """the first line of what was wrong"""


class GetFailedSources(Command):
    """The sources in the error folders, newest first."""

    converter: str = ""
    search: str = ""
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=1000)

    class Result(Answer):
        sources: list[FailedSource]
        total: int


class GetSource(Command):
    """A failed source: its first 64 KiB, and the whole reason with the converter's traceback."""

    id: str

    class Result(Answer):
        source: FailedSource
        reason: str
        head: str
        """as text, what is no text as \\xNN"""
        is_whole: bool


class RetrySources(Command, scope=Scope.OPERATE):
    """Put failed sources back into their watch folder."""

    ids: list[str] = []
    converter: str = ""
    """all failed sources of this converter, where no ids are given"""

    class Result(Answer):
        retried: list[str]
        untouched: list[Untouched]


class DiscardSources(Command, scope=Scope.OPERATE):
    """Put failed sources into the folder `discarded` in their error folder; they are never deleted."""

    ids: list[str] = Field(min_length=1)

    class Result(Answer):
        discarded: list[str]
        untouched: list[Untouched]


class GetTrace(Command):
    """The life of a file or report: by source name, serial number, or (the first letters of) a queue id."""

    key: str = Field(min_length=1)

    class Life(Answer):
        source: str
        converter: str
        reports: list[str]
        entries: list[HistoryEntry]

    class Result(Answer):
        lives: list["GetTrace.Life"]
        """newest first, at most 20"""


class GetYield(Command):
    """First-pass yield and rates, from the journal. `shift_start`: when the shift began, ISO 8601."""

    shift_start: str | None = None
    units: int = Field(default=50, ge=1, le=10_000)

    class Yield(Answer):
        units: int
        passed: int
        percent: float | None
        """null: no unit yet"""

    class FailingStep(Answer):
        step: str
        count: int

    class Result(Answer):
        last_units: "GetYield.Yield"
        shift: "GetYield.Yield"
        shift_start: str
        failing_steps: list["GetYield.FailingStep"]
        """the most frequent first failing steps of the shift, at most 5"""
        conversions_a_minute: list[int]
        """of the last 60 minutes, the present one last"""
        uploads_a_minute: list[int]
        is_loaded: bool
        """false: the journal of earlier runs is being read"""


class LogLine(Answer):
    """One line of the service's log."""

    time: str
    level: str
    logger: str
    message: str


class GetLog(Command):
    """The last lines of the log, from a level on, oldest first."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "DEBUG"
    search: str = ""
    limit: int = Field(200, ge=1, le=5000)

    class Result(Answer):
        lines: list[LogLine]
        file: str
