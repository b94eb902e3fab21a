"""The verbs of the command line against a real service: what they print, how they end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from pywats_client.emulator import Emulator
from tests.end_to_end.station import Station, is_alive, names_in, table
from tests.end_to_end.test_e2e_queue_commands import good, put_rejected

SHAPES = {
    "status": {
        "dict": "degraded disk queue workers",
        "float": "uptime_seconds",
        "float|NoneType": "clock_offset_seconds oldest_waiting_seconds",
        "int": "conversions_last_minute events_dropped pid queue_size schema subscribers uploads_last_minute",
        "list": "components converters paused",
        "str": (
            "api_status config_fault connection connection_reason instance_id reason rest server_url "
            "start_time status version"
        ),
        "str|NoneType": "last_delivered",
    },
    "ping": {
        "int": "schema",
        "list": "milliseconds",
        "str": "instance_id",
    },
    "pause uploads": {
        "int": "schema",
        "list": "paused",
        "str": "instance_id",
    },
    "resume": {
        "int": "schema",
        "list": "paused",
        "str": "instance_id",
    },
    "reload": {
        "int": "schema",
        "list": "sections",
        "str": "instance_id",
    },
    "yield": {
        "bool": "is_loaded",
        "dict": "last_units shift",
        "int": "schema",
        "list": "conversions_a_minute failing_steps uploads_a_minute",
        "str": "shift_start",
    },
    "converters list": {
        "int": "schema",
        "list": "converters",
    },
    "converters show csv": {
        "bool": "enabled",
        "dict": "arguments",
        "int": "converted failed ignored pending_count priority schema",
        "list": "file_patterns recent",
        "str": "done_folder error_folder isolation last_error module name post_action reason state watch_folder",
    },
    "converters disable csv": {
        "bool": "enabled",
        "int": "schema",
        "str": "name",
    },
    "converters enable csv": {
        "bool": "enabled",
        "int": "schema",
        "str": "name",
    },
    "sources list": {
        "int": "schema total",
        "list": "sources",
    },
    "queue list": {
        "int": "schema",
        "list": "reports",
    },
    "queue check": {
        "bool": "is_sound",
        "dict": "counts service",
        "dict|NoneType": "oldest",
        "int": "schema undelivered undelivered_bytes",
        "list": "damaged doubled foreign marked orphaned rejected temporary unknown unreadable",
        "str": "folder",
    },
    "queue retry --all": {
        "int": "schema",
        "list": "not_found reports",
    },
}
"""The keys that each prints with `--json`, by their types. A key may be added; one that goes is a new schema."""


@pytest.mark.trio
async def test_what_json_holds_is_what_was_promised(station: Station, server: Emulator) -> None:
    station.add_converter("csv", "csv", "*.csv")
    async with station.running():
        for verb, shape in SHAPES.items():
            done = await station.run(*verb.split(), "--json")
            assert done.code == 0, (verb, done.stderr)
            told: dict[str, Any] = json.loads(done.stdout)
            for types, keys in shape.items():
                assert {type(told[key]).__name__ for key in keys.split()} <= set(types.split("|")), (verb, types, told)
            assert told["schema"] == 1
        listed, _ = _begin(station, ["instances", "--json"], subprocess.PIPE).communicate(timeout=60)
        found = json.loads(listed)
        assert (found["schema"], found["instances"][0]["is_running"]) == (1, True)


@pytest.mark.trio
async def test_start_restart_and_stop_return_when_it_is_so(station: Station, server: Emulator) -> None:
    started = await station.run("start", "--json")
    assert started.code == 0, started.stderr
    pid = json.loads(started.stdout)["pid"]
    try:
        again = await station.run("start")
        assert (again.code, f"process {pid}" in again.stderr) == (9, True)
        assert json.loads((await station.run("restart", "--json")).stdout)["pid"] == pid
        station.instance.config.write_text("{")
        refused = await station.run("restart")
        assert (refused.code, is_alive(pid)) == (78, True)
        station.configure()
        stopped = await station.run("stop", "--json")
        assert json.loads(stopped.stdout) == {"schema": 1, "instance_id": "default", "status": "Stopped", "pid": pid}
        assert not is_alive(pid)
    finally:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    assert (await station.run("stop")).code == 3
    assert "Running" in (await station.run("logs")).stdout


@pytest.mark.trio
async def test_a_start_with_a_broken_configuration_says_what_the_configuration_says(station: Station) -> None:
    station.instance.config.write_text("{")
    started = await station.run("start")
    assert started.code == 78
    assert started.stderr.startswith(f"error: {station.instance.config}:1: column 2")


@pytest.mark.trio
async def test_a_reader_that_has_enough_ends_who_follows_with_code_0(station: Station) -> None:
    async with station.running():
        for verb in (["status"], ["events", "--follow"], ["logs", "-f"], ["queue", "list"], ["converters", "list"]):
            reading, writing = os.pipe()
            os.close(reading)
            process = _begin(station, verb, writing)
            os.close(writing)
            assert (process.communicate(timeout=60)[1].replace(b"the queue is empty\n", b""), process.returncode)[
                1
            ] == 0


@pytest.mark.trio
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
async def test_who_follows_ends_without_a_traceback(station: Station, number: signal.Signals, code: int) -> None:
    async with station.running():
        for verb in (["status", "--watch", "--json"], ["events", "--follow"]):
            process = _begin(station, verb, subprocess.PIPE)
            assert process.stdout
            first: Mapping[str, Any] = json.loads(process.stdout.readline())
            assert first["schema"] == 1
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
            assert (process.returncode, said) == (code, b"")


def _begin(station: Station, verb: list[str], stdout: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pywats_client", *verb, "--home", str(station.home)]
    return subprocess.Popen(command, env=station.environ, stdout=stdout, stderr=subprocess.PIPE)


@pytest.mark.trio
async def test_a_degraded_service_is_told_with_exit_8_and_a_file_with_its_life(
    station: Station, server: Emulator
) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    async with station.running():
        (watched / "a.csv").write_text(table("A"))
        await station.until(lambda: station.is_at_rest(1))
        assert (await station.run("status")).code == 0
        life = await station.run("trace", "A")
        assert life.stdout.startswith("a.csv  (csv)\n")
        assert "  completed " in life.stdout.splitlines()[-1]
        assert (await station.run("trace", "nobody")).code == 1
        station.config["converters"].append(
            {"name": "broken", "module_path": "nowhere.py", "watch_folder": str(watched / "x")}
        )
        station.configure()
        await station.run("reload")

        async def is_degraded() -> bool:
            return (await station.run("status")).code == 8

        await station.until(is_degraded)
        assert "converter broken: " in (await station.run("status")).stdout


@pytest.mark.trio
async def test_a_pause_and_a_server_that_was_not_asked_yet_are_no_faults(station: Station, server: Emulator) -> None:
    station.add_converter("csv", "csv", "*.csv")
    await server.go_offline()
    async with station.running():
        assert (await station.run("pause")).code == 0
        paused = await station.run("status")
        assert "paused: uploads and intake" in paused.stdout
        assert "intake paused" not in paused.stdout
        assert "`pywats-client resume --home " in paused.stdout
        converters = (await station.run("converters", "list")).stdout
        assert ("intake paused by a person" in converters, "pywats-client" in converters) == (True, False)
    server.go_online()
    async with station.running():
        status = await station.run("status")
        assert (status.code, "not well" in status.stdout) == (0, False)


@pytest.mark.trio
async def test_with_a_broken_configuration_what_needs_it_ends_with_78(station: Station, server: Emulator) -> None:
    station.add_converter("csv", "csv", "*.csv")
    async with station.running():
        station.instance.config.write_text("{")
        for verb in (["reload"], ["converters", "disable", "csv"]):
            done = await station.run(*verb)
            assert (done.code, str(station.instance.config) in done.stderr) == (78, True)
        station.configure()


@pytest.mark.trio
async def test_a_frozen_service_is_told_soon_and_what_lies_on_the_disk_is_shown_meanwhile(
    station: Station, server: Emulator
) -> None:
    first = put_rejected(station, 1, **good("A1"))
    async with station.running() as service:
        service.send(signal.SIGSTOP)
        try:
            verbs = (
                ["status"], ["stop"], ["converters", "list"], ["logs"], ["queue", "list"], ["queue", "check"],
                ["queue", "show", first[:8]], ["queue", "export", str(station.folder / "out")],
            )  # fmt: skip
            asked = {" ".join(verb[:2]): station.start(*verb) for verb in verbs}
            codes = {verb: await process.ended() for verb, process in asked.items()}
        finally:
            service.send(signal.SIGCONT)
        told = {verb: "has not answered within 4 s" in process.stderr for verb, process in asked.items()}
        assert codes == {
            verb: 5 if told[verb] and verb in ("status", "stop", "converters list") else 0 for verb in codes
        }
        assert told == {verb: verb != "queue check" for verb in codes}
        assert "Running (process" in asked["logs"].stdout
        assert all(first[:8] in asked[verb].stdout for verb in ("queue list", "queue check", "queue show"))
        assert names_in(station.folder / "out") == [f"{first}.json"]
