"""Signals: the service ends in order, lets running uploads end, and the next start does the rest."""

import json
import os
import pty
import signal

import pytest
import trio

from pywats_client.emulator import Emulator
from tests.end_to_end.station import Station, is_alive, received, serials, table, wsjf

MANY = 40


@pytest.mark.trio
@pytest.mark.case(
    "F39",
    "stopped under load",
    injected="SIGTERM while reports are being sent and made",
    promised="running uploads end, no worker is left, the next start delivers the rest",
)
async def test_sigterm_under_load_ends_running_uploads_and_the_next_start_delivers_the_rest(
    station: Station, server: Emulator
) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    numbers = [f"N{number:02}" for number in range(MANY)]
    for number in numbers:
        (watched / f"{number}.csv").write_text(table(number))
    server.control.latency_ms = 100

    async def is_under_load() -> bool:
        return len(await received(server)) >= 8 and station.counts().get("processing", 0) > 1

    async with station.running() as process:
        await station.until(is_under_load)
        workers = process.children()
        assert workers
        assert await process.stop() == 0
        assert [pid for pid in workers if is_alive(pid)] == []
    assert "processing" not in station.counts()
    assert station.stray_files() == []
    assert len(await received(server)) < MANY
    server.control.latency_ms = 0
    async with station.running():
        await station.until(lambda: station.is_at_rest(MANY))
    assert await serials(server) == numbers
    assert {header["receiveCount"] for header in await server.received()} == {1}, "an upload was cut off"


@pytest.mark.trio
@pytest.mark.case(
    "F39",
    "stopped while a reply does not come",
    injected="SIGTERM, and a server that does not answer",
    promised="the report waits, uncharged, for the next start",
)
async def test_an_upload_that_outlasts_the_grace_waits_uncharged_for_the_next_start(
    station: Station, server: Emulator
) -> None:
    watched = station.add_converter("in", "wats_json", "*.json")
    station.configure(grace_seconds=0.2)
    (watched / "a.json").write_text(json.dumps(wsjf("A")))
    async with station.running() as process:
        await station.until(lambda: "the server is online" in process.stderr)
        await station.until(lambda: station.is_at_rest(1))
        server.control.latency_ms = 3_600_000
        (watched / "b.json").write_text(json.dumps(wsjf("B")))
        await station.until(lambda: station.counts() == {"completed": 1, "processing": 1})
        assert await process.stop() == 0
    assert station.counts() == {"completed": 1, "queued": 1}
    assert {name.attempt for name in station.queue_names()} == {0}


@pytest.mark.trio
@pytest.mark.case(
    "F39",
    "stopped twice",
    injected="SIGINT, then SIGTERM, while a reply does not come",
    promised="it stops at once, and no report stays claimed",
)
async def test_a_second_signal_stops_at_once_and_leaves_no_report_claimed(station: Station, server: Emulator) -> None:
    watched = station.add_converter("in", "wats_json", "*.json")
    station.configure(grace_seconds=3600)
    async with station.running() as process:
        await station.until(lambda: "the server is online" in process.stderr)
        server.control.latency_ms = 3_600_000
        (watched / "a.json").write_text(json.dumps(wsjf("A")))
        await station.until(lambda: station.counts() == {"processing": 1})
        process.send(signal.SIGINT)
        await station.until(lambda: "SIGINT: stopping" in process.stderr)
        process.send(signal.SIGTERM)
        assert await process.ended() == 0
    assert station.counts() == {"queued": 1}


@pytest.mark.trio
@pytest.mark.case(
    "F39",
    "SIGHUP",
    injected="with and without a terminal",
    promised="it reloads, or stops where the terminal has gone; nothing is lost",
)
async def test_sighup_reloads_where_there_is_no_terminal_and_stops_where_one_has_gone(
    station: Station, server: Emulator
) -> None:
    station.add_converter("csv", "csv", "*.csv")
    async with station.running() as process:
        process.send(signal.SIGHUP)
        await station.until(lambda: "SIGHUP: the configuration is loaded anew" in process.stderr)
        (station.folder / "csv" / "A.csv").write_text(table("A"))
        await station.until(lambda: station.is_at_rest(1))
    ours, terminal = pty.openpty()
    async with station.running(stdin=terminal) as process:
        os.close(ours)
        process.send(signal.SIGHUP)
        with trio.fail_after(30):
            assert await process.ended() == 0
    assert await serials(server) == ["A"]
