"""The attack matrix of the handshake: who is let in, with which scope; nothing of the others reaches a command."""

import itertools
from pathlib import Path

import pytest
from ipc_parts import KEYS, Raw, Service, bearer, handshake, is_served, listen, text_frame

from pywats_client.ipc.protocol import Scope

STOP = b'{"command": "stop", "request_id": "1", "protocol_version": "2.0"}'
ORIGINS = (None, b"Origin: http://localhost", b"Origin: null", b"Origin:", b"oRiGiN: https://evil.example")
SHOWN = {
    "none": None,
    "empty": b"Authorization:",
    "wrong": bearer("0" * 64),
    "another scheme": b"Authorization: Basic " + KEYS[Scope.ADMIN].encode(),
    "part of one": bearer(KEYS[Scope.ADMIN][:-1]),
    "not ASCII": "Authorization: Bearer schlüssel".encode(),
    **{str(scope): bearer(key) for scope, key in KEYS.items()},
}
PATHS = (b"/", b"//", b"/../", b"/admin", b"/?key=" + KEYS[Scope.ADMIN].encode(), b"*", b"http://localhost/x")
METHODS = (b"GET", b"POST", b"PUT", b"OPTIONS", b"CONNECT", b"BREW")


def expected(origin: bytes | None, shown: str, path: bytes, method: bytes) -> int:
    if method != b"GET":
        return 400
    if path != b"/":
        return 404
    if origin is not None:
        return 403
    return 101 if shown in list(Scope) else 401


@pytest.mark.case(
    "F34",
    "every Origin, key, path and method",
    injected="315 handshakes with each of six methods, a command behind each",
    promised="only a right key without Origin on the one path gets in; nothing of the others is parsed",
)
@pytest.mark.trio
@pytest.mark.parametrize("method", METHODS)
async def test_over_tcp_only_a_key_without_origin_on_the_one_path_gets_in(method: bytes, tmp_path: Path) -> None:
    async with Service(listen("tcp", tmp_path)).running() as service:
        for origin, shown, path in itertools.product(ORIGINS, SHOWN, PATHS):
            headers = [header for header in (origin, SHOWN[shown]) if header is not None]
            client = await Raw.to(service)
            await client.say(handshake(*headers, target=path, method=method) + text_frame(STOP))
            status = await client.status()
            assert status == expected(origin, shown, path, method), (origin, shown, path)
            if status != 101:
                assert await client.everything() == b""
            await client.aclose()
        service.raw.clear()
        assert service.commands == []
        assert await is_served(service)


@pytest.mark.trio
@pytest.mark.parametrize("scope", list(Scope))
async def test_a_key_gives_its_scope_and_no_more(scope: Scope, tmp_path: Path) -> None:
    async with Service(listen("tcp", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter(bearer(KEYS[scope]))
        assert (await client.ask("connect"))["data"]["scope"] == scope
        for needed, command in ((Scope.VIEW, "get_status"), (Scope.OPERATE, "stop"), (Scope.ADMIN, "set_token")):
            answer = await client.ask(command, **({"token": "x"} if command == "set_token" else {}))
            assert answer["success"] is scope.includes(needed), command
            assert scope.includes(needed) or answer["code"] == "forbidden"
        assert all(scope.includes(command.scope) for command in service.commands)


@pytest.mark.trio
async def test_a_key_shown_later_raises_the_scope_and_never_lowers_it(tmp_path: Path) -> None:
    async with Service(listen("tcp", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter(bearer(KEYS[Scope.VIEW]))
        assert (await client.ask("auth", token="wrong"))["code"] == "forbidden"
        assert (await client.ask("auth", token=""))["code"] == "forbidden"
        assert (await client.ask("auth", token=KEYS[Scope.OPERATE]))["data"]["scope"] == "operate"
        assert (await client.ask("auth", token=KEYS[Scope.VIEW]))["data"]["scope"] == "operate"
        assert (await client.ask("stop"))["success"]


@pytest.mark.trio
async def test_no_more_than_the_limit_of_clients_are_served_and_the_next_is_told(
    tmp_path: Path,
) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        clients = [await (await Raw.to(service)).enter() for _ in range(64)]
        refused = await Raw.to(service)
        await refused.say(handshake())
        assert await refused.status() == 503
        await clients[0].aclose()
        await service.until(lambda: len(service.server.connections) == 63)
        assert await is_served(service)


@pytest.mark.trio
async def test_two_keys_are_refused_whichever_of_them_is_right(tmp_path: Path) -> None:
    async with Service(listen("tcp", tmp_path)).running() as service:
        right, wrong = bearer(KEYS[Scope.ADMIN]), bearer("0" * 64)
        for shown in ((right, wrong), (wrong, right), (right, right)):
            client = await Raw.to(service)
            await client.say(handshake(*shown))
            assert await client.status() == 400
