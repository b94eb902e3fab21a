"""The emulator as a server: it comes, goes, survives and ends."""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from pywats_client.cli.emulator import emulator as run_command
from pywats_client.emulator import Emulator, open_emulator
from pywats_client.errors import PywatsError

Report = dict[str, Any]
PROGRAM = "import typer; from pywats_client.cli.emulator import emulator; typer.run(emulator)"


@pytest.mark.trio
async def test_it_listens_on_loopback_only(emulator: Emulator) -> None:
    assert emulator.url.startswith("http://127.0.0.1:")


@pytest.mark.trio
async def test_offline_closes_the_port_and_online_opens_the_same_again(
    emulator: Emulator, http: httpx.AsyncClient, report: Report
) -> None:
    url = emulator.url
    await http.post("/api/report/wsjf", json=report)
    await emulator.go_offline()
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            await http.get("/api/App/Version")
        await emulator.go_offline()
    emulator.go_online()
    await until_it_answers(http)
    assert emulator.url == url
    assert len(await emulator.received()) == 1


@pytest.mark.trio
async def test_offline_can_be_ordered_for_a_time_and_ends_by_itself(
    emulator: Emulator, http: httpx.AsyncClient
) -> None:
    reply = await http.post("/control", json={"offline": 0.05})
    assert reply.status_code == 200
    await until_it_answers(http)


@pytest.mark.trio
async def test_a_malformed_upgrade_header_does_not_end_it(
    emulator: Emulator, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    request = (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: \xff\xfe\r\n\r\n"
    )
    stream = await trio.open_tcp_stream("127.0.0.1", int(emulator.url.rpartition(":")[2]))
    async with stream:
        await stream.send_all(request)
        await hang_up(stream)
    await until_it_answers(http)
    assert "starts again" in caplog.text


@pytest.mark.trio
async def test_garbage_on_the_wire_does_not_end_it(emulator: Emulator, http: httpx.AsyncClient) -> None:
    for garbage in (b"\x00\xff" * 5000, b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"POST"):
        stream = await trio.open_tcp_stream("127.0.0.1", int(emulator.url.rpartition(":")[2]))
        async with stream:
            await stream.send_all(garbage)
    await until_it_answers(http)


@pytest.mark.trio
async def test_reports_kept_in_a_folder_are_there_after_a_restart(tmp_path: Path, report: Report) -> None:
    for times in (1, 2):
        async with open_emulator(data=tmp_path / "new" / "folder") as emulator:
            reply = await httpx_post(emulator, report)
            assert reply.status_code == 200
            (header,) = await emulator.received()
            assert header["receiveCount"] == times
            assert await emulator.report(report["id"]) == report
            assert await emulator.report("unknown") is None


@pytest.mark.trio
async def test_a_taken_port_is_named_in_a_sentence(emulator: Emulator) -> None:
    port = int(emulator.url.rpartition(":")[2])
    with pytest.raises(PywatsError, match=f"port {port} of 127.0.0.1 cannot be used"):
        async with open_emulator(port):
            pass


@pytest.mark.trio
async def test_a_folder_that_cannot_hold_reports_is_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reports.sqlite").write_text("this is no database, but text that is long enough" * 100)
    for folder in (tmp_path / "file", tmp_path / "data"):
        with pytest.raises(PywatsError, match="cannot keep the reports"):
            async with open_emulator(data=folder):
                pass


@pytest.mark.parametrize("package", ["starlette", "hypercorn"])
def test_without_its_packages_a_sentence_says_what_to_install(package: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None; from pywats_client.emulator import open_emulator"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"PywatsError: the emulator needs the package {package}" in ended.stderr.splitlines()[-1]
    assert "pip install 'pywats-client[emulator]'" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.trio
async def test_the_command_tells_where_it_is_and_ends_well_on_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, "--port", "0"]
    async with trio.open_nursery() as nursery:
        process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        nursery.start_soon(process.wait)
        assert process.stdout is not None
        output = b""
        while b"Ctrl-C" not in output:
            part = await process.stdout.receive_some()
            assert part, output
            output += part
        url = output.split(b"shown at ")[1].split()[0].decode()
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).status_code == 200
        process.send_signal(number)
        while part := await process.stdout.receive_some():
            output += part
        await process.stdout.aclose()
    assert process.returncode == 0, output
    assert b"Traceback" not in output


def test_the_command_says_in_a_sentence_that_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PywatsError, match=f"port {port} of 127.0.0.1 cannot be used") as caught:
            run_command(port)
    assert caught.value.exit_code == 1


async def hang_up(stream: trio.SocketStream) -> None:
    """Read to the end of the connection, however it ends."""
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        pass


async def until_it_answers(http: httpx.AsyncClient) -> None:
    """Ask until there is an answer; the run's time limit ends a server that never comes back."""
    with trio.fail_after(20):
        while True:
            try:
                assert (await http.get("/api/App/Version")).status_code == 200
            except httpx.TransportError:
                await trio.lowlevel.checkpoint()
            else:
                return


async def httpx_post(emulator: Emulator, report: Report) -> httpx.Response:
    async with httpx.AsyncClient(base_url=emulator.url, trust_env=False) as client:
        return await client.post("/api/report/wsjf", json=report)
