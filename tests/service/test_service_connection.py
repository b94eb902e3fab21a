"""What the connection learns from each answer, and when it lets the next upload go: "Answers" in words."""

import random
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from pywats_client.errors import Busy, Refused, Unreachable, WatsError
from pywats_client.ipc.events import ConnectionChanged, ConnectionState
from pywats_client.service.connection import FIRST_WAIT, LONGEST_RETRY_AFTER, LONGEST_WAIT, Connection
from pywats_client.service.hub import Hub

AWAY, BUSY, REFUSED = Unreachable("no connection"), Busy("503"), Refused("401")


class Largest(random.Random):
    """Jitter at its most, so that times are exact."""

    def random(self) -> float:
        return 1.0


def connection_of(slots: int = 5, hub: Hub | None = None) -> Connection:
    return Connection(hub or Hub(), trio.CapacityLimiter(slots), jitter=Largest())


async def seconds_until_a_turn(connection: Connection, under_way: list[object] | None = None) -> float:
    began = trio.current_time()
    await connection.turn(under_way or [])
    return trio.current_time() - began


async def how_many_may_start(connection: Connection) -> int:
    """Beside each other, now."""
    under_way: list[object] = []
    while len(under_way) < 100:
        with trio.move_on_after(0) as now:
            await connection.turn(under_way)
        if now.cancelled_caught:
            break
        under_way.append(object())
    return len(under_way)


@pytest.mark.trio
async def test_the_first_upload_goes_at_once_and_alone(autojump_clock: MockClock) -> None:
    assert await how_many_may_start(connection_of()) == 1


@pytest.mark.trio
async def test_a_single_busy_answer_is_charged_to_its_report_and_the_connection_stays(
    autojump_clock: MockClock,
) -> None:
    connection = connection_of()
    connection.accepted()
    assert connection.failed(BUSY) is True
    assert connection.is_online
    assert await seconds_until_a_turn(connection) == 0


@pytest.mark.trio
async def test_a_single_busy_answer_is_charged_also_when_it_is_the_first_of_all(autojump_clock: MockClock) -> None:
    connection = connection_of()
    connection.ping_failed(BUSY)
    assert connection.failed(BUSY) is True


@pytest.mark.trio
async def test_from_the_second_busy_answer_in_a_row_the_connection_is_busy_and_nobody_is_charged(
    autojump_clock: MockClock,
) -> None:
    connection = connection_of()
    connection.accepted()
    charged = [connection.failed(BUSY) for _ in range(4)]
    assert charged == [True, False, False, False]
    assert connection.state is ConnectionState.BUSY


@pytest.mark.parametrize("proof", [Connection.accepted, Connection.answered])
@pytest.mark.trio
async def test_a_success_or_a_rejection_between_busy_answers_begins_the_count_anew(
    autojump_clock: MockClock,
    proof: Callable[[Connection], None],
) -> None:
    connection = connection_of()
    connection.accepted()
    for _ in range(3):
        assert connection.failed(BUSY) is True
        proof(connection)
    assert connection.is_online


@pytest.mark.parametrize(("wish", "wait"), [(0.0, 1.0), (30.0, 31.5), (3600.0, 3600.0), (86_400.0, 3600.0)])
@pytest.mark.trio
async def test_retry_after_is_heeded_for_an_hour_at_most(autojump_clock: MockClock, wish: float, wait: float) -> None:
    connection = connection_of()
    connection.accepted()
    connection.failed(BUSY)
    connection.failed(Busy("503", retry_after=wish))
    assert await seconds_until_a_turn(connection) == pytest.approx(wait)
    assert wait <= LONGEST_RETRY_AFTER


@pytest.mark.trio
async def test_a_wish_to_be_asked_again_at_once_does_not_shorten_the_growing_waits(autojump_clock: MockClock) -> None:
    connection = connection_of()
    connection.accepted()
    connection.failed(BUSY)
    waits = []
    for _ in range(7):
        connection.failed(Busy("503", retry_after=0.0))
        waits.append(round(await seconds_until_a_turn(connection), 3))
    assert waits == [1, 2, 4, 8, 16, 32, 60]


@pytest.mark.trio
async def test_a_single_busy_answer_that_names_a_time_holds_up_no_other_report(autojump_clock: MockClock) -> None:
    connection = connection_of()
    connection.accepted()
    assert connection.failed(Busy("503", retry_after=600.0)) is True
    assert connection.is_online
    assert await seconds_until_a_turn(connection) == 0


@pytest.mark.trio
async def test_the_time_that_a_single_busy_answer_named_holds_when_the_next_one_is_busy_too(
    autojump_clock: MockClock,
) -> None:
    connection = connection_of()
    connection.accepted()
    connection.failed(Busy("429", retry_after=600.0))
    connection.failed(BUSY)
    assert await seconds_until_a_turn(connection) == pytest.approx(630)


@pytest.mark.parametrize("late", [Connection.accepted, Connection.answered])
@pytest.mark.trio
async def test_what_ends_well_but_was_sent_before_the_server_asked_to_be_left_alone_does_not_reopen(
    autojump_clock: MockClock, late: Callable[[Connection], None]
) -> None:
    connection = connection_of()
    connection.accepted()
    for _ in range(2):
        connection.failed(Busy("429", retry_after=600.0))
    late(connection)
    assert connection.state is ConnectionState.BUSY
    assert await seconds_until_a_turn(connection) == pytest.approx(630)
    late(connection)
    assert connection.is_online


@pytest.mark.trio
async def test_pings_wait_as_long_as_the_server_wants_to_be_left_alone_or_until_new_settings(
    autojump_clock: MockClock,
) -> None:
    connection = connection_of()
    connection.failed(Busy("429", retry_after=600.0))
    before = trio.current_time()
    await connection.left_alone()
    assert trio.current_time() - before == pytest.approx(630)
    connection.failed(Busy("429", retry_after=600.0))
    async with trio.open_nursery() as nursery:
        quiet = await began(nursery, connection.left_alone)
        connection.reset()
        with trio.fail_after(0.01):
            await quiet.wait()


@pytest.mark.trio
async def test_a_wish_to_be_left_alone_is_not_shortened_by_what_was_under_way(autojump_clock: MockClock) -> None:
    connection = connection_of()
    connection.accepted()
    connection.failed(Busy("429", retry_after=600.0))
    connection.failed(BUSY)
    connection.failed(AWAY)
    assert await seconds_until_a_turn(connection) == pytest.approx(630)


@pytest.mark.parametrize("failure", [BUSY, AWAY])
@pytest.mark.trio
async def test_waits_double_up_to_a_minute(autojump_clock: MockClock, failure: WatsError) -> None:
    connection = connection_of()
    connection.accepted()
    connection.failed(BUSY)
    waits = []
    for _ in range(9):
        connection.failed(failure)
        waits.append(round(await seconds_until_a_turn(connection), 3))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert (FIRST_WAIT, LONGEST_WAIT) == (1, 60)


@pytest.mark.case(
    "F26",
    "20 stations lose the server at once",
    injected="test clock",
    promised="20 different waits",
)
@pytest.mark.trio
async def test_waits_are_spread_so_that_stations_do_not_return_together(autojump_clock: MockClock) -> None:
    waits = set()
    for seed in range(20):
        connection = Connection(Hub(), trio.CapacityLimiter(5), jitter=random.Random(seed))
        connection.failed(AWAY)
        waits.add(await seconds_until_a_turn(connection))
    assert len(waits) == 20
    assert all(0.5 * FIRST_WAIT <= wait <= FIRST_WAIT for wait in waits)


@pytest.mark.trio
async def test_uploads_that_fail_together_lengthen_the_wait_once(autojump_clock: MockClock) -> None:
    connection = connection_of(50)
    connection.accepted()
    for _ in range(50):
        connection.failed(AWAY)
    assert await seconds_until_a_turn(connection) == 1


@pytest.mark.trio
async def test_a_server_that_is_now_busy_and_now_away_does_not_begin_the_waits_anew(autojump_clock: MockClock) -> None:
    connection = connection_of()
    connection.accepted()
    connection.failed(BUSY)
    waits = []
    for failure in (AWAY, BUSY, AWAY, BUSY, AWAY):
        connection.failed(failure)
        waits.append(await seconds_until_a_turn(connection))
    assert waits == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("failure", [AWAY, REFUSED])
@pytest.mark.trio
async def test_an_unreachable_or_refusing_server_charges_nobody(autojump_clock: MockClock, failure: WatsError) -> None:
    connection = connection_of()
    connection.accepted()
    assert [connection.failed(failure) for _ in range(3)] == [False] * 3


@pytest.mark.parametrize("failure", [BUSY, AWAY, REFUSED])
@pytest.mark.trio
async def test_one_upload_at_a_time_goes_out_as_a_probe(autojump_clock: MockClock, failure: WatsError) -> None:
    connection = connection_of()
    connection.accepted()
    connection.failed(BUSY)
    connection.failed(failure)
    await trio.sleep(3600)
    assert await how_many_may_start(connection) == 1
    under_way = [object()]
    async with trio.open_nursery() as nursery:
        turn = await began(nursery, lambda: connection.turn(under_way))
        await trio.sleep(3600)
        assert not turn.is_set()
        under_way.clear()
        connection.upload_ended()
        await turn.wait()


async def began(nursery: trio.Nursery, task: Callable[[], Awaitable[None]]) -> trio.Event:
    """Start it; the event says that it has ended."""
    ended = trio.Event()

    async def run() -> None:
        await task()
        ended.set()

    nursery.start_soon(run)
    await wait_all_tasks_blocked()
    return ended


@pytest.mark.case(
    "F26",
    "successes after a return",
    injected="test clock",
    promised="one upload more beside each other after each success",
)
@pytest.mark.trio
async def test_slots_grow_back_by_one_with_each_success(autojump_clock: MockClock) -> None:
    connection = connection_of(4)
    open_slots = []
    for _ in range(6):
        connection.accepted()
        open_slots.append(await how_many_may_start(connection))
    assert open_slots == [1, 2, 3, 4, 4, 4]
    connection.failed(AWAY)
    connection.accepted()
    assert await how_many_may_start(connection) == 1


@pytest.mark.trio
async def test_a_rejection_proves_that_the_server_is_there_and_opens_no_more_slots(autojump_clock: MockClock) -> None:
    connection = connection_of()
    connection.failed(AWAY)
    connection.answered()
    connection.answered()
    assert connection.is_online
    assert await how_many_may_start(connection) == 1


@pytest.mark.trio
async def test_an_answered_ping_ends_being_offline_at_once(autojump_clock: MockClock) -> None:
    connection = connection_of()
    connection.accepted()
    connection.failed(AWAY)
    async with trio.open_nursery() as nursery:
        turn = await began(nursery, lambda: connection.turn([]))
        connection.pinged()
        with trio.fail_after(0.01):
            await turn.wait()


@pytest.mark.parametrize("failure", [BUSY, REFUSED])
@pytest.mark.trio
async def test_an_answered_ping_does_not_prove_that_reports_are_taken(
    autojump_clock: MockClock, failure: WatsError
) -> None:
    connection = connection_of()
    connection.accepted()
    connection.failed(BUSY)
    connection.failed(failure)
    state = connection.state
    connection.pinged()
    assert connection.state is state


@pytest.mark.parametrize(
    ("failure", "state"),
    [(AWAY, ConnectionState.OFFLINE), (BUSY, ConnectionState.ONLINE), (REFUSED, ConnectionState.ONLINE)],
)
@pytest.mark.trio
async def test_only_a_ping_that_reaches_nobody_closes_a_connection_that_takes_reports(
    autojump_clock: MockClock, failure: WatsError, state: ConnectionState
) -> None:
    connection = connection_of()
    connection.accepted()
    connection.ping_failed(failure)
    assert connection.state is state


@pytest.mark.trio
async def test_pings_that_answer_while_uploads_fail_let_one_upload_go_and_keep_the_waits_growing(
    autojump_clock: MockClock,
) -> None:
    connection = connection_of()
    uploads = 0
    connection.failed(AWAY)
    with trio.move_on_after(3600):
        async with trio.open_nursery() as nursery:

            async def ping_every_minute() -> None:
                while True:
                    await trio.sleep(60)
                    connection.pinged()

            nursery.start_soon(ping_every_minute)
            while True:
                await connection.turn([])
                uploads += 1
                connection.failed(AWAY)
    assert uploads <= 2 * 60 + 10


@pytest.mark.parametrize(
    "what_happens",
    [
        lambda connection: connection.pinged(),
        lambda connection: connection.answered(),
        lambda connection: connection.failed(AWAY),
        lambda connection: connection.failed(BUSY),
        lambda connection: connection.ping_failed(AWAY),
    ],
)
@pytest.mark.trio
async def test_nothing_but_an_accepted_report_or_new_settings_ends_a_refusal(
    autojump_clock: MockClock,
    what_happens: Callable[[Connection], None],
) -> None:
    connection = connection_of()
    connection.failed(REFUSED)
    what_happens(connection)
    assert (connection.state, connection.reason) == (ConnectionState.REFUSED, "401")
    connection.accepted()
    assert connection.is_online


@pytest.mark.trio
async def test_a_refusing_server_is_probed_no_more_than_once_a_minute(autojump_clock: MockClock) -> None:
    connection = connection_of()
    waits = []
    for _ in range(3):
        connection.failed(REFUSED)
        waits.append(await seconds_until_a_turn(connection))
    assert waits == pytest.approx([66, 66, 66])


@pytest.mark.trio
async def test_new_settings_end_a_refusal_and_the_next_upload_goes_at_once(autojump_clock: MockClock) -> None:
    connection = connection_of()
    connection.failed(REFUSED)
    async with trio.open_nursery() as nursery:
        turn = await began(nursery, lambda: connection.turn([]))
        connection.reset()
        with trio.fail_after(0.01):
            await turn.wait()
    assert connection.state is ConnectionState.OFFLINE


@pytest.mark.trio
async def test_each_change_is_told_once_and_logged_once(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    hub = Hub()
    with hub.subscribed() as events, caplog.at_level("INFO", "pywats_client"):
        connection = connection_of(hub=hub)
        connection.accepted()
        connection.failed(AWAY)
        connection.failed(AWAY)
        connection.accepted()
        connection.accepted()
        changes = []
        with trio.move_on_after(1):
            async for event in events:
                assert isinstance(event, ConnectionChanged)
                changes.append((event.state, event.reason))
    assert changes == [
        (ConnectionState.ONLINE, ""),
        (ConnectionState.OFFLINE, "no connection"),
        (ConnectionState.ONLINE, ""),
    ]
    assert caplog.messages == ["the server is online", "the server is offline: no connection", "the server is online"]
