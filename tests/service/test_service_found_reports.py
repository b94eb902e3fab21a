"""Reports that others put into the queue are told when a look finds them, with what they are about."""

import json
from pathlib import Path

import pytest
import trio
from service_parts import Uploads, report_id, so_far, until
from trio.testing import MockClock

from pywats_client.disk import Disk
from pywats_client.ipc.events import Event, QueueCounted, ReportMoved
from pywats_client.queue.folder import Put, QueueFolder
from pywats_client.service import pending_queue
from tests.fakes.server import ScriptedServer


def content(number: int) -> bytes:
    return json.dumps({"sn": f"SN-{number}", "pn": "P1", "result": "F", "id": str(report_id(number))}).encode()


def submit(uploads: Uploads, *numbers: int) -> None:
    """As another process does."""
    folder = QueueFolder(uploads.place, Disk(), uploads.clock)
    staged = [folder.stage(report_id(number), content(number), place=number) for number in numbers]
    folder.commit(staged, [Put.NEW] * len(staged))


async def came(uploads: Uploads, count: int) -> tuple[list[ReportMoved], list[Event]]:
    """What listeners and subscribers are told of reports that come, until so many wait."""
    noted: list[Event] = []
    uploads.hub.listeners.append(noted.append)
    uploads.queue.gate.set("test", "shut")
    with uploads.hub.subscribed(10_000) as events:
        async with uploads.running():
            await until(lambda: len(uploads.folder.index.all()) == count, 600)
            await trio.sleep(600)
        heard = [event for event in so_far(events) if isinstance(event, ReportMoved | QueueCounted)]
    return [event for event in noted if isinstance(event, ReportMoved)], heard


@pytest.mark.trio
async def test_a_report_that_was_submitted_is_told_once_with_its_unit(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    uploads = Uploads(tmp_path, ScriptedServer())
    submit(uploads, 1)
    moves, _ = await came(uploads, 1)
    known = {"serial_number": "SN-1", "part_number": "P1", "result": "F"}
    assert moves == [ReportMoved(queue_id=report_id(1), before="", after="queued", **known)]
    assert uploads.hub.snapshot.reports == {"queued": 1}


@pytest.mark.trio
async def test_a_report_that_was_taken_over_from_another_program_is_told_once_with_its_unit(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    uploads = Uploads(tmp_path, ScriptedServer())
    (uploads.place / "x.queued").write_bytes(content(1))
    moves, _ = await came(uploads, 1)
    assert [(move.before, move.after, move.serial_number) for move in moves] == [("", "queued", "SN-1")]


@pytest.mark.trio
async def test_what_is_just_published_by_us_is_not_told_by_a_look(autojump_clock: MockClock, tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, ScriptedServer(), ours={report_id(1)})
    submit(uploads, 1, 2)
    moves, _ = await came(uploads, 2)
    assert [move.queue_id for move in moves] == [report_id(2)]


@pytest.mark.trio
async def test_of_many_that_come_at_once_subscribers_hear_the_sum_and_the_journal_each(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_queue, "TOLD", 3)
    uploads = Uploads(tmp_path, ScriptedServer())
    submit(uploads, *range(4))
    moves, heard = await came(uploads, 4)
    assert {move.serial_number for move in moves} == {f"SN-{number}" for number in range(4)}
    assert {type(event) for event in heard} == {QueueCounted}
