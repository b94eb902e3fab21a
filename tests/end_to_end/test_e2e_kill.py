"""kill -9, at every step on the disk and in the middle of work: the next start goes on from what is there."""

import json
import os
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from pywats_client.emulator import Emulator
from tests.end_to_end.converters import add_hesitant
from tests.end_to_end.processes import Nest, gone, is_there, workers_of
from tests.end_to_end.station import TOKEN, Process, Station, files_below, names_in, received, serials, wsjf
from tests.evidence.plugin import Evidence

AT_ONCE = 3
"""Stations that are killed and started side by side."""


@pytest.fixture
def nest(tmp_path: Path) -> Iterator[Nest]:
    nest = Nest({"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYWATS_API_TOKEN": TOKEN})
    yield nest
    nest.close()


def station_with_sources(folder: Path, server: Emulator, action: str, sources: dict[str, list[str]]) -> Station:
    """Files of these names wait in the watched folder, each with reports of these serial numbers."""
    station = Station(folder, server.url)
    watched = station.add_converter("in", "wats_json", "*.json", post_action=action)
    station.configure(settle_seconds=0)
    for name, numbers in sources.items():
        (watched / name).write_text(json.dumps([wsjf(number) for number in numbers]))
    return station


def put_away(station: Station, action: str) -> set[str]:
    """The names of the sources where their post-action has put them."""
    watched = station.folder / "in"
    if action == "archive":
        zips = (path for path in files_below(watched / "Archive") if path.suffix == ".zip")
        return {name for path in zips for name in zipfile.ZipFile(path).namelist()}
    return set(names_in(watched / "Done"))


async def deliver(nest: Nest, station: Station, reports: int, step: int = 0, moment: str = "before") -> bool:
    """Run the service until all is delivered, or it is killed; whether it was killed."""
    pid = nest.start(station, step, moment)
    watched = station.folder / "in"

    def is_done() -> bool:
        return station.is_at_rest(reports) and not list(watched.glob("*.json"))

    await station.until(lambda: not is_there(pid) or is_done())
    was_killed = not is_there(pid)
    if not was_killed:
        os.kill(pid, signal.SIGTERM)
    await gone(pid)
    return was_killed


def steps_of(station: Station) -> list[str]:
    return (station.home / "steps").read_text().splitlines()


SCENARIOS = {
    "move": ({"a.json": ["A1", "A2"], "b.json": ["B1"]}, 3),
    "archive": ({"a.json": ["A1"]}, 4),
    "delete": ({"a.json": ["A1"]}, 4),
}
"""The sources and their reports for each post-action, and every which step it is that the service dies around.
A step costs two starts: with all of them, before and after each, this takes minutes, and was seen to hold."""


@pytest.mark.trio
@pytest.mark.parametrize("action", SCENARIOS)
@pytest.mark.case(
    "kill steps",
    "killed before or after a step on the disk, whichever",
    injected="SIGKILL by the disk itself at the nth step",
    promised="the next start goes on; nothing is lost, nothing doubled, no temporary file stays",
)
async def test_a_kill_around_any_step_on_the_disk_loses_and_doubles_nothing(
    action: str, tmp_path: Path, server: Emulator, nest: Nest, evidence: Evidence
) -> None:
    sources, stride = SCENARIOS[action]
    reports = sum(map(len, sources.values()))
    undisturbed = station_with_sources(tmp_path / "0", server, action, _tagged(sources, 0))
    assert not await deliver(nest, undisturbed, reports)
    steps = range(1 if action == "move" else _first_report(undisturbed), len(steps_of(undisturbed)) + 1, stride)
    slots, killed = trio.CapacityLimiter(AT_ONCE), []

    async def kill_at(step: int, moment: str) -> None:
        async with slots:
            station = station_with_sources(tmp_path / str(step), server, action, _tagged(sources, step))
            if await deliver(nest, station, reports, step, moment):
                killed.append(step)
            place = f"killed {moment} {steps_of(station)[-1]}"
            assert not await deliver(nest, station, reports), place
        assert station.stray_files() == [], place
        assert put_away(station, action) == (set() if action == "delete" else set(sources)), place
        assert "Traceback" not in (station.home / "stderr").read_text(), place

    async with trio.open_nursery() as nursery:
        for index, step in enumerate(steps):
            nursery.start_soon(kill_at, step, ("before", "after")[index % 2])
    evidence(runs=len(killed))
    assert len(killed) > 0.6 * len(steps)  # the order of steps differs a little, so the last may not come
    tagged = [_tagged(sources, tag) for tag in (0, *steps)]
    assert await serials(server) == sorted(number for one in tagged for numbers in one.values() for number in numbers)


def _first_report(station: Station) -> int:
    """The step that begins to write the first report; those before it are the same for every post-action."""
    return next(number for number, step in enumerate(steps_of(station), 1) if ".tmp" in step)


def _tagged(sources: dict[str, list[str]], tag: int) -> dict[str, list[str]]:
    """The sources with serial numbers of their own."""
    return {name: [f"{tag}-{number}" for number in numbers] for name, numbers in sources.items()}


@pytest.mark.trio
@pytest.mark.case(
    "F39",
    "killed in the middle of a drain, or of a conversion",
    injected="SIGKILL while reports are being sent, or made",
    promised="the next start delivers all, each once; no process is left",
)
async def test_a_kill_in_the_middle_of_a_drain_loses_and_doubles_nothing(station: Station, server: Emulator) -> None:
    watched = station.add_converter("in", "wats_json", "*.json")
    numbers = [f"N{number:03}" for number in range(120)]
    (watched / "many.json").write_text(json.dumps([wsjf(number) for number in numbers]))
    server.control.latency_ms = 30

    async def has_begun() -> bool:
        return len(await received(server)) >= 20

    async with station.running() as process:
        await station.until(has_begun)
        await _kill(process)
    assert station.counts().get("processing")
    assert station.counts().get("queued")
    server.control.latency_ms = 0
    async with station.running():
        await station.until(lambda: station.is_at_rest(120))
    assert await serials(server) == numbers


@pytest.mark.trio
@pytest.mark.case(
    "F39",
    "killed in the middle of a drain, or of a conversion",
    injected="SIGKILL while reports are being sent, or made",
    promised="the next start delivers all, each once; no process is left",
)
async def test_a_kill_in_the_middle_of_a_conversion_leaves_no_process_and_no_half_source(
    station: Station, server: Emulator
) -> None:
    watched, go = add_hesitant(station)
    (watched / "three.json").write_text(json.dumps([wsjf("N1"), wsjf("N2"), wsjf("N3")]))
    async with station.running() as process:
        await station.until(lambda: bool(station.stray_files()))
        assert workers_of(process.pid)
        await _kill(process)
    assert station.counts() == {}
    assert names_in(watched) == ["three.json"]
    go.touch()
    async with station.running():
        await station.until(lambda: station.is_at_rest(3))
    assert await serials(server) == ["N1", "N2", "N3"]
    assert station.stray_files() == []


async def _kill(process: Process) -> None:
    process.send(signal.SIGKILL)
    assert await process.ended() == -signal.SIGKILL
    await gone(process.pid)
