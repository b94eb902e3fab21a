"""A report of the queue as it is shown, whoever has told of it, and the words for it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from pywats_client.queue.survey import Survey

SHORT = 8
"""Characters of an id that are shown where there is little room; commands take them as they are."""


class Row(NamedTuple):
    """A report: what its name says, how its file is, and the unit that it is about."""

    id: str
    state: str
    file: str
    """its path where the folder can be read, otherwise its name"""
    arrived: datetime
    changed: datetime
    """when it came to its state"""
    attempts: int
    orphaned: int
    priority: int
    bytes: int
    serial_number: str
    part_number: str
    next_try: datetime | None
    """at the latest"""
    reason: str
    fault: str | None
    """what is wrong with the file, in few words"""

    @property
    def stem(self) -> str:
        """What stays as it moves on."""
        return self.file.rpartition("/")[2].partition(".")[0]


class Detail(NamedTuple):
    """Everything about one report."""

    row: Row
    content: bytes | None
    """as it is sent; None where it is damaged"""
    others: Sequence[str] = ()
    """more files of that id"""
    server_id: str = ""
    history: Sequence[Mapping[str, Any]] = ()
    """`time`, `event`, `detail`, `seconds`"""


class Look(Protocol):
    """Somebody who tells of a queue: a service that runs, or its folder."""

    def rows(self, states: Sequence[str], search: str = "", limit: int | None = None) -> Iterator[Row]:
        """The reports of these states, the oldest first."""

    def detail(self, given: str) -> Detail:
        """One report, by the beginning of its id: first among those that the server does not have."""

    def details(self, states: Sequence[str]) -> Iterator[Detail]:
        """The reports of these states with their content, verified; the oldest first."""

    def survey(self) -> "tuple[Survey, list[Row]]":
        """Everything that lies in the folder, as far as it can be told, and the rejected reports."""


def since(moment: datetime) -> float:
    """Seconds that have passed; none where the clock was set back meanwhile."""
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())


def json_of(content: bytes | None) -> Any:
    """What the bytes say as JSON; None where they say nothing."""
    try:
        return json.loads(content or b"")
    except (ValueError, RecursionError):
        return None


def fault_in_size(there: int, queued: int) -> str:
    """What is wrong with a file that was torn."""
    return f"damaged: {there:,} bytes are there, {queued:,} were queued"


def as_dict(row: Row) -> dict[str, Any]:
    """A report in JSON."""
    moments = {name: value.isoformat() if value else None for name, value in _moments(row)}
    return row._asdict() | moments


def _moments(row: Row) -> Iterator[tuple[str, datetime | None]]:
    yield from (("arrived", row.arrived), ("changed", row.changed), ("next_try", row.next_try))
