"""Which format a file is of, by its content."""

from pathlib import Path
from typing import NamedTuple

from pywats_client.converters.process import Setup, Workers
from pywats_client.converters.registry import built_in_names, resolve


class Match(NamedTuple):
    """How sure a built-in format is, from 0 to 1."""

    format: str
    confidence: float


async def detect(workers: Workers, source: Path) -> list[Match]:
    """All built-in formats with their confidence, the surest first. One worker asks them all; errors as `convert`."""
    modules = {resolve(name, source.parent)[0]: name for name in built_in_names()}
    first = next(iter(modules))
    found = await workers.matches(Setup(name="detect", module=first), source, list(modules))
    matches = [Match(modules[module], confidence) for module, confidence in found.items()]
    return sorted(matches, key=lambda match: -match.confidence)
