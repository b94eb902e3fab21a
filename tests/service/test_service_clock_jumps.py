"""The wall clock jumps by years, both ways: nothing stalls, nothing storms. The whole service in virtual time."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from whole_service import Life, life

from tests.evidence.plugin import Evidence

YEARS = timedelta(days=10 * 365)
JUMPS = (YEARS, -YEARS, timedelta(days=-1), timedelta(hours=1))
jumps = pytest.mark.parametrize("jump", JUMPS, ids=["10 years on", "10 years back", "a day back", "an hour on"])
HOUR = 3600


def jump_to_and_fro(lived: Life, jump: timedelta) -> None:
    lived.world.clock.wrong_by = timedelta() if lived.world.clock.wrong_by else jump


@pytest.mark.case(
    "F15",
    "the clock jumps while the server is away",
    injected="wall clock stepped each 5 minutes",
    promised="no more requests than without, all delivered within 90 s of the return",
)
@jumps
def test_while_the_server_is_away_jumps_cost_no_request_more_and_afterwards_nothing_stalls(
    jump: timedelta, evidence: Evidence
) -> None:
    tries = {}
    for step in (timedelta(), jump):
        with life() as lived:
            attempts = count_attempts(lived)
            lived.server_goes()
            lived.drop(5)
            for _ in range(12):
                lived.go_on(HOUR / 12)
                jump_to_and_fro(lived, step)
            tries[step] = len(attempts)
            assert not lived.world.server.stored
            lived.server_comes()
            waited = lived.seconds_until(most=90)
            lived.promises.check_end()
    assert tries[timedelta()] > 30
    assert tries[jump] <= tries[timedelta()] * 1.1 + 2
    evidence(figure=f"{tries[jump]} requests in an hour, delivered {waited} s after the return")


def count_attempts(lived: Life) -> list[str]:
    """The requests of all kinds from now on, answered or not."""
    made: list[str] = []
    server = lived.world.server
    handle = server.handle_async_request

    async def counted(request: httpx.Request) -> httpx.Response:
        made.append(request.method)
        return await handle(request)

    server.handle_async_request = counted  # type: ignore[method-assign]
    return made


@pytest.mark.case(
    "F15",
    "the clock jumps while a report waits for another try",
    injected="wall clock stepped, the service started anew in half of the runs",
    promised="tried after 5 minutes, once",
)
@pytest.mark.parametrize("restarts", [False, True])
@jumps
def test_a_failed_report_is_tried_again_in_time_whatever_the_clock_says(jump: timedelta, restarts: bool) -> None:
    with life() as lived:
        lived.world.server.answers.append("503")
        lived.drop()
        lived.go_on(10.0)
        (report,) = lived.promises.reports()
        assert str(report.name.state) == "error"
        jump_to_and_fro(lived, jump)
        if restarts:
            lived.world.stop()
            lived.world.start()
        lived.go_on(1.0)
        posts = len(lived.world.server.reports)
        assert posts == 1 or (restarts and jump > timedelta(minutes=5)), "only a start goes by the time of the file"
        lived.go_on(330.0)
        assert len(lived.world.server.reports) == 2
        lived.promises.check_end()


@pytest.mark.case(
    "F15",
    "sources and reports from the future",
    injected="files changed 10 years from now, the clock set back in between",
    promised="converted and delivered as any other, in the order of their names",
)
@pytest.mark.parametrize("modified", [YEARS, -YEARS])
def test_sources_of_another_time_are_settled_converted_and_delivered_as_any_other(modified: timedelta) -> None:
    with life() as lived:
        lived.drop(2, modified=modified)
        lived.go_on(5.0)
        lived.world.clock.wrong_by = -modified
        lived.drop(2, modified=modified)
        assert lived.seconds_until(most=10) <= 10
        lived.promises.check_end()


@pytest.mark.case(
    "F15",
    "the clock jumps under load",
    injected="wall clock stepped each second, by years and hours",
    promised="nothing lost or doubled, none waits for over a minute",
)
def test_jumps_under_load_lose_and_double_nothing_and_hold_up_nobody(evidence: Evidence) -> None:
    with life() as lived:
        for number in range(100):
            lived.world.clock.wrong_by = JUMPS[number % len(JUMPS)] * (number % 3)
            lived.drop()
            lived.go_on(1.0)
        waited = lived.seconds_until(most=60)
        lived.promises.check_end()
        queue = lived.world.queue
        stray = [name for name in queue.iterdir() if not is_expected(name)]
    assert stray == []
    evidence(runs=100, figure=f"100 jumps, all delivered {waited} s after the last")


def is_expected(path: Path) -> bool:
    return path.name in (".lock", "completed")
