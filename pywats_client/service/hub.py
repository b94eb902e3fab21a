"""How one task tells the others that something happened."""

import contextlib
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterator

import trio

from pywats_client.ipc.events import Event, HealthChanged, Snapshot

log = logging.getLogger(__name__)

SUBSCRIBER_BUFFER = 1000
"""Events that a subscriber may lag behind before it is closed."""


class Wake:
    """A bell: rung any number of times, heard once by whoever waits, also if rung before."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def ring(self) -> None:
        """Wake the one who waits."""
        self._event.set()

    async def heard(self, timeout: float = math.inf) -> bool:  # noqa: ASYNC109 -- the deadline is part of the idea
        """Wait for a ring or `timeout` seconds; whether it rang."""
        with trio.move_on_after(timeout):
            await self._event.wait()
        rang = self._event.is_set()
        self._event = trio.Event()
        return rang


class Hub:
    """Folds what happens into one snapshot, and passes it to subscribers."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self._subscribers: set[trio.MemorySendChannel[Event]] = set()

    def publish(self, event: Event) -> None:
        """Tell everybody. Never waits: a subscriber that has fallen behind is closed."""
        self.snapshot = self.snapshot.after(event)
        for subscriber in list(self._subscribers):
            try:
                subscriber.send_nowait(event)
            except (trio.WouldBlock, trio.BrokenResourceError):
                self._subscribers.discard(subscriber)
                subscriber.close()

    @contextlib.contextmanager
    def subscribed(self, buffer: int = SUBSCRIBER_BUFFER) -> Iterator[AsyncIterator[Event]]:
        """The events from now on."""
        send, receive = trio.open_memory_channel[Event](buffer)
        self._subscribers.add(send)
        try:
            yield receive
        finally:
            self._subscribers.discard(send)
            send.close()
            receive.close()


class Trouble:
    """A passing fault of the machine (no descriptors, no memory, a disk that errs): pause, longer each time."""

    def __init__(self, hub: Hub, part: str, *, first: float = 1.0, longest: float = 60.0) -> None:
        self._hub, self._part = hub, part
        self._first, self._longest = first, longest
        self.reason = ""
        self._wait = 0.0
        self._until = -math.inf

    def learn(self, reason: str) -> None:
        """What the last try met: a reason, or nothing. Tries that fail together count as one."""
        if reason and trio.current_time() >= self._until:
            self._wait = min(max(2 * self._wait, self._first), self._longest)
            self._until = trio.current_time() + self._wait
        elif not reason:
            self._wait, self._until = 0.0, -math.inf
        if reason != self.reason:
            self.reason = reason
            log.log(logging.WARNING if reason else logging.INFO, "%s: %s", self._part, reason or "all is well again")
            self._hub.publish(HealthChanged(part=self._part, reason=reason))

    async def over(self) -> None:
        """Wait until it is worth a try again."""
        if self._until > trio.current_time():
            await trio.sleep_until(self._until)


class Gate:
    """Open unless somebody has a reason against it; `changed` is called when the reasons do."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._reasons: dict[str, str] = {}
        self._opened = trio.Event()

    @property
    def reason(self) -> str:
        """Why it is shut; empty while it is open."""
        return "; ".join(self._reasons.values())

    def set(self, who: str, reason: str) -> None:
        """Shut it for a reason, or withdraw that with an empty one."""
        if reason == self._reasons.get(who, ""):
            return
        if reason:
            self._reasons[who] = reason
        else:
            del self._reasons[who]
        self._changed()
        if not self._reasons:
            self._opened.set()
            self._opened = trio.Event()

    async def passed(self) -> None:
        """Wait until it is open."""
        while self._reasons:
            await self._opened.wait()
