"""Who is let in over HTTP, and who is not."""

import itertools
import json
import logging

import httpx
import pytest
from rest_house import House

from pywats_client.ipc.protocol import Scope

pytestmark = pytest.mark.trio
GUARDED = ["/api/v1/status", "/api/v1/openapi.json", "/metrics", "/api/v1/events", "/", "/api/v1/nothing", "/healthy"]
OPEN = ["/health/live", "/health/ready"]


async def statuses(house: House, paths: list[str], scope: Scope | None, **headers: str) -> set[int]:
    async with house.client(scope, **headers) as client:
        return {(await client.get(path)).status_code for path in paths}


async def test_everything_but_health_asks_for_a_key(house: House) -> None:
    assert await statuses(house, GUARDED, None) == {401}
    assert await statuses(house, OPEN, None) == {200}
    async with house.client(None) as client:
        reply = await client.post("/api/v1/commands/pause", content="{}")
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer" in reply.json()["error"]
    assert (await house.desk.status()).paused == []


@pytest.mark.parametrize("shown", ["Bearer", "Bearer x", "Basic {key}", "{key}", "Bearer {key}x", "Bearer ü"])
async def test_what_is_not_a_key_opens_nothing(house: House, shown: str) -> None:
    value = shown.format(key=house.key()).encode("utf-8")
    async with httpx.AsyncClient(base_url=await house.address(), trust_env=False) as client:
        reply = await client.get("/api/v1/status", headers={b"Authorization": value})
    assert reply.status_code == 401


@pytest.mark.parametrize("kind", ["bearer", "BEARER"])
async def test_the_word_before_the_key_may_be_written_small_or_large(house: House, kind: str) -> None:
    assert await statuses(house, ["/api/v1/status"], None, Authorization=f"{kind} {house.key(Scope.VIEW)}") == {200}


@pytest.mark.parametrize("origin", ["http://localhost", "null", "https://evil.example", ""])
async def test_a_page_in_a_browser_is_refused_with_the_right_key_too(house: House, origin: str) -> None:
    assert await statuses(house, GUARDED + OPEN, Scope.ADMIN, Origin=origin) == {403}
    async with house.client(Scope.ADMIN, Origin=origin) as client:
        assert (await client.post("/api/v1/commands/pause", content="{}")).status_code == 403
        assert (await client.options("/api/v1/commands/pause")).status_code == 403
    assert (await house.desk.status()).paused == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "0.0.0.0", "localhost:x"]
)
async def test_a_name_that_is_not_of_loopback_is_refused(house: House, host: str) -> None:
    assert await statuses(house, GUARDED + OPEN, Scope.ADMIN, Host=host) == {421}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]", "[::1]:9000"])
async def test_the_names_of_loopback_are_taken_with_any_port(house: House, host: str) -> None:
    assert await statuses(house, ["/health/live"], None, Host=host) == {200}


async def test_a_request_without_a_host_is_refused(house: House) -> None:
    assert (await house.raw(b"GET /health/live HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 421 ")


async def test_a_websocket_is_refused_as_a_request_is(house: House) -> None:
    refused = {401: {"Authorization": "Bearer x"}, 403: {"Origin": "http://localhost"}, 421: {"Host": "evil.example"}}
    for expected, headers in refused.items():
        status, body = await house.handshake(**headers)
        assert status == expected
        assert json.loads(body)["code"] == "forbidden"


async def test_the_matrix_of_origin_key_and_host_lets_in_one_combination_alone(house: House) -> None:
    own = {"Origin": None, "Authorization": f"Bearer {house.key()}", "Host": None}
    foreign = {"Origin": "http://localhost", "Authorization": "Bearer no", "Host": "evil.example"}
    let_in = []
    async with httpx.AsyncClient(base_url=await house.address(), trust_env=False) as client:
        for wrong in itertools.product([False, True], repeat=3):
            values = {name: (foreign if bad else own)[name] for name, bad in zip(own, wrong, strict=True)}
            headers = {name: value for name, value in values.items() if value}
            for method, path in itertools.product(["GET", "POST", "PUT", "DELETE"], GUARDED):
                status = (await client.request(method, path, headers=headers)).status_code
                if status not in (401, 403, 421):
                    let_in.append(wrong)
    assert set(let_in) == {(False, False, False)}


async def test_no_key_is_ever_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "pywats_client"):
        async with house.client(Scope.ADMIN) as client:
            await client.get("/api/v1/status")
            await client.get("/api/v1/nothing")
        await house.raw(f"GET /ü HTTP/1.1\r\nAuthorization: Bearer {house.key()}\r\nHost: \xff\r\n\r\n".encode())
        await house.handshake(Origin="x")
    assert house.key() not in caplog.text
    written = house.desk.instance.log.read_text()
    assert written
    assert house.key() not in written
