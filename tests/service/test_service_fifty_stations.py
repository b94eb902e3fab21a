"""Fifty stations and one server that comes back: they return spread in time, and no faster than it can take."""

import random
from collections import Counter

import pytest
import trio
from trio.testing import MockClock

from pywats_client.errors import Busy, Unreachable
from pywats_client.service.connection import Connection
from pywats_client.service.hub import Hub
from tests.evidence.plugin import Evidence

STATIONS, SLOTS = 50, 5
SERVICE_SECONDS, REFUSAL_SECONDS = 0.1, 0.01
AWAY_SECONDS, BACK_SECONDS = 3600, 60
MOST = 1.2
"""Requests a second, of those that the server can serve."""


class Limited:
    """A server that serves so many at a time, and is too busy for more; away until it is `back`."""

    def __init__(self, limit: int) -> None:
        self.limit, self.active, self.back = limit, 0, trio.Event()
        self.arrivals: Counter[int] = Counter()
        self.served = 0

    @property
    def capacity(self) -> float:
        """Requests a second."""
        return self.limit / SERVICE_SECONDS

    async def request(self) -> None:
        """Raises as the client does."""
        if not self.back.is_set():
            await trio.sleep(REFUSAL_SECONDS)
            raise Unreachable("away")
        self.arrivals[int(trio.current_time())] += 1
        if self.active >= self.limit:
            await trio.sleep(REFUSAL_SECONDS)
            raise Busy("503")
        self.active += 1
        await trio.sleep(SERVICE_SECONDS)
        self.active -= 1
        self.served += 1


async def station(server: Limited, seed: int) -> None:
    """Has reports without end, and sends them as the connection lets it."""
    slots = trio.CapacityLimiter(SLOTS)
    connection = Connection(Hub(), slots, jitter=random.Random(seed))
    under_way: set[object] = set()

    async def upload(slot: object) -> None:
        try:
            await server.request()
            connection.accepted()
        except (Busy, Unreachable) as error:
            connection.failed(error)
        under_way.discard(slot)
        slots.release_on_behalf_of(slot)
        connection.upload_ended()

    async with trio.open_nursery() as uploads:
        while True:
            slot = object()
            await slots.acquire_on_behalf_of(slot)
            await connection.turn(under_way)
            under_way.add(slot)
            uploads.start_soon(upload, slot)


@pytest.mark.case(
    "F26",
    "50 stations with a backlog, and a server that is back after an hour and takes 10 or 25 at a time",
    injected="50 connections against one limiter, test clock",
    promised="never more requests a second than 1.2 times what it serves, and most of that is used",
)
@pytest.mark.parametrize("limit", [10, 25])
@pytest.mark.trio
async def test_fifty_stations_do_not_fall_upon_a_server_that_has_come_back(
    autojump_clock: MockClock, limit: int, evidence: Evidence
) -> None:
    server = Limited(limit)
    async with trio.open_nursery() as stations:
        for seed in range(STATIONS):
            stations.start_soon(station, server, seed)
        await trio.sleep(AWAY_SECONDS)
        server.back.set()
        await trio.sleep(BACK_SECONDS)
        stations.cancel_scope.cancel()
    peak = max(server.arrivals.values()) / server.capacity
    assert peak <= MOST
    assert server.served >= 0.7 * BACK_SECONDS * server.capacity
    evidence(figure=f"peak {peak:.2f} of what {limit} at a time can take")
