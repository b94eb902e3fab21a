"""Messages that are no requests: each is answered as such, or ends its own connection."""

from pathlib import Path

import pytest
from ipc_parts import Raw, Service, is_served, listen, text_frame

PING = b'{"command": "ping", "request_id": "1", "protocol_version": "2.0"}'
GARBAGE = {
    "no JSON": b"hello",
    "nothing": b"",
    "a number": b"1e999",
    "an array": b"[1, 2]",
    "null": b"null",
    "a million brackets": b"[" * 1_000_000,
    "deep arguments": b'{"command": "ping", "args": ' + b'{"a":' * 150_000 + b"1" + b"}" * 150_001,
    "half an object": b'{"command": "ping"',
    "a surrogate": b'{"command": "\\ud800"}',
    "NUL": b'{"command": "ping\\u0000", "protocol_version": "2.0"}',
    "a number for a name": b'{"command": 1}',
    "arguments in an array": b'{"command": "ping", "args": []}',
    "a huge version": b'{"command": "ping", "protocol_version": "' + b"9" * 5000 + b'"}',
    "a version of words": b'{"command": "ping", "protocol_version": "two.zero"}',
}


@pytest.mark.case(
    "F35",
    "garbage, deep JSON, unknown methods",
    injected="one kind a run",
    promised="answered as such, and the client goes on",
)
@pytest.mark.trio
@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_is_answered_as_such_and_the_client_goes_on(what: str, tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        await client.say(text_frame(GARBAGE[what]))
        answer = await client.frame()
        assert not answer["success"]
        assert answer["code"] in ("invalid", "version", "unknown_command")
        assert len(answer["error"]) < 500
        assert (await client.ask("ping", "2"))["success"]
        assert service.commands == []


@pytest.mark.trio
async def test_a_binary_message_is_no_request(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        await client.say(text_frame(PING, 2))
        answer = await client.frame()
        assert (answer["code"], answer["success"]) == ("invalid", False)
        assert "binary" in answer["error"]


@pytest.mark.trio
async def test_text_that_is_not_utf_8_and_frames_against_the_rules_end_their_connection_alone(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        for said in (text_frame(b"\xff\xfe"), b"\xff" * 100, b"\x81\x05hello", text_frame(b"x" * 126, 9), b"\x83\x80"):
            client = await (await Raw.to(service)).enter()
            await client.say(said)
            await client.end()
            await client.everything()
            assert await is_served(service)
        assert service.commands == []
