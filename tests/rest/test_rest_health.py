"""Probes: whether the service lives, and whether it can do its work."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from rest_house import House
from service_desk import Desk

from pywats_client.ipc.commands.service import DiskStatus, GetStatus, Pause, Resume
from pywats_client.ipc.events import ConnectionState
from pywats_client.rest.health import obstacles

pytestmark = pytest.mark.trio


async def ready(house: House) -> tuple[int, dict[str, Any]]:
    async with house.client(None) as client:
        reply = await client.get("/health/ready")
    return reply.status_code, reply.json()


async def test_a_service_that_runs_is_alive_and_ready(house: House) -> None:
    async with house.client(None) as client:
        reply = await client.get("/health/live")
    assert (reply.status_code, reply.json()) == (200, {"status": "alive"})
    assert await ready(house) == (200, {"status": "ready"})


async def test_it_is_not_ready_while_a_person_has_paused_it(house: House) -> None:
    await house.desk.ask(Pause(what="all"), Pause.Result)
    status, body = await ready(house)
    assert (status, body["status"]) == (503, "not ready")
    assert "the service is Paused" in body["reasons"]
    await house.desk.ask(Resume(what="uploads"), Resume.Result)
    assert "intake paused by a person" in (await ready(house))[1]["reasons"]
    await house.desk.ask(Resume(), Resume.Result)
    await house.converting()
    assert await ready(house) == (200, {"status": "ready"})


async def test_it_is_ready_as_soon_as_the_server_is_reached(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.desk.server.always(httpx.ConnectError("nobody is there"))
    async with house.desk.running():
        await house.listening()
        await house.desk.until(lambda: house.desk.hub.snapshot.connection is ConnectionState.OFFLINE)
        await house.converting()
        assert await ready(house) == (
            503,
            {"status": "not ready", "reasons": ["the server is not reached: offline"]},
        )
        async with house.client(None) as client:
            assert (await client.get("/health/live")).status_code == 200
        house.desk.server.script.clear()
        async with house.client() as client:
            await client.post("/api/v1/commands/sync_now")
        await house.desk.until(lambda: house.desk.hub.snapshot.connection is ConnectionState.ONLINE)
        assert (await ready(house))[0] == 200


async def changed(desk: Desk, **fields: Any) -> list[str]:
    return list(obstacles((await desk.status()).model_copy(update=fields)))


async def test_a_full_disk_and_converters_that_cannot_work_are_obstacles(house: House) -> None:
    full = DiskStatus(free_bytes=1, total_bytes=100, min_free_bytes=5)
    assert await changed(house.desk, disk=full) == ["the disk of the queue is full"]
    (converter,) = (await house.desk.status()).converters
    broken, off = (converter.model_copy(update={"state": state}) for state in ("Error", "Disabled"))
    assert await changed(house.desk, converters=[broken, off]) == ["no converter can work"]
    assert await changed(house.desk, converters=[broken, converter]) == []
    assert await changed(house.desk, converters=[off]) == []


async def test_a_part_that_fails_again_and_again_is_named(house: House) -> None:
    status: GetStatus.Result = await house.desk.status()
    first, *others = status.components
    failing = [first.model_copy(update={"state": "error"}), *others]
    assert await changed(house.desk, components=failing) == [f"the part `{first.name}` fails again and again"]
