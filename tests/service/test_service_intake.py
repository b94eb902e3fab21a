"""Modules, folders and configurations that come, go and change while the service runs."""

import threading
from pathlib import Path

import pytest
import trio
from service_parts import BY_CONTENT, Floor, simple, so_far, told, write_converter
from trio.testing import MockClock, wait_all_tasks_blocked

from pywats_client.disk import FileSystem
from pywats_client.ipc.events import (
    ConverterChanged,
    ConverterRemoved,
    ConverterState,
    SourceConverted,
    SourceConverting,
)
from pywats_client.service.running import FolderLocks


@pytest.mark.case(
    "F33",
    "a module changed and broken during a run",
    injected="the file rewritten",
    promised="new sources wait, none fails, the mended one goes on",
)
@pytest.mark.trio
async def test_a_changed_module_is_used_without_a_restart_and_a_broken_one_waits_for_its_cure(
    tmp_path: Path, fast_clock: MockClock
) -> None:
    floor = Floor(tmp_path)
    write_converter(floor.module, "return report('old')")
    async with floor.running() as events:
        floor.drop("a.txt")
        await told(events, SourceConverted)
        write_converter(floor.module, "return report('new')")
        await trio.sleep(20)
        floor.drop("b.txt")
        await told(events, SourceConverted)
        floor.module.write_text("this is no Python")
        error = await told(events, ConverterChanged, state=ConverterState.ERROR)
        assert "SyntaxError" in error.reason or "invalid syntax" in error.reason
        floor.drop("c.txt")
        await trio.sleep(40)
        assert floor.listing() == ["Done/a.txt", "Done/b.txt", "c.txt"]
        write_converter(floor.module, "return report('mended')")
        await told(events, ConverterChanged, state=ConverterState.RUNNING)
        await told(events, SourceConverted)
    assert floor.serial_numbers() == ["old", "new", "mended"]


@pytest.mark.trio
async def test_a_module_that_becomes_a_converter_of_folders_takes_folders(
    tmp_path: Path, fast_clock: MockClock
) -> None:
    floor = simple(Floor(tmp_path))
    (floor.watched / "run").mkdir()
    (floor.watched / "run/COMPLETE.marker").touch()
    async with floor.running() as events:
        await told(events, ConverterChanged, state=ConverterState.RUNNING)
        write_converter(floor.module, "return report('folder')", base="FolderConverter")
        await told(events, SourceConverted, source="run")


@pytest.mark.case(
    "F33", "a module that lacks a file beside it", injected="a failing import", promised="tried again without a change"
)
@pytest.mark.parametrize("was_good", [True, False])
@pytest.mark.trio
async def test_a_module_that_lacks_something_beside_it_is_tried_again_though_it_did_not_change(
    tmp_path: Path, fast_clock: MockClock, was_good: bool
) -> None:
    floor = Floor(tmp_path)
    beside = tmp_path / "limits.txt"
    needs_it = f"limits = Path({str(beside)!r}).read_text()"
    if not was_good:
        write_converter(floor.module, BY_CONTENT, head=needs_it)
    else:
        simple(floor)
    async with floor.running() as events:
        if was_good:
            await told(events, ConverterChanged, state=ConverterState.RUNNING)
            write_converter(floor.module, BY_CONTENT, head=needs_it)
        await told(events, ConverterChanged, state=ConverterState.ERROR)
        beside.touch()
        await told(events, ConverterChanged, state=ConverterState.RUNNING)
        floor.drop("a.txt")
        await told(events, SourceConverted)


@pytest.mark.case(
    "F33",
    "a module that does not load",
    injected="no file, a failing import, no converter in it",
    promised="state error with its reason, others run, taken up when mended",
)
@pytest.mark.parametrize("text", [None, "import nowhere", "class NoConverter: ..."])
@pytest.mark.trio
async def test_a_module_that_does_not_load_is_an_error_of_its_converter_alone_until_it_is_mended(
    tmp_path: Path, fast_clock: MockClock, text: str | None
) -> None:
    floor = Floor(tmp_path)
    if text:
        floor.module.write_text(text)
    other = write_converter(tmp_path / "other.py", "return report('other')")
    (tmp_path / "in2").mkdir()
    floor.configure(
        floor.converter(), floor.converter("other", module_path=str(other), watch_folder=str(tmp_path / "in2"))
    )
    async with floor.running() as events:
        floor.drop("a.txt")
        error = await told(events, ConverterChanged, converter="mine", state=ConverterState.ERROR)
        assert {None: "not there", "import nowhere": "nowhere"}.get(text, "Converter") in error.reason
        (tmp_path / "in2/b.txt").touch()
        await told(events, SourceConverted, converter="other")
        assert floor.listing() == ["a.txt"]
        simple(floor)
        await told(events, SourceConverted, converter="mine")


@pytest.mark.trio
async def test_wrong_arguments_are_an_error_that_names_them(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter(arguments={"delimeter": ";"}))
    async with floor.running() as events:
        error = await told(events, ConverterChanged, state=ConverterState.ERROR)
    assert "delimeter" in error.reason


@pytest.mark.case(
    "F13", "a watched folder is missing", injected="never made by us", promised="waited for, and taken up"
)
@pytest.mark.trio
async def test_a_missing_watch_folder_is_waited_for_and_taken_up_when_it_appears(
    tmp_path: Path, fast_clock: MockClock
) -> None:
    floor = simple(Floor(tmp_path))
    floor.watched.rmdir()
    async with floor.running() as events:
        waiting = await told(events, ConverterChanged, state=ConverterState.WAITING)
        assert str(floor.watched) in waiting.reason
        assert not floor.watched.exists()
        floor.watched.mkdir()
        floor.drop("a.txt")
        await told(events, SourceConverted)
        assert floor.state() == (ConverterState.RUNNING, "")


@pytest.mark.case("F13", "a watched folder vanishes and returns", injected="renamed", promised="taken up again")
@pytest.mark.trio
async def test_a_watch_folder_that_vanishes_and_returns_is_taken_up_again(
    tmp_path: Path, fast_clock: MockClock
) -> None:
    floor = simple(Floor(tmp_path))
    async with floor.running() as events:
        await told(events, ConverterChanged, state=ConverterState.RUNNING)
        floor.watched.rename(tmp_path / "away")
        await told(events, ConverterChanged, state=ConverterState.WAITING)
        (tmp_path / "away").rename(floor.watched)
        await told(events, ConverterChanged, state=ConverterState.RUNNING)
        floor.drop("a.txt")
        await told(events, SourceConverted)


@pytest.mark.trio
async def test_a_windows_path_is_an_error_and_nothing_is_created(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter(watch_folder="C:\\WATS\\In"))
    before = sorted(tmp_path.rglob("*"))
    async with floor.running() as events:
        error = await told(events, ConverterChanged, state=ConverterState.ERROR)
    assert "Windows path" in error.reason
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.trio
async def test_a_folder_that_another_instance_watches_is_an_error(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    with FolderLocks().holding(floor.watched):
        async with floor.running() as events:
            error = await told(events, ConverterChanged, state=ConverterState.ERROR)
    assert "another instance" in error.reason


@pytest.mark.trio
async def test_two_converters_of_one_instance_may_share_a_folder(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter("texts", file_patterns=["*.txt"]), floor.converter("logs", file_patterns=["*.log"]))
    async with floor.running() as events:
        floor.drop("a.txt", "A1")
        floor.drop("b.log", "B1")
        sources = {(await told(events, SourceConverted)).source for _ in range(2)}
    assert sources == {"a.txt", "b.log"}


@pytest.mark.case(
    "F38",
    "converter settings change during conversions",
    injected="hot reload",
    promised="only what changed starts anew, nothing doubled",
)
@pytest.mark.trio
async def test_a_new_configuration_restarts_the_converters_that_it_changes_and_no_other(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    go = tmp_path / "go"
    write_converter(floor.module, f"wait_for({str(go)!r})\nreturn report(source.name)")
    for name in ("in2", "in3"):
        (tmp_path / name).mkdir()
    same = floor.converter("same")
    changed = floor.converter("changed", watch_folder=str(tmp_path / "in2"))
    async with floor.running() as events:
        floor.configure(same, changed)
        await floor.reload()
        floor.drop("a")
        (tmp_path / "in2/b").touch()
        begun = [(await told(events, SourceConverting)).source for _ in range(2)]
        floor.configure(
            same, changed | {"post_action": "delete"}, floor.converter("new", watch_folder=str(tmp_path / "in3"))
        )
        await floor.reload()
        (tmp_path / "in3/c").touch()
        while "c" not in begun or begun.count("b") < 2:
            begun.append((await told(events, SourceConverting)).source)
        await wait_all_tasks_blocked(0.3)
        go.touch()
        converted = 0
        while converted < 3:
            event = await events.__anext__()
            converted += isinstance(event, SourceConverted)
            begun += [event.source] if isinstance(event, SourceConverting) else []
    assert sorted(begun) == ["a", "b", "b", "c"]
    assert sorted(floor.serial_numbers()) == ["a", "b", "c"]
    assert (floor.listing("in"), floor.listing("in2")) == (["Done/a"], [])


class HeldSync(FileSystem):
    """The first sync of the queue folder that finds a report in it takes until `go`."""

    def __init__(self) -> None:
        self.begun, self.go = trio.Event(), threading.Event()

    def fsync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir() and list(path.glob("*.queued")) and not self.go.is_set():
            trio.from_thread.run_sync(self.begun.set)
            self.go.wait()
        super().fsync(descriptor)


@pytest.mark.case(
    "F38",
    "converter settings change while a report is being committed",
    injected="hot reload during a slow sync of the queue folder",
    promised="the converter begins anew when the commit has ended: one report, known the second time",
)
@pytest.mark.trio
async def test_a_restarted_converter_waits_for_the_commit_of_the_one_before(tmp_path: Path) -> None:
    steps = HeldSync()
    floor = simple(Floor(tmp_path, steps=steps))
    (tmp_path / "in2").mkdir()
    other = floor.converter("other", watch_folder=str(tmp_path / "in2"))
    async with floor.running() as events:
        try:
            floor.drop("a.txt")
            await steps.begun.wait()
            so_far(events)
            floor.configure(floor.converter(post_action="delete"), other)
            await floor.reload()
            (tmp_path / "in2/b.txt").write_text("B1")
            begun = [(await told(events, SourceConverting)).source]
            await wait_all_tasks_blocked(0.3)
        finally:
            steps.go.set()
        assert begun == ["b.txt"]
        await told(events, SourceConverted, source="a.txt")
    assert sorted(floor.serial_numbers()) == ["A1", "B1"]
    assert floor.listing() == []


@pytest.mark.trio
async def test_a_converter_that_is_disabled_or_removed_leaves_its_sources(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter(enabled=False))
    async with floor.running() as events:
        await told(events, ConverterChanged, state=ConverterState.DISABLED)
        floor.drop("a.txt", "A1")
        floor.configure(floor.converter())
        await floor.reload()
        await told(events, SourceConverted)
        floor.configure(floor.converter("other", watch_folder=str(tmp_path)))
        await floor.reload()
        await told(events, ConverterChanged, converter="other", state=ConverterState.RUNNING)
        floor.drop("b.txt", "B1")
        assert "mine" not in floor.hub.snapshot.converters
    assert floor.listing() == ["Done/a.txt", "b.txt"]


@pytest.mark.trio
async def test_a_converter_that_is_removed_while_it_is_disabled_is_told_as_removed(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter(enabled=False))
    async with floor.running() as events:
        await told(events, ConverterChanged, state=ConverterState.DISABLED)
        floor.configure(floor.converter("other"))
        await floor.reload()
        await told(events, ConverterRemoved, converter="mine")
        assert "mine" not in floor.hub.snapshot.converters


@pytest.mark.trio
async def test_a_cancelled_conversion_leaves_the_source_and_nothing_else(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(floor.module, f"yield report('A1')\nwait_for({str(tmp_path / 'never')!r})")
    async with floor.running() as events:
        floor.drop("a.txt")
        await told(events, SourceConverting)
        await wait_all_tasks_blocked(0.3)
    assert floor.listing() == ["a.txt"]
    assert [path.name for path in floor.queue.path.iterdir() if path.name != ".lock"] == []
