"""How much room the queue's disk has, how fast it goes, and what that means."""

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

SCARCE = 3.0
"""Times the least room, from which on it is told."""
SCARCE_DAYS = 3.0
"""Days that the room lasts at the present rate, from which on it is told."""
EASE = 1.1
"""A warning ends with so much more room than it began with: at the border it does not come and go."""
SAMPLE_SECONDS, WINDOW_SECONDS, SHORTEST_WINDOW = 600.0, 86_400.0, 3600.0


class Level(IntEnum):
    """What is to be done about it."""

    ENOUGH = 0
    SCARCE = 1
    """a person should know; work goes on"""
    FULL = 2
    """converting waits, uploads go on"""


@dataclass(frozen=True)
class Room:
    """One look at the disk, in bytes; `days` until it is full at the present rate, None where it is not shrinking."""

    free: int
    least: int
    level: Level
    days: float | None
    total: int = 0

    @property
    def reason(self) -> str:
        """A sentence; empty where there is enough."""
        if self.level is Level.FULL:
            return f"less than {_mb(self.least)} are free where the queue lies: converting waits, uploads go on"
        if self.level is Level.ENOUGH:
            return ""
        if self.days is not None and self.days < SCARCE_DAYS * EASE:
            lasts = f"{self.days:.1f} days" if self.days >= 1 else f"{self.days * 24:.0f} hours"
            return f"where the queue lies, the room lasts for {lasts} at the present rate; then converting stops"
        return f"{_mb(self.free)} are free where the queue lies; converting stops at {_mb(self.least)}"


class DiskSpace:
    """Follows the free room over the last day."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()
        self._level = Level.ENOUGH
        self.room: Room | None = None
        """the last look; None before there is one, or where it failed"""

    def seen(self, now: float, free: int, least: int, total: int = 0) -> Room:
        """Judge what is free of `total`; `now` is monotonic seconds, `least` what `disk.min_free_mb` asks for."""
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_SECONDS:
            self._samples.append((now, free))
        while now - self._samples[0][0] > WINDOW_SECONDS:
            self._samples.popleft()
        days = self._days(now, free, least)
        ease = EASE if self._level else 1.0
        is_scarce = free < SCARCE * least * ease or (days is not None and days < SCARCE_DAYS * ease)
        self._level = Level.FULL if free < least else Level.SCARCE if is_scarce else Level.ENOUGH
        self.room = Room(free, least, self._level, days, total)
        return self.room

    def _days(self, now: float, free: int, least: int) -> float | None:
        since, then = self._samples[0]
        if now - since < SHORTEST_WINDOW or free >= then:
            return None
        return max(0, free - least) / ((then - free) / (now - since)) / 86_400


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
