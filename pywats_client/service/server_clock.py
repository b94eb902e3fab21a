"""The server's clock beside ours: reports carry the times of this computer."""

import logging

from pywats_client.ipc.events import HealthChanged
from pywats_client.service.hub import Hub

log = logging.getLogger(__name__)

PART = "clock"
MOST_SECONDS = 60.0
"""A clock that is further off makes reports misleading. Less may be the way of an answer, or a slow server."""


class ServerClock:
    """Learns from pings how far the clocks are apart, and tells when that is too far."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.offset_seconds: float | None = None
        """the server's clock minus ours; None where it is not known"""
        self._told = ""

    def learn(self, offset_seconds: float | None) -> None:
        """What the last answer showed; None for nothing."""
        self.offset_seconds = offset_seconds
        off = offset_seconds if offset_seconds is not None and abs(offset_seconds) > MOST_SECONDS else 0.0
        way = "behind" if off > 0 else "ahead of" if off < 0 else ""
        if way == self._told:  # the figure alone is nothing new
            return
        self._told = way
        reason = (
            f"this computer's clock is {_length(abs(off))} {way} the server's: times in reports are wrong by as much; "
            "let it be set from the network (on Linux: `timedatectl set-ntp true`)"
        )
        log.log(logging.WARNING if way else logging.INFO, "%s", reason if way else "the clock is right again")
        self._hub.publish(HealthChanged(part=PART, reason=reason if way else ""))


def _length(seconds: float) -> str:
    """In the largest unit of which there are two at least."""
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
