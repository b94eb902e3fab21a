"""Handshakes that are none: each is refused, no command in their wake is read, and the next client is served."""

from pathlib import Path

import pytest
from ipc_parts import KEYS, UPGRADE, Raw, Service, bearer, handshake, is_served, listen, text_frame

from pywats_client.ipc.protocol import Scope

KEY = bearer(KEYS[Scope.ADMIN])
STOP = text_frame(b'{"command": "stop", "request_id": "1", "protocol_version": "2.0"}')


def without(name: bytes) -> bytes:
    return b"\r\n".join([b"GET / HTTP/1.1", *(line for line in UPGRADE if not line.startswith(name)), KEY, b"", b""])


def instead(old: bytes, new: bytes) -> bytes:
    return handshake(KEY).replace(old, new)


MALFORMED = {
    "bytes that are no header": handshake(KEY, b"\xff\xfe\x00: \x80"),
    "a header without a colon": handshake(KEY, b"no colon here"),
    "a header name with a space": handshake(KEY, b"a b: c"),
    "no Host": without(b"Host"),
    "two Hosts": handshake(KEY, b"Host: elsewhere"),
    "a Host that is no name": instead(b"localhost", b"xn--\xff\xff"),
    "a Host label of 70 letters": instead(b"localhost", b"xn--" + b"a" * 70),
    "no Upgrade": without(b"Upgrade"),
    "no Connection": without(b"Connection"),
    "Connection: close": instead(b"Connection: Upgrade", b"Connection: close"),
    "no websocket key": without(b"Sec-WebSocket-Key"),
    "two websocket keys": handshake(KEY, b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
    "two keys of ours, one right": handshake(bearer("0" * 64), KEY),
    "no websocket version": without(b"Sec-WebSocket-Version"),
    "websocket version 12": instead(b"Version: 13", b"Version: 12"),
    "websocket version of letters": instead(b"Version: 13", b"Version: thirteen"),
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/9.9": instead(b"HTTP/1.1", b"HTTP/9.9"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "TLS hello": bytes.fromhex("16030100f8010000f40303") + bytes(range(240)),
    "a chunked body": handshake(KEY, b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n",
    "a body of known length": handshake(KEY, b"Content-Length: 5") + b"hello",
    "a negative length": handshake(KEY, b"Content-Length: -1"),
    "NUL in the target": instead(b"GET / ", b"GET /\0 "),
    "NUL in a header": handshake(KEY, b"X-Nul: a\0b"),
    "a target that is not ASCII": instead(b"GET / ", "GET /ü ".encode()),
    "a huge header": handshake(KEY, b"X-Huge: " + b"x" * 200_000),
    "many headers": handshake(KEY, *(b"X-%d: 1" % number for number in range(20_000))),
    "a line without end": b"GET /" + b"a" * 200_000,
    "folded headers": handshake(KEY, b"X-Fold: a", b" b: c", b"\tOrigin: x", b" : "),
    "empty lines for ever": b"\r\n" * 50_000,
    "a bare carriage return": instead(b"\r\n", b"\r"),
    "binary": bytes(range(256)) * 64,
    "frames without a handshake": STOP * 3,
    "half a line": b"GET / HT",
    "half a header": handshake(KEY)[:-10],
    "nothing": b"",
}
BENIGN = {"folded headers"}
"""Old, but HTTP all the same."""


@pytest.mark.case(
    "F34",
    "malformed handshakes over TCP and the Unix socket",
    injected="one kind a run",
    promised="refused, and the next client is served",
)
@pytest.mark.trio
@pytest.mark.parametrize("transport", ["tcp", "unix"])
async def test_a_malformed_handshake_is_refused_and_the_next_client_is_served(transport: str, tmp_path: Path) -> None:
    async with Service(listen(transport, tmp_path)).running() as service:
        for what, said in MALFORMED.items():
            client = await Raw.to(service)
            await client.say(said)
            if what not in BENIGN:
                await client.say(STOP)
            await client.end()
            status = await client.status()
            assert status in (0, 400, 403, 404, 405, 426) or what in BENIGN, (what, status)
            await client.everything()
            await client.aclose()
            assert await is_served(service), what
        assert service.commands == []


@pytest.mark.trio
async def test_who_ends_a_handshake_badly_takes_no_room_from_then_on(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        waiting = await Raw.to(service)
        await waiting.say(b"GET / ")
        await service.until(lambda: len(service.server._strangers) == 1)
        for said in MALFORMED.values():
            client = await Raw.to(service)
            await client.say(said)
            await client.end()
            await client.everything()
        await waiting.say(handshake()[6:])
        assert await waiting.status() == 101
