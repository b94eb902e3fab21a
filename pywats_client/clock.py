"""The wall clock, handed in. Waiting is Trio's, and monotonic."""

from datetime import UTC, datetime


class Clock:
    """Tells the time for names and stamps."""

    def now(self) -> datetime:
        """The present moment in UTC, aware, with microseconds."""
        return datetime.now(UTC)
