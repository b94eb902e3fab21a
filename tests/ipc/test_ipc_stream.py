"""Who takes nothing, or says much and nothing, is closed; who only shows that it lives is not."""

import json
from pathlib import Path

import pytest
import trio
from ipc_parts import KEYS, Raw, Service, bearer, listen, text_frame
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from pywats_client.ipc.protocol import Scope
from pywats_client.ipc.stream import BYTES_A_MESSAGE, SEND_SECONDS, ClientStream

PING = 10
"""Bytes of one as clients send it."""


@pytest.fixture
def fast_clock() -> MockClock:
    return MockClock(rate=100)


def nothing() -> None:
    return


@pytest.mark.trio
async def test_a_ping_a_second_goes_on_for_ever(autojump_clock: MockClock) -> None:
    client, inner = memory_stream_pair()
    server = ClientStream(inner, nothing)
    for _ in range(30):
        await trio.sleep(24 * 3600)
        await client.send_all(b"x" * PING * 24 * 3600)
        assert await server.receive_some()
    for _ in range(1000):
        await trio.sleep(1)
        await client.send_all(b"x" * PING)
        assert len(await server.receive_some()) == PING


@pytest.mark.trio
async def test_bytes_without_a_message_end_like_a_client_that_has_gone() -> None:
    client, inner = memory_stream_pair()
    ended: list[bool] = []
    server = ClientStream(inner, lambda: ended.append(True))
    half = b"x" * (BYTES_A_MESSAGE // 2)
    for _ in range(5):
        server.message_came()
        await client.send_all(half)
        assert await server.receive_some() == half
    await client.send_all(half)
    assert await server.receive_some() == half
    assert ended == []
    await client.send_all(half)
    assert (await server.receive_some(), ended) == (b"", [True])


@pytest.mark.trio
async def test_a_send_that_nobody_takes_is_given_up(autojump_clock: MockClock) -> None:
    _, inner = lockstep_stream_pair()
    with pytest.raises(trio.BrokenResourceError):
        await ClientStream(inner, nothing).send_all(b"x")
    assert trio.current_time() == pytest.approx(SEND_SECONDS)


@pytest.mark.trio
@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize("flood", ["requests", "pings"])
async def test_who_takes_no_answers_is_closed(
    transport: str, flood: str, tmp_path: Path, fast_clock: MockClock
) -> None:
    async with Service(listen(transport, tmp_path)).running(36_000_000) as service, trio.open_nursery() as nursery:
        client = await (await Raw.to(service)).enter(bearer(KEYS[Scope.VIEW]))
        said = text_frame(json.dumps({"command": "get_schema", "request_id": "1", "protocol_version": "2.0"}).encode())
        many = said * 100 if flood == "requests" else text_frame(b"x" * 125, 9) * 8000

        async def say() -> None:
            for _ in range(20):
                await client.say(many)

        nursery.start_soon(say)
        await service.until(lambda: not service.server.connections)
        nursery.cancel_scope.cancel()
