"""Where clients come in: what stands in the way of that never stands in the way of the work."""

import grp
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing
from service_parts import config_of, directly

from pywats_client.clock import Clock
from pywats_client.disk import Disk
from pywats_client.ipc.answering import Client
from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.endpoint import Endpoint, group_folder
from pywats_client.ipc.unix_socket import socket_path
from pywats_client.paths import Instance
from pywats_client.service.control_plane import ControlPlane
from pywats_client.service.hub import Hub
from pywats_client.service.settings import Settings


async def nothing(command: Command, client: Client) -> Answer:
    raise AssertionError("no command is sent here")


class Plane:
    """A control plane whose configuration is the test's."""

    def __init__(self, home: Path) -> None:
        self.instance, self.hub = Instance.find(home=home, environ={}), Hub()
        self.wanted = config_of()
        self.settings = Settings(self.wanted, lambda: self.wanted, ())
        self.plane = ControlPlane(self.instance, self.settings, self.hub, Disk(), Clock(), {})

    @property
    def endpoint(self) -> Endpoint | None:
        return Endpoint.read(self.instance.endpoint)

    @property
    def trouble(self) -> str:
        return self.hub.snapshot.degraded.get("ipc", "")

    async def configure(self, **ipc: object) -> None:
        self.wanted = config_of(ipc=ipc)
        await self.settings.reload(self.hub, directly)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(self.plane.serve, nothing))
                await self.plane.was_tried.wait()
                yield
                self.plane.finish()


@pytest.mark.trio
async def test_the_file_of_the_endpoint_is_there_while_it_serves(tmp_path: Path) -> None:
    plane = Plane(tmp_path)
    async with plane.running():
        assert plane.endpoint == plane.plane.endpoint
        assert plane.endpoint
        assert (plane.endpoint.pid, plane.endpoint.path) == (os.getpid(), str(socket_path(plane.instance)))
        assert await trio.to_thread.run_sync(plane.endpoint.is_answering)
    assert plane.endpoint is None
    assert not socket_path(plane.instance).exists()


@pytest.mark.trio
async def test_a_place_that_cannot_be_used_is_told_and_taken_up_when_it_can(tmp_path: Path) -> None:
    plane = Plane(tmp_path)
    blocked = plane.instance.endpoint.parent
    blocked.parent.mkdir(parents=True)
    blocked.write_text("in the way")
    async with plane.running():
        assert plane.trouble.startswith("no client can connect: ")
        blocked.unlink()
        plane.settings.hurry()
        while plane.endpoint is None:
            await trio.sleep(0.01)
        assert plane.trouble == ""


@pytest.mark.trio
async def test_a_group_that_is_not_known_shuts_nobody_else_out(tmp_path: Path) -> None:
    plane = Plane(tmp_path)
    await plane.configure(group="nobody-of-that-name")
    async with plane.running():
        assert "nobody-of-that-name" in plane.trouble
        assert plane.endpoint
        assert await trio.to_thread.run_sync(plane.endpoint.is_answering)
        assert socket_path(plane.instance).stat().st_mode & 0o077 == 0


@pytest.mark.trio
async def test_damaged_keys_are_told_with_their_file_and_never_replaced(tmp_path: Path) -> None:
    plane = Plane(tmp_path)
    plane.instance.ipc_keys.parent.mkdir(parents=True)
    plane.instance.ipc_keys.write_text("{")
    async with plane.running():
        while not plane.trouble:
            await trio.sleep(0.01)
        assert str(plane.instance.ipc_keys) in plane.trouble
        assert plane.endpoint
        assert await trio.to_thread.run_sync(plane.endpoint.is_answering)
    assert plane.instance.ipc_keys.read_text() == "{"


@pytest.mark.trio
async def test_where_http_listens_is_told_in_the_file_of_the_endpoint(tmp_path: Path) -> None:
    plane = Plane(tmp_path)
    async with plane.running():
        plane.plane.tell_http("http://127.0.0.1:8123", 8123)
        assert plane.endpoint
        assert (plane.endpoint.http_port, plane.plane.http_address) == (8123, "http://127.0.0.1:8123")


@pytest.mark.trio
async def test_a_group_finds_a_copy_of_the_endpoints_file_beside_the_socket_and_nothing_else(tmp_path: Path) -> None:
    plane = Plane(tmp_path)
    await plane.configure(group=grp.getgrgid(os.getegid()).gr_name)
    shared = group_folder(plane.instance)
    async with plane.running():
        assert (plane.trouble, plane.instance.data.stat().st_mode & 0o077) == ("", 0)
        assert Endpoint.read(shared / "endpoint.json") == plane.endpoint == plane.plane.endpoint
        assert {file.suffix for file in shared.iterdir()} <= {".json", ".sock"}
        plane.plane.tell_http("http://127.0.0.1:8123", 8123)
        assert Endpoint.read(shared / "endpoint.json") == plane.endpoint
    assert plane.endpoint is None
    assert not shared.exists()


@pytest.mark.trio
async def test_what_is_set_anew_while_it_serves_moves_it_there(tmp_path: Path) -> None:
    plane = Plane(tmp_path)
    async with plane.running():
        await plane.configure(tcp=True)
        while plane.endpoint is None or not plane.endpoint.port:
            await trio.sleep(0.01)
        assert not socket_path(plane.instance).exists()
        assert await trio.to_thread.run_sync(plane.endpoint.is_answering)
        await plane.configure()
        while plane.endpoint is None or not plane.endpoint.path:
            await trio.sleep(0.01)
        assert await trio.to_thread.run_sync(plane.endpoint.is_answering)


@pytest.mark.trio
async def test_keys_that_were_damaged_are_taken_up_when_they_are_mended(tmp_path: Path) -> None:
    plane = Plane(tmp_path)
    plane.instance.ipc_keys.parent.mkdir(parents=True)
    plane.instance.ipc_keys.write_text("{")
    async with plane.running():
        assert plane.trouble.startswith("no key is accepted: ")
        plane.instance.ipc_keys.unlink()
        plane.settings.hurry()
        while plane.trouble:
            await trio.sleep(0.01)
    assert plane.instance.ipc_keys.exists()


@pytest.mark.trio
async def test_without_keys_nobody_is_let_in_by_tcp_and_that_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plane = Plane(tmp_path)
    await plane.configure(tcp=True)
    plane.instance.ipc_keys.parent.mkdir(parents=True)
    plane.instance.ipc_keys.write_text("{")
    caplog.set_level("INFO")
    async with plane.running():
        for _ in range(3):
            plane.settings.hurry()
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert plane.trouble.startswith("no client can connect: ")
        assert plane.endpoint is None
        (line,) = [record.message for record in caplog.records if "can connect" in record.message]
        plane.instance.ipc_keys.unlink()
        plane.settings.hurry()
        while plane.trouble:
            await trio.sleep(0.01)
    assert line.startswith("no client can connect: ")
