"""The server is away, refuses, rejects or is busy: reports wait on the disk, and arrive once."""

import json
import os
import time
from pathlib import Path

import pytest

from pywats_client.emulator import Emulator
from tests.end_to_end.station import TOKEN, Station, names_in, serials, table, wsjf

WRONG = "d3Jvbmc6dG9rZW4="


def with_reports(station: Station, *numbers: str) -> Path:
    """A source of several reports in a watched folder, which is returned."""
    watched = station.add_converter("in", "wats_json", "*.json")
    (watched / "several.json").write_text(json.dumps([wsjf(number) for number in numbers]))
    return watched


@pytest.mark.case(
    "F19",
    "the server is away for a whole run, and a reply breaks off",
    injected="emulator",
    promised="every report arrives, once by id, none charged",
)
@pytest.mark.trio
async def test_reports_wait_while_the_server_is_away_for_a_whole_run_and_arrive_when_it_is_back(
    station: Station, server: Emulator
) -> None:
    await server.go_offline()
    watched = with_reports(station, "A", "B", "C")
    async with station.running():
        await station.until(lambda: station.counts() == {"queued": 3} and not list(watched.glob("*.json")))
        await station.until(lambda: "offline" in station.log())
    assert [name.attempt for name in station.queue_names()] == [0, 0, 0]
    async with station.running() as process:
        await station.until(lambda: "offline" in process.stderr)
        server.control.drop = 1
        server.go_online()
        await station.until(lambda: station.is_at_rest(3))
    assert await serials(server) == ["A", "B", "C"]
    times_received = sorted(header["receiveCount"] for header in await server.received())
    assert times_received == [1, 1, 2], "the reply that broke off was not asked for again"


@pytest.mark.trio
async def test_a_refused_token_spends_no_attempt_and_the_right_one_is_taken_without_a_restart(
    station: Station, server: Emulator
) -> None:
    del station.environ["PYWATS_API_TOKEN"]
    login = await station.run("login", server.url, "--no-check", stdin=WRONG)
    assert login.code == 0, login.stderr
    station.config = json.loads(station.instance.config.read_text())
    with_reports(station, "A", "B")
    async with station.running() as process:
        await station.until(lambda: "401" in process.stderr)
        await station.until(lambda: station.counts() == {"queued": 2})
        login = await station.run("login", stdin=WRONG)
        assert login.code == 7, login.stderr
        login = await station.run("login", stdin=f" {TOKEN}\n")
        assert login.code == 0, login.stderr
        await station.until(lambda: station.is_at_rest(2))
        assert WRONG not in process.stderr + station.log()
    assert {name.attempt for name in station.queue_names()} == {0}
    assert TOKEN not in station.instance.config.read_text() + login.stderr + login.stdout


@pytest.mark.case(
    "F23",
    "400 for one report of the real service",
    injected="emulator",
    promised="set aside with every line; its neighbour arrives",
)
@pytest.mark.trio
async def test_every_line_of_a_rejection_is_kept_beside_the_report_and_the_others_go_on(
    station: Station, server: Emulator
) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    lines = ["report: Invalid limits", "root.steps[0]: no name", "root.steps[3].numericMeas: value missing"]
    server.control.answer(400, times=1, text="\n".join(lines))
    (watched / "bad.csv").write_text(table("BAD"))
    async with station.running():
        await station.until(lambda: station.counts() == {"rejected": 1})
        (watched / "good.csv").write_text(table("GOOD"))
        await station.until(lambda: station.counts() == {"rejected": 1, "completed": 1})
    (rejected,) = station.instance.queue.glob("*.rejected")
    reason = rejected.with_name(rejected.name.replace(".0.rejected", ".reason")).read_text()
    assert [line for line in lines if line not in reason] == []
    assert json.loads(rejected.read_text())["sn"] == "BAD"
    assert await serials(server) == ["GOOD"]
    assert names_in(watched / "Done") == ["bad.csv", "good.csv"]


@pytest.mark.trio
async def test_a_busy_server_charges_one_report_and_all_of_them_arrive(station: Station, server: Emulator) -> None:
    server.control.answer(503, times=2)
    with_reports(station, "A", "B", "C")
    async with station.running():
        await station.until(lambda: station.counts() == {"error": 1, "completed": 2})
    (failed,) = station.instance.queue.glob("*.1.error")
    assert "503" in failed.with_name(failed.name.replace(".1.error", ".reason")).read_text()
    six_minutes_ago = time.time() - 360
    os.utime(failed, (six_minutes_ago, six_minutes_ago))
    async with station.running():
        await station.until(lambda: station.is_at_rest(3))
    assert await serials(server) == ["A", "B", "C"]
    assert list(station.instance.queue.glob("*.reason")) == []
