"""From the queue folder to the server and to the next state: what each answer does to a report's file."""

import itertools
import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import trio
from service_parts import Uploads, report_bytes, report_id, so_far, until
from trio.testing import MockClock, wait_all_tasks_blocked

from pywats_client.ipc.events import QueueCounted, ReportMoved, Snapshot
from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.name import State
from tests.fakes.clock import START
from tests.fakes.server import Recorded, ScriptedServer, Step, accepted, answer

AWAY = httpx.ConnectError("connection refused")
DAY = 86_400.0
AWAY_SECONDS = DAY
"""After some minutes every hour is like the one before, so this one stands for a month."""


@pytest.mark.trio
async def test_reports_are_sent_in_the_order_of_their_arrival(autojump_clock: MockClock, tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, ScriptedServer(), service={"max_concurrent_uploads": 1})
    uploads.put(*range(20))
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 20})
    assert uploads.sent() == [f"SN-{number}" for number in range(20)]


@pytest.mark.trio
async def test_urgent_reports_are_sent_first(autojump_clock: MockClock, tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, ScriptedServer(), service={"max_concurrent_uploads": 1})
    for number, priority in enumerate((10, 5, 1)):
        uploads.put(number, priority=priority)
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 3})
    assert uploads.sent() == ["SN-2", "SN-1", "SN-0"]


@pytest.mark.parametrize("most", [1, 5, 50])
@pytest.mark.trio
async def test_so_many_uploads_run_at_once_and_never_more(autojump_clock: MockClock, tmp_path: Path, most: int) -> None:
    def slowly(request: Recorded) -> httpx.Response:
        return accepted()(request)

    server = ScriptedServer(slowly)
    uploads = Uploads(tmp_path, server, service={"max_concurrent_uploads": most})
    for _ in range(most):
        uploads.connection.accepted()
    server.hold()
    uploads.put(*range(2 * most))
    async with uploads.running():
        await until(lambda: server.active == most)
        await wait_all_tasks_blocked()
        assert uploads.states() == {"processing": most, "queued": most}
        server.release()
        await until(lambda: uploads.states() == {"completed": 2 * most})
    assert server.most_active == most


@pytest.mark.trio
async def test_a_lower_number_of_uploads_counts_at_once(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server)
    for _ in range(5):
        uploads.connection.accepted()
    server.hold()
    uploads.put(*range(8))
    async with uploads.running():
        await until(lambda: server.active == 5)
        uploads.connection.slots.total_tokens = 2
        server.release()
        await until(lambda: uploads.states() == {"completed": 8})
        server.hold()
        uploads.put(*range(8, 20))
        await until(lambda: server.active >= 2)
        await wait_all_tasks_blocked()
        assert server.active == 2


@pytest.mark.trio
async def test_the_bytes_on_disk_are_the_bytes_sent(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server)
    uploads.put(1)
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 1})
    (delivered,) = uploads.place.rglob("*.completed")
    assert server.reports[0].content == delivered.read_bytes() == report_bytes(1)
    assert delivered.parent.name == START.strftime("%Y-%m-%d")


LONG_NO = "\n".join(f"line {number}" for number in range(400))


@pytest.mark.parametrize(
    ("step", "state", "attempt"),
    [
        (accepted(), State.COMPLETED, 0),
        *((answer(status, "no"), State.REJECTED, 0) for status in (400, 409, 413, 415, 422)),
        *((answer(status, "later"), State.ERROR, 1) for status in (408, 429, 500, 502, 503, 504, 418, 451)),
        *((answer(status, "wrong"), State.QUEUED, 0) for status in (401, 403, 404, 405)),
        (answer(302, headers={"location": "https://portal.test/login"}), State.QUEUED, 0),
        (answer(200, "<html>welcome</html>", content_type="text/html"), State.QUEUED, 0),
        (answer(200, {"message": "no id"}), State.ERROR, 1),
        (AWAY, State.QUEUED, 0),
        (httpx.ReadError("reset by peer"), State.QUEUED, 0),
    ],
)
@pytest.mark.trio
async def test_each_answer_leaves_the_report_where_the_table_says(
    autojump_clock: MockClock, tmp_path: Path, step: Step, state: State, attempt: int
) -> None:
    server = ScriptedServer(step)
    uploads = Uploads(tmp_path, server)
    uploads.put(1)
    moves: list[ReportMoved] = []
    with uploads.hub.subscribed() as events:
        async with uploads.running(looks=False):
            async for event in events:
                if isinstance(event, ReportMoved) and event.before == State.PROCESSING:
                    moves.append(event)
                    break
            (name,) = uploads.files(state)
    assert (name.id, name.attempt) == (report_id(1), attempt)
    assert (moves[0].after, moves[0].attempt) == (state, attempt)
    assert bool(moves[0].reason) is (state is not State.COMPLETED)
    if state in (State.ERROR, State.REJECTED):
        assert uploads.reason(name).rstrip() == moves[0].reason


@pytest.mark.trio
async def test_every_line_of_a_rejection_is_kept_beside_the_report(autojump_clock: MockClock, tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, ScriptedServer(answer(400, LONG_NO)))
    uploads.put(1)
    async with uploads.running():
        await until(lambda: uploads.states() == {"rejected": 1})
    (name,) = uploads.files(State.REJECTED)
    text = uploads.reason(name)
    assert all(f"line {number}" in text.splitlines()[number] for number in range(400))
    assert (uploads.place / str(name)).read_bytes() == report_bytes(1)


@pytest.mark.trio
async def test_a_request_that_takes_too_long_is_charged_as_busy(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = ScriptedServer()
    server.hold()
    uploads = Uploads(tmp_path, server)
    uploads.put(1)
    async with uploads.running():
        await until(lambda: uploads.states() == {"error": 1}, 61)


@pytest.mark.trio
async def test_a_busy_server_charges_one_report_and_the_others_go_back_as_they_were(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server)
    uploads.connection.accepted()
    server.always(answer(503, "overload"))
    uploads.put(*range(10))
    async with uploads.running():
        await until(lambda: len(server.reports) >= 6)
        assert uploads.states() == {"error": 1, "queued": 9}
        assert {name.attempt for name in uploads.files(State.QUEUED)} == {0}
        server.script.clear()
        await until(lambda: uploads.states() == {"completed": 10}, 400, every=5)
    assert sorted(set(uploads.sent())) == sorted(f"SN-{number}" for number in range(10))


@pytest.mark.trio
async def test_a_failed_report_is_tried_again_after_5_10_20_minutes_and_at_most_4_hours(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server, folder=Exactly)
    times: list[float] = []
    over = trio.Event()

    def busy(request: Recorded) -> httpx.Response:
        times.append(trio.current_time())
        if len(times) == 9:
            over.set()
        uploads.connection.answered()  # so that each busy answer is a single one
        return answer(503)(request)

    server.always(busy)
    uploads.put(1)
    async with uploads.running(looks=False):
        await over.wait()
    minutes = [round((later - earlier) / 60, 1) for earlier, later in itertools.pairwise(times)]
    assert minutes == [5, 10, 20, 40, 80, 160, 240, 240]


class Exactly(QueueFolder):
    """Without jitter."""

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self._jitter.random = lambda: 0.0  # type: ignore[method-assign]


@pytest.mark.trio
async def test_attempts_outlive_a_restart_and_so_does_the_time_of_the_next(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    first = Uploads(tmp_path, ScriptedServer(answer(503)), folder=Exactly)
    first.put(1)
    async with first.running():
        await until(lambda: first.states() == {"error": 1})
        await trio.sleep(200)
    again = Uploads(tmp_path, ScriptedServer(), folder=Exactly)
    again.clock.wrong_by = timedelta(seconds=200)
    again.folder = again.queue.folder = Exactly(again.place, again.folder._disk, again.clock)
    again.folder.start(trio.current_time())
    (name,) = again.files(State.ERROR)
    assert name.attempt == 1
    began = trio.current_time()
    async with again.running():
        await until(lambda: again.states() == {"completed": 1})
    assert 95 < trio.current_time() - began < 105


@pytest.mark.trio
async def test_a_stop_lets_running_uploads_end_and_claims_nothing_more(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server)
    uploads.connection.accepted()
    uploads.connection.accepted()
    server.hold()
    uploads.put(*range(5))
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(uploads.queue.run, uploads.stop)
            await until(lambda: server.active == 2)
            uploads.stop.set()
            await wait_all_tasks_blocked()
            assert uploads.states() == {"processing": 2, "queued": 3}
            server.release()
    assert uploads.states() == {"completed": 2, "queued": 3}
    assert len(server.reports) == 2


@pytest.mark.trio
async def test_a_report_put_there_by_another_program_is_taken_over_once_it_is_still(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server)
    file = uploads.place / "by hand.queued"
    async with uploads.running():
        await trio.sleep(5)
        file.write_bytes(report_bytes(7)[:10])
        await trio.sleep(56.5)
        assert file.exists()
        file.write_bytes(report_bytes(7))
        await until(lambda: uploads.states() == {"completed": 1}, 5)
    assert server.reports[0].content == report_bytes(7)
    assert not file.exists()


@pytest.mark.trio
async def test_a_report_is_found_within_a_minute_without_any_event(autojump_clock: MockClock, tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, ScriptedServer())
    async with uploads.running():
        await trio.sleep(10)
        other = Uploads(tmp_path, ScriptedServer())
        other.put(1)
        began = trio.current_time()
        await until(lambda: uploads.states() == {"completed": 1})
    assert trio.current_time() - began <= 61


@pytest.mark.trio
async def test_a_new_report_is_sent_at_once(autojump_clock: MockClock, tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, ScriptedServer())
    async with uploads.running():
        await trio.sleep(1000)
        uploads.put(1)
        await until(lambda: uploads.states() == {"completed": 1}, 0.2)


@pytest.mark.trio
async def test_the_counts_that_are_told_are_those_of_the_folder(autojump_clock: MockClock, tmp_path: Path) -> None:
    def moody(request: Recorded) -> httpx.Response:
        number = int(json.loads(request.content)["sn"][3:])
        first = sum(other.content == request.content for other in server.reports) == 1
        if number % 5 == 0:
            return answer(400, "no")(request)
        if number % 7 == 0 and first:
            uploads.connection.answered()
            return answer(503)(request)
        return accepted()(request)

    server = ScriptedServer()
    server.always(moody)
    uploads = Uploads(tmp_path, server)
    follower = Snapshot()
    with uploads.hub.subscribed(100_000) as events:
        async with uploads.running():
            await trio.sleep(1)
            uploads.put(*range(40))
            uploads.hub.publish(QueueCounted(reports=uploads.queue.counts()))
            seen = 0
            while uploads.states() != {"completed": 32, "rejected": 8}:
                await trio.sleep(0.5)
                seen += 1
                counts = {state: count for state, count in uploads.hub.snapshot.reports.items() if count}
                assert counts == {state: count for state, count in uploads.states().items() if state != "completed"}
        for event in so_far(events):
            follower.after(event)
    assert seen > 2
    assert follower.reports == uploads.hub.snapshot.reports
    assert follower.delivered == uploads.hub.snapshot.delivered == 32


@pytest.mark.trio
async def test_delivered_reports_are_removed_after_their_days(autojump_clock: MockClock, tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, ScriptedServer(), service={"keep_completed_days": 1})
    uploads.put(1)
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 1})
        await trio.sleep(0.9 * DAY)
        assert uploads.states() == {"completed": 1}
        await trio.sleep(0.2 * DAY)
        assert uploads.states() == {}
        assert not list((uploads.place / "completed").iterdir())
