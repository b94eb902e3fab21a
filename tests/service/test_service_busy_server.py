"""A server that is too busy for a while, and says so in many ways: how often it is asked, and who pays."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
import trio
from service_parts import Uploads, until
from trio.testing import MockClock

from pywats_client.ipc.events import ConnectionState
from pywats_client.queue.name import State
from tests.evidence.plugin import Evidence
from tests.fakes.clock import START
from tests.fakes.server import Recorded, ScriptedServer, accepted, answer

LATENCY = 0.1
MOST_EARLY = 2


class Slow(ScriptedServer):
    """Answers after a while, by `step`; `arrived` lists when each request came, `answered` the first busy answer."""

    def __init__(self, is_busy: Callable[[float], bool], *statuses: int, wish: str = "") -> None:
        super().__init__()
        self._is_busy, self._statuses, self._wish = is_busy, statuses, wish
        self.arrived: list[float] = []
        self.first_busy = 0.0
        self.began = trio.current_time()
        self.always(self._answer, 1_000_000)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.arrived.append(trio.current_time() - self.began)
        await trio.sleep(LATENCY)
        return await super().handle_async_request(request)

    def _answer(self, request: Recorded) -> httpx.Response:
        now = trio.current_time() - self.began
        if not self._is_busy(now - LATENCY):
            if request.path.endswith("Version"):
                return answer(200, "2026.1.5")(request)
            return accepted()(request)
        self.first_busy = self.first_busy or now
        wished = {"retry-after": self._wish, "date": BUSY_SINCE} if self._wish else {}
        return answer(self._statuses[len(self.requests) % len(self._statuses)], headers=wished)(request)

    def between(self, first: float, last: float) -> int:
        """How many requests came after `first` and before `last`."""
        return sum(first < moment < last for moment in self.arrived)


def charged(uploads: Uploads) -> int:
    """Attempts charged to all reports together."""
    return sum(name.attempt for state in State for name in uploads.files(state))


BUSY_FROM, MINUTE, HOUR = 5.0, 60.0, 3600.0
BUSY_SINCE, DATE = (format_datetime(START + timedelta(seconds=seconds), usegmt=True) for seconds in (0, 40))


@pytest.mark.case(
    "F25",
    "429 and 503 with Retry-After 5, 120, a date, 10^9",
    injected="scripted server, test clock",
    promised="not more than 2 requests before the time it has named, an hour at most; one report charged",
)
@pytest.mark.parametrize(("wish", "seconds"), [("5", 5.0), ("120", 120.0), (DATE, 40.0), ("1000000000", HOUR)], ids=str)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.trio
async def test_a_server_that_names_a_time_is_not_asked_more_than_twice_before_it(
    autojump_clock: MockClock, tmp_path: Path, status: int, wish: str, seconds: float, evidence: Evidence
) -> None:
    server = Slow(lambda now: BUSY_FROM <= now < BUSY_FROM + seconds, status, wish=wish)
    uploads = Uploads(tmp_path, server)
    async with uploads.running(pings=True):
        uploads.put(*range(10))
        await until(lambda: uploads.states() == {"completed": 10})
        await trio.sleep(BUSY_FROM - trio.current_time() + server.began)
        uploads.put(*range(10, 60))
        await until(lambda: uploads.states() == {"completed": 60}, every=60)
    early = server.between(server.first_busy, server.first_busy + seconds)
    assert early <= MOST_EARLY
    assert charged(uploads) == 1
    evidence(figure=f"{early} early with {wish if wish.isdigit() else 'a date'}")


@pytest.mark.case(
    "F25",
    "429 and 503 with Retry-After 0, -1, text",
    injected="scripted server that is busy for an hour, test clock",
    promised="asked in waits that grow to a minute, as without a wish; one report charged",
)
@pytest.mark.parametrize("wish", ["0", "-1", "soon"])
@pytest.mark.trio
async def test_a_time_that_makes_no_sense_does_not_let_us_ask_more_often(
    autojump_clock: MockClock, tmp_path: Path, wish: str, evidence: Evidence
) -> None:
    server = Slow(lambda now: now < HOUR, 503, 429, wish=wish)
    uploads = Uploads(tmp_path, server)
    uploads.put(*range(60))
    async with uploads.running(pings=True):
        await until(lambda: uploads.states() == {"completed": 60}, every=60)
    assert server.between(0, HOUR) <= HOUR / 30 + 30
    assert charged(uploads) == 1
    evidence(figure=f"{server.between(0, HOUR)} requests in the hour")


@pytest.mark.case(
    "F25",
    "a burst of 500, 502 and 504 for ten minutes",
    injected="scripted server, test clock",
    promised="one report charged, probes one at a time, every report arrives, slots grow back by one a success",
)
@pytest.mark.trio
async def test_a_burst_of_errors_charges_one_report_and_the_slots_grow_back(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = Slow(lambda now: BUSY_FROM <= now < 10 * MINUTE, 500, 502, 504)
    uploads = Uploads(tmp_path, server)
    async with uploads.running():
        await trio.sleep(BUSY_FROM)
        uploads.put(*range(200))
        await trio.sleep(MINUTE)
        server.most_active = 0
        assert uploads.connection.state is ConnectionState.BUSY
        await until(lambda: uploads.states() == {"completed": 200}, every=60)
    assert server.between(MINUTE, 10 * MINUTE) <= 20
    assert charged(uploads) == 1


@pytest.mark.case(
    "F25",
    "a server that serves for 3 s and is too busy for 3 s, for ten minutes",
    injected="scripted server, test clock",
    promised="every report arrives; at most 10 requests while it is busy, at most one charged each time",
)
@pytest.mark.trio
async def test_a_server_that_flaps_gets_all_reports_and_few_requests_while_it_is_busy(
    autojump_clock: MockClock, tmp_path: Path, evidence: Evidence
) -> None:
    server = Slow(lambda now: now % 6 >= 3, 503, 500)
    uploads = Uploads(tmp_path, server)
    async with uploads.running():
        for number in range(100):
            uploads.put(*range(3 * number, 3 * number + 3))
            await trio.sleep(6)
        await until(lambda: uploads.states() == {"completed": 300}, every=60)
    most = max(server.between(start + 3, start + 6) for start in range(0, 600, 6))
    assert most <= 10
    assert charged(uploads) <= 100
    assert len({request.report_id for request in server.reports}) == 300
    evidence(figure=f"300 of 300 arrived, at most {most} requests in 3 busy seconds, {charged(uploads)} charged")


@pytest.mark.case(
    "F24",
    "401, 403, 404, 405, 407, a redirect to another host, for an hour",
    injected="scripted server, test clock",
    promised="no report charged, at most one request a minute, one line in the log; all arrive when it takes them",
)
@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 307])
@pytest.mark.trio
async def test_a_refusing_server_is_asked_once_a_minute_and_charges_no_report(
    autojump_clock: MockClock,
    tmp_path: Path,
    status: int,
    evidence: Evidence,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "pywats_client")
    server = Slow(lambda now: now < HOUR, status)
    uploads = Uploads(tmp_path, server)
    uploads.put(*range(20))
    async with uploads.running(pings=True):
        await trio.sleep(HOUR - 1)
        assert uploads.connection.state is ConnectionState.REFUSED
        assert uploads.states() == {"queued": 20}
        assert len([line for line in caplog.messages if "refused" in line]) == 1
        asked = len(server.arrived)
        await until(lambda: uploads.states() == {"completed": 20}, every=60)
    assert asked <= HOUR / MINUTE + 1
    assert charged(uploads) == 0
    evidence(figure=f"{asked} requests in the hour, 0 charged")
