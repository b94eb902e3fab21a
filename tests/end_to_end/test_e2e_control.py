"""The running service is steered by a real client over its socket: what it says is true, what is asked is done."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import trio

from pywats_client.emulator import Emulator
from pywats_client.errors import CommandFailed, ExitCode, ServiceNotRunning
from pywats_client.ipc.client import IPCClient
from pywats_client.ipc.endpoint import Endpoint, running_instances
from pywats_client.ipc.session import Told
from tests.end_to_end.station import Station, is_alive, serials, table

T = TypeVar("T")


async def talk(station: Station, say: Callable[[IPCClient], T]) -> T:
    """What a client is told; it blocks, so it has a thread."""

    def connected() -> T:
        with IPCClient(station.instance.id, home=station.home) as client:
            return say(client)

    return await trio.to_thread.run_sync(connected)


async def ask(station: Station, command: str, **args: Any) -> dict[str, Any]:
    """The answer to one command, over a connection of its own."""
    return await talk(station, lambda client: client.request(command, **args))


async def status_becomes(station: Station, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first status of which that is so."""
    found: dict[str, Any] = {}

    async def look() -> bool:
        found.update(await ask(station, "get_status"))
        return is_so(found)

    await station.until(look)
    return found


def drop(station: Station, folder: str, *names: str) -> None:
    for name in names:
        (station.folder / folder / f"{name}.csv").write_text(table(name))


@pytest.mark.trio
async def test_the_endpoint_is_there_when_the_service_says_running_and_gone_when_it_has_ended(
    station: Station,
) -> None:
    async with station.running() as process:
        endpoint = Endpoint.read(station.instance.endpoint)
        assert endpoint
        assert (endpoint.pid, endpoint.home, endpoint.instance_id) == (process.pid, str(station.home), "default")
        assert endpoint.is_answering()
        assert await talk(station, IPCClient.ping)
        registered = list(station.folder.rglob("default-*.json"))
        assert [Endpoint.read(file) for file in registered] == [endpoint]
        environ = {"PYWATS_HOME": str(station.home)}
        assert [found.pid for found in running_instances(environ)] == [process.pid]
    assert not station.instance.endpoint.exists()
    assert not registered[0].exists()
    assert list(station.folder.rglob("*.sock")) == []
    with pytest.raises(ServiceNotRunning, match="pywats-client start"):
        await ask(station, "ping")


@pytest.mark.trio
async def test_five_files_that_wait_are_told_as_five_and_twelve_reports_as_twelve(
    station: Station, server: Emulator
) -> None:
    station.add_converter("csv", "csv", "*.csv")
    async with station.running() as process:
        await ask(station, "pause", what="all")
        drop(station, "csv", *"ABCDE")
        waiting = await status_becomes(station, lambda status: status["converters"][0]["pending_count"] == 5)
        assert (waiting["status"], waiting["queue_size"], waiting["pid"]) == ("Paused", 0, process.pid)
        await ask(station, "resume", what="intake")
        drop(station, "csv", *"FGHIJKL")
        queued = await status_becomes(station, lambda status: status["queue_size"] == 12)
        assert (queued["status"], queued["paused"]) == ("Paused", ["uploads"])
        assert queued["converters"][0]["pending_count"] == 0
        assert await talk(station, lambda client: client.get_status().pending_count) == 12
        assert await serials(server) == []
        await ask(station, "resume")
        await station.until(lambda: station.is_at_rest(12))
        delivered = await status_becomes(station, lambda status: status["queue"]["delivered"] == 12)
        assert (delivered["queue_size"], delivered["converters"][0]["converted"]) == (0, 12)
    assert await serials(server) == list("ABCDEFGHIJKL")


@pytest.mark.trio
async def test_a_key_that_is_set_is_in_the_file_and_in_force_and_a_bad_one_is_refused_by_name(
    station: Station,
) -> None:
    async with station.running() as process:
        values = {"service.log_level": "DEBUG", "station.location": "Hall 3"}
        assert set((await ask(station, "set_config", values=values))["sections"]) == {"service", "station"}
        assert (await ask(station, "get_config"))["config"]["station"]["location"] == "Hall 3"
        with pytest.raises(CommandFailed, match=r"service\.settle_seconds") as refused:
            await ask(station, "set_config", values={"station.location": "no", "service.settle_seconds": -1})
        assert (refused.value.code, refused.value.exit_code) == ("config", ExitCode.CONFIG)
        stored = json.loads(station.instance.config.read_text())
        assert (stored["station"]["location"], stored["service"]["log_level"]) == ("Hall 3", "DEBUG")
        assert process.stderr.count("a new configuration is in force") == 1


@pytest.mark.trio
async def test_a_pause_outlives_a_stop_and_a_kill(station: Station, server: Emulator) -> None:
    station.add_converter("csv", "csv", "*.csv")
    async with station.running() as process:
        await ask(station, "pause", what="uploads")
        drop(station, "csv", "A")
        await station.until(lambda: station.counts() == {"queued": 1})
        await process.destroy()
    async with station.running():
        assert (await ask(station, "get_status"))["paused"] == ["uploads"]
        assert station.counts() == {"queued": 1}
        await ask(station, "resume")
        await station.until(lambda: station.is_at_rest(1))
    assert await serials(server) == ["A"]


@pytest.mark.trio
async def test_a_restart_keeps_the_process_id_and_goes_on_with_queued_work(station: Station, server: Emulator) -> None:
    station.add_converter("csv", "csv", "*.csv")
    await server.go_offline()
    async with station.running() as process:
        drop(station, "csv", "A", "B", "C")
        await station.until(lambda: station.counts().get("queued") == 3)
        before = await ask(station, "get_status")
        workers = process.children()
        assert await talk(station, IPCClient.restart)
        await station.until(lambda: process.stderr.count(f"Running (process {process.pid})") == 2)
        server.go_online()
        await ask(station, "sync_now")
        await station.until(lambda: station.is_at_rest(3))
        after = await ask(station, "get_status")
        assert (after["pid"], after["uptime_seconds"] < before["uptime_seconds"] + 60) == (process.pid, True)
        assert [pid for pid in workers if is_alive(pid)] == []
        assert after["start_time"] >= before["start_time"]
    assert await serials(server) == ["A", "B", "C"]


@pytest.mark.trio
async def test_stop_ends_the_process_with_code_0_and_every_client_sees_it_to_the_end(station: Station) -> None:
    async with station.running() as process:
        seen: list[list[Told]] = [[], []]

        def watch(number: int) -> None:
            with IPCClient(home=station.home) as client:
                for told in client.events():
                    seen[number].append(told)

        async with trio.open_nursery() as nursery:
            for number in range(2):
                nursery.start_soon(trio.to_thread.run_sync, watch, number)
            await station.until(lambda: all(seen))
            assert (await ask(station, "get_status"))["subscribers"] == 2
            assert await talk(station, IPCClient.stop)
        assert await process.ended() == 0
    for told in seen:
        states = [event.data["state"] for event in told if event.name == "service_state_changed"]
        assert states == ["StopPending", "Stopped"]
        assert [event.seq for event in told] == list(range(len(told)))


@pytest.mark.trio
async def test_a_converter_is_stopped_and_started_and_the_config_remembers_it(
    station: Station, server: Emulator
) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    async with station.running():
        await ask(station, "stop_converter", converter="csv")
        await status_becomes(station, lambda status: status["converters"][0]["state"] == "Disabled")
        drop(station, "csv", "A")
    async with station.running():
        assert (await ask(station, "get_status"))["converters"][0]["state"] == "Disabled"
        assert (watched / "A.csv").exists()
        await ask(station, "start_converter", converter="csv")
        await station.until(lambda: station.is_at_rest(1))
    assert await serials(server) == ["A"]


@pytest.mark.trio
async def test_a_hot_reload_changes_what_the_status_says(station: Station) -> None:
    async with station.running():
        assert (await ask(station, "get_status"))["converters"] == []
        station.add_converter("csv", "csv", "*.csv")
        assert (await ask(station, "reload"))["sections"] in (["converters"], [])
        await status_becomes(station, lambda status: [item["state"] for item in status["converters"]] == ["Running"])
        station.instance.config.write_text("{")
        broken = await status_becomes(station, lambda status: bool(status["config_fault"]))
        assert str(station.instance.config) in broken["config_fault"]
        assert [item["state"] for item in broken["converters"]] == ["Running"]
        station.configure()


@pytest.mark.trio
async def test_clients_move_to_a_port_with_a_key_and_back_without_a_restart(station: Station) -> None:
    async with station.running() as process:
        first = Endpoint.read(station.instance.endpoint)
        assert (await ask(station, "set_config", values={"ipc.tcp": True}))["sections"] == ["ipc"]
        await station.until(lambda: bool((found := Endpoint.read(station.instance.endpoint)) and found.port))
        assert (await ask(station, "get_status"))["pid"] == process.pid
        assert station.instance.ipc_keys.stat().st_mode & 0o777 == 0o600
        await ask(station, "set_config", values={"ipc.tcp": False})
        await station.until(lambda: Endpoint.read(station.instance.endpoint) == first)
        assert await talk(station, IPCClient.ping)
        await ask(station, "set_config", values={"ipc.group": "nobody-of-that-name"})
        await station.until(lambda: "nobody-of-that-name" in process.stderr)
        assert "nobody-of-that-name" in (await ask(station, "get_status"))["degraded"]["ipc"]
