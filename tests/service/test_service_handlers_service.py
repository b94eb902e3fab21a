"""The status is true, a pause pauses and outlives the run, and stop and restart leave the tree."""

import errno
import os
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trio
import trio.testing
from service_desk import Desk, csv_table
from service_parts import so_far, told

from pywats_client.ipc.commands.service import Pause, Restart, Resume, Stop, SyncNow
from pywats_client.ipc.events import NOT_ASKED, ConnectionState, FiguresChanged, ServiceState, ServiceStateChanged
from pywats_client.ipc.protocol import Code
from pywats_client.service import watchdog
from tests.fakes.disk import FailingSteps


def drop(desk: Desk, count: int) -> None:
    for number in range(count):
        (desk.watched / f"{number}.csv").write_text(csv_table(f"A{number}"))


@pytest.mark.trio
async def test_the_status_of_a_service_at_rest_names_everything(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.connection is ConnectionState.ONLINE)
        await desk.until(lambda: desk.hub.snapshot.converter("csv").isolation)
        status = await desk.status()
    assert (status.status, status.api_status, status.instance_id) == ("Running", "Online", "default")
    assert (status.queue_size, status.paused, status.degraded, status.pid) == (0, [], {}, os.getpid())
    assert status.server_url == "https://wats.test"
    assert [(item.name, item.state, item.pending_count) for item in status.converters] == [("csv", "Running", 0)]
    assert status.uptime_seconds >= 0
    assert status.disk
    assert 0 < status.disk.free_bytes < status.disk.total_bytes
    assert (status.workers.busy, status.workers.limit) == (0, 10)
    assert {item.state for item in status.components} == {"running"}
    assert {item.health for item in status.components} == {"ok"}
    assert {"ipc", "uploads", "connection", "watchdog", "converter csv"} <= {item.name for item in status.components}


@pytest.mark.trio
async def test_five_files_that_wait_are_a_pending_count_of_five(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        await desk.ask(Pause(what="intake"), Pause.Result)
        drop(desk, 5)
        await desk.ask(SyncNow(), SyncNow.Result)
        await desk.until(lambda: desk.hub.snapshot.converter("csv").waiting == 5)
        status = await desk.status()
        assert status.converters[0].pending_count == 5
        assert (status.status, status.paused, status.converters[0].state) == ("Paused", ["intake"], "Waiting")
        assert "intake paused by a person" in status.converters[0].reason
        assert (status.reason, status.converters[0].paused) == ("paused: intake", True)
        assert {item.health for item in status.components if item.name == "converter csv"} == {"ok"}
        await desk.ask(Resume(), Resume.Result)
        await desk.until(lambda: desk.hub.snapshot.delivered == 5)
        status = await desk.status()
    assert (status.converters[0].pending_count, status.converters[0].converted) == (0, 5)
    assert not status.converters[0].paused
    assert (status.conversions_last_minute, status.uploads_last_minute, status.queue.delivered) == (5, 5, 5)
    assert status.last_delivered


@pytest.mark.trio
async def test_twelve_reports_that_wait_are_a_queue_size_of_twelve(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.queue(*range(12))
    desk.server.always(httpx.ConnectError("no route"))
    async with desk.running():
        await desk.until(lambda: "no route" in desk.hub.snapshot.connection_reason)
        status = await desk.status()
    assert (status.queue_size, status.api_status, status.connection) == (12, "Offline", "offline")
    assert status.oldest_waiting_seconds is not None
    connection = next(item for item in status.components if item.name == "connection")
    assert (connection.state, connection.health) == ("running", "degraded")
    assert "no route" in connection.reason


@pytest.mark.trio
async def test_paused_uploads_send_nothing_until_they_are_resumed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.connection is ConnectionState.ONLINE)
        paused = await desk.ask(Pause(what="uploads"), Pause.Result)
        assert paused.paused == ["uploads"]
        drop(desk, 3)
        await desk.until(lambda: desk.hub.snapshot.converter("csv").converted == 3)
        assert (await desk.status()).queue_size == 3
        assert desk.server.reports == []
        resumed = await desk.ask(Resume(what="uploads"), Resume.Result)
        assert resumed.paused == []
        await desk.until(lambda: desk.hub.snapshot.delivered == 3)


@pytest.mark.trio
async def test_uploads_paused_while_the_server_is_away_stay_paused_when_it_returns(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.queue(1)
    desk.server.always(httpx.ConnectError("no route"))
    async with desk.running():
        await desk.until(lambda: "no route" in desk.hub.snapshot.connection_reason)
        await desk.ask(Pause(what="uploads"), Pause.Result)
        await desk.until(lambda: not desk.server.active)
        tried = len(desk.server.reports)
        desk.server.script.clear()
        await desk.ask(SyncNow(), SyncNow.Result)
        await desk.until(lambda: desk.hub.snapshot.connection is ConnectionState.ONLINE)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(desk.server.reports) == tried
        await desk.ask(Resume(), Resume.Result)
        await desk.until(lambda: desk.hub.snapshot.delivered == 1)


@pytest.mark.trio
async def test_a_pause_of_everything_is_told_as_paused_and_outlives_the_run(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with desk.hub.subscribed() as events:
        async with desk.running():
            await desk.ask(Pause(), Pause.Result)
            assert (await desk.status()).status is ServiceState.PAUSED
        states = [event.state for event in so_far(events) if isinstance(event, ServiceStateChanged)]
    assert states == ["StartPending", "Running", "Paused", "StopPending", "Stopped"]
    desk = Desk(tmp_path)
    desk.queue(1)
    async with desk.running():
        assert (await desk.status()).paused == ["uploads", "intake"]
        drop(desk, 1)
        await desk.ask(SyncNow(), SyncNow.Result)
        await desk.until(lambda: desk.hub.snapshot.converter("csv").waiting == 1)
        assert desk.server.reports == []
        await desk.ask(Resume(), Resume.Result)
        await desk.until(lambda: desk.hub.snapshot.delivered == 2)
        assert (await desk.status()).status is ServiceState.RUNNING
    async with Desk(tmp_path).running():
        pass
    assert not (desk.instance.data / "paused.json").exists()


@pytest.mark.parametrize("content", [b"{", b'"uploads"', b"17", b'["everything"]', b"\xff"])
@pytest.mark.trio
async def test_a_damaged_note_of_a_pause_pauses_nothing(tmp_path: Path, content: bytes) -> None:
    desk = Desk(tmp_path)
    desk.instance.data.mkdir(parents=True)
    (desk.instance.data / "paused.json").write_bytes(content)
    async with desk.running():
        assert (await desk.status()).paused == []


@pytest.mark.trio
async def test_a_pause_that_cannot_be_remembered_is_refused_and_not_in_force(tmp_path: Path) -> None:
    steps = FailingSteps()
    desk = Desk(tmp_path, steps=steps)
    async with desk.running():
        steps.fail(lambda _, step, path: "paused" in path.name, errno.ENOSPC)
        code, why = await desk.refused(Pause())
        assert code is Code.TEMPORARY
        assert "No space left" in why
        assert (await desk.status()).paused == []


@pytest.mark.trio
async def test_stop_ends_the_service_and_restart_lets_its_caller_know(tmp_path: Path) -> None:
    for command, wanted in ((Stop(), False), (Restart(), True)):
        desk = Desk(tmp_path)
        async with desk.running():
            await desk.ask(command, type(command).Result)
            await desk.until(lambda desk=desk: desk.wanted_restart is not None)
        assert desk.wanted_restart is wanted
        assert desk.hub.snapshot.service is ServiceState.STOPPED


@pytest.mark.trio
async def test_sync_now_asks_a_server_that_was_away_and_looks_into_folders_at_once(tmp_path: Path) -> None:
    converter = {"name": "csv", "module_path": "csv", "watch_folder": str(tmp_path / "in"), "watch": "poll"}
    desk = Desk(tmp_path, converters=[{**converter, "process_code": 10}], rescan_seconds=3600, ping_interval=3600)
    desk.server.always(httpx.ConnectError("no route"))
    async with desk.running():
        await desk.until(lambda: "no route" in desk.hub.snapshot.connection_reason)
        await desk.until(lambda: desk.hub.snapshot.converter("csv").isolation)
        desk.server.script.clear()
        drop(desk, 1)
        await desk.ask(SyncNow(), SyncNow.Result)
        await desk.until(lambda: desk.hub.snapshot.delivered == 1)


@pytest.mark.trio
async def test_the_status_names_the_last_error_of_a_converter(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (desk.watched / "bad.csv").write_text("serial number\n")
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.converter("csv").failed)
        report = (await desk.status()).converters[0]
    assert report.failed == 1
    assert report.last_error.startswith("bad.csv: ")


@pytest.mark.trio
async def test_a_server_that_was_not_asked_yet_is_no_fault(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.hub.snapshot.connection_reason == NOT_ASKED
    desk.server.hold()
    async with desk.running():
        await desk.until(lambda: "connection" in desk.hub.components)
        status = await desk.status()
        desk.server.release()
    assert (status.connection, status.connection_reason) == ("offline", NOT_ASKED)
    assert {item.health for item in status.components if item.name == "connection"} == {"ok"}


@pytest.mark.trio
async def test_a_converter_that_waits_for_more_than_a_person_is_not_told_as_paused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.converter("csv").isolation)
        desk.watched.rename(tmp_path / "away")
        await desk.ask(Pause(what="intake"), Pause.Result)
        await desk.ask(SyncNow(), SyncNow.Result)
        await desk.until(lambda: "not there" in desk.hub.snapshot.converter("csv").reason)
        assert not (await desk.status()).converters[0].paused


@pytest.mark.trio
async def test_the_status_asks_no_disk_and_shows_what_the_watchdog_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "free_bytes", lambda _: (7_000_000_000, 9_000_000_000))
    desk = Desk(tmp_path)
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.converter("csv").isolation)
        disk = (await desk.status()).disk
    assert disk
    assert (disk.free_bytes, disk.total_bytes) == (7_000_000_000, 9_000_000_000)


@pytest.mark.trio
async def test_who_listens_anywhere_is_counted_and_told_the_figures(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with desk.hub.subscribed() as events:
        async with desk.running():
            await told(events, FiguresChanged)
            assert (await desk.status()).subscribers == 1


@pytest.mark.trio
async def test_the_last_delivery_is_known_after_a_restart(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.queue(1)
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.delivered == 1)
        before = (await desk.status()).last_delivered
    desk = Desk(tmp_path)
    async with desk.running():
        while (after := (await desk.status()).last_delivered) is None:
            await trio.sleep(0.01)
    assert before
    assert abs(datetime.fromisoformat(after) - datetime.fromisoformat(before)) <= timedelta(seconds=1)
