"""What a client that was let in may do: it is bounded, and the others are served throughout."""

import json
from pathlib import Path

import pytest
import trio
from ipc_parts import Raw, Service, is_served, listen, text_frame

from pywats_client.ipc import stream
from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.commands.queue import GetReport
from pywats_client.ipc.connection import IN_FLIGHT
from pywats_client.ipc.protocol import MAX_IN, MAX_OUT


async def entered(service: Service) -> Raw:
    return await (await Raw.to(service)).enter()


def ping(size: int) -> bytes:
    """A request that is so many bytes long."""
    frame = {"command": "ping", "request_id": "1", "protocol_version": "2.0", "more": ""}
    return json.dumps({**frame, "more": "x" * (size - len(json.dumps(frame)))}).encode()


@pytest.mark.trio
async def test_a_message_of_one_mebibyte_is_read_and_one_more_byte_closes_the_connection(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await entered(service)
        await client.say(text_frame(ping(MAX_IN)))
        assert (await client.frame())["success"]
        await client.say(text_frame(ping(MAX_IN + 1)))
        assert await client.close_code() == 1009
        assert await is_served(service)


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """Fewer bytes than those of a real one without a message: they are reached sooner."""
    monkeypatch.setattr(stream, "BYTES_A_MESSAGE", 1 << 16)
    return 1 << 16


@pytest.mark.trio
async def test_a_message_in_fragments_has_the_same_limit(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await entered(service)
        whole = ping(200)
        for at, letter in enumerate(whole):
            await client.say(text_frame(bytes([letter]), 0 if at else 1, is_last=at == len(whole) - 1))
        assert (await client.frame())["success"]
        await client.say(text_frame(b"x" * 65_536, is_last=False))
        for _ in range(MAX_IN // 65_536):
            await client.say(text_frame(b"x" * 65_536, 0, is_last=False))
        assert await client.close_code() == 1009
        assert await is_served(service)


@pytest.mark.case(
    "F35",
    "endless fragments, pings without end",
    injected="frames that never make a message",
    promised="bounded: the connection ends, the others do not notice",
)
@pytest.mark.trio
@pytest.mark.parametrize(
    "flood",
    [
        text_frame(b"", 0, is_last=False),
        text_frame(b"x", 0, is_last=False),
        text_frame(b"beat", 9),
        text_frame(b"beat", 10),
    ],
    ids=["empty fragments", "fragments of a byte", "pings", "pongs"],
)
async def test_frames_that_make_no_message_end_the_connection_when_they_are_too_many(
    flood: bytes, tmp_path: Path, small_limit: int
) -> None:
    async with Service(listen("unix", tmp_path)).running() as service, trio.open_nursery() as nursery:
        client = await entered(service)
        await client.say(text_frame(b"", is_last=False))
        nursery.start_soon(client.everything)
        for _ in range(1 + 2 * small_limit // (1000 * len(flood))):
            await client.say(flood * 1000)
        assert await is_served(service)
        await service.until(lambda: not service.server.connections)


@pytest.mark.trio
async def test_an_answer_that_is_too_large_says_so_and_the_largest_gets_through(tmp_path: Path) -> None:
    class Large(Answer):
        text: str

    async def answer(command: Command) -> Answer:
        assert isinstance(command, GetReport)
        return Large(text="ü" * (MAX_OUT // 2 - (200 if command.id == "fits" else 0)))

    async with Service(listen("unix", tmp_path), answer).running() as service:
        client = await entered(service)
        assert (await client.ask("get_report", id="fits"))["success"]
        refused = await client.ask("get_report", id="large")
        assert (refused["code"], refused["data"]) == ("too_large", None)
        assert "ask for less" in refused["error"]


@pytest.mark.case(
    "F35",
    "a flood of requests",
    injected="more than 32 at once on a connection",
    promised="32 are worked on, the rest waits in its socket",
)
@pytest.mark.trio
async def test_of_a_flood_of_requests_thirty_two_are_worked_on_and_the_rest_waits(tmp_path: Path) -> None:
    go = trio.Event()

    async def wait(command: Command) -> Answer:
        await go.wait()
        return Answer()

    async with Service(listen("unix", tmp_path), wait).running() as service:
        client, count = await entered(service), 200
        for number in range(count):
            await client.request("get_status", str(number))
        await service.until(lambda: len(service.commands) == IN_FLIGHT)
        assert await is_served(service)
        assert len(service.commands) == IN_FLIGHT
        go.set()
        assert {(await client.frame())["request_id"] for _ in range(count)} == set(map(str, range(count)))
