"""Log lines and counters as events: for those who want them, and nobody else feels it."""

import logging
from collections.abc import Iterator

import pytest
import trio
from service_parts import report_id, so_far
from trio.testing import MockClock

from pywats_client import logs
from pywats_client.ipc.events import CountersChanged, HealthChanged, LogLine, QueueCounted, ReportMoved
from pywats_client.service.counters import tell_counters
from pywats_client.service.hub import NO_LEVEL, Hub
from pywats_client.service.log_feed import log_feed

log = logging.getLogger("pywats_client.test")


@pytest.fixture(autouse=True)
def everything_is_logged() -> Iterator[None]:
    logs.set_up(None, "DEBUG", console=False)
    yield
    logs.set_up(None, "NOTSET", console=False)


@pytest.mark.trio
async def test_lines_reach_those_who_asked_for_their_level_and_nobody_else(autojump_clock: MockClock) -> None:
    hub = Hub()
    with log_feed(hub), hub.subscribed() as plain, hub.subscribed(log_level="WARNING") as warnings:
        with hub.subscribed(log_level="DEBUG") as everything:
            log.debug("small")
            log.warning("a %s", "warning")
            await trio.sleep(1)
            assert [line.message for line in so_far(everything) if isinstance(line, LogLine)] == ["small", "a warning"]
        (line,) = so_far(warnings)
        assert isinstance(line, LogLine)
        assert (line.level, line.logger, line.message) == ("WARNING", "pywats_client.test", "a warning")
        assert so_far(plain) == []


@pytest.mark.trio
async def test_nothing_is_made_of_lines_while_nobody_listens(autojump_clock: MockClock) -> None:
    hub = Hub()
    with log_feed(hub):
        with hub.subscribed(log_level="ERROR"):
            assert hub.log_level == logging.ERROR
        assert hub.log_level == NO_LEVEL
        log.critical("unheard")
        await trio.sleep(1)
    assert not [handler for handler in logging.getLogger().handlers if type(handler).__name__ == "LogFeed"]


@pytest.mark.trio
async def test_lines_from_other_threads_arrive(fast_clock: MockClock) -> None:
    hub = Hub()
    with log_feed(hub), hub.subscribed(log_level="INFO") as events:
        await trio.to_thread.run_sync(log.info, "from elsewhere")
        assert isinstance(await anext(events), LogLine)


@pytest.mark.trio
async def test_a_line_that_comes_of_telling_a_line_does_not_recurse(autojump_clock: MockClock) -> None:
    hub = Hub()
    with log_feed(hub), hub.subscribed(5, log_level="INFO") as events:
        told = 0
        log.info("first")
        async for _ in events:
            told += 1
            if told == 3:
                break
            log.info("because of %d", told)
            assert so_far(events) == []
        assert told == 3


@pytest.mark.trio
async def test_a_flood_of_lines_closes_those_who_asked_for_it_and_no_others(autojump_clock: MockClock) -> None:
    hub = Hub()
    with log_feed(hub), hub.subscribed(10) as plain, hub.subscribed(10, log_level="DEBUG") as greedy:
        for number in range(50):
            log.info("line %d", number)
        await trio.sleep(1)
        hub.publish(HealthChanged(part="disk"))
        assert len([event async for event in greedy]) == 10
        assert so_far(plain) == [HealthChanged(part="disk")]
    assert hub.dropped == 1


@pytest.mark.trio
async def test_a_secret_is_struck_out_of_lines_too(autojump_clock: MockClock) -> None:
    hub = Hub()
    logs.strike_out("hunter3-secret")
    with log_feed(hub), hub.subscribed(log_level="INFO") as events:
        log.info("with %s", "hunter3-secret")
        line = await anext(events)
        assert isinstance(line, LogLine) and line.message == "with ***"


@pytest.mark.trio
async def test_counters_come_at_most_twice_a_second_and_only_when_they_have_changed(
    autojump_clock: MockClock,
) -> None:
    hub = Hub()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell_counters, hub)
        await trio.sleep(1)
        with hub.subscribed(10_000) as events:
            for number in range(100):
                hub.publish(ReportMoved(queue_id=report_id(number), before="", after="queued"))
                await trio.sleep(0.02)
            for _ in range(10):
                hub.publish(QueueCounted(reports={"queued": 100}))
                await trio.sleep(1)
            told = [event for event in so_far(events) if isinstance(event, CountersChanged)]
        nursery.cancel_scope.cancel()
    assert 3 <= len(told) <= 5
    assert told[-1].reports == {"queued": 100}
    assert hub.listeners == []
