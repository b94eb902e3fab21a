"""The machine as it is: no descriptors, folders that are read-only or elsewhere, a halt, a lock that was left."""

import os
import resource
import signal
from pathlib import Path

import pytest

from pywats_client.emulator import Emulator
from tests.end_to_end.mounts import mounted, remount
from tests.end_to_end.station import Process, Station, names_in, serials, table
from tests.evidence.plugin import Evidence
from tests.torture import machine

FEW_DESCRIPTORS = 40
MANY = 200
STOPPED_FILES = 2000


def drop(folder: Path, first: int, count: int) -> list[str]:
    """So many files; their serial numbers."""
    numbers = [f"N{number:04}" for number in range(first, first + count)]
    for number in numbers:
        (folder / f"{number}.csv").write_text(table(number))
    return numbers


def allow_descriptors(process: Process, most: int) -> None:
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, 4096))


@pytest.mark.case(
    "F12",
    "few descriptors, then none",
    injected="limit of 40, 200 files; then a limit below what is open, 200 files",
    promised="intake waits, few tries, all delivered after it is raised",
)
@pytest.mark.trio
async def test_without_descriptors_the_service_waits_and_goes_on_when_there_are_some(
    station: Station, server: Emulator, evidence: Evidence
) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    async with station.running() as process:
        allow_descriptors(process, FEW_DESCRIPTORS)
        numbers = drop(watched, 0, MANY)
        await station.until(lambda: station.is_at_rest(MANY))
        allow_descriptors(process, 4)
        numbers += drop(watched, MANY, MANY)
        await station.until(lambda: "Too many open files" in process.stderr)
        said_at_once = process.stderr.count("Too many open files")
        allow_descriptors(process, 1024)
        await station.until(lambda: station.is_at_rest(2 * MANY))
        tries = process.stderr.count("Too many open files")
    assert "is started anew" not in station.log()
    assert said_at_once < 50
    assert await serials(server) == numbers
    evidence(figure=f"{2 * MANY} of {2 * MANY} delivered, {tries} lines of complaint")


@pytest.mark.case(
    "F13",
    "a watched folder gets read-only",
    injected="bind mount remounted read-only and back",
    promised="told, sources stay, the other folder goes on, resumes by itself",
)
@pytest.mark.trio
async def test_a_read_only_folder_keeps_its_sources_and_holds_up_no_other(
    station: Station, server: Emulator, tmp_path: Path
) -> None:
    closed = station.add_converter("closed", "csv", "*.csv")
    other = station.add_converter("open", "csv", "*.csv")
    with mounted(closed, "--bind", str(closed)):
        async with station.running() as process:
            await station.until(lambda: process.stderr.count(": running") == 2)
            first = drop(closed, 0, 3)
            await station.until(lambda: station.is_at_rest(3))
            second = drop(closed, 10, 3)
            remount(closed, "ro")
            third = drop(other, 20, 10)
            await station.until(lambda: len(names_in(other / "Done")) == 10)
            await station.until(lambda: "Read-only file system" in process.stderr)
            remount(closed, "rw")
            await station.until(lambda: station.is_at_rest(16) and len(names_in(closed / "Done")) == 6)
    assert await serials(server) == first + second + third


@pytest.mark.case(
    "F14",
    "watched folder and results on different file systems",
    injected="tmpfs below the watched folder, results on the disk",
    promised="copied, verified, then removed: none lost, none doubled",
)
@pytest.mark.parametrize("post_action", ["move", "archive"])
@pytest.mark.trio
async def test_sources_move_across_file_systems_whole(
    station: Station, server: Emulator, tmp_path: Path, post_action: str, evidence: Evidence
) -> None:
    done = tmp_path / "results"
    with mounted(tmp_path / "share", "-t", "tmpfs", "tmpfs") as share:
        keys = {"done_folder": str(done), "archive_folder": str(done), "post_action": post_action}
        watched = station.add_converter("csv", "csv", "*.csv", watch_folder=str(share), **keys)
        async with station.running():
            numbers = drop(watched, 0, MANY)
            await station.until(lambda: station.is_at_rest(MANY) and not list(watched.glob("*.csv")))
        assert await serials(server) == numbers
        kept = [path for path in done.rglob("*") if path.is_file()]
        assert len(kept) == MANY
        if post_action == "move":
            assert {path.read_text() for path in kept} == {table(number) for number in numbers}
        assert station.stray_files() == []
    evidence(runs=MANY, figure=f"{len(kept)} of {MANY} moved, 0 lost")


@pytest.mark.case(machine.ID, machine.CASE, injected=machine.INJECTED, promised=machine.PROMISED)
@pytest.mark.trio
async def test_files_that_come_while_the_service_stands_still_are_all_delivered(
    tmp_path: Path, evidence: Evidence
) -> None:
    evidence(figure=await machine.stop_and_go_on(tmp_path, STOPPED_FILES))


@pytest.mark.case(
    "F36",
    "a lock that a crash has left",
    injected="SIGKILL; the lock file then names a living process of somebody else",
    promised="no obstacle: the next start owns the queue",
)
@pytest.mark.trio
async def test_a_lock_file_that_names_a_living_process_is_no_owner(station: Station, server: Emulator) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    async with station.running() as process:
        process.send(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
    lock = station.instance.queue / ".lock"
    assert lock.read_text() == f"{process.pid}\n"
    lock.write_text(f"{os.getpid()}\n")
    async with station.running() as process:
        assert lock.read_text() == f"{process.pid}\n"
        drop(watched, 0, 1)
        await station.until(lambda: station.is_at_rest(1))
    assert await serials(server) == ["N0000"]
