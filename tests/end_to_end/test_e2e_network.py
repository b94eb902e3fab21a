"""The real service behind a network that resets, lies and talks nonsense: every report arrives, under one id."""

import json
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio

from pywats_client.emulator import Emulator
from tests.end_to_end.station import Station, serials, wsjf
from tests.fakes import proxy
from tests.fakes.network import listening
from tests.fakes.proxy import FaultProxy


@pytest.mark.case(
    "F19",
    "the service meets resets in the report and in the reply, an answer cut short, garbage",
    injected="fault proxy on loopback between the real service and the emulator",
    promised="every report is on the server once by id, none is charged",
)
@pytest.mark.trio
async def test_every_report_arrives_once_through_a_network_that_breaks_in_many_ways(
    tmp_path: Path, server: Emulator
) -> None:
    behind = urlsplit(server.url).port
    assert behind
    faults = FaultProxy(
        partial(trio.open_tcp_stream, "127.0.0.1", behind),
        proxy.reset_in_the_request,
        proxy.passing,
        proxy.reset_in_the_reply,
        proxy.passing,
        proxy.cut_in_the_body,
        proxy.passing,
        proxy.garbage,
    )
    async with listening(faults.handle) as port:
        station = Station(tmp_path / "station", f"http://127.0.0.1:{port}")
        watched = station.add_converter("in", "wats_json", "*.json")
        (watched / "ten.json").write_text(json.dumps([wsjf(f"SN-{number}") for number in range(10)]))
        async with station.running():
            await station.until(lambda: station.is_at_rest(10))
    assert await serials(server) == sorted(f"SN-{number}" for number in range(10))
    assert {name.attempt for name in station.queue_names()} == {0}
    assert faults.faults == []
