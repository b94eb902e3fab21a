"""How slowly bytes may move before a request is given up: a connection that trickles holds a slot like a dead one."""

import math

import trio

SLOWEST = 1000
"""Bytes a second."""
PATIENCE = 30.0
"""Seconds for which bytes may move slower than that."""
PORTION = int(SLOWEST * PATIENCE)
"""Bytes that must move within `PATIENCE`; also what of a report is written in one go, so that this can be seen."""


class Pace:
    """Cancels what runs in `scope` when fewer than `PORTION` bytes moved within `PATIENCE` seconds.

    It applies while a report is written, and again from the reply's head to its end. Between the two the server
    may think in silence, and httpcore shows a head only when it is whole: there the request's deadline rules alone.
    """

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self._moved = 0

    def begin(self) -> None:
        """Bytes are to move from now on."""
        self._moved = 0
        self.scope.deadline = trio.current_time() + PATIENCE

    def moved(self, count: int) -> None:
        """So many bytes more have moved."""
        self._moved += count
        if self._moved >= PORTION:
            self.begin()

    def rest(self) -> None:
        """Nothing is to move for now."""
        self.scope.deadline = math.inf
