"""The figures of the whole service, told at most twice a second."""

import trio

from pywats_client.ipc.events import (
    CountersChanged,
    Event,
    QueueCounted,
    ReportMoved,
    SourceConverted,
    SourceFailed,
    SourcesWaiting,
)
from pywats_client.service.hub import Hub, Wake

PAUSE_SECONDS = 0.5
_COUNTED = (ReportMoved, SourceConverted, SourceFailed, SourcesWaiting, QueueCounted)


async def tell_counters(hub: Hub) -> None:
    """Tell them whenever they have changed, until cancelled."""
    news = Wake()

    def note(event: Event) -> None:
        if isinstance(event, _COUNTED):
            news.ring()

    told = _counters(hub)
    hub.listeners.append(note)
    try:
        while True:
            await news.heard()
            if (counters := _counters(hub)) != told:
                hub.publish(counters)
                told = counters
            await trio.sleep(PAUSE_SECONDS)
    finally:
        hub.listeners.remove(note)


def _counters(hub: Hub) -> CountersChanged:
    snapshot = hub.snapshot
    converters = snapshot.converters.values()
    return CountersChanged(
        waiting=sum(status.waiting for status in converters),
        converted=sum(status.converted for status in converters),
        failed=sum(status.failed for status in converters),
        delivered=snapshot.delivered,
        reports=dict(snapshot.reports),
    )
