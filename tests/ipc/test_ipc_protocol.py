"""The protocol, frame by frame, over a real socket."""

import json
import logging
from pathlib import Path

import pytest
import trio
from ipc_parts import Raw, Service, is_served, listen, text_frame

from pywats_client.errors import CommandFailed, ConfigError
from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.protocol import Code


@pytest.mark.trio
async def test_hello_comes_first_and_says_who_serves(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await Raw.to(service)
        await client.say(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert await client.status() == 101
        assert await client.frame() == {
            "protocol_version": "2.0",
            "server_version": "1.2.3",
            "instance_id": "default",
            "requires_auth": False,
            "capabilities": ["ping"],
        }


@pytest.mark.trio
async def test_a_response_has_all_its_keys_and_the_id_of_its_request(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        assert await client.ask("ping", "my own id") == {
            "success": True,
            "data": {"pong": True, "authenticated": True},
            "error": None,
            "code": None,
            "request_id": "my own id",
            "protocol_version": "2.0",
        }
        failed = await client.ask("fly", "2")
        assert failed == {
            "success": False,
            "data": None,
            "error": "there is no command 'fly'; `get_schema` lists them all",
            "code": "unknown_command",
            "request_id": "2",
            "protocol_version": "2.0",
        }


@pytest.mark.trio
async def test_a_thousand_pings_have_a_thousand_answers(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service, trio.open_nursery() as nursery:
        client = await (await Raw.to(service)).enter()

        async def say() -> None:
            for number in range(1000):
                await client.request("ping", str(number))

        nursery.start_soon(say)
        answers = [(await client.frame())["request_id"] for _ in range(1000)]
        assert sorted(answers, key=int) == [str(number) for number in range(1000)]


@pytest.mark.trio
@pytest.mark.parametrize("version", ["1.0", "1.9", "3.0", "", "2", "x", "2.x", "-2.0"])
async def test_another_version_of_the_protocol_is_refused(version: str, tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        await client.request("ping", "1", version)
        answer = await client.frame()
        assert (answer["code"], answer["request_id"]) == ("version", "1")
        assert answer["error"] == f"protocol version {version} not supported; minimum: 2.0"


@pytest.mark.trio
async def test_arguments_that_are_no_object_are_answered_under_the_id_of_their_request(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        for args in (["x"], None, 5, "text"):
            frame = {"command": "ping", "request_id": "mine", "protocol_version": "2.0", "args": args}
            await client.say(text_frame(json.dumps(frame).encode()))
            answer = await client.frame()
            assert (answer["code"], answer["request_id"]) == ("invalid", "mine")
            assert answer["error"].startswith("ping: args: ")


@pytest.mark.trio
async def test_a_newer_minor_version_is_welcome_and_none_counts_as_the_first(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        await client.request("ping", "1", "2.7")
        assert (await client.frame())["success"]
        await client.say(b'\x81\x93\0\0\0\0{"command": "ping"}')
        assert (await client.frame())["error"] == "protocol version 1.0 not supported; minimum: 2.0"


@pytest.mark.trio
@pytest.mark.parametrize(
    ("name", "args", "key"),
    [
        ("get_queue", {"limit": 0}, "limit"),
        ("get_queue", {"states": ["lost"]}, "states.0"),
        ("set_config", {"values": {}}, "values"),
        ("set_token", {"token": {"a": "s3cret"}}, "token"),
        ("subscribe", {"log_level": "LOUD"}, "log_level"),
        ("ping", {"typing_error": 1}, "typing_error"),
        ("get_trace", {}, "key"),
    ],
)
async def test_an_argument_that_is_wrong_is_named(name: str, args: dict[str, object], key: str, tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        answer = await client.ask(name, **args)
        assert answer["code"] == "invalid"
        assert answer["error"].startswith(f"{name}: {key}: ")
        assert "s3cret" not in answer["error"]
        assert service.commands == []


@pytest.mark.trio
async def test_a_command_reaches_its_handler_with_its_arguments_and_who_sent_it(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        for number in (1, 2):
            client = await (await Raw.to(service)).enter()
            assert (await client.ask("pause", what="uploads"))["data"] == {}
            assert repr(service.commands[-1]) == "Pause(what='uploads')"
            assert (service.clients[-1].number, service.clients[-1].scope) == (number, "admin")


@pytest.mark.trio
async def test_a_refusal_keeps_its_code_and_a_fault_of_ours_is_one_failed_response(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faults = iter(
        [
            CommandFailed(Code.CONFLICT, "not now"),
            ConfigError("server.url", "is no address"),
            KeyError("bug"),
            ExceptionGroup("many", [ValueError("one")]),
            RecursionError("deep"),
        ]
    )

    async def fail(command: Command) -> Answer:
        raise next(faults)

    async with Service(listen("unix", tmp_path), fail).running() as service:
        client = await (await Raw.to(service)).enter()
        other = await (await Raw.to(service)).enter()
        answers = [await client.ask("get_status") for _ in range(5)]
        assert [answer["code"] for answer in answers] == ["conflict", "failed", "failed", "failed", "failed"]
        assert [answer["error"] for answer in answers[:3]] == [
            "not now",
            "server.url: is no address",
            "a fault of the service itself: KeyError: 'bug'",
        ]
        assert (await client.ask("ping"))["success"]
        assert (await other.ask("ping"))["success"]
        assert await is_served(service)
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 3


@pytest.mark.trio
async def test_the_older_clients_first_and_last_words_are_understood(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        assert (await client.ask("connect", client_version="1.4", client_type="gui"))["data"] == {
            "connected": True,
            "scope": "admin",
        }
        assert (await client.ask("auth", token=service.server._keys["view"]))["data"]["authenticated"]
        assert (await client.ask("disconnect"))["success"]
        assert await client.close_code() == 1000
