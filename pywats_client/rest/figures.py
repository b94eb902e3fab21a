"""How long conversions and uploads take, by how they end: added up from the events, for `/metrics`."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable
from itertools import accumulate

import trio

from pywats_client.ipc.events import Event, ReportMoved, SourceConverted, SourceConverting, SourceFailed

BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Seconds."""
MOST_BEGUN = 1000
"""What has begun and not ended is remembered so often: a source that vanishes meanwhile never ends."""
UNDER_WAY = "processing"


class Durations:
    """How often something took up to so many seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        """of all together"""

    def add(self, seconds: float) -> None:
        """It happened once more."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """For each bound, and for `+Inf`, how often it took no longer."""
        return list(zip([*map(str, BOUNDS), "+Inf"], map(float, accumulate(self._counts)), strict=True))


class Figures:
    """Since the start of the service, whether somebody asks for them or not."""

    def __init__(self) -> None:
        self.conversions: defaultdict[tuple[str, str], Durations] = defaultdict(Durations)
        """by converter and result: converted, failed"""
        self.uploads: defaultdict[str, Durations] = defaultdict(Durations)
        """by the state that they left the report in: completed, error, rejected, queued"""
        self._begun: dict[Hashable, float] = {}

    def note(self, event: Event) -> None:
        """Count an event."""
        match event:
            case SourceConverting():
                self._begin((event.converter, event.source))
            case SourceConverted():
                self._begun.pop((event.converter, event.source), None)
                self.conversions[event.converter, "converted"].add(event.seconds)
            case SourceFailed():
                self.conversions[event.converter, "failed"].add(self._seconds((event.converter, event.source)))
            case ReportMoved() if event.after == UNDER_WAY:
                self._begin(event.queue_id)
            case ReportMoved() if event.before == UNDER_WAY:
                self.uploads[event.after].add(self._seconds(event.queue_id))

    def _begin(self, what: Hashable) -> None:
        self._begun.pop(what, None)
        self._begun[what] = trio.current_time()
        if len(self._begun) > MOST_BEGUN:
            del self._begun[next(iter(self._begun))]

    def _seconds(self, what: Hashable) -> float:
        """Since it began; 0 for what failed before it could."""
        now = trio.current_time()
        return now - self._begun.pop(what, now)
