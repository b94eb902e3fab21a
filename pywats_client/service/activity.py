"""How much was done lately, for the status."""

from datetime import datetime

import trio

from pywats_client.clock import Clock
from pywats_client.ipc.events import Event, ReportMoved, SourceConverted
from pywats_client.queue.name import State


class LastMinute:
    """Counts, second by second, what happened in the last 60 seconds."""

    def __init__(self) -> None:
        self._seconds: dict[int, int] = {}

    def count(self) -> None:
        """It happened once more."""
        now = int(trio.current_time())
        if now not in self._seconds:
            self._seconds = {second: count for second, count in self._seconds.items() if second > now - 60}
        self._seconds[now] = self._seconds.get(now, 0) + 1

    @property
    def total(self) -> int:
        """How often."""
        now = int(trio.current_time())
        return sum(count for second, count in self._seconds.items() if second > now - 60)


class Activity:
    """What is worth knowing beside the snapshot: since when we run, how fast, and the last success."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.started = clock.now()
        self._began = trio.current_time()
        self.conversions, self.uploads = LastMinute(), LastMinute()
        self.last_delivered: datetime | None = None

    @property
    def uptime_seconds(self) -> float:
        """Since the start."""
        return trio.current_time() - self._began

    def note(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, SourceConverted):
            self.conversions.count()
        elif isinstance(event, ReportMoved) and event.after == State.COMPLETED:
            self.uploads.count()
            self.last_delivered = self._clock.now()
