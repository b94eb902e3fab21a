"""Figures in words, for people."""

from collections.abc import Iterable
from datetime import datetime


def duration(seconds: float) -> str:
    """`12 min`: in the largest unit that it fills twice."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(count: int) -> str:
    """`2.1 kB`, in units of 1000."""
    for unit, length in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if count >= length:
            return f"{count / length:,.1f} {unit}"
    return f"{count} B"


def several(count: int, what: str) -> str:
    """`1 report`, `2 reports`."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def ago(moment: str) -> str:
    """`12 min ago`, of a moment as ISO 8601 with zone; one in the future is now."""
    then = datetime.fromisoformat(moment)
    return f"{duration(max(0.0, (datetime.now(then.tzinfo) - then).total_seconds()))} ago"


def local(moment: str, *, fraction: bool = False) -> str:
    """`2026-11-22 14:03:12`, of a moment as ISO 8601 with zone, in the zone of this machine."""
    there = datetime.fromisoformat(moment).astimezone()
    return there.isoformat(" ", "milliseconds" if fraction else "seconds")[: 23 if fraction else 19]


def widest(texts: Iterable[str], least: int = 0) -> int:
    """The width of a column that holds them all."""
    return max([least, *map(len, texts)])
