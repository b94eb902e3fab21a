"""What the service tells its workers, and what it hears of them."""

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pywats_client.converters.isolation import SCRATCH, Isolation
from pywats_client.logs import show_name

MAX_FACT = 200
"""Characters of a fact that are kept; the fields of a report are shorter."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """One configured converter, as its workers see it. Workers serve setups that are equal."""

    name: str
    """its name in the configuration"""
    module: str
    """what `registry.resolve` found"""
    module_stamp: tuple[int, ...] = ()
    """changes when the user's file does, or a template, and so makes another setup of it"""
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    station: Mapping[str, str] = field(default_factory=dict)
    """`name`, `location`, `purpose`"""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """by the plain names of report fields; they go before the station's"""
    timeout_seconds: float = 120
    memory_limit_mb: int = 1024
    isolation: Isolation | None = None
    """None: bound by limits alone"""

    @cached_property
    def key(self) -> str:
        """All of it as text."""
        return json.dumps(
            [self.name, self.module_stamp, repr(self.isolation), self.request], sort_keys=True, default=str
        )

    @property
    def request(self) -> dict[str, Any]:
        """What a worker is told."""
        return {
            "module": self.module,
            "arguments": dict(self.arguments),
            "station": dict(self.station),
            "defaults": dict(self.defaults),
            "timeout_seconds": self.timeout_seconds,
            "memory_limit_mb": self.memory_limit_mb,
            "isolation": self._isolation,
        }

    @property
    def _isolation(self) -> dict[str, Any] | None:
        """What the converter sees: for the worker, to tell what was refused."""
        if self.isolation is None:
            return None
        shown = [to_text(path) for path in self.isolation.shown(self.module)]
        return {"shown": shown, "network": self.isolation.has_network, "scratch": str(SCRATCH)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setup) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def to_text(path: Path) -> str:
    """A path for the worker, whose encoding of names is always UTF-8, whatever ours is."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One source to convert; report i of it gets `queue_id(id_seed, i)`."""

    source: Path
    """absolute"""
    companions: tuple[Path, ...] = ()
    id_seed: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What people know a report by, ready to be shown; empty where the report does not say it."""

    report_type: str = ""
    """T: of a test, R: of a repair"""
    serial_number: str = ""
    part_number: str = ""
    result: str = ""
    failing_step: str = ""
    """the first step that failed, and in it the first, down to one without steps"""

    @classmethod
    def of(cls, told: object) -> Self:
        """From a worker's message, of whatever shape that is."""
        if not isinstance(told, list) or len(told) != len(cls.__slots__):
            return cls()
        return cls(*(_shown(text) if isinstance(text, str) else "" for text in told))


def _shown(text: str) -> str:
    return (text if text.isprintable() else show_name(text))[:MAX_FACT]


@dataclass(frozen=True)
class Delivered:
    """One checked report: the exact bytes to store."""

    queue_id: uuid.UUID
    content: bytes
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, kw_only=True)
class ModuleInfo:
    """What a loaded converter says of itself."""

    name: str
    version: str
    description: str
    documentation: str
    """the text below its class"""
    is_folder: bool
    has_companions: bool
    ready_marker: str | None
    """of a FolderConverter, as is `min_file_count`"""
    min_file_count: int | None
    arguments_schema: dict[str, Any]

    @property
    def source_rules(self) -> tuple[object, ...]:
        """What decides which names in a folder are sources."""
        return self.is_folder, self.has_companions, self.ready_marker, self.min_file_count


@dataclass(frozen=True)
class Statistics:
    """Worker processes now, and how many have ended so far."""

    alive: int
    busy: int
    retired: int
