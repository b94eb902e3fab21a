"""What happens to a source while it is converted, and to what belongs to it."""

import contextlib
import json
from pathlib import Path

import pytest
import trio
from service_parts import BY_CONTENT, Floor, simple, so_far, told, write_converter
from trio.testing import MockClock, wait_all_tasks_blocked

from pywats_client.disk import FileSystem, StrPath
from pywats_client.ipc.events import (
    Event,
    HealthChanged,
    ReportMoved,
    Snapshot,
    SourceConverted,
    SourceConverting,
    SourceFailed,
    SourceHeld,
)
from tests.fakes.disk import RecordedSteps


@pytest.mark.case(
    "F27",
    "rewritten after pick-up",
    injected="a hand, while the converter reads",
    promised="the first result dropped, converted again",
)
@pytest.mark.trio
async def test_a_source_that_changes_while_it_is_converted_is_converted_again_and_the_first_result_dropped(
    tmp_path: Path,
) -> None:
    floor = Floor(tmp_path)
    go = tmp_path / "go"
    write_converter(floor.module, f"made = report(source.read_text())\nwait_for({str(go)!r})\nreturn made")
    async with floor.running() as events:
        file = floor.drop("a.txt", "half")
        await told(events, SourceConverting)
        await wait_all_tasks_blocked(0.2)
        file.write_text("the whole")
        go.touch()
        await told(events, SourceConverted)
    assert floor.serial_numbers() == ["the whole"]
    assert not list(floor.queue.path.glob(".*.tmp"))


@pytest.mark.case(
    "F27",
    "half a file fails, and is whole by then",
    injected="a hand, while the converter reads",
    promised="converted again, not set aside",
)
@pytest.mark.trio
async def test_a_source_that_changes_while_its_conversion_fails_is_converted_again(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    go = tmp_path / "go"
    body = f"""
        text = source.read_text()
        if text == "half":
            wait_for({str(go)!r})
            raise ValueError("it ends in the middle")
        return report(text)
    """
    write_converter(floor.module, body)
    async with floor.running() as events:
        file = floor.drop("a.txt", "half")
        await told(events, SourceConverting)
        await wait_all_tasks_blocked(0.2)
        file.write_text("the whole")
        go.touch()
        await told(events, SourceConverted)
    assert floor.serial_numbers() == ["the whole"]
    assert floor.listing() == ["Done/a.txt"]


@pytest.mark.case(
    "F27",
    "appended in the last moment",
    injected="written between publishing and moving",
    promised="converted again, whole",
)
@pytest.mark.trio
async def test_what_is_written_to_a_source_in_the_last_moment_is_converted_too(tmp_path: Path) -> None:
    file = tmp_path / "in/a.txt"

    class Writing(FileSystem):
        def rename(self, old: StrPath, new: StrPath) -> None:
            super().rename(old, new)
            if Path(new).name.endswith(".queued") and file.read_text() == "first":
                file.write_text("first and second")

    floor = simple(Floor(tmp_path, steps=Writing()))
    async with floor.running() as events:
        floor.drop("a.txt", "first")
        await told(events, SourceConverted)
    assert floor.serial_numbers() == ["first", "first and second"]
    assert floor.listing() == ["Done/a.txt"]


@pytest.mark.case(
    "F27",
    "appended while it waits for being put away",
    injected="written when the folder for it is made",
    promised="stays, and is converted again, whole",
)
@pytest.mark.parametrize("action", ["move", "archive"])
@pytest.mark.trio
async def test_what_is_written_to_a_source_on_its_way_out_is_converted_too(tmp_path: Path, action: str) -> None:
    file = tmp_path / "in/a.txt"

    class Writing(FileSystem):
        def mkdir(self, path: Path, mode: int = 0o700) -> None:
            super().mkdir(path, mode)
            if path.name in ("Done", "Archive"):
                file.write_text("first and second")

    floor = simple(Floor(tmp_path, steps=Writing()))
    floor.configure(floor.converter(post_action=action))
    async with floor.running() as events:
        floor.drop("a.txt", "first")
        await told(events, SourceConverted)
    assert floor.serial_numbers() == ["first", "first and second"]
    assert len(floor.listing()) == 1


@pytest.mark.case(
    "F27",
    "deleted during the conversion",
    injected="a hand, while the converter reads",
    promised="no report, no failure, the others go on",
)
@pytest.mark.trio
async def test_a_source_that_vanishes_while_it_is_converted_leaves_nothing_and_stops_nobody(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    go = tmp_path / "go"
    write_converter(floor.module, f"made = report(source.read_text())\nwait_for({str(go)!r})\nreturn made")
    async with floor.running() as events:
        file = floor.drop("a.txt", "gone")
        await told(events, SourceConverting)
        await wait_all_tasks_blocked(0.2)
        file.unlink()
        go.touch()
        floor.drop("b.txt", "B1")
        await told(events, SourceConverted, source="b.txt")
    assert floor.serial_numbers() == ["B1"]
    assert floor.hub.snapshot.converter("mine").failed == 0


@pytest.mark.trio
async def test_a_source_that_is_not_complete_stays_and_is_tried_again_after_its_delay(
    tmp_path: Path, fast_clock: MockClock
) -> None:
    floor = Floor(tmp_path)
    ready = tmp_path / "ready"
    write_converter(
        floor.module,
        f"""
        if not Path({str(ready)!r}).exists():
            raise NotYet("the second half is missing", delay=20)
        return report("A1")
        """,
    )
    async with floor.running() as events:
        floor.drop("a.txt")
        held = await told(events, SourceHeld)
        assert held.reason == "the second half is missing"
        ready.touch()
        began = trio.current_time()
        await told(events, SourceConverted)
        assert trio.current_time() - began >= 15
    assert floor.listing() == ["Done/a.txt"]


@pytest.mark.trio
async def test_a_source_of_somebody_else_stays_where_it_is(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(floor.module, "if source.name != 'b.txt':\n    raise NotMine\nreturn report('B1')")
    async with floor.running() as events:
        floor.drop("a.txt")
        await told(events, SourceHeld)
        floor.drop("b.txt")
        await told(events, SourceConverted)
        assert not [event for event in so_far(events) if isinstance(event, SourceConverting)]
    assert floor.listing() == ["Done/b.txt", "a.txt"]


@pytest.mark.trio
async def test_the_reports_of_a_source_are_published_together(tmp_path: Path) -> None:
    order: list[str] = []

    class Recording(FileSystem):
        def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
            order.append("write" if path.parent.name == "queue" else "")
            return super().open(path, flags, mode)

        def rename(self, old: StrPath, new: StrPath) -> None:
            name = Path(new).name
            order.append("publish" if name.endswith(".queued") else "put away" if name == "a.txt" else "")
            super().rename(old, new)

    floor = Floor(tmp_path, steps=Recording())
    write_converter(floor.module, "for number in range(3):\n    yield report(f'SN-{number}')")
    async with floor.running() as events:
        floor.drop("a.txt")
        converted = await told(events, SourceConverted)
    assert [step for step in order if step] == ["write"] * 3 + ["publish"] * 3 + ["put away"]
    assert len(set(converted.reports)) == 3
    assert floor.serial_numbers() == ["SN-0", "SN-1", "SN-2"]


@pytest.mark.case("F32", "partial output", injected="an error after the first report", promised="nothing is queued")
@pytest.mark.trio
async def test_a_converter_that_fails_in_the_middle_leaves_nothing_in_the_queue(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(floor.module, "yield report('SN-0')\nyield report('SN-1')\nraise ConversionError('no more')")
    async with floor.running() as events:
        floor.drop("a.txt")
        await told(events, SourceFailed)
    assert [path.name for path in floor.queue.path.iterdir() if path.name != ".lock"] == []


@pytest.mark.trio
async def test_companions_settle_and_move_with_their_file(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(
        floor.module,
        "return report(source.read_text() + source.companions[0].read_text())",
        head="def companions(self, source):\n    return [source.path.with_suffix('.bin')]",
    )
    floor.configure(floor.converter(file_patterns=["*.txt"], settle_seconds=0.2))
    async with floor.running() as events:
        (floor.watched / "a.bin").write_text("-half")
        floor.drop("a.txt", "A1")
        held = await told(events, SourceHeld)
        assert "not settled" in held.reason
        (floor.watched / "a.bin").write_text("-and its data")
        await told(events, SourceConverted)
    assert floor.serial_numbers() == ["A1-and its data"]
    assert floor.listing() == ["Done/a.bin", "Done/a.txt"]


@pytest.mark.trio
async def test_a_companion_moves_only_after_its_file_has_moved_for_good(tmp_path: Path) -> None:
    steps = RecordedSteps()
    floor = Floor(tmp_path, steps=steps)
    companions = "def companions(self, source):\n    return [source.path.with_suffix('.bin')]"
    write_converter(floor.module, BY_CONTENT, head=companions)
    floor.configure(floor.converter(file_patterns=["*.txt"]))
    async with floor.running() as events:
        (floor.watched / "a.bin").write_text("1")
        floor.drop("a.txt", "A1")
        await told(events, SourceConverted)
    taken = [(step, path.name) for step, path in steps.log if step in ("rename", "fsync")]
    assert taken[-4:] == [("rename", "a.txt"), ("fsync", "in"), ("fsync", "Done"), ("rename", "a.bin")]


@pytest.mark.trio
async def test_companions_go_to_the_error_folder_with_their_file(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(
        floor.module,
        "raise ConversionError('no')",
        head="def companions(self, source):\n    return [source.path.with_suffix('.bin')]",
    )
    floor.configure(floor.converter(file_patterns=["*.txt"]))
    async with floor.running() as events:
        (floor.watched / "a.bin").write_text("1")
        floor.drop("a.txt", "A1")
        await told(events, SourceFailed)
    assert floor.listing() == ["Error/a.bin", "Error/a.txt", "Error/a.txt.reason"]


@pytest.mark.trio
async def test_a_file_waits_for_a_companion_that_is_missing(tmp_path: Path, fast_clock: MockClock) -> None:
    floor = Floor(tmp_path)
    write_converter(
        floor.module,
        BY_CONTENT,
        head="def companions(self, source):\n    return [source.path.with_suffix('.bin')]",
    )
    floor.configure(floor.converter(file_patterns=["*.txt"]))
    async with floor.running() as events:
        floor.drop("a.txt", "A1")
        held = await told(events, SourceHeld)
        assert "a.bin" in held.reason
        await trio.sleep(40)
        assert not [event for event in so_far(events) if isinstance(event, SourceHeld)]
        (floor.watched / "a.bin").write_text("1")
        await told(events, SourceConverted)
    assert floor.listing() == ["Done/a.bin", "Done/a.txt"]


@pytest.mark.trio
async def test_a_folder_is_one_source_and_moves_as_a_whole(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(
        floor.module, "return report('-'.join(path.name for path in source.files()))", base="FolderConverter"
    )
    async with floor.running() as events:
        (floor.watched / "run7").mkdir()
        for name in ("a", "b", "COMPLETE.marker"):
            (floor.watched / "run7" / name).write_text("1")
        await told(events, SourceConverted, source="run7")
    assert floor.serial_numbers() == ["COMPLETE.marker-a-b"]
    assert floor.listing() == ["Done/run7/COMPLETE.marker", "Done/run7/a", "Done/run7/b"]


@pytest.mark.trio
async def test_the_snapshot_is_the_sum_of_the_events(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(
        floor.module,
        """
        if "bad" in source.name:
            raise ConversionError("bad")
        for number in range(2):
            yield report(f"{source.name}-{number}")
        """,
    )
    for number in range(12):
        (floor.watched / f"{number}{'-bad' if number % 4 == 0 else ''}").write_text(str(number))
    told_of: list[Event] = []
    async with floor.running() as events:
        over = 0
        async for event in events:
            told_of.append(event)
            over += isinstance(event, SourceConverted | SourceFailed)
            if over == 12:
                break
        with contextlib.suppress(trio.WouldBlock):  # what was told since, up to this moment
            while True:
                told_of.append(events.receive_nowait())  # type: ignore[attr-defined]
        snapshot = floor.hub.snapshot.model_dump()
    folded = Snapshot()
    for event in told_of:
        folded.after(event)
    assert folded.model_dump() == snapshot
    status = folded.converter("mine")
    assert (status.converted, status.failed) == (9, 3)
    assert folded.reports == {"queued": 18} == {"queued": len(floor.reports())}
    moved = [event for event in told_of if isinstance(event, ReportMoved)]
    assert {json.loads(path.read_bytes())["id"] for path in floor.queue.path.glob("*.queued")} == {
        str(event.queue_id) for event in moved
    }
    assert not [event for event in told_of if isinstance(event, HealthChanged)]
