"""The events that one client has asked for."""

from collections.abc import Sequence
from typing import Self

import trio

from pywats_client.ipc.events import Event

AT_ONCE = 100
"""Events that are sent together, where so many wait: each for itself costs ten times as much."""
GATHER_SECONDS = 0.02
"""In a burst, so long they are gathered; one that comes alone goes at once."""


class Subscription:
    """The events for one client, as many together as wait. It can be ended while it waits, never while it sends."""

    def __init__(self, events: trio.MemoryReceiveChannel[Event]) -> None:
        self._events, self._waiting, self._next = events, trio.CancelScope(), 0.0
        self.is_over = False
        """the client wants no more"""

    def end(self) -> None:
        """No more events."""
        self.is_over = True
        self._waiting.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[Event]:
        if not self.is_over:
            with trio.CancelScope() as self._waiting:
                first = await anext(self._events)
                await trio.sleep_until(self._next)
                self._next = trio.current_time() + GATHER_SECONDS
                return [first, *self._more()]
        raise StopAsyncIteration

    def _more(self) -> list[Event]:
        found: list[Event] = []
        try:
            while len(found) < AT_ONCE:
                found.append(self._events.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            pass
        return found
