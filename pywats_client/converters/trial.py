"""A conversion that is only looked at: as the service does it, and nothing is queued, moved or sent."""

import json
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import trio

from pywats_client.converters.process import Delivered, Job, Setup, Workers, open_workers
from pywats_client.disk import digest
from pywats_client.errors import ConfigError, ConversionError, NotMine, NotYet

Ending = ConversionError | ConfigError | NotYet | NotMine


@dataclass
class Trial:
    """What came of it."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    """as WSJF"""
    error: Ending | None = None
    """why not all of the source became reports"""
    seconds: float = 0.0
    peak_bytes: int = 0
    """the most memory that the converter's process has had; 0 where that is not known"""


async def attempt(workers: Workers, setup: Setup, source: Path) -> Trial:
    """Convert a source; what ends the conversion is part of the trial."""
    trial = Trial()

    async def deliver(report: Delivered) -> None:
        trial.reports.append(json.loads(report.content))

    try:
        info = await workers.describe(setup)
        if info.is_folder != source.is_dir():
            wanted, found = ("folder", "file") if info.is_folder else ("file", "folder")
            raise ConversionError(f"the converter {info.name} takes a {wanted}, and {source.name} is a {found}")
        companions = await workers.companions(setup, source) if info.has_companions else ()
        job = Job(source=source, companions=companions, id_seed=_seed(source))
        began = time.perf_counter()
        try:
            trial.peak_bytes = await workers.convert(setup, job, deliver)
        finally:
            trial.seconds = time.perf_counter() - began
    except (ConversionError, ConfigError, NotYet, NotMine) as error:
        trial.error = error
    return trial


def _seed(source: Path) -> bytes:
    try:
        return digest(source)
    except OSError as fault:
        raise ConversionError(f"{fault.filename} cannot be read: {fault.strerror}") from None


def run(setup: Setup, source: Path) -> Trial:
    """`attempt` from blocking code, in a worker of its own."""
    return trio.run(partial(_run, setup, source))


async def _run(setup: Setup, source: Path) -> Trial:
    async with open_workers(trio.CapacityLimiter(1)) as workers:
        return await attempt(workers, setup, source)
