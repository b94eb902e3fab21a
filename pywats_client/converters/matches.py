"""How sure the formats are of a file."""

from collections.abc import Iterable
from typing import NamedTuple


class Match(NamedTuple):
    """How sure a built-in format is, from 0 to 1."""

    format: str
    confidence: float


def told(matches: Iterable[Match]) -> str:
    """Those that are sure at all, in words."""
    return ", ".join(f"{name} {confidence:.0%}" for name, confidence in matches if confidence) or "none knows it"
