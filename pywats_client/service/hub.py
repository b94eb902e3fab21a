"""How one task tells the others that something happened."""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import trio

from pywats_client.ipc.events import Event, HealthChanged, LogLine, Snapshot
from pywats_client.logs import LevelName

log = logging.getLogger(__name__)

NO_LEVEL = logging.CRITICAL + 1
SUBSCRIBER_BUFFER = 1000
"""Events that a subscriber may lag behind before it is closed."""
PAUSE = "pause"
"""A person's reason to shut a gate."""


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


@dataclass(eq=False)
class Component:
    """One part of the nursery tree, as it is."""

    failures: list[float] = field(default_factory=list)
    """moments of the recent ones"""
    restarts: int = 0
    error: str = ""
    """the last one"""
    is_running: bool = True
    fails_often: bool = False

    def failed(self, error: str, since: float) -> None:
        """It ended by a fault of its own; only failures after `since` still count."""
        self.failures = [moment for moment in self.failures if moment > since] + [trio.current_time()]
        self.restarts, self.error, self.is_running = self.restarts + 1, error, False


class Hub:
    """Folds what happens into one snapshot, and passes it to subscribers."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.components: dict[str, Component] = {}
        """the parts that run, by name"""
        self.listeners: list[Callable[[Event], None]] = []
        """called with each event, at once; they only count"""
        self.dropped = 0
        """subscribers that fell behind and were closed"""
        self._subscribers: dict[trio.MemorySendChannel[Event], int] = {}
        self.log_level = NO_LEVEL
        """the lowest level of log lines that somebody wants"""

    @contextlib.contextmanager
    def component(self, name: str) -> Iterator[Component]:
        """A part of that name runs."""
        component = self.components[name] = Component()
        try:
            yield component
        finally:
            if self.components.get(name) is component:
                del self.components[name]

    @property
    def subscribers(self) -> int:
        """How many there are, wherever they have come in."""
        return len(self._subscribers)

    def publish(self, event: Event) -> None:
        """Tell everybody. Never waits: a subscriber that has fallen behind is closed."""
        self.note(event)
        for subscriber in list(self._subscribers):
            self._send(subscriber, event)

    def note(self, event: Event) -> None:
        """Fold it, and tell listeners alone: of many events together, subscribers are told the sum."""
        self.snapshot = self.snapshot.after(event)
        for listener in self.listeners:
            listener(event)

    def publish_line(self, line: LogLine) -> None:
        """Tell those who want lines of this level."""
        level = logging.getLevelNamesMapping()[line.level]
        for subscriber in [found for found, least in self._subscribers.items() if level >= least]:
            self._send(subscriber, line)

    def _send(self, subscriber: trio.MemorySendChannel[Event], event: Event) -> None:
        try:
            subscriber.send_nowait(event)
        except (trio.WouldBlock, trio.BrokenResourceError):
            self._remove(subscriber)
            self.dropped += 1

    def _remove(self, subscriber: trio.MemorySendChannel[Event]) -> None:
        self._subscribers.pop(subscriber, None)
        self.log_level = min(self._subscribers.values(), default=NO_LEVEL)
        subscriber.close()

    def close(self) -> None:
        """Nothing more will happen: subscribers hear what was told so far, and then the end."""
        while self._subscribers:
            self._remove(next(iter(self._subscribers)))

    @contextlib.contextmanager
    def subscribed(
        self, buffer: int = SUBSCRIBER_BUFFER, *, log_level: LevelName | None = None
    ) -> Iterator[trio.MemoryReceiveChannel[Event]]:
        """The events from now on; with `log_level`, also lines of the log from that level on."""
        send, receive = trio.open_memory_channel[Event](buffer)
        self._subscribers[send] = logging.getLevelNamesMapping()[log_level] if log_level else NO_LEVEL
        self.log_level = min(self._subscribers.values())
        try:
            yield receive
        finally:
            self._remove(send)
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

    def is_shut_only_by(self, who: str) -> bool:
        """Whether nobody else has a reason."""
        return self._reasons.keys() == {who}

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
