"""Our relation to the server: online, busy, offline or refused. Learnt once, not by each report again."""

import logging
import math
import random
from collections.abc import Mapping, Sized

import trio

from pywats_client.errors import Busy, Refused, Unreachable, WatsError
from pywats_client.ipc.events import NOT_ASKED, ConnectionChanged, ConnectionState
from pywats_client.service.hub import Hub
from pywats_client.service.server_clock import ServerClock

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds between two probes of a server that does not take reports: doubled each time, with jitter."""
LONGEST_RETRY_AFTER = 3600.0
CAUTION = 20
"""Successes after a single busy answer before one more upload goes beside the others."""

_STATES: Mapping[type[WatsError], ConnectionState] = {
    Busy: ConnectionState.BUSY,
    Unreachable: ConnectionState.OFFLINE,
    Refused: ConnectionState.REFUSED,
}


class Connection:
    """Says whether an upload may start, and learns from what became of it.

    While not online, one upload at a time goes out as a probe. After a return the slots grow back by one
    with each success, so that fifty stations do not fall upon a server that has just come up.
    """

    def __init__(self, hub: Hub, slots: trio.CapacityLimiter, *, jitter: random.Random | None = None) -> None:
        self._hub, self.slots = hub, slots
        self._jitter = jitter or random.Random()  # noqa: S311 -- spreads load, guards nothing
        self.clock = ServerClock(hub)
        self.state, self.reason = ConnectionState.OFFLINE, NOT_ASKED
        self._open = 1
        self._busy_in_a_row = self._owed = 0
        self._wait = FIRST_WAIT
        self._next_probe = -math.inf
        self._come_back = -math.inf
        self._changed = trio.Event()

    def __repr__(self) -> str:
        return f"<Connection {self.state} slots={self._open}/{self.slots.total_tokens} {self.reason}>".rstrip()

    @property
    def is_online(self) -> bool:
        """Whether reports are taken, as far as we know."""
        return self.state is ConnectionState.ONLINE

    async def turn(self, under_way: Sized) -> None:
        """Wait until one more upload may start, beside those under way (a collection that changes meanwhile)."""
        while not self._may_start(len(under_way)):
            changed = self._changed
            with trio.move_on_at(self._reopens_at if not under_way and not self.is_online else math.inf):
                await changed.wait()

    def _may_start(self, under_way: int) -> bool:
        if self.is_online:
            return under_way < self._open
        return under_way == 0 and trio.current_time() >= self._reopens_at

    @property
    def _reopens_at(self) -> float:
        return max(self._next_probe, self._come_back)

    async def left_alone(self) -> None:
        """Wait until the moment at which the server, if it has said so, wants to be asked again."""
        while trio.current_time() < self._come_back:
            changed = self._changed
            with trio.move_on_at(self._come_back):
                await changed.wait()

    def spread(self, seconds: float) -> float:
        """A wait of half of that to all of it: fifty stations that started together do not ask together."""
        return seconds * (0.5 + 0.5 * self._jitter.random())

    def upload_ended(self) -> None:
        """An upload's slot is free again, whatever its end."""
        self._wake()

    def accepted(self) -> None:
        """The server took a report."""
        if self._is_shut:
            return
        self._owed = max(0, self._owed - 1)
        if not self.is_online:
            self._open = 1
        elif not self._owed:
            self._open = min(self._open + 1, int(self.slots.total_tokens))
        self._forgive()
        self._become(ConnectionState.ONLINE, "")

    def answered(self) -> None:
        """The server said a definite no to one report: it is there, and it reads."""
        if self._is_shut:
            return
        self._forgive()
        if self.state in (ConnectionState.OFFLINE, ConnectionState.BUSY):
            self._become(ConnectionState.ONLINE, "")

    @property
    def _is_shut(self) -> bool:
        """Whether what ends well now was sent before the server asked to be left alone."""
        return self.state is ConnectionState.BUSY and trio.current_time() < self._come_back

    def pinged(self) -> None:
        """The server answered a ping. That proves it is there, not that it takes reports."""
        if self.state is ConnectionState.OFFLINE:
            self._open = 1
            self._become(ConnectionState.ONLINE, "")

    def failed(self, error: WatsError) -> bool:
        """An upload was not taken; whether that is charged to its report.

        A single busy answer is the report's, also one that says when to come back: no report can hold up the
        others. From the second in a row on it is the server's, which is not asked before the time it has named.
        """
        first = False
        if isinstance(error, Busy):
            first = self._busy_in_a_row == 0
            self._busy_in_a_row += 1
            self._heed(error.retry_after)
            self._open, self._owed = max(1, self._open - 1), CAUTION
        if not first:
            self._close(_STATES[type(error)], str(error))
        return first

    def ping_failed(self, error: WatsError) -> None:
        """A ping was not answered; what refuses or is too busy for a ping may still take reports."""
        if isinstance(error, Unreachable) or not self.is_online:
            self._close(_STATES[type(error)], str(error))

    def ask_again(self) -> None:
        """A person wants to know now: no wait of ours holds up the next probe, only one that the server has named."""
        self._next_probe, self._wait = -math.inf, FIRST_WAIT
        self._wake()

    def reset(self) -> None:
        """The server's settings changed: ask at once."""
        self._open = 1
        self._forgive()
        self.clock.learn(None)
        self._become(ConnectionState.OFFLINE, NOT_ASKED)

    def _forgive(self) -> None:
        self._busy_in_a_row, self._wait = 0, FIRST_WAIT
        self._next_probe = self._come_back = -math.inf

    def _heed(self, retry_after: float | None) -> None:
        if retry_after is not None:
            seconds = min(retry_after * (1.0 + 0.05 * self._jitter.random()), LONGEST_RETRY_AFTER)
            self._come_back = max(self._come_back, trio.current_time() + seconds)

    def _close(self, state: ConnectionState, reason: str) -> None:
        self._next_probe = max(self._next_probe, trio.current_time() + self._pause(state))
        self._open, self._owed = 1, 0
        # What happens to a probe does not tell that we are refused no more: only a report that is taken does.
        if state is ConnectionState.REFUSED or self.state is not ConnectionState.REFUSED:
            self._become(state, reason)

    def _pause(self, state: ConnectionState) -> float:
        """Seconds until the next probe. Uploads that were under way together and fail together count as one."""
        if state is ConnectionState.REFUSED:
            self._wait = LONGEST_WAIT
            return LONGEST_WAIT * (1.0 + 0.1 * self._jitter.random())
        if trio.current_time() < self._next_probe:
            return 0.0
        wait, self._wait = self._wait, min(2 * self._wait, LONGEST_WAIT)
        return self.spread(wait)

    def _become(self, state: ConnectionState, reason: str) -> None:
        if reason != NOT_ASKED and (state is not self.state or self.reason == NOT_ASKED):
            level = logging.INFO if state is ConnectionState.ONLINE else logging.WARNING
            log.log(level, "the server is %s%s", state, f": {reason}" if reason else "")
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self._hub.publish(ConnectionChanged(state=state, reason=reason))
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
