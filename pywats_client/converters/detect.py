"""Which format a file is of, by its content."""

from pathlib import Path

from pywats_client.converters.matches import Match, told
from pywats_client.converters.process import Setup, Workers
from pywats_client.converters.registry import AUTO, resolve

__all__ = ["Match", "detect", "told"]


async def detect(workers: Workers, source: Path) -> list[Match]:
    """All built-in formats with their confidence, the surest first. One worker asks them all; errors as `convert`."""
    found = await workers.matches(Setup(name="detect", module=resolve(AUTO, source.parent)[0]), source)
    return [Match(*item) for item in found.items()]
