"""The disk is full: sources stay where they are, uploads go on, and work is taken up again."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywats_client.emulator import Emulator
from tests.end_to_end.station import Station, names_in, serials, table

SIZE = 4 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of few bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """A file that leaves so many bytes free."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    filler.write_bytes(bytes(max(0, free - leave)))
    return filler


def drop(folder: Path, *numbers: str) -> None:
    for number in numbers:
        (folder / f"{number}.csv").write_text(table(number))


@pytest.mark.case(
    "F10",
    "a small disk gets short of room",
    injected="tmpfs of 4 MB, filled",
    promised="converting waits, uploads go on",
)
@pytest.mark.trio
async def test_conversion_waits_while_the_disk_is_short_of_room_and_goes_on_by_itself(
    small_disk: Path, tmp_path: Path, server: Emulator
) -> None:
    station = Station(tmp_path / "station", server.url, home=small_disk / "home")
    watched = station.add_converter("csv", "csv", "*.csv")
    station.configure(watchdog_interval=1)
    await server.go_offline()
    drop(watched, "A", "B")
    async with station.running() as process:
        await station.until(lambda: station.counts() == {"queued": 2} and "offline" in process.stderr)
        filler = fill(small_disk, leave=SIZE // 40)
        await station.until(lambda: "converting waits" in process.stderr)
        drop(watched, "C")
        server.go_online()
        await station.until(lambda: station.counts() == {"completed": 2})
        assert "C.csv" in names_in(watched)
        filler.unlink()
        await station.until(lambda: station.is_at_rest(3))
    assert await serials(server) == ["A", "B", "C"]


@pytest.mark.case(
    "F10",
    "a small disk is full",
    injected="tmpfs of 4 MB, filled",
    promised="the source stays, uploads go on, the log stays whole",
)
@pytest.mark.trio
async def test_a_report_that_the_disk_does_not_take_leaves_its_source_and_the_uploads_alone(
    small_disk: Path, tmp_path: Path, server: Emulator
) -> None:
    station = Station(tmp_path / "station", server.url, home=small_disk / "home")
    watched = station.add_converter("csv", "csv", "*.csv")
    station.config["disk"] = {"min_free_mb": 0}
    station.configure()
    await server.go_offline()
    drop(watched, "A", "B")
    async with station.running() as process:
        await station.until(lambda: station.counts() == {"queued": 2} and "offline" in process.stderr)
        filler = fill(small_disk, leave=0)
        drop(watched, "C")
        await station.until(lambda: "No space left on device" in process.stderr)
        server.go_online()
        await station.until(lambda: station.counts() == {"completed": 2})
        assert "C.csv" in names_in(watched)
        assert station.stray_files() == []
    filler.unlink()
    async with station.running():
        await station.until(lambda: station.is_at_rest(3))
    assert await serials(server) == ["A", "B", "C"]
    lines = station.log().splitlines()
    assert all(json.loads(line) for line in lines), "a line of the log was cut off"
