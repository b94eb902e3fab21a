"""A wall clock that follows Trio's, so that a jumping clock moves both."""

from datetime import UTC, datetime, timedelta

import trio

from pywats_client.clock import Clock

START = datetime(2026, 11, 22, 8, 41, tzinfo=UTC)


class TrioClock(Clock):
    """Shows `START` when it is made, and goes on as Trio's clock does; `wrong_by` is how far it has been set off."""

    def __init__(self) -> None:
        self._began = trio.current_time()
        self._readings = 0
        self.wrong_by = timedelta()

    def now(self) -> datetime:
        """As a real one does, it shows no moment twice."""
        self._readings += 1
        passed = timedelta(seconds=trio.current_time() - self._began, microseconds=self._readings)
        return START + passed + self.wrong_by
