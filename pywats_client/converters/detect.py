"""Which format a file is of, by its content."""

from pathlib import Path
from typing import NamedTuple

from pywats_client.converters.process import Setup, Workers
from pywats_client.converters.registry import AUTO, resolve


class Match(NamedTuple):
    """How sure a built-in format is, from 0 to 1."""

    format: str
    confidence: float


async def detect(workers: Workers, source: Path) -> list[Match]:
    """All built-in formats with their confidence, the surest first. One worker asks them all; errors as `convert`."""
    found = await workers.matches(Setup(name="detect", module=resolve(AUTO, source.parent)[0]), source)
    return [Match(*item) for item in found.items()]
