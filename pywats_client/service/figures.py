"""Ages, rates, yields and room: told to those who listen, so that nobody needs to ask."""

from dataclasses import asdict
from datetime import UTC, datetime

import trio

from pywats_client.ipc.events import Figures, FiguresChanged, Share
from pywats_client.queue.name import STAMP
from pywats_client.service.parts import Parts
from pywats_client.service.statistics import Yield, shift_start
from pywats_client.service.status import last_delivered

PAUSE_SECONDS = 2.0
UNITS = 50


async def tell_figures(parts: Parts) -> None:
    """Tell them whenever they have changed and somebody listens, until cancelled."""
    while True:
        if parts.hub.subscribers:
            found = figures(parts)
            if found != parts.hub.snapshot.figures:
                parts.hub.publish(FiguresChanged(figures=found))
        await trio.sleep(PAUSE_SECONDS)


def figures(parts: Parts) -> Figures:
    """As they are now; nothing of it waits for a disk."""
    now, statistics = parts.clock.now(), parts.journal.statistics
    yields = statistics.yields(UNITS, shift_start(now, parts.settings.config.station.shift_starts).timestamp())
    conversions, uploads = statistics.rates(now.timestamp())
    oldest, delivered = parts.queue.folder.index.oldest_waiting(), last_delivered(parts)
    room = parts.disk_space.room
    return Figures(
        oldest_waiting=datetime.strptime(oldest, STAMP).replace(tzinfo=UTC).isoformat() if oldest else None,
        last_delivered=delivered.isoformat() if delivered else None,
        conversions_a_minute=tuple(conversions),
        uploads_a_minute=tuple(uploads),
        last_units=_share(yields.last),
        shift=_share(yields.shift),
        failing_steps=tuple(yields.failing_steps),
        disk_days_left=room.days if room else None,
    )


def _share(found: Yield) -> Share:
    return Share(**asdict(found))
