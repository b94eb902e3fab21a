"""When a source is settled, and how often a folder is looked at."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
from service_parts import directly
from trio.testing import MockClock

from pywats_client.disk import is_being_written
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Wake
from pywats_client.service.watch_folder import (
    POLL_SECONDS,
    SHARE_OF_TIME,
    Listing,
    Rules,
    Sources,
    signature_of,
    watch_folder,
)


def rules_of(folder: Path, *patterns: str, **more: object) -> Rules:
    return Rules(folder=folder, patterns=patterns or ("*",), **more)  # type: ignore[arg-type]


@dataclass
class Watched:
    """A folder that is being watched, and what was offered from it."""

    folder: Path
    sources: Sources
    offered: list[str] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    listing: Listing = field(default_factory=Listing)
    wake: Wake = field(default_factory=Wake)

    def look(self) -> None:
        self.wake.ring()


@asynccontextmanager
async def watched(
    folder: Path,
    *patterns: str,
    settle: float = 1.0,
    is_open: Callable[[str], bool] = lambda name: False,
    hints: Hints | None = None,
    rescan: float = 30.0,
    **more: object,
) -> AsyncIterator[Watched]:
    seen = Watched(folder, Sources(settle, is_open))

    def tell(listing: Listing) -> None:
        seen.looks.append(trio.current_time())
        seen.listing = listing

    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            watch_folder,
            rules_of(folder, *patterns, **more),
            seen.sources,
            lambda name, signature: seen.offered.append(name),
            tell,
            hints,
            seen.wake,
            rescan,
            directly,
        )
        yield seen
        nursery.cancel_scope.cancel()


# --- settled


@pytest.mark.trio
async def test_a_file_is_offered_once_it_has_been_still_for_the_settle_time(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("1")
    async with watched(tmp_path, settle=3) as folder:
        await trio.sleep(2.9)
        assert folder.offered == []
        await trio.sleep(0.2)
        assert folder.offered == ["a.csv"]
        await trio.sleep(1000)
        assert folder.offered == ["a.csv"]


@pytest.mark.parametrize(
    "touch",
    [
        lambda file: file.write_text("12"),
        lambda file: os.utime(file, ns=(5, 5)),
        lambda file: (
            file.with_name("b").write_text("1"),
            os.utime(file.with_name("b"), ns=(1, 1)),
            file.with_name("b").replace(file),
        ),
    ],
)
@pytest.mark.trio
async def test_a_change_of_size_time_or_identity_starts_the_wait_anew(
    autojump_clock: MockClock, tmp_path: Path, touch: Callable[[Path], object]
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("1")
    os.utime(file, ns=(1, 1))
    async with watched(tmp_path, "*.csv", settle=10) as folder:
        await trio.sleep(9)
        touch(file)
        folder.look()
        await trio.sleep(9)
        assert folder.offered == []
        await trio.sleep(2)
        assert folder.offered == ["a.csv"]


@pytest.mark.trio
async def test_without_a_settle_time_a_file_is_offered_at_once(autojump_clock: MockClock, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    async with watched(tmp_path, settle=0) as folder:
        await trio.sleep(0.001)
        assert folder.offered == ["a.csv"]


@pytest.mark.trio
async def test_files_are_offered_in_the_order_of_their_last_change(autojump_clock: MockClock, tmp_path: Path) -> None:
    for number, name in enumerate(["c", "a", "b"]):
        (tmp_path / name).write_text("1")
        os.utime(tmp_path / name, ns=(number, number))
    async with watched(tmp_path, settle=0) as folder:
        await trio.sleep(1)
        assert folder.offered == ["c", "a", "b"]


@pytest.mark.case(
    "F27", "a writer that pauses", injected="the file stays open, its size still", promised="waits until it is closed"
)
@pytest.mark.trio
async def test_a_file_that_somebody_holds_open_for_writing_waits_until_it_is_closed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("1")
    is_open = True
    async with watched(tmp_path, settle=0, is_open=lambda name: is_open) as folder:
        await trio.sleep(100)
        assert folder.offered == []
        is_open = False
        await trio.sleep(1.1)
        assert folder.offered == ["a.csv"]


@pytest.mark.skipif(sys.platform != "linux", reason="F_SETLEASE is Linux's")
def test_linux_tells_whether_a_file_is_open_for_writing(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("1")
    assert not is_being_written(file)
    with file.open("a"):
        assert is_being_written(file)
    with file.open("rb"):
        assert not is_being_written(file)
    assert not is_being_written(file)
    assert not is_being_written(tmp_path / "gone")


@pytest.mark.case(
    "F27", "a writer in another process", injected="another process holds it open", promised="seen as being written"
)
@pytest.mark.skipif(sys.platform != "linux", reason="F_SETLEASE is Linux's")
def test_linux_tells_it_of_other_processes_too(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    code = "import sys; f = open(sys.argv[1], 'w'); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
        assert is_being_written(file)
        writer.communicate()
    assert not is_being_written(file)


@pytest.mark.trio
async def test_a_source_in_work_is_not_offered_again_and_one_that_is_given_back_is(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("1")
    async with watched(tmp_path, settle=1) as folder:
        await trio.sleep(2)
        file.write_text("changed while it is in work")
        folder.look()
        await trio.sleep(100)
        assert folder.offered == ["a.csv"]
        folder.sources.take_back(["a.csv"])
        folder.look()
        await trio.sleep(2)
        assert folder.offered == ["a.csv"] * 2


@pytest.mark.trio
async def test_a_source_that_is_held_is_offered_when_its_time_has_come_or_when_it_changes(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("1")
    async with watched(tmp_path, settle=1, rescan=30) as folder:
        await trio.sleep(2)
        folder.sources.hold("a.csv", signature_of(file), trio.current_time() + 50)
        folder.look()
        await trio.sleep(49)
        assert folder.offered == ["a.csv"]
        await trio.sleep(2)
        assert folder.offered == ["a.csv"] * 2
        folder.sources.hold("a.csv", signature_of(file), float("inf"))
        await trio.sleep(10_000)
        assert folder.offered == ["a.csv"] * 2
        file.write_text("new")
        await trio.sleep(32)
        assert folder.offered == ["a.csv"] * 3


# --- looking


@pytest.mark.trio
async def test_a_folder_that_vanishes_is_said_so(autojump_clock: MockClock, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(ExceptionGroup) as raised:
        async with watched(folder, rescan=30):
            await trio.sleep(40)
            folder.rmdir()
            await trio.sleep(40)
    assert raised.group_contains(FileNotFoundError)


@pytest.mark.trio
async def test_a_folder_that_is_removed_and_made_again_is_watched_anew(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    hints = Hints()
    folder = tmp_path / "in"
    folder.mkdir()
    async with watched(folder, hints=hints, settle=0) as seen:
        await trio.sleep(1)
        assert await hints._folders_changed.heard(0)
        folder.rename(tmp_path / "away")
        folder.mkdir()
        (folder / "a.csv").write_text("1")
        await trio.sleep(31)
        assert seen.offered == ["a.csv"]
        assert await hints._folders_changed.heard(0)


@pytest.mark.trio
async def test_without_any_event_a_folder_is_listed_every_30_seconds(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with watched(tmp_path, hints=Hints(), settle=0, rescan=30) as folder:
        await trio.sleep(10)
        (tmp_path / "a.csv").write_text("1")
        await trio.sleep(21)
        assert folder.offered == ["a.csv"]
        await trio.sleep(3600 - 31)
    assert len(folder.looks) == pytest.approx(120, abs=2)


@pytest.mark.trio
async def test_a_folder_whose_file_system_tells_nothing_is_polled(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with watched(tmp_path, hints=None, settle=0) as folder:
        await trio.sleep(100)
        (tmp_path / "a.csv").write_text("1")
        await trio.sleep(POLL_SECONDS + 0.1)
        assert folder.offered == ["a.csv"]


@pytest.mark.trio
async def test_a_folder_that_takes_long_to_list_is_listed_less_often(autojump_clock: MockClock, tmp_path: Path) -> None:
    async def slowly(call: Callable[..., object], *args: object) -> object:
        await trio.sleep(2)
        return call(*args)

    looks = []
    wake = Wake()
    with trio.move_on_after(2200):
        async with trio.open_nursery() as nursery:

            async def ring_all_the_time() -> None:
                while True:
                    wake.ring()
                    await trio.sleep(0.5)

            nursery.start_soon(ring_all_the_time)
            await watch_folder(
                rules_of(tmp_path),
                Sources(0, lambda name: False),
                lambda name, signature: None,
                looks.append,
                Hints(),
                wake,
                30,
                slowly,
            )
    assert len(looks) == pytest.approx(2200 / (2 + 2 * SHARE_OF_TIME), abs=2)
