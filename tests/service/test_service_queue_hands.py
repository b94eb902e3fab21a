"""Hands in the queue folder while the service uploads: at most the file they touched is held up."""

import errno
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import trio
from service_parts import Uploads, report_bytes, report_id, until
from trio.testing import MockClock

from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.name import QueueName, State
from tests.evidence.plugin import Evidence
from tests.fakes.clock import START
from tests.fakes.server import ScriptedServer

MANY = 100


class Closed(QueueFolder):
    """As if somebody had taken all rights of the first report; root would not notice the real thing."""

    closed, tries = True, 0
    fault = errno.EACCES

    def read(self, name: QueueName) -> bytes:
        if self.closed and name.id == report_id(0):
            self.tries += 1
            raise OSError(self.fault, os.strerror(self.fault), str(name))
        return super().read(name)


@pytest.mark.case(
    "F40", "chmod 000 on one of 100 reports", injected="EACCES at each read", promised="the others are not held up"
)
@pytest.mark.trio
async def test_a_report_that_may_not_be_read_holds_up_no_other_and_goes_out_once_it_may(
    autojump_clock: MockClock, tmp_path: Path, evidence: Evidence, caplog: pytest.LogCaptureFixture
) -> None:
    uploads = Uploads(tmp_path, ScriptedServer(), folder=Closed)
    assert isinstance(uploads.folder, Closed)
    uploads.put(*range(MANY))
    began = trio.current_time()
    async with uploads.running():
        await until(lambda: uploads.states().get("completed") == MANY - 1, 60)
        seconds = trio.current_time() - began
        await trio.sleep(3600)
        assert uploads.folder.tries <= 10
        assert uploads.hub.snapshot.degraded == {}
        (name,) = uploads.files(State.ERROR)
        assert "Permission denied" in uploads.reason(name)
        uploads.folder.closed = False
        await until(lambda: uploads.states() == {"completed": MANY}, 4 * 3600, every=60)
    assert seconds < 5
    assert len(caplog.records) <= 12
    evidence(figure=f"{MANY - 1} others delivered in {seconds:.1f} s")


class BadSector(Closed):
    """The disk cannot read the first report."""

    fault = errno.EIO


@pytest.mark.case(
    "F40", "a bad sector below one of 100 reports", injected="EIO at each read", promised="the others are not held up"
)
@pytest.mark.trio
async def test_a_report_that_the_disk_cannot_read_is_tried_last_and_never_charged(
    autojump_clock: MockClock, tmp_path: Path, evidence: Evidence
) -> None:
    uploads = Uploads(tmp_path, ScriptedServer(), folder=BadSector)
    assert isinstance(uploads.folder, BadSector)
    uploads.put(*range(MANY))
    began = trio.current_time()
    async with uploads.running():
        await until(lambda: uploads.states().get("completed") == MANY - 1, 60)
        seconds = trio.current_time() - began
        await trio.sleep(3600)
        assert uploads.folder.tries <= 3600 / 60 + 20
        assert "Input/output error" in uploads.hub.snapshot.degraded["uploads"]
        uploads.put(MANY)
        await until(lambda: uploads.states().get("completed") == MANY, 61)
        uploads.folder.closed = False
        await until(lambda: uploads.states() == {"completed": MANY + 1}, 120)
    assert {name.attempt for name in uploads.files(State.COMPLETED)} == {0}
    assert seconds < 30
    evidence(figure=f"{MANY - 1} others delivered in {seconds:.1f} s")


def aside(path: Path) -> Path:
    """Take the file away; where it was."""
    path.unlink()
    return path


DAMAGES: dict[str, Callable[[Path], object]] = {
    "zero length": lambda path: os.truncate(path, 0),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "longer": lambda path: os.truncate(path, path.stat().st_size + 1),
    "a flipped bit": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 4]) + path.read_bytes()[1:]),
    "a folder in its place": lambda path: aside(path).mkdir(),
    "a pipe in its place": lambda path: os.mkfifo(aside(path)),
    "a link that leads nowhere": lambda path: aside(path).symlink_to("nowhere"),
    "deleted": lambda path: aside(path),
}


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(
            what,
            marks=pytest.mark.case(
                "F40", f"a waiting report: {what}", injected="by hand", promised="one file, all others delivered"
            ),
        )
        for what in DAMAGES
    ],
)
@pytest.mark.trio
async def test_a_hand_on_one_report_costs_no_other(autojump_clock: MockClock, tmp_path: Path, what: str) -> None:
    uploads = Uploads(tmp_path, ScriptedServer())
    uploads.put(*range(20))
    DAMAGES[what](uploads.place / str(uploads.files(State.QUEUED)[7]))
    async with uploads.running():
        await until(lambda: uploads.states().get("completed") == 19, 120, every=0.5)
        await trio.sleep(600)
        assert uploads.hub.snapshot.degraded == {}
    assert len(uploads.sent()) == 19


@pytest.mark.case(
    "F40",
    "states renamed by hand, foreign files, copies",
    injected="renames and copies while uploads run",
    promised="what says queued is sent once, foreign files are left alone",
)
@pytest.mark.trio
async def test_what_hands_rename_to_queued_is_sent_and_what_is_foreign_is_left(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    uploads = Uploads(tmp_path, ScriptedServer())
    states = (State.ERROR, State.REJECTED, State.PROCESSING)
    foreign = ["README", "Thumbs.db", "x.error", "a~", ".hidden", "x.queued.bak"]
    async with uploads.running():
        for number, state in enumerate(states):
            queued = uploads.place / str(QueueName.of(report_id(number), report_bytes(number), START, 5))
            queued.with_suffix(f".{state}").write_bytes(report_bytes(number))
            queued.with_suffix(f".{state}").rename(queued)
        for name in foreign:
            (uploads.place / name).write_bytes(b"hello")
        await until(lambda: uploads.states() == {"completed": 3}, 120)
    assert sorted(uploads.sent()) == ["SN-0", "SN-1", "SN-2"]
    assert sorted(set(os.listdir(uploads.place)) - {".lock", "completed"}) == sorted(foreign)


@pytest.mark.case(
    "F40",
    "many delivered reports in the archive",
    injected="5,000 files over 10 days",
    promised="those over 7 days go, reports that wait are sent meanwhile",
)
@pytest.mark.trio
async def test_a_full_archive_is_pruned_by_age_and_holds_up_nobody(
    autojump_clock: MockClock, tmp_path: Path, evidence: Evidence
) -> None:
    days, each = 10, 500
    uploads = Uploads(tmp_path, ScriptedServer())
    for age in range(days):
        moment = START - timedelta(days=age, hours=1)
        folder = uploads.place / "completed" / str(date(moment.year, moment.month, moment.day))
        folder.mkdir(parents=True)
        for number in range(each):
            name = QueueName.of(report_id(age * each + number + 10), b"{}", moment, 5).to(State.PROCESSING)
            path = folder / str(name.to(State.COMPLETED))
            path.touch()
            os.utime(path, (moment.timestamp(), moment.timestamp()))
    uploads.folder.start(trio.current_time())
    uploads.put(1, 2, 3)
    async with uploads.running():
        await until(lambda: len(uploads.server.reports) == 3, 5)
        await trio.sleep(130)
    left = uploads.states()
    assert left == {"completed": 7 * each + 3}
    evidence(figure=f"{days * each:,} files, {(days - 7) * each:,} removed")
