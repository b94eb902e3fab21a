"""A clock that is wrong is told with what to do: times in reports come from it."""

from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from service_desk import Desk
from service_parts import so_far

from pywats_client.clock import Clock
from pywats_client.ipc.events import HealthChanged
from pywats_client.service.hub import Hub
from pywats_client.service.server_clock import ServerClock
from pywats_client.wats.client import WatsClient
from tests.fakes.clock import TrioClock
from tests.fakes.server import ScriptedServer, Step, answer


def version_at(date: str) -> Step:
    return answer(200, "2026.1", headers={"Date": date})


@pytest.mark.trio
@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Sun, 22 Nov 2026 08:41:00 GMT", 0.5),
        ("Sun, 22 Nov 2026 08:43:00 GMT", 120.5),
        ("Sun, 22 Nov 2026 07:41:00 GMT", -3599.5),
        ("yesterday", None),
        ("", None),
    ],
)
async def test_the_servers_clock_is_read_from_the_date_of_its_answer(date: str, expected: float | None) -> None:
    client = WatsClient("https://wats.test", "", transport=ScriptedServer(version_at(date)), clock=TrioClock())
    assert client.clock_offset is None
    await client.version()
    assert client.clock_offset == (expected if expected is None else pytest.approx(expected, abs=0.1))


@pytest.mark.trio
@pytest.mark.parametrize(
    ("offset", "words"),
    [
        (170, "3 minutes behind"),
        (-7300, "2 hours ahead of"),
        (86_400 * 40, "40 days behind"),
        (-61, "61 seconds ahead"),
    ],
)
async def test_a_clock_that_is_far_off_is_told_once_with_what_to_do_until_it_is_right(
    offset: float, words: str
) -> None:
    hub = Hub()
    clock = ServerClock(hub)
    with hub.subscribed() as events:
        for seconds in (offset, offset * 1.01):
            clock.learn(seconds)
            assert clock.offset_seconds == seconds
        assert words in hub.snapshot.degraded["clock"]
        assert "timedatectl set-ntp" in hub.snapshot.degraded["clock"]
        clock.learn(59.0)
        assert hub.snapshot.degraded == {}
        clock.learn(None)
        assert clock.offset_seconds is None
        assert len([event for event in so_far(events) if isinstance(event, HealthChanged)]) == 2


@pytest.mark.trio
async def test_the_status_tells_how_far_the_servers_clock_is_from_ours_and_new_settings_ask_anew(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    ahead = format_datetime(Clock().now() + timedelta(hours=3), usegmt=True)
    desk.server.script = [version_at(ahead)]
    async with desk.running():
        await desk.until(lambda: "clock" in desk.hub.snapshot.degraded)
        status = await desk.status()
        assert status.clock_offset_seconds == pytest.approx(3 * 3600, abs=60)
        assert "3 hours behind the server's" in status.degraded["clock"]
        desk.config["server"]["url"] = "https://other.test"
        desk.write()
        await desk.until(lambda: "clock" not in desk.hub.snapshot.degraded)
        assert (await desk.status()).clock_offset_seconds is None
