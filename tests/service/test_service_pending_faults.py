"""Servers that are away, disks that err, hands that meddle, faults of ours: no report is condemned or lost."""

import errno
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
import trio
from service_parts import Uploads, report_bytes, report_id, so_far, until
from trio.testing import MockClock, wait_all_tasks_blocked

from pywats_client.disk import FileSystem, StrPath
from pywats_client.ipc.events import ConnectionState, HealthChanged
from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.name import QueueName, State
from tests.fakes.clock import START
from tests.fakes.disk import FailingSteps
from tests.fakes.server import Recorded, ScriptedServer, accepted, answer

AWAY = httpx.ConnectError("connection refused")
AWAY_SECONDS = 6 * 3600.0
"""After some minutes every hour is like the one before, so this one stands for a month."""


@pytest.mark.case("F40", "a report of zeros", injected="by hand", promised="set aside alone")
@pytest.mark.trio
async def test_a_damaged_file_is_set_aside_alone(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server)
    uploads.put(1, 2, 3)
    damaged = uploads.files(State.QUEUED)[1]
    (uploads.place / str(damaged)).write_bytes(b"\0" * damaged.length)
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 2, "rejected": 1})
    (name,) = uploads.files(State.REJECTED)
    assert name.id == damaged.id
    assert "not the" in uploads.reason(name)
    assert sorted(uploads.sent()) == ["SN-1", "SN-3"]


class FailingReads(QueueFolder):
    """A disk that cannot be read for a while."""

    faults: ClassVar[list[Exception]] = []

    def read(self, name: QueueName) -> bytes:
        if self.faults:
            raise self.faults.pop(0)
        return super().read(name)


@pytest.mark.case(
    "F12",
    "no descriptors, no memory, EIO in an upload",
    injected="raised by the read",
    promised="growing pauses, no report charged",
)
@pytest.mark.parametrize("fault", [OSError(errno.EMFILE, "no descriptors"), OSError(errno.EIO, "I/O"), MemoryError()])
@pytest.mark.trio
async def test_a_passing_fault_of_the_machine_condemns_no_report_and_makes_the_part_pause(
    autojump_clock: MockClock, tmp_path: Path, fault: Exception
) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server, folder=FailingReads, service={"max_concurrent_uploads": 1})
    FailingReads.faults = [fault] * 4
    uploads.put(1, 2)
    began = trio.current_time()
    with uploads.hub.subscribed() as events:
        async with uploads.running():
            await until(lambda: uploads.states() == {"completed": 2})
        told = [event for event in so_far(events) if isinstance(event, HealthChanged)]
    assert trio.current_time() - began >= 1 + 2 + 4 + 8
    assert [bool(event.reason) for event in told] == [True, False]
    assert uploads.hub.snapshot.degraded == {}
    assert {name.attempt for name in uploads.files(State.COMPLETED)} == {0}


@pytest.mark.trio
async def test_a_report_that_meets_a_fault_of_ours_three_times_waits_for_a_person_and_stops_nobody(
    autojump_clock: MockClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(request: Recorded) -> httpx.Response:
        if request.report_id == str(report_id(1)):
            raise ZeroDivisionError("a bug")
        return accepted()(request)

    server = ScriptedServer()
    server.always(stumble)
    uploads = Uploads(tmp_path, server)
    uploads.put(1, 2)
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 1, "error": 1})
        assert uploads.files(State.ERROR)[0].attempt == 1
        await until(lambda: uploads.states() == {"completed": 1, "rejected": 1}, every=10)
    (name,) = uploads.files(State.REJECTED)
    assert name.attempt == 2
    assert "ZeroDivisionError" in uploads.reason(name)
    assert [record.exc_info is not None for record in caplog.records if "met a fault" in record.message] == [
        True,
        True,
        True,
    ]


@pytest.mark.trio
async def test_an_upload_that_is_cancelled_leaves_its_report_waiting_and_uncharged(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = ScriptedServer()
    server.hold()
    uploads = Uploads(tmp_path, server)
    uploads.put(1)
    async with uploads.running():
        await until(lambda: uploads.states() == {"processing": 1})
    (name,) = uploads.files(State.QUEUED)
    assert (name.attempt, name.orphaned) == (0, 0)
    assert uploads.hub.snapshot.reports == {"queued": 1, "processing": 0}


@pytest.mark.trio
async def test_what_nobody_is_uploading_any_more_is_put_back_at_the_next_look(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    uploads = Uploads(tmp_path, ScriptedServer())
    uploads.put(1)
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 1})
        orphan = QueueName.of(report_id(2), report_bytes(2), START, 5).to(State.PROCESSING)
        (uploads.place / str(orphan)).write_bytes(report_bytes(2))
        await until(lambda: uploads.states() == {"completed": 2}, 61)


@pytest.mark.trio
async def test_an_upload_that_takes_long_is_no_orphan(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server)
    server.hold()
    uploads.put(1)
    async with uploads.running():
        await until(lambda: server.active == 1)
        for _ in range(5):
            await uploads.queue._look()
        assert uploads.states() == {"processing": 1}
        server.release()
        await until(lambda: uploads.states() == {"completed": 1})
    assert len(server.reports) == 1


@pytest.mark.case("F40", "a waiting report is deleted", injected="by hand", promised="forgotten")
@pytest.mark.parametrize("state", [State.QUEUED, State.ERROR])
@pytest.mark.trio
async def test_names_that_hands_remove_are_forgotten(autojump_clock: MockClock, tmp_path: Path, state: State) -> None:
    server = ScriptedServer(AWAY if state is State.QUEUED else answer(503))
    uploads = Uploads(tmp_path, server)
    uploads.put(1)
    async with uploads.running():
        await until(lambda: len(server.reports) == 1)
        await wait_all_tasks_blocked()
        (name,) = uploads.files(state)
        (uploads.place / str(name)).unlink()
        await trio.sleep(600)
        assert uploads.folder.index.names() == set()
        assert uploads.hub.snapshot.reports == {}
    assert len(server.reports) <= 8 if state is State.QUEUED else 1


@pytest.mark.trio
async def test_a_file_taken_away_in_mid_upload_is_no_fault(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = ScriptedServer()
    server.hold()
    uploads = Uploads(tmp_path, server)
    uploads.put(1, 2)
    async with uploads.running():
        await until(lambda: uploads.states() == {"processing": 1, "queued": 1})
        (name,) = uploads.files(State.PROCESSING)
        (uploads.place / str(name)).unlink()
        server.release()
        await until(lambda: uploads.states() == {"completed": 1})
        assert uploads.hub.snapshot.degraded == {}


@pytest.mark.trio
async def test_a_file_that_is_gone_when_its_turn_comes_is_no_fault_of_the_machine(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    uploads = Uploads(tmp_path, ScriptedServer(), folder=FailingReads)
    FailingReads.faults = [FileNotFoundError(errno.ENOENT, "No such file or directory")]
    uploads.put(1)
    with uploads.hub.subscribed() as events:
        async with uploads.running():
            await until(lambda: uploads.states() == {"completed": 1})
        assert not [event for event in so_far(events) if isinstance(event, HealthChanged)]


@pytest.mark.trio
async def test_hours_without_a_server_charge_no_report_and_all_of_them_arrive(
    autojump_clock: MockClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pywats_client")
    server = ScriptedServer()
    server.always(AWAY, times=1_000_000)
    uploads = Uploads(tmp_path, server)
    uploads.put(*range(1000))
    async with uploads.running(pings=True):
        await trio.sleep(AWAY_SECONDS)
        assert uploads.states() == {"queued": 1000}
        assert {name.attempt for name in uploads.files(State.QUEUED)} == {0}
        assert len(server.requests) <= AWAY_SECONDS / 60 * 3 + 100
        assert len(caplog.records) <= 10
        server.script.clear()
        await until(lambda: uploads.states() == {"completed": 1000}, 120, every=5)
    assert len({request.report_id for request in server.reports}) == 1000
    assert uploads.connection.state is ConnectionState.ONLINE


@pytest.mark.case(
    "F24",
    "401 for an hour, then other settings",
    injected="scripted server",
    promised="no report charged; all arrive within a second of the new settings",
)
@pytest.mark.trio
async def test_a_token_that_is_refused_holds_the_queue_until_the_settings_change(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    def by_address(request: Recorded) -> httpx.Response:
        good = request.headers["host"] == "new.test"
        return accepted()(request) if good else answer(401, "who are you?")(request)

    server = ScriptedServer()
    server.always(by_address)
    uploads = Uploads(tmp_path, server)
    uploads.put(*range(10))
    async with uploads.running():
        await trio.sleep(3600)
        assert uploads.states() == {"queued": 10}
        assert uploads.connection.state is ConnectionState.REFUSED
        new = uploads.settings.config.server.model_copy(update={"url": "https://new.test"})
        uploads.settings.config = uploads.settings.config.model_copy(update={"server": new})
        uploads.connection.reset()
        await until(lambda: uploads.states() == {"completed": 10}, 1)


@pytest.mark.trio
async def test_what_the_old_server_says_of_an_upload_does_not_count_against_the_new_one(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = ScriptedServer(answer(401))
    server.hold()
    uploads = Uploads(tmp_path, server)
    uploads.put(1)
    async with uploads.running():
        await until(lambda: server.active == 1)
        new = uploads.settings.config.server.model_copy(update={"url": "https://new.test"})
        uploads.settings.config = uploads.settings.config.model_copy(update={"server": new})
        uploads.connection.reset()
        server.release()
        await until(lambda: uploads.states() == {"completed": 1}, 1)


@pytest.mark.parametrize("nothing", [{"server": {"url": ""}}, {"server": {"ca_file": "/nowhere/ca.pem"}}])
@pytest.mark.trio
async def test_without_a_server_that_can_be_asked_the_connection_is_refused_and_says_why(
    autojump_clock: MockClock, tmp_path: Path, nothing: dict[str, dict[str, str]]
) -> None:
    uploads = Uploads(tmp_path, ScriptedServer())
    server = uploads.settings.config.server.model_copy(update={"url": "https://wats.test", **nothing["server"]})
    uploads.settings.config = uploads.settings.config.model_copy(update={"server": server})
    uploads.put(1)
    async with uploads.running():
        await trio.sleep(1)
        assert uploads.states() == {"queued": 1}
        assert uploads.connection.state is ConnectionState.REFUSED
        assert uploads.connection.reason == "no server is configured" or "ca.pem" in uploads.connection.reason


class NoRoomForDays(FileSystem):
    def mkdir(self, path: Path, mode: int = 0o700) -> None:
        raise OSError(errno.ENOSPC, "no space left")


@pytest.mark.case(
    "F10", "no space to mark a report delivered", injected="ENOSPC from mkdir", promised="sent again under its id"
)
@pytest.mark.trio
async def test_a_report_whose_end_cannot_be_written_down_is_put_back_later(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    uploads = Uploads(tmp_path, ScriptedServer(), steps=NoRoomForDays())
    uploads.put(1)
    async with uploads.running():
        await until(lambda: uploads.states() == {"processing": 1})
        await trio.sleep(1)
        assert "no space left" in uploads.hub.snapshot.degraded["uploads"]
        uploads.folder._disk.steps = FileSystem()
        await until(lambda: uploads.states() == {"completed": 1}, 200)


@pytest.mark.case("F13", "the queue folder takes no rename", injected="EROFS", promised="waits and goes on")
@pytest.mark.trio
async def test_a_queue_folder_that_cannot_be_written_makes_the_part_wait_and_go_on(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    class Stubborn(FileSystem):
        faults = 3

        def rename(self, old: StrPath, new: StrPath) -> None:
            if Path(new).suffix == ".processing" and self.faults:
                self.faults -= 1
                raise OSError(errno.EROFS, "read-only file system")
            super().rename(old, new)

    uploads = Uploads(tmp_path, ScriptedServer(), steps=Stubborn())
    uploads.put(1)
    began = trio.current_time()
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 1})
    assert trio.current_time() - began >= 1 + 2 + 4


@pytest.mark.case(
    "F10",
    "ENOSPC when orphaned reports are put back",
    injected="every rename fails for an hour",
    promised="told, tried again with growing pauses, never the end of the service",
)
@pytest.mark.trio
async def test_a_look_that_the_disk_does_not_allow_is_made_again_later(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    steps = FailingSteps()
    uploads = Uploads(tmp_path, ScriptedServer(), steps=steps)
    uploads.put(1)
    uploads.folder.claim(trio.current_time())  # held by nobody
    steps.fail(lambda _, step, __: step == "rename")
    async with uploads.running():
        await trio.sleep(3600)
        assert "No space" in uploads.hub.snapshot.degraded["queue folder"]
        assert len(steps.failed) < 100
        steps.fail(lambda *_: False)
        await until(lambda: uploads.states() == {"completed": 1})
    assert "queue folder" not in uploads.hub.snapshot.degraded
