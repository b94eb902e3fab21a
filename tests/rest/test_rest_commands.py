"""Commands over HTTP: the same as on the local socket, in the same frames."""

import json

import httpx
import pytest
from rest_house import House

from pywats_client.ipc.answering import Client
from pywats_client.ipc.commands import COMMANDS, Answer, Command
from pywats_client.ipc.messages import Response
from pywats_client.ipc.protocol import MAX_IN, MAX_OUT, Code, Scope
from pywats_client.rest.answers import HTTP_STATUS, answer, over_http

pytestmark = pytest.mark.trio
MOVES = {"uptime_seconds", "disk", "clock_offset_seconds", "conversions_last_minute", "uploads_last_minute"}


async def post(house: House, name: str, body: str | bytes = "", scope: Scope = Scope.ADMIN) -> httpx.Response:
    async with house.client(scope) as client:
        return await client.post(f"/api/v1/commands/{name}", content=body)


def why(reply: httpx.Response) -> tuple[int, str, str]:
    frame = reply.json()
    assert (frame["success"], frame["data"]) == (False, None)
    return reply.status_code, frame["code"], frame["error"]


async def test_the_status_is_the_one_of_the_command(house: House) -> None:
    async with house.client(Scope.VIEW) as client:
        short = (await client.get("/api/v1/status")).json()
        long = (await client.post("/api/v1/commands/get_status")).json()
    expected = (await house.desk.status()).model_dump(mode="json")
    assert short["success"]
    assert set(short["data"]) == set(expected)
    for key in set(expected) - MOVES:
        assert short["data"][key] == long["data"][key] == expected[key], key


async def test_a_command_does_what_it_does_elsewhere(house: House) -> None:
    reply = await post(house, "pause", '{"what": "uploads"}', Scope.OPERATE)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    frame = reply.json()
    assert (frame["success"], frame["data"], frame["error"], frame["code"]) == (
        True,
        {"paused": ["uploads"]},
        None,
        None,
    )
    assert (await house.desk.status()).paused == ["uploads"]


async def test_ping_and_the_schema_are_answered_without_a_body(house: House) -> None:
    assert (await post(house, "ping")).json()["data"]["pong"] is True
    assert set((await post(house, "get_schema", b"{}")).json()["data"]["commands"]) == set(COMMANDS)


async def test_each_failure_has_its_code_its_sentence_and_a_fitting_status(house: House) -> None:
    status, code, error = why(await post(house, "no_such_thing"))
    assert (status, code) == (404, "unknown_command")
    assert "no_such_thing" in error
    status, code, error = why(await post(house, "pause", '{"what": "the world"}'))
    assert (status, code) == (400, "invalid")
    assert "what" in error
    status, code, error = why(await post(house, "set_config", '{"values": {"service.ping_interval": -1}}'))
    assert (status, code) == (400, "config")
    assert "ping_interval" in error
    missing = json.dumps({"id": "6f1c1f5e-0f0b-4c0e-9a53-0b6a0e4a9c11"})
    assert why(await post(house, "get_report", missing))[:2] == (404, "not_found")
    assert set(HTTP_STATUS) == set(Code)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"nonsense", b"1", b'{"a":' * 5000, b"null"])
async def test_a_body_that_is_no_object_is_refused_in_a_sentence(house: House, body: bytes) -> None:
    status, code, error = why(await post(house, "ping", body))
    assert (status, code) == (400, "invalid")
    assert error


async def test_a_key_allows_what_its_scope_allows(house: House) -> None:
    for scope in (Scope.VIEW, Scope.OPERATE):
        for name, command in COMMANDS.items():
            if not scope.includes(command.scope) and not command.model_fields:
                assert why(await post(house, name, scope=scope))[:2] == (403, "forbidden"), (scope, name)
    assert why(await post(house, "pause", scope=Scope.VIEW))[0] == 403
    assert (await house.desk.status()).paused == []


@pytest.mark.parametrize("name", ["subscribe", "unsubscribe", "connect", "disconnect"])
async def test_commands_about_a_connection_are_not_for_http(house: House, name: str) -> None:
    status, code, error = why(await post(house, name))
    assert (status, code) == (404, "unknown_command")
    assert "/events" in error


async def test_a_body_of_more_than_a_mebibyte_is_refused(house: House) -> None:
    assert why(await post(house, "ping", b" " * (MAX_IN + 1)))[:2] == (413, "too_large")
    assert (await post(house, "ping", b" " * (MAX_IN - 2) + b"{}")).status_code == 200


async def test_an_answer_that_is_too_large_is_a_sentence_instead() -> None:
    reply = over_http(Response(success=True, data="ü" * (MAX_OUT // 2)))
    frame = json.loads(bytes(reply.body))
    assert (reply.status_code, frame["code"], frame["success"]) == (413, "too_large", False)
    assert "ask for less" in frame["error"]


async def test_a_fault_of_the_service_is_logged_and_answered(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(command: Command, client: Client) -> Answer:
        raise ZeroDivisionError("a bug")

    frame = await answer("get_status", b"", Client(0, Scope.VIEW), broken)
    assert (frame.success, frame.code, over_http(frame).status_code) == (False, "failed", 500)
    assert frame.error == "a fault of the service itself: ZeroDivisionError: a bug"
    assert "a command failed by a fault of ours" in caplog.text


async def test_paths_and_methods_that_are_not_there_are_refused_in_the_same_frame(house: House) -> None:
    async with house.client() as client:
        assert why(await client.get("/api/v1/nothing"))[:2] == (404, "not_found")
        assert why(await client.get("/api/v1/commands/ping"))[:2] == (405, "invalid")
        assert why(await client.get("/"))[0] == 404
        reply = await client.get("/api/v1/events")
    assert (reply.status_code, reply.headers["upgrade"]) == (426, "websocket")


async def test_stop_is_answered_and_then_the_service_ends(house: House) -> None:
    reply = await post(house, "stop", scope=Scope.OPERATE)
    assert reply.json()["data"] == {"requested": True}
    await house.desk.until(lambda: house.desk.wanted_restart is False)
