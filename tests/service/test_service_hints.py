"""Real file system events wake whoever lists a folder; nothing depends on them."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from pywats_client.service.hints import Hints
from pywats_client.service.hub import Wake

PATIENCE = 15.0


@asynccontextmanager
async def watching(hints: Hints) -> AsyncIterator[None]:
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hints.watch)
            yield
            nursery.cancel_scope.cancel()


async def rings(bell: Wake) -> None:
    with trio.fail_after(PATIENCE):
        assert await bell.heard()


async def stands(bell: Wake) -> None:
    """The watcher stands; what rang until now is heard."""
    await rings(bell)
    await silence(bell)


async def silence(bell: Wake) -> None:
    while await bell.heard(0.3):
        pass


@pytest.mark.trio
async def test_a_new_file_a_change_and_a_rename_ring(tmp_path: Path) -> None:
    hints = Hints()
    async with watching(hints):
        with hints.watching(tmp_path) as bell:
            await stands(bell)
            (tmp_path / "a.part").write_text("1")
            await rings(bell)
            await silence(bell)
            with (tmp_path / "a.part").open("a") as file:
                file.write("2")
            await rings(bell)
            await silence(bell)
            (tmp_path / "a.part").rename(tmp_path / "a.csv")
            await rings(bell)


@pytest.mark.trio
async def test_folders_that_come_later_are_watched_too(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    hints = Hints()
    async with watching(hints):
        with hints.watching(tmp_path / "one") as one:
            await stands(one)
            with hints.watching(tmp_path / "two") as two:
                await stands(two)
                await silence(one)
                (tmp_path / "two/a").write_text("1")
                await rings(two)
                assert not await one.heard(0.3)
                (tmp_path / "one/a").write_text("1")
                await rings(one)


@pytest.mark.trio
async def test_a_folder_that_is_made_anew_is_watched_after_rearming(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    hints = Hints()
    async with watching(hints):
        with hints.watching(folder) as bell:
            await stands(bell)
            shutil.rmtree(folder)
            folder.mkdir()
            hints.rearm()
            await stands(bell)
            (folder / "a").write_text("1")
            await rings(bell)


@pytest.mark.trio
async def test_files_in_folders_below_ring_only_where_that_is_wanted(tmp_path: Path) -> None:
    for name in ("flat", "deep"):
        (tmp_path / name / "below/further").mkdir(parents=True)
    hints = Hints()
    async with watching(hints):
        with hints.watching(tmp_path / "flat") as flat, hints.watching(tmp_path / "deep", recursive=True) as deep:
            await stands(deep)
            await silence(flat)
            for name in ("flat", "deep"):
                (tmp_path / name / "below/further/a").write_text("1")
            await rings(deep)
            assert not await flat.heard(0.3)


@pytest.mark.trio
async def test_names_that_nobody_wants_ring_nobody(tmp_path: Path) -> None:
    hints = Hints()
    async with watching(hints):
        with hints.watching(tmp_path, wants=lambda name: name.endswith(".queued")) as bell:
            await stands(bell)
            (tmp_path / "a.processing").write_text("1")
            assert not await bell.heard(0.5)
            (tmp_path / "a.queued").write_text("1")
            await rings(bell)


@pytest.mark.trio
async def test_a_name_that_is_not_utf_8_rings_and_does_not_end_the_watch(tmp_path: Path) -> None:
    hints = Hints()
    async with watching(hints):
        with hints.watching(tmp_path) as bell:
            await stands(bell)
            (tmp_path / os.fsdecode(b"\xff.csv")).write_text("1")
            await rings(bell)
            await silence(bell)
            (tmp_path / "plain.csv").write_text("1")
            await rings(bell)


@pytest.mark.trio
async def test_a_flood_of_events_rings_and_leaves_the_watch_alive(tmp_path: Path) -> None:
    hints = Hints()
    async with watching(hints):
        with hints.watching(tmp_path) as bell:
            await stands(bell)
            for number in range(5000):
                (tmp_path / str(number)).touch()
            await rings(bell)
            await silence(bell)
            (tmp_path / "last").touch()
            await rings(bell)


@pytest.mark.trio
async def test_a_folder_that_is_missing_stops_no_other(tmp_path: Path) -> None:
    hints = Hints()
    async with watching(hints):
        with hints.watching(tmp_path) as bell, hints.watching(tmp_path / "missing"):
            await stands(bell)
            (tmp_path / "a").touch()
            await rings(bell)


@pytest.mark.trio
async def test_cancelling_ends_the_watch_well_before_the_librarys_own_patience(tmp_path: Path) -> None:
    """Five seconds would pass if its stop event were not set; the clock decides nothing below that."""
    hints = Hints()
    with trio.fail_after(4):
        for _ in range(3):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(hints.watch)
                with hints.watching(tmp_path) as bell:
                    await rings(bell)
                    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_what_happened_while_no_watcher_stood_is_found_by_a_look(tmp_path: Path) -> None:
    hints = Hints()
    with hints.watching(tmp_path) as bell:
        (tmp_path / "before").touch()
        async with watching(hints):
            await rings(bell)
