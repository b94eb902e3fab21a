"""The HTTP face opens, closes and moves as the configuration says, and never stands in the way of the service."""

import json
import socket
import ssl
import sys
from pathlib import Path

import httpx
import pytest
import trio
import trustme
from rest_house import House
from service_parts import TOKEN

from pywats_client.ipc.endpoint import Endpoint
from pywats_client.ipc.protocol import Scope
from pywats_client.paths import Instance
from pywats_client.service.client_service import ClientService

pytestmark = pytest.mark.trio


async def reload(house: House) -> None:
    async with house.client() as client:
        assert (await client.post("/api/v1/commands/reload")).status_code == 200


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def test_it_is_off_by_default_and_switched_on_and_off_while_the_service_runs(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.configure()
    async with house.desk.running():
        assert await house.address() == ""
        house.configure(enabled=True)
        address = await house.listening()
        async with house.client() as client:
            reply = await client.post("/api/v1/commands/set_config", json={"values": {"http.enabled": False}})
            assert reply.json()["success"], reply.text
        await until_closed(house)
        with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
            pass


async def until_closed(house: House) -> None:
    while await house.address():
        await trio.sleep(0.01)


async def test_a_service_without_it_loads_none_of_its_packages() -> None:
    code = "import sys, pywats_client.service.client_service; print(*sorted(sys.modules))"
    ended = await trio.run_process([sys.executable, "-c", code], capture_stdout=True)
    assert not {"starlette", "hypercorn", "prometheus_client"} & set(ended.stdout.decode().split())


async def test_another_port_is_taken_at_once_and_who_asked_for_it_is_answered(house: House) -> None:
    port, before = free_port(), await house.address()
    async with house.client() as client:
        reply = await client.post("/api/v1/commands/set_config", json={"values": {"http.port": port}})
    assert reply.json()["success"], reply.text
    while await house.address() != f"http://127.0.0.1:{port}":
        await trio.sleep(0.01)
    assert before != f"http://127.0.0.1:{port}"
    async with house.client(None) as client:
        assert (await client.get("/health/live")).status_code == 200


async def test_a_port_that_is_taken_is_told_and_tried_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        house = House(tmp_path, port=port)
        async with house.desk.running():
            await house.desk.until(lambda: house.trouble)
            assert house.trouble.startswith("no HTTP client can connect: ")
            assert f"port {port} of 127.0.0.1 cannot be used" in house.trouble
            (part,) = [part for part in (await house.desk.status()).components if part.name == "http"]
            assert (part.state, part.health, part.reason) == ("running", "degraded", house.trouble)
            taken.close()
            house.desk.config["station"] = {"location": "elsewhere"}  # a new configuration is a reason to look again
            house.desk.write()
            assert await house.listening() == f"http://127.0.0.1:{port}"
            assert house.trouble == ""


@pytest.mark.parametrize("package", ["starlette", "hypercorn", "prometheus_client"])
async def test_a_package_that_is_missing_is_named_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    for name in list(sys.modules):
        if name.startswith("pywats_client.rest.") and not name.endswith((".figures", ".served")):
            monkeypatch.delitem(sys.modules, name)
        if name == package or name.startswith(f"{package}."):
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    house = House(tmp_path)
    async with house.desk.running():
        await house.desk.until(lambda: house.trouble)
        assert f"the package {package}" in house.trouble
        assert "pip install 'pywats-client[http]'" in house.trouble
        assert (await house.desk.status()).status == "Running"
    assert house.desk.wanted_restart is False


async def test_keys_that_cannot_be_read_are_told_and_nobody_is_let_in(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.desk.instance.ipc_keys.parent.mkdir(parents=True)
    house.desk.instance.ipc_keys.write_text("{")
    async with house.desk.running():
        await house.desk.until(lambda: house.trouble)
        assert str(house.desk.instance.ipc_keys) in house.trouble
        assert await house.address() == ""


async def test_with_a_certificate_it_speaks_tls_on_every_address(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = {"certificate_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")}
    certificate.cert_chain_pems[0].write_to_path(files["certificate_file"])
    certificate.private_key_pem.write_to_path(files["key_file"])
    house = House(tmp_path, host="0.0.0.0", **files)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with house.open():
        assert (await house.address()).startswith("https://0.0.0.0:")
        url = f"https://127.0.0.1:{await house.port()}"
        key = {"Authorization": f"Bearer {house.key(Scope.VIEW)}", "Host": "station-7.factory.example"}
        async with httpx.AsyncClient(base_url=url, verify=context, trust_env=False) as client:
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/api/v1/status")).status_code == 401
            assert (await client.get("/api/v1/status", headers=key)).json()["success"]
        assert await house.raw(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""


async def test_files_that_are_no_certificate_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    house = House(tmp_path, certificate_file=str(tmp_path / "x.pem"), key_file=str(tmp_path / "x.pem"))
    async with house.desk.running():
        await house.desk.until(lambda: house.trouble)
        assert "http.certificate_file" in house.trouble
        assert str(tmp_path / "x.pem") in house.trouble


async def test_where_it_listens_stands_in_the_file_of_the_endpoint_while_the_service_runs(tmp_path: Path) -> None:
    instance = Instance.find(home=tmp_path, environ={})
    instance.config.write_text(json.dumps({"http": {"enabled": True}}))
    service, stop = ClientService(home=tmp_path, environ=TOKEN, console=False), trio.Event()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.run, stop)
            while not ((endpoint := Endpoint.read(instance.endpoint)) and endpoint.http_port):
                await trio.sleep(0.01)
            async with httpx.AsyncClient(trust_env=False) as client:
                reply = await client.get(f"http://127.0.0.1:{endpoint.http_port}/health/live")
            assert reply.status_code == 200
            stop.set()
    assert Endpoint.read(instance.endpoint) is None


async def test_it_is_loaded_without_a_warning_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-W", "error", "-c", "import pywats_client.rest.server"]
    ended = await trio.run_process(command, capture_stderr=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
