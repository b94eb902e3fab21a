"""A fault of the machine or of ours: the source stays, nothing is doubled, and the others go on."""

import errno
from pathlib import Path
from uuid import UUID

import pytest
import trio
from service_parts import BY_CONTENT, Floor, simple, so_far, told, write_converter
from trio.testing import MockClock

from pywats_client.disk import FileSystem, StrPath
from pywats_client.ipc.events import (
    ConverterChanged,
    ConverterState,
    ReportKnown,
    SourceConverted,
    SourceConverting,
    SourceFailed,
    SourceHeld,
)


class Faulty(FileSystem):
    """Fails as long as `fault` is set: writing to the queue, or moving a source away."""

    fault: Exception | None = None

    def __init__(self, step: str) -> None:
        self._step = step

    def write(self, descriptor: int, data: bytes) -> None:
        if self.fault and self._step == "write":
            raise self.fault
        super().write(descriptor, data)

    def rename(self, old: StrPath, new: StrPath) -> None:
        if self.fault and self._step == Path(new).parent.name:
            raise self.fault
        super().rename(old, new)


@pytest.mark.case(
    "F10", "no space, real workers", injected="ENOSPC from every write", promised="the source stays, on within 30 s"
)
@pytest.mark.trio
async def test_while_the_disk_is_full_sources_stay_and_the_converter_waits_and_then_goes_on(
    tmp_path: Path, fast_clock: MockClock
) -> None:
    steps = Faulty("write")
    floor = simple(Floor(tmp_path, steps=steps))
    steps.fault = OSError(errno.ENOSPC, "No space left on device")
    async with floor.running() as events:
        floor.drop("a.txt")
        waiting = await told(events, ConverterChanged, state=ConverterState.WAITING)
        assert "No space left" in waiting.reason
        assert "No space left" in floor.hub.snapshot.degraded["converting"]
        await trio.sleep(60)
        assert floor.listing() == ["a.txt"]
        assert floor.reports() == []
        steps.fault = None
        space_since = trio.current_time()
        await told(events, SourceConverted)
        assert trio.current_time() - space_since < 31
        assert floor.state() == (ConverterState.RUNNING, "")
        assert floor.hub.snapshot.degraded == {}
    assert floor.serial_numbers() == ["A1"]


@pytest.mark.parametrize("folder", ["Done", "Error"])
@pytest.mark.trio
async def test_a_source_that_cannot_be_moved_is_held_with_the_reason_and_tried_again_later(
    tmp_path: Path, fast_clock: MockClock, folder: str
) -> None:
    steps = Faulty(folder)
    floor = Floor(tmp_path, steps=steps)
    write_converter(floor.module, BY_CONTENT if folder == "Done" else "raise ConversionError('no')")
    steps.fault = PermissionError(errno.EACCES, "Permission denied")
    async with floor.running() as events:
        floor.drop("a.txt")
        held = await told(events, SourceHeld)
        assert "Permission denied" in held.reason
        await trio.sleep(100)
        tries = [event for event in so_far(events) if isinstance(event, SourceConverting)]
        assert 1 <= len(tries) <= 7
        assert floor.state() == (ConverterState.RUNNING, "")
        steps.fault = None
        await told(events, SourceConverted if folder == "Done" else SourceFailed)
    assert len(floor.reports()) == (1 if folder == "Done" else 0)


@pytest.mark.trio
async def test_a_crash_between_queue_and_post_action_doubles_nothing(tmp_path: Path) -> None:
    steps = Faulty("Done")
    steps.fault = PermissionError(errno.EACCES, "as if it had ended here")
    before = simple(Floor(tmp_path, steps=steps))
    async with before.running() as events:
        before.drop("a.txt")
        await told(events, SourceHeld)
    assert (before.listing(), before.serial_numbers()) == (["a.txt"], ["A1"])
    after = simple(Floor(tmp_path))
    async with after.running() as events:
        converted = await told(events, SourceConverted)
    (report,) = after.reports()
    assert converted.reports == (UUID(report["id"]),)
    assert after.listing() == ["Done/a.txt"]


@pytest.mark.case(
    "F10",
    "no space to set aside what a mended converter replaces",
    injected="ENOSPC from the rename into `discarded`",
    promised="the source stays, and the new report is published only when the old one can go: once",
)
@pytest.mark.trio
async def test_a_report_is_not_queued_twice_because_the_one_it_replaces_cannot_go(
    tmp_path: Path, fast_clock: MockClock
) -> None:
    steps = Faulty("discarded")
    floor = Floor(tmp_path, steps=steps)
    write_converter(floor.module, "return report('old')")
    async with floor.running() as events:
        floor.drop("a.txt")
        await told(events, SourceConverted)
        write_converter(floor.module, "return report('new')")
        await trio.sleep(20)
        steps.fault = OSError(errno.ENOSPC, "No space left on device")
        (floor.watched / "Done/a.txt").rename(floor.watched / "a.txt")
        await told(events, ConverterChanged, state=ConverterState.WAITING)
        assert (floor.listing(), floor.serial_numbers()) == (["a.txt"], ["old"])
        steps.fault = None
        await told(events, SourceConverted)
    assert (floor.listing(), floor.serial_numbers()) == (["Done/a.txt"], ["new"])


@pytest.mark.case(
    "F05",
    "the same file comes again",
    injected="moved back from the done folder",
    promised="the same id: told as known, one report",
)
@pytest.mark.trio
async def test_what_waits_already_is_told_as_known_and_not_queued_again(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    async with floor.running() as events:
        floor.drop("a.txt")
        first = await told(events, SourceConverted)
        (floor.watched / "Done/a.txt").rename(floor.watched / "a.txt")
        assert (await told(events, ReportKnown)).queue_id == first.reports[0]
        await told(events, SourceConverted)
    assert floor.serial_numbers() == ["A1"]
    assert floor.hub.snapshot.reports == {"queued": 1}


@pytest.mark.trio
async def test_a_fault_of_ours_stops_nobody_and_the_third_time_the_source_goes_to_the_error_folder(
    tmp_path: Path, fast_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Buggy(FileSystem):
        def write(self, descriptor: int, data: bytes) -> None:
            if b'"bad"' in data:
                raise ZeroDivisionError("a bug")
            super().write(descriptor, data)

    floor = simple(Floor(tmp_path, steps=Buggy()))
    async with floor.running() as events:
        floor.drop("a.txt", "bad")
        await told(events, SourceHeld)
        floor.drop("b.txt", "good")
        await told(events, SourceConverted)
        await told(events, SourceFailed, source="a.txt")
    assert "ZeroDivisionError" in (floor.watched / "Error/a.txt.reason").read_text()
    assert floor.serial_numbers() == ["good"]
    assert sum("met a fault" in message for message in caplog.messages) == 3
