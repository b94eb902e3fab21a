"""Bytes that move slower than 1 kB/s for 30 s cost the connection; slower than that in between do not."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from pywats_client.errors import Busy
from pywats_client.wats import WatsClient, ssl_context
from tests.fakes.http import Wire, message
from tests.fakes.network import MemoryNetwork, put_in_place

ID = "6f1c1f5e-0f0b-4c0e-9a53-0b6a0e4a9c11"
ACCEPTED = message("200 OK", b'{"ID": "%b"}' % ID.encode())
CONTEXT = ssl_context()

Pour = Callable[[trio.abc.Stream], Awaitable[None]]


def reading(*seconds_a_kilobyte: float) -> Pour:
    """Takes a kB of the body in each of these times, the rest at once; then accepts."""

    async def handle(stream: trio.abc.Stream) -> None:
        wire = Wire(stream)
        head = await wire.head()
        for seconds in seconds_a_kilobyte:
            await trio.sleep(seconds)
            for _ in range(1000):
                await stream.receive_some(1)
        await wire.body(head, 50_000 - 1000 * len(seconds_a_kilobyte))
        await stream.send_all(ACCEPTED)

    return handle


async def seconds_of(handle: Pour, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> float:
    """How long a report of 50 kB takes."""
    network = MemoryNetwork(nursery)
    put_in_place(network, monkeypatch)
    network.hosts["wats.test"] = handle
    began = trio.current_time()
    async with WatsClient("http://wats.test", "", ssl_context=CONTEXT, timeout_seconds=500) as client:
        assert (await client.submit(b" " * 50_000)).report_id == ID
    return trio.current_time() - began


@pytest.mark.parametrize("pace", [[0.99] * 50, [25.0] + [0.1] * 49, [0.0] * 29 + [29.0] + [0.5] * 20])
@pytest.mark.trio
async def test_an_upload_of_a_kilobyte_a_second_goes_through_also_with_pauses(
    pace: list[float], nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await seconds_of(reading(*pace), nursery, monkeypatch) == pytest.approx(sum(pace))


@pytest.mark.parametrize(("pace", "cut"), [([1.1] * 50, 30.0), ([0.1] * 30 + [31.0] * 20, 33.0)])
@pytest.mark.trio
async def test_an_upload_slower_than_that_is_cut_30_seconds_later(
    pace: list[float], cut: float, nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = trio.current_time()
    with pytest.raises(Busy, match="less than 1000 bytes a second for 30 s"):
        await seconds_of(reading(*pace), nursery, monkeypatch)
    assert trio.current_time() - began == pytest.approx(cut, abs=0.2)


@pytest.mark.trio
async def test_a_server_may_think_in_silence_for_longer_than_that(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def think(stream: trio.abc.Stream) -> None:
        wire = Wire(stream)
        await wire.body(await wire.head())
        await trio.sleep(400)
        await stream.send_all(ACCEPTED)

    assert await seconds_of(think, nursery, monkeypatch) == pytest.approx(400)
