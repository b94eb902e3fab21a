"""The queue as clients see it: windows of it, one report, and what a person decides about reports."""

from pathlib import Path
from uuid import UUID

import pytest
import trio
from service_desk import Desk, csv_table
from service_parts import report_bytes, report_id, so_far

from pywats_client.clock import Clock
from pywats_client.disk import Disk
from pywats_client.ipc.commands.queue import (
    ClearQueue,
    DiscardReports,
    GetQueue,
    GetReport,
    QueuedReport,
    RetryReports,
)
from pywats_client.ipc.commands.service import Pause, SyncNow
from pywats_client.ipc.events import QueueCounted, ReportMoved, Snapshot
from pywats_client.ipc.protocol import Code
from pywats_client.queue.name import QueueName, State
from pywats_client.service import report_list
from tests.fakes.disk import FailingSteps
from tests.fakes.server import answer

TWINS = (UUID("abcd0000-0000-4000-8000-000000000001"), UUID("abcd0000-0000-4000-8000-000000000002"))
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def put(desk: Desk, queue_id: UUID, content: bytes, state: State = State.QUEUED) -> Path:
    """A report of an earlier run, in any state; its file."""
    folder = desk.instance.queue if state is not State.DISCARDED else desk.instance.queue / state
    Disk().make_folder(folder)
    name = QueueName.of(queue_id, content, Clock().now(), 5)
    file = folder / f"{name.stem}.{int(state is State.ERROR)}.{state}"
    file.write_bytes(content)
    return file


def put_failed(desk: Desk, *numbers: int, state: State = State.REJECTED) -> None:
    for number in numbers:
        file = put(desk, report_id(number), report_bytes(number), state)
        file.with_name(f"{file.name.partition('.')[0]}.reason").write_text(f"no such process code {number}\nsecond")


async def listed(desk: Desk, **wanted: object) -> list[QueuedReport]:
    found: GetQueue.Result = await desk.ask(GetQueue.model_validate(wanted), GetQueue.Result)
    return found.reports


async def serials(desk: Desk, **wanted: object) -> list[str]:
    return [report.serial_number for report in await listed(desk, **wanted)]


async def told(desk: Desk, queue_id: UUID, state: State) -> None:
    """Until a report is so."""
    await desk.until(lambda: list(desk.instance.queue.rglob(f"*{queue_id}*.{state}")))


@pytest.mark.trio
async def test_a_window_shows_its_part_of_the_queue_and_counts_all_of_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.server.hold()
    desk.queue(1, 2, 3, 4)
    put_failed(desk, 5)
    put(desk, report_id(6), report_bytes(6), State.DISCARDED)
    async with desk.running():
        await desk.ask(Pause(), Pause.Result)
        found = await desk.ask(GetQueue(offset=1, limit=2), GetQueue.Result)
        assert [report.serial_number for report in found.reports] == ["SN-2", "SN-3"]
        assert found.total == 5
        assert found.counts["rejected"] == found.counts["discarded"] == 1
        assert sum(found.counts.values()) == 6
        assert await serials(desk, states=["rejected"]) == ["SN-5"]
        assert await serials(desk, states=["discarded"]) == ["SN-6"]
        assert await serials(desk, states=[]) == []
        assert await serials(desk, offset=5) == []


@pytest.mark.trio
async def test_a_row_tells_why_a_report_failed_and_when_it_is_tried_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, 1, state=State.ERROR)
    put_failed(desk, 2)
    async with desk.running():
        failed, rejected = await listed(desk)
    assert (failed.state, failed.attempt, failed.reason) == ("error", 1, "no such process code 1\nsecond")
    assert failed.next_try_seconds
    assert 200 < failed.next_try_seconds <= 300
    assert (rejected.state, rejected.next_try_seconds) == ("rejected", None)
    assert rejected.size == len(report_bytes(2))
    assert (rejected.id, rejected.priority) == (str(report_id(2)), 5)
    assert rejected.file.endswith(".0.rejected")


@pytest.mark.trio
async def test_a_list_comes_in_the_order_asked_for_however_many_parts_it_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_list, "PART", 2)
    desk = Desk(tmp_path)
    sizes = {1: 30, 2: 10, 3: 50, 4: 20, 5: 40}
    for number, size in sizes.items():
        state = State.ERROR if number == 3 else State.REJECTED
        put(desk, report_id(number), report_bytes(number, pn=f"P{9 - number}", comment="x" * size), state)
    async with desk.running():
        assert await serials(desk, sort="size") == [f"SN-{number}" for number in (2, 4, 1, 5, 3)]
        assert await serials(desk, sort="size", descending=True, limit=2) == ["SN-3", "SN-5"]
        assert await serials(desk, sort="serial_number", descending=True, offset=3) == ["SN-2", "SN-1"]
        assert await serials(desk, sort="part_number", limit=1) == ["SN-5"]
        assert await serials(desk, sort="state") == [f"SN-{number}" for number in (3, 1, 2, 4, 5)]
        assert await serials(desk, sort="changed") == [f"SN-{number}" for number in (1, 2, 3, 4, 5)]


@pytest.mark.trio
async def test_a_search_finds_ids_serial_and_part_numbers_of_reports_that_the_journal_does_not_know(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    put(desk, report_id(1), report_bytes(1, pn="Board-A"), State.REJECTED)
    put(desk, report_id(2), report_bytes(2, pn="Board-B"), State.REJECTED)
    put(desk, report_id(3), b"no report", State.REJECTED)
    async with desk.running():
        assert await serials(desk, search="sn-2") == ["SN-2"]
        assert await serials(desk, search="BOARD") == ["SN-1", "SN-2"]
        assert await serials(desk, search=str(report_id(1))[4:20].upper()) == ["SN-1"]
        assert await serials(desk, search="nobody") == []


@pytest.mark.trio
async def test_a_report_is_found_by_the_name_of_its_source_also_after_it_was_delivered(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        (desk.watched / "Panel_7.csv").write_text(csv_table("A7"))
        (desk.watched / "other.csv").write_text(csv_table("B1"))
        await desk.until(lambda: desk.hub.snapshot.delivered == 2)
        (row,) = await listed(desk, states=["completed"], search="panel_7")
        assert (row.serial_number, row.part_number, row.converter, row.source) == ("A7", "P1", "csv", "Panel_7.csv")
        report = await desk.ask(GetReport(id=row.id[:8]), GetReport.Result)
    assert report.content
    assert report.content["sn"] == "A7"
    assert report.server_id == row.id
    assert "completed" in [entry.event for entry in report.history]


@pytest.mark.trio
async def test_a_report_is_shown_with_its_content_unless_that_is_not_wanted(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, 1)
    async with desk.running():
        shown = await desk.ask(GetReport(id=str(report_id(1))), GetReport.Result)
        brief = await desk.ask(GetReport(id=report_id(1).hex[:6].upper(), with_content=False), GetReport.Result)
    assert shown.content
    assert shown.content["sn"] == "SN-1"
    assert shown.report.reason.startswith("no such process code")
    assert (brief.content, brief.damaged, brief.report) == (None, False, shown.report)


@pytest.mark.trio
async def test_a_damaged_report_is_told_as_such_and_what_is_no_object_has_no_content(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put(desk, report_id(1), report_bytes(1), State.REJECTED).write_bytes(b"torn")
    put(desk, report_id(2), b"[]", State.REJECTED)
    async with desk.running():
        torn = await desk.ask(GetReport(id=str(report_id(1))), GetReport.Result)
        other = await desk.ask(GetReport(id=str(report_id(2))), GetReport.Result)
        assert len(await listed(desk, sort="serial_number")) == 2
    assert (torn.content, torn.damaged, torn.report.size) == (None, True, 4)
    assert (other.content, other.damaged) == (None, False)


@pytest.mark.trio
async def test_an_id_that_means_no_report_or_several_is_refused_with_a_sentence(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for twin in TWINS:
        put(desk, twin, b"{}", State.REJECTED)
    async with desk.running():
        for wrong, code, why in (
            ("abcd0000", Code.INVALID, "several reports begin with"),
            ("no-id", Code.INVALID, "is not the beginning of an id"),
            ("../../etc", Code.INVALID, "is not the beginning of an id"),
            ("beef", Code.NOT_FOUND, "no report has an id that begins with beef"),
        ):
            found, sentence = await desk.refused(GetReport(id=wrong))
            assert (found, why in sentence) == (code, True)


@pytest.mark.trio
async def test_a_report_put_back_is_sent_again_from_attempt_0_and_that_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, 1, state=State.ERROR)
    put_failed(desk, 2)
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.reports)
        with desk.hub.subscribed() as events:
            done = await desk.ask(RetryReports(ids=[report_id(1).hex[:7], str(report_id(2))]), RetryReports.Result)
            assert done.retried == [str(report_id(1)), str(report_id(2))]
            assert done.untouched == []
            await told(desk, report_id(1), State.COMPLETED)
            await told(desk, report_id(2), State.COMPLETED)
            moves = [event for event in so_far(events) if isinstance(event, ReportMoved)]
    assert [(event.queue_id, event.before) for event in moves if event.after == "queued"] == [
        (report_id(1), "error"),
        (report_id(2), "rejected"),
    ]
    assert all(event.attempt == 0 for event in moves)
    assert desk.hub.snapshot.reports.get("rejected", 0) == 0


@pytest.mark.trio
async def test_all_of_a_state_are_put_back_and_the_others_are_left(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, 1, state=State.ERROR)
    put_failed(desk, 2, 3)
    async with desk.running():
        done = await desk.ask(RetryReports(states=["rejected"]), RetryReports.Result)
        assert sorted(done.retried) == sorted(str(report_id(number)) for number in (2, 3))
        await told(desk, report_id(3), State.COMPLETED)
        assert [row.id for row in await listed(desk, states=["error"])] == [str(report_id(1))]
        code, _ = await desk.refused(RetryReports())
    assert code == Code.INVALID


@pytest.mark.trio
async def test_what_cannot_be_put_back_is_named_with_the_reason_and_keeps_no_other(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, 2)
    for twin in TWINS:
        put(desk, twin, b"{}", State.REJECTED)
    async with desk.running():
        await desk.ask(Pause(what="uploads"), Pause.Result)
        ids = [UNKNOWN, "abcd0000", "x", str(report_id(2)), str(report_id(2))]
        done = await desk.ask(RetryReports(ids=ids), RetryReports.Result)
        assert done.retried == [str(report_id(2))]
        assert [(item.id, item.code) for item in done.untouched] == [
            (UNKNOWN, Code.NOT_FOUND), ("abcd0000", Code.INVALID), ("x", Code.INVALID)
        ]  # fmt: skip
        again = await desk.ask(RetryReports(ids=[str(report_id(2))]), RetryReports.Result)
    assert [(item.why, item.code) for item in again.untouched] == [("waits already", Code.CONFLICT)]


@pytest.mark.trio
async def test_a_report_that_is_being_uploaded_is_neither_put_back_nor_set_aside(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.queue(1)
    desk.server.hold()
    async with desk.running():
        await desk.until(lambda: desk.server.reports)
        kept = await desk.ask(DiscardReports(ids=[str(report_id(1))]), DiscardReports.Result)
        same = await desk.ask(RetryReports(ids=[str(report_id(1))]), RetryReports.Result)
        desk.server.release()
        await told(desk, report_id(1), State.COMPLETED)
    assert (kept.discarded, same.retried) == ([], [])
    assert {(item.why, item.code) for item in (*kept.untouched, *same.untouched)} == {
        ("is being uploaded", Code.CONFLICT)
    }


@pytest.mark.trio
async def test_a_discarded_report_is_never_sent_and_kept_with_its_reason(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, 1)
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.reports)
        done = await desk.ask(DiscardReports(ids=[str(report_id(1)), UNKNOWN]), DiscardReports.Result)
        assert done.discarded == [str(report_id(1))]
        assert [item.id for item in done.untouched] == [UNKNOWN]
        shown = await desk.ask(GetReport(id=str(report_id(1))), GetReport.Result)
        assert desk.hub.snapshot.reports.get("rejected", 0) == 0
    assert (shown.report.state, shown.report.reason) == ("discarded", "no such process code 1\nsecond")
    assert not desk.server.reports


@pytest.mark.trio
async def test_a_fault_of_the_disk_leaves_the_report_where_it_is_and_is_told(tmp_path: Path) -> None:
    steps = FailingSteps()
    desk = Desk(tmp_path, steps=steps)
    put_failed(desk, 1, 2)
    async with desk.running():
        first, second = str(report_id(1)), str(report_id(2))
        steps.fail(lambda _, step, path: step == "rename" and first in str(path))
        done = await desk.ask(RetryReports(states=["rejected"]), RetryReports.Result)
        assert (done.retried, [(item.id, item.code) for item in done.untouched]) == (
            [second],
            [(first, Code.TEMPORARY)],
        )
        assert [row.id for row in await listed(desk, states=["rejected"])] == [first]


@pytest.mark.trio
async def test_others_have_their_turn_while_many_reports_are_put_back_and_subscribers_hear_the_sum(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, *range(600))
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with desk.running():
        await desk.ask(Pause(what="uploads"), Pause.Result)
        with desk.hub.subscribed(50) as events:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(count_turns)
                await trio.lowlevel.checkpoint()
                before = turns
                done = await desk.ask(RetryReports(states=["rejected"]), RetryReports.Result)
                during = turns - before
                nursery.cancel_scope.cancel()
            heard = [event for event in so_far(events) if isinstance(event, ReportMoved | QueueCounted)]
        one = await desk.ask(GetReport(id=str(report_id(599))), GetReport.Result)
    assert [entry.event for entry in one.history] == ["queued"]
    assert len(done.retried) == 600
    assert during >= 600 / 50 - 1  # Trio may let either of two tasks go first in the last turn
    assert {type(event) for event in heard} == {QueueCounted}
    assert desk.hub.snapshot.reports["queued"] == 600


@pytest.mark.trio
async def test_clearing_the_queue_deletes_delivered_reports_and_no_others(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.queue(1, 2)
    put_failed(desk, 3)
    put(desk, report_id(4), report_bytes(4), State.DISCARDED)
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.delivered == 2)
        cleared = await desk.ask(ClearQueue(), ClearQueue.Result)
        found = await desk.ask(GetQueue(states=["completed", "rejected", "discarded"]), GetQueue.Result)
    assert cleared.deleted == 2
    assert [report.state for report in found.reports] == ["rejected", "discarded"]
    assert found.counts["completed"] == 0


@pytest.mark.trio
async def test_a_report_that_was_cleared_is_sent_again_when_its_source_comes_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        (desk.watched / "a.csv").write_text(csv_table("A1"))
        await desk.until(lambda: desk.hub.snapshot.delivered == 1)
        await desk.ask(ClearQueue(), ClearQueue.Result)
        await desk.until(lambda: (desk.watched / "Done" / "a.csv").exists())
        (desk.watched / "Done" / "a.csv").rename(desk.watched / "a.csv")
        await desk.until(lambda: desk.hub.snapshot.delivered == 2)
    first, second = desk.server.reports
    assert first.report_id == second.report_id


@pytest.mark.trio
async def test_a_report_that_is_rejected_again_says_so_to_who_put_it_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, 1)
    desk.server.always(answer(400, "still no such process"))
    async with desk.running():
        await desk.ask(RetryReports(states=["rejected"]), RetryReports.Result)
        await desk.until(lambda: desk.server.reports)
        await told(desk, report_id(1), State.REJECTED)
        (row,) = await listed(desk)
    assert "still no such process" in row.reason


@pytest.mark.trio
async def test_a_subscriber_counts_the_queue_from_the_first_event_on_and_never_below_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.queue(*range(8))
    put_failed(desk, 100, 101)
    with desk.hub.subscribed() as events:
        async with desk.running():
            await desk.until(lambda: desk.hub.snapshot.delivered == 8)
            await desk.ask(DiscardReports(ids=[str(report_id(100))]), DiscardReports.Result)
            assert {state: count for state, count in desk.hub.snapshot.reports.items() if count} == {"rejected": 1}
        told = so_far(events)
    assert told[0] == QueueCounted(reports={"queued": 8, "rejected": 2})
    snapshot = Snapshot()
    for event in told:
        snapshot.after(event)
        assert all(count >= 0 for count in snapshot.reports.values())
        assert sum(snapshot.reports.values()) + snapshot.delivered <= 10


@pytest.mark.trio
async def test_after_every_look_the_counts_agree_with_the_folder(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.server.hold()
    desk.queue(1, 2)
    async with desk.running():
        desk.hub.snapshot.reports["queued"] = 70  # as events that were lost would leave it
        put(desk, report_id(3), report_bytes(3), State.REJECTED)
        await desk.ask(SyncNow(), SyncNow.Result)
        await desk.until(lambda: "rejected" in desk.hub.snapshot.reports)
        counts = (await desk.status()).queue.model_dump(exclude={"delivered"}, exclude_defaults=True)
        assert desk.hub.snapshot.reports == counts
        assert sum(counts.values()) == 3
        desk.server.release()
