"""What strangers do on the wire ends their own connection, and nothing else."""

from pathlib import Path

import pytest
import trio
from rest_house import House

from pywats_client.rest import server
from pywats_client.rest.patient_stream import PatientStream

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
MALFORMED = {
    "a protocol that is no text": UPGRADE + KEY + b"Sec-WebSocket-Protocol: \xff\xfe\r\n\r\n",
    "an extension that is no text": UPGRADE + KEY + b"Sec-WebSocket-Extensions: \xff\xfe\r\n\r\n",
    "no key": UPGRADE + b"Sec-WebSocket-Version: 13\r\n\r\n",
    "another version": UPGRADE + KEY.replace(b"13", b"x") + b"\r\n",
    "an upgrade that is no text": HEAD + b"Connection: Upgrade\r\nUpgrade: \xff\r\n\r\n",
    "an upgrade to HTTP/2": HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "a path that is no text": b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a length that is no number": b"POST /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    "headers without an end": b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 10_000,
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 600,
    "a version there is not": b"GET / HTTP/9.9\r\n\r\n",
    "half a word": b"PO",
}


@pytest.mark.trio
async def test_malformed_requests_end_their_own_connection_and_the_face_stays_where_it_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STRANGER_SECONDS", 0.2)
    address = await house.address()
    async with house.client() as client:
        for name, request in MALFORMED.items():
            found = await house.raw(request)
            assert b" 200 " not in found, name
            assert (await client.get("/api/v1/status")).status_code == 200, name
    assert await house.address() == address
    assert house.desk.hub.snapshot.restarts.get("http", 0) == 0


@pytest.mark.trio
async def test_connections_are_bounded_and_one_that_ends_makes_room(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    port = await house.port()
    held = []
    for _ in range(3):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")
        held.append(stream)
    request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert await house.raw(request) == b""
    for stream in held:
        await stream.aclose()
    while not (await house.raw(request)).startswith(b"HTTP/1.1 200 "):
        await trio.sleep(0.01)


@pytest.mark.trio
async def test_whoever_begins_a_request_and_does_not_go_on_is_closed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STRANGER_SECONDS", 0.2)
    monkeypatch.setattr("pywats_client.rest.app.BODY_SECONDS", 0.05)
    assert await house.raw(b"GET /health/live HT") == b""
    head = f"POST /api/v1/commands/ping HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {house.key()}\r\n"
    found = await house.raw(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"did not come within" in found


@pytest.mark.trio
async def test_a_client_that_takes_nothing_does_not_keep_the_service_from_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pywats_client.rest.patient_stream.SEND_SECONDS", 1e6)
    house = House(tmp_path)
    async with house.open():
        request = f"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {house.key()}\r\n\r\n"
        stream = await trio.open_tcp_stream("127.0.0.1", await house.port())
        await stream.send_all(request.encode() * 1000)
        await stream.receive_some(1)
        await trio.testing.wait_all_tasks_blocked(0.1)  # until nothing more can be sent
    async with stream:
        pass


@pytest.mark.trio
async def test_a_part_of_an_answer_that_is_not_taken_ends_the_connection(
    autojump_clock: trio.testing.MockClock,
) -> None:
    near, far = trio.testing.lockstep_stream_pair()
    patient = PatientStream(near, trio.socket.socket())
    with patient.socket, pytest.raises(trio.BrokenResourceError, match="takes nothing"):
        await patient.send_all(b"x" * 1000)
    assert 10 <= trio.current_time() < 12
    await trio.aclose_forcefully(far)


@pytest.mark.trio
async def test_a_long_answer_has_longer(autojump_clock: trio.testing.MockClock) -> None:
    near, far = trio.testing.lockstep_stream_pair()
    patient = PatientStream(near, trio.socket.socket())

    async def take_slowly() -> None:
        for _ in range(30):
            await trio.sleep(1)
            await far.receive_some(500_000)

    with patient.socket:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_slowly)
            await patient.send_all(b"x" * 15_000_000)
        await trio.aclose_forcefully(near)
        await trio.aclose_forcefully(far)
