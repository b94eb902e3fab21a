"""A configuration with faults, and secrets: what is said, and what is never said."""

import json
import logging
import signal
from pathlib import Path

import pytest

from pywats_client.emulator import Emulator
from tests.end_to_end.converters import add_talkative
from tests.end_to_end.station import TOKEN, Station, files_below, serials, table, wsjf

FAULTS = {
    '{\n "version": "2.0",\n "service": {\n  "max_converter_worker": 3\n }\n}': (
        4,
        "service.max_converter_worker",
        "max_converter_workers",
    ),
    '{\n "server": {\n  "url": 17\n }\n}': (3, "server.url", "text"),
    '{\n "service": {"settle_seconds": -1}\n}': (2, "service.settle_seconds", "0"),
    '{\n "version": "2.0",\n "instance_id": "other"\n}': (3, "instance_id", "default"),
    '{\n "version": "2.0",\n': (3, "", ""),
}
"""What a file holds; the line, the key and a word of the cure that are told."""


@pytest.mark.case(
    "F37", "a start with a faulty configuration", injected="5 faults", promised="exit 78 with file, line and key"
)
@pytest.mark.trio
@pytest.mark.parametrize("content", FAULTS)
async def test_a_faulty_configuration_is_told_with_file_line_and_key(content: str, station: Station) -> None:
    line, key, cure = FAULTS[content]
    station.instance.config.write_text(content)
    refused = await station.run("service")
    assert refused.code == 78
    assert f"{station.instance.config}:{line}" in refused.stderr
    assert key in refused.stderr
    assert cure in refused.stderr
    assert station.instance.config.read_text() == content


@pytest.mark.trio
async def test_a_broken_configuration_changes_nothing_and_a_mended_one_needs_no_restart(
    station: Station, server: Emulator
) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    broken = '{"service": {"settle_seconds": "soon"}}'
    async with station.running() as process:
        station.instance.config.write_text(broken)
        await station.until(lambda: "the old one stays in force" in process.stderr)
        (watched / "A.csv").write_text(table("A"))
        await station.until(lambda: station.is_at_rest(1))
        assert station.instance.config.read_text() == broken
        second = station.add_converter("second", "wats_json", "*.json")
        (second / "B.json").write_text(json.dumps(wsjf("B")))
        await station.until(lambda: station.is_at_rest(2))
    assert await serials(server) == ["A", "B"]


@pytest.mark.trio
async def test_the_token_is_seen_nowhere(station: Station, server: Emulator) -> None:
    station.configure(log_level=logging.getLevelName(logging.DEBUG))
    watched = add_talkative(station)
    (watched / "A.json").write_text(json.dumps(wsjf("A")))
    async with station.running() as process:
        await station.until(lambda: station.is_at_rest(1))
        workers = process.children()
        assert workers
        assert TOKEN not in Path(f"/proc/{process.pid}/cmdline").read_text()
        for worker in workers:
            seen = Path(f"/proc/{worker}")
            assert b"PYWATS" not in (seen / "environ").read_bytes()
            assert TOKEN.encode() not in (seen / "environ").read_bytes() + (seen / "cmdline").read_bytes()
        server.control.token = "changed"
        (watched / "B.json").write_text(json.dumps(wsjf("B")))
        await station.until(lambda: "401" in process.stderr)
        process.send(signal.SIGHUP)
        await station.until(lambda: "SIGHUP" in process.stderr)
    assert "the environment is" in process.stderr
    assert [path for path in files_below(station.folder) if TOKEN.encode() in path.read_bytes()] == []
