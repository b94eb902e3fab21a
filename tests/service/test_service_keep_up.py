"""A part that fails is started anew; a vital one gives up when that does not help."""

import pytest
import trio
from trio.testing import MockClock

from pywats_client.ipc.events import Event, PartFailed
from pywats_client.service.hub import Hub
from pywats_client.service.keep_up import keep_up


class Failing:
    """Fails so many times, after so many seconds each, and then returns."""

    def __init__(self, times: int, *, after: float = 0.0) -> None:
        self.starts: list[float] = []
        self._times, self._after = times, after

    async def __call__(self) -> None:
        self.starts.append(trio.current_time())
        await trio.sleep(self._after)
        if len(self.starts) <= self._times:
            raise ZeroDivisionError("a bug")

    @property
    def pauses(self) -> list[float]:
        pairs = zip(self.starts, self.starts[1:], strict=False)
        return [round(later - earlier - self._after, 3) for earlier, later in pairs]


@pytest.mark.trio
async def test_the_pauses_double_up_to_a_minute(autojump_clock: MockClock) -> None:
    part = Failing(9)
    await keep_up("part", Hub(), part)
    assert part.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.trio
async def test_each_failure_is_told_and_logged_with_its_traceback(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    hub = Hub()
    with hub.subscribed() as events:
        await keep_up("part", hub, Failing(2))
        told: list[Event] = [await events.__anext__() for _ in range(2)]
    assert [(event.failures, event.delay) for event in told if isinstance(event, PartFailed)] == [(1, 1), (2, 2)]
    assert hub.snapshot.restarts == {"part": 2}
    assert [record.exc_info is not None for record in caplog.records] == [True, True]


@pytest.mark.trio
async def test_a_vital_part_gives_up_at_the_tenth_failure_within_ten_minutes(autojump_clock: MockClock) -> None:
    part = Failing(10)
    with pytest.raises(ZeroDivisionError):
        await keep_up("part", Hub(), part, is_vital=True)
    assert len(part.starts) == 10


@pytest.mark.trio
async def test_a_vital_part_that_fails_seldom_goes_on(autojump_clock: MockClock) -> None:
    part = Failing(50, after=100)
    await keep_up("part", Hub(), part, is_vital=True)
    assert len(part.starts) == 51


@pytest.mark.trio
async def test_another_part_goes_on_trying(autojump_clock: MockClock) -> None:
    part = Failing(100)
    await keep_up("part", Hub(), part)
    assert len(part.starts) == 101


@pytest.mark.trio
async def test_failures_long_ago_do_not_count(autojump_clock: MockClock) -> None:
    part = Failing(3, after=700)
    await keep_up("part", Hub(), part)
    assert part.pauses == [1, 1, 1]


@pytest.mark.trio
async def test_cancelling_is_no_failure(autojump_clock: MockClock) -> None:
    hub = Hub()
    with trio.move_on_after(5):
        await keep_up("part", hub, trio.sleep_forever)
    assert hub.snapshot.restarts == {}


@pytest.mark.trio
async def test_a_part_shows_whether_it_runs_and_whether_it_fails_often(autojump_clock: MockClock) -> None:
    hub, seen = Hub(), []

    async def look() -> None:
        component = hub.components["part"]
        seen.append((component.is_running, component.restarts, component.fails_often))
        raise ZeroDivisionError("a bug")

    with trio.move_on_after(0.5):
        await keep_up("part", hub, look)
    assert seen == [(True, 0, False)]
    assert hub.components == {}
    with trio.move_on_after(400):
        await keep_up("part", hub, look)
    assert [restarts for _, restarts, _ in seen[1:]] == list(range(len(seen) - 1))
    assert seen[10] == (True, 9, False)
    assert seen[11] == (True, 10, True)


@pytest.mark.trio
async def test_a_part_that_pauses_after_a_fault_is_restarting(autojump_clock: MockClock) -> None:
    hub = Hub()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_up, "part", hub, Failing(1, after=1))
        await trio.sleep(1.5)
        component = hub.components["part"]
        assert (component.is_running, component.error) == (False, "ZeroDivisionError('a bug')")
        await trio.sleep(1)
        assert component.is_running
