"""The watchdog closes the gate before the disk is full, and opens it again; pings and client status go out in time."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from service_parts import Uploads, config_of, settings_of, until
from trio.testing import MockClock

from pywats_client.ipc.events import ConnectionState, QueueCounted
from pywats_client.paths import Instance
from pywats_client.queue.name import STAMP
from pywats_client.service.disk_space import DiskSpace
from pywats_client.service.hub import Gate, Hub
from pywats_client.service.keep_connection import keep_connection, tell_status
from pywats_client.service.watchdog import watch_age, watchdog
from tests.fakes.clock import TrioClock
from tests.fakes.server import ScriptedServer, answer

MB = 1_000_000


class Machine:
    """A disk of 100 GB, of which so much is free."""

    def __init__(self, home: Path) -> None:
        self.free: int | OSError = 50_000 * MB
        self.looks: list[float] = []
        self.hub = Hub()
        self.gate = Gate(lambda: None)
        self.settings = settings_of(config_of(service={"watchdog_interval": 60}, disk={"min_free_mb": 500}))
        self._instance = Instance.find(home=home, environ={})

    async def _look(self, call: Any, *args: Any) -> tuple[int, int]:
        self.looks.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if isinstance(self.free, OSError):
            raise self.free
        return self.free, 100_000 * MB

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watchdog, self._instance, self.settings, self.hub, self.gate, self._look, DiskSpace())
            await trio.sleep(1)
            yield
            nursery.cancel_scope.cancel()


@pytest.mark.case(
    "disk",
    "less than the least room",
    injected="a scripted disk",
    promised="converting stops, and goes on within 15 s of room",
)
@pytest.mark.trio
async def test_short_of_disk_the_gate_is_shut_and_soon_after_there_is_room_it_opens(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    machine = Machine(tmp_path)
    async with machine.watched():
        assert machine.gate.reason == ""
        machine.free = 400 * MB
        await trio.sleep(60)
        assert "less than 500 MB" in machine.gate.reason
        assert machine.hub.snapshot.degraded == {"disk": machine.gate.reason}
        machine.free = 600 * MB
        await trio.sleep(15)
        assert machine.gate.reason == ""


@pytest.mark.case("disk", "room gets scarce", injected="a scripted disk", promised="told at 3 times the least room")
@pytest.mark.trio
async def test_at_three_times_the_least_room_it_is_told_and_converting_goes_on(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    machine = Machine(tmp_path)
    async with machine.watched():
        machine.free = 1_499 * MB
        await trio.sleep(60)
        assert "converting stops at 500 MB" in machine.hub.snapshot.degraded["disk"]
        assert machine.gate.reason == ""
        machine.free = 1_600 * MB
        await trio.sleep(60)
        assert machine.hub.snapshot.degraded, "at the border it does not come and go"
        machine.free = 1_700 * MB
        await trio.sleep(60)
        assert machine.hub.snapshot.degraded == {}


@pytest.mark.case(
    "disk", "room goes fast", injected="a scripted disk", promised="told when it lasts for less than 3 days"
)
@pytest.mark.trio
async def test_a_disk_that_lasts_for_less_than_three_days_is_told(tmp_path: Path, autojump_clock: MockClock) -> None:
    machine = Machine(tmp_path)
    async with machine.watched():
        for _ in range(6):
            await trio.sleep(3600)
            machine.free -= 500 * MB  # type: ignore[operator]
        await trio.sleep(60)
        assert machine.hub.snapshot.degraded == {}, "at 12 GB a day, 47 GB last longer than three days"
        machine.free = 30_000 * MB
        await trio.sleep(60)
        assert "at the present rate" in machine.hub.snapshot.degraded["disk"]
        assert machine.gate.reason == ""


@pytest.mark.trio
async def test_a_queue_folder_that_cannot_be_looked_at_shuts_the_gate_too(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    machine = Machine(tmp_path)
    machine.free = OSError(5, "Input/output error")
    async with machine.watched():
        assert "Input/output error" in machine.gate.reason


@pytest.mark.trio
async def test_a_gate_that_is_shut_for_another_reason_says_so(tmp_path: Path, autojump_clock: MockClock) -> None:
    machine = Machine(tmp_path)
    machine.free = OSError(5, "Input/output error")
    async with machine.watched():
        machine.free = 100 * MB
        await trio.sleep(15)
        assert "less than 500 MB" in machine.gate.reason
        assert machine.hub.snapshot.degraded == {"disk": machine.gate.reason}


@pytest.mark.trio
async def test_it_looks_every_interval(tmp_path: Path, autojump_clock: MockClock) -> None:
    machine = Machine(tmp_path)
    async with machine.watched():
        await trio.sleep(7200)
    assert len(machine.looks) == 121


@pytest.mark.trio
async def test_the_server_is_pinged_within_every_five_minutes_and_stations_not_all_at_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server)
    with trio.move_on_after(7199):
        await keep_connection(uploads.connection, uploads.clients, uploads.settings)
    assert {request.path for request in server.requests} == {"/api/App/Version"}
    assert 24 <= len(server.requests) <= 48, "after half to all of the interval"


@pytest.mark.trio
async def test_a_server_that_is_away_is_pinged_within_every_minute_and_its_return_wakes_the_queue(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    server = ScriptedServer()
    server.always(httpx.ConnectError("no route"))
    uploads = Uploads(tmp_path, server)
    async with uploads.running(pings=True, looks=False):
        await trio.sleep(3600)
        assert 60 <= len(server.requests) <= 120
        assert uploads.connection.state is ConnectionState.OFFLINE
        uploads.put(1)
        server.script.clear()
        await until(lambda: uploads.states() == {"completed": 1}, 61)


@pytest.mark.trio
async def test_new_settings_are_asked_at_once(tmp_path: Path, autojump_clock: MockClock) -> None:
    server = ScriptedServer(answer(401, "who?"))
    uploads = Uploads(tmp_path, server)
    uploads.settings._load = lambda: config_of(server={"url": "https://new.test"})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_connection, uploads.connection, uploads.clients, uploads.settings)
        await trio.sleep(1)
        assert uploads.connection.state is ConnectionState.REFUSED
        await uploads.settings.reload(uploads.hub, _directly)
        uploads.connection.reset()
        await trio.sleep(1)
        assert uploads.connection.is_online
        nursery.cancel_scope.cancel()
    assert [request.headers["host"] for request in server.requests] == ["wats.test", "new.test"]


async def _directly(call: Any, *args: Any) -> Any:
    return call(*args)


@pytest.mark.trio
async def test_what_the_old_server_says_to_a_ping_does_not_count_against_the_new_one(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    server = ScriptedServer(answer(401, "who?"))
    server.hold()
    uploads = Uploads(tmp_path, server)
    uploads.settings._load = lambda: config_of(server={"url": "https://new.test"})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_connection, uploads.connection, uploads.clients, uploads.settings)
        await trio.sleep(1)
        await uploads.settings.reload(uploads.hub, _directly)
        uploads.connection.reset()
        server.release()
        await trio.sleep(1)
        assert uploads.connection.is_online
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_the_client_status_goes_out_every_hour_with_the_true_depth_of_the_queue(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    server = ScriptedServer()
    uploads = Uploads(tmp_path, server)
    uploads.hub.publish(QueueCounted(reports={"queued": 5, "processing": 1, "error": 2, "rejected": 4}))
    with trio.move_on_after(3 * 3600):
        await tell_status(uploads.clients, uploads.settings, lambda: uploads.hub.snapshot)
    assert [(request.method, request.path) for request in server.requests] == [("PUT", "/api/Client/Update")] * 3
    status = json.loads(server.requests[0].content)
    assert status["pendingTotal"] == 8
    assert status["name"] == uploads.settings.config.station.name


@pytest.mark.trio
async def test_a_server_without_the_status_call_is_noted_once_and_disturbs_nothing(
    tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pywats_client")
    server = ScriptedServer()
    server.always(answer(404, "no such call"))
    uploads = Uploads(tmp_path, server)
    uploads.connection.accepted()
    caplog.clear()
    with trio.move_on_after(10 * 3600):
        await tell_status(uploads.clients, uploads.settings, lambda: uploads.hub.snapshot)
    assert len(server.requests) == 10
    assert len(caplog.messages) == 1
    assert uploads.connection.is_online


@pytest.mark.trio
async def test_after_a_refusal_the_token_is_read_anew(tmp_path: Path, autojump_clock: MockClock) -> None:
    token = tmp_path / "token"
    token.write_text("b2xk")
    server = ScriptedServer(answer(401, "expired"))
    uploads = Uploads(tmp_path, server)
    uploads.clients._environ = {"PYWATS_API_TOKEN_FILE": str(token)}
    uploads.put(1)
    async with uploads.running(looks=False):
        await trio.sleep(1)
        token.write_text("bmV3")
        await trio.sleep(61)
        assert uploads.states() == {"completed": 1}
    assert [request.headers["authorization"] for request in server.requests] == ["Basic b2xk", "Basic bmV3"]


@pytest.mark.trio
async def test_a_report_that_waits_for_over_an_hour_is_told_until_it_is_gone(autojump_clock: MockClock) -> None:
    hub, clock, settings = Hub(), TrioClock(), settings_of(config_of(service={"watchdog_interval": 60}))
    waiting: list[str | None] = [clock.now().strftime(STAMP)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_age, settings, hub, clock, lambda: waiting[0])
        await trio.sleep(3500)
        assert "queue" not in hub.snapshot.degraded
        await trio.sleep(200)
        assert "has waited for the server since" in hub.snapshot.degraded["queue"]
        waiting[0] = None
        await trio.sleep(100)
        assert "queue" not in hub.snapshot.degraded
        nursery.cancel_scope.cancel()
    assert autojump_clock.autojump_threshold == 0
