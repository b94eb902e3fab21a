"""A Trio run that goes on only while it is pumped, in virtual time: between two steps of a test it stands still,
with everything that is under way in it."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from outcome import Outcome

MOST_TICKS = 200_000
"""Turns of Trio's loop in one pump; what needs more does not wait for anything any more."""


class StepClock(trio.abc.Clock):
    """Jumps from deadline to deadline whenever nothing can run, up to `limit`, where it stands still.

    It goes on over several runs, one after the other.
    """

    def __init__(self) -> None:
        self.time = self.limit = 0.0
        self.is_idle = False
        """whether nothing can run before `limit`"""

    def start_clock(self) -> None:
        self.is_idle = False

    def current_time(self) -> float:
        return self.time

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Trio asks this when no task can run: real seconds to wait, which are always none."""
        self.is_idle = deadline > self.limit
        self.time = max(self.time, min(deadline, self.limit))
        return 0.0


class VirtualRun:
    """One run of `main`, as Trio's guest in this thread. Nothing in it may wait on a thread, process or socket."""

    def __init__(self, main: Callable[[], Awaitable[None]], clock: StepClock) -> None:
        self._clock = clock
        self._ticks: deque[Callable[[], Any]] = deque()
        self.outcome: Outcome[None] | None = None
        """how it ended; None while it goes on"""
        clock.limit = clock.time
        trio.lowlevel.start_guest_run(
            main,
            run_sync_soon_threadsafe=self._ticks.append,
            done_callback=self._end,
            host_uses_signal_set_wakeup_fd=True,
            clock=clock,
        )

    def pump(self, seconds: float = 0.0) -> None:
        """Go on until nothing can run for so many virtual seconds, or until the run has ended."""
        self._clock.limit = self._clock.time + seconds
        for _ in range(MOST_TICKS):
            # Asked twice: what wakes Trio through its own socket is seen a turn later.
            if self._tick() and self._tick():
                return
        raise AssertionError(f"the service is busy without an end at {self._clock.time} s")

    def _tick(self) -> bool:
        """One turn of Trio's loop; whether nothing can run now."""
        if self.outcome is None:
            self._clock.is_idle = False
            self._ticks.popleft()()
        return self.outcome is not None or self._clock.is_idle

    def _end(self, outcome: Outcome[None]) -> None:
        self.outcome = outcome
