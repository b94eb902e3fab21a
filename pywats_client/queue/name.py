"""A report's name in the queue: when it came, which it is, what it must contain, and where it stands.

`20261122T084143123456Z_<queue id>_<length>-<crc32>.<attempt>.<state>`

Two optional marks, left out at their usual value so that most names have exactly this form: `-p3` behind
the checksum is a priority other than 5, and `-2` behind the attempt counts how often the report was
found orphaned. Both must outlive a restart, so they stand in the name.
"""

import hashlib
import re
import uuid
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Self

_NAMESPACE = uuid.UUID("5f1c1d5e-9c59-5f0e-8a40-6c1f3f0a7b11")
DEFAULT_PRIORITY = 5


class State(StrEnum):
    """Where a report stands; the last part of its name."""

    QUEUED = "queued"
    PROCESSING = "processing"
    ERROR = "error"
    REJECTED = "rejected"
    COMPLETED = "completed"
    DISCARDED = "discarded"


TRANSITIONS = {
    State.QUEUED: frozenset({State.PROCESSING, State.DISCARDED}),
    State.PROCESSING: frozenset({State.QUEUED, State.COMPLETED, State.ERROR, State.REJECTED}),
    State.ERROR: frozenset({State.QUEUED, State.DISCARDED}),
    State.REJECTED: frozenset({State.QUEUED, State.DISCARDED}),
    State.COMPLETED: frozenset({State.DISCARDED}),
    State.DISCARDED: frozenset[State](),
}

# Exactly what `str` makes, and nothing that means the same: a name must lead back to its file.
_FORM = re.compile(
    r"(?P<arrived>\d{8}T\d{12}Z)_(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"_(?P<length>0|[1-9]\d*)-(?P<crc32>[0-9a-f]{8})(?:-p(?P<priority>[1-46-9]|[1-9]\d))?"
    r"\.(?P<attempt>0|[1-9]\d*)(?:-(?P<orphaned>[1-9]\d*))?"
    rf"\.(?P<state>{'|'.join(State)})",
    re.ASCII,
)
STAMP = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class QueueName:
    """A name taken apart. `length` in bytes; `attempt` counts the failures charged to this report."""

    stem: str
    """the part that no transition changes; `<stem>.reason` is the note beside the file"""
    id: uuid.UUID
    length: int
    crc32: int
    priority: int = DEFAULT_PRIORITY
    attempt: int = 0
    orphaned: int = 0
    state: State = State.QUEUED

    @classmethod
    def of(cls, queue_id: uuid.UUID, content: bytes, arrived: datetime, priority: int) -> Self:
        """The name of a report that has just arrived."""
        stamp, crc32 = arrived.astimezone(UTC).strftime(STAMP), zlib.crc32(content)
        mark = "" if priority == DEFAULT_PRIORITY else f"-p{priority}"
        return cls(f"{stamp}_{queue_id}_{len(content)}-{crc32:08x}{mark}", queue_id, len(content), crc32, priority)

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The parts of a file name; None for a name that is not of our form."""
        match = _FORM.fullmatch(name)
        if match is None or not _is_moment(match["arrived"]):
            return None
        return cls(
            stem=name.partition(".")[0],
            id=uuid.UUID(match["id"]),
            length=int(match["length"]),
            crc32=int(match["crc32"], 16),
            priority=int(match["priority"] or DEFAULT_PRIORITY),
            attempt=int(match["attempt"]),
            orphaned=int(match["orphaned"] or 0),
            state=State(match["state"]),
        )

    @property
    def arrived(self) -> str:
        """When it came: names in the order of this are in the order of arrival."""
        return self.stem.partition("_")[0]

    @property
    def content(self) -> tuple[uuid.UUID, int, int]:
        """What the report is, whenever it came and wherever it stands."""
        return self.id, self.length, self.crc32

    def __str__(self) -> str:
        mark = f"-{self.orphaned}" if self.orphaned else ""
        return f"{self.stem}.{self.attempt}{mark}.{self.state}"

    def to(self, state: State, *, attempt: int | None = None, orphaned: int = 0) -> "QueueName":
        """The name after a transition; an illegal one is a fault of ours, and raises ValueError."""
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"a report cannot go from {self.state} to {state}")
        if attempt is None:
            attempt = self.attempt
        return QueueName(self.stem, self.id, self.length, self.crc32, self.priority, attempt, orphaned, state)

    def later_than(self, other: Self) -> Self:
        """This name, arrived after the other: the clock may have been set back in between."""
        if self.arrived > other.arrived:
            return self
        moment = datetime.strptime(other.arrived, STAMP).replace(tzinfo=UTC) + timedelta(microseconds=1)
        return replace(self, stem=self.stem.replace(self.arrived, moment.strftime(STAMP), 1))

    def describes(self, content: bytes) -> bool:
        """Whether this is the content that was queued: neither torn nor flipped."""
        return len(content) == self.length and zlib.crc32(content) == self.crc32


def _is_moment(stamp: str) -> bool:
    try:
        datetime.fromisoformat(f"{stamp[:15]}.{stamp[15:]}")
    except ValueError:
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class SourceKey:
    """This very file: what tells one source from every other, and the same source from itself never."""

    station: str
    converter: str
    name: bytes
    size: int
    modified_ns: int
    content_hash: bytes

    @cached_property
    def seed(self) -> bytes:
        """What `queue_id` makes ids from; hashed as bytes, for names that are not UTF-8."""
        parts = (self.station.encode(), self.converter.encode(), self.name, self.content_hash)
        whole = hashlib.sha256(f"{self.size} {self.modified_ns}".encode())
        for part in parts:
            whole.update(len(part).to_bytes(4, "big") + part)
        return whole.digest()


def queue_id(seed: bytes, index: int) -> uuid.UUID:
    """The id of report `index` of a source: a UUIDv5 (RFC 9562) over the seed's bytes."""
    content = _NAMESPACE.bytes + seed + index.to_bytes(4, "big")
    return uuid.UUID(bytes=hashlib.sha1(content, usedforsecurity=False).digest()[:16], version=5)
