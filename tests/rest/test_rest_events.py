"""Events on a websocket beside the REST paths."""

import json
from typing import Any

import pytest
import trio
from rest_house import House
from trio_websocket import ConnectionClosed, WebSocketConnection

from pywats_client.ipc.commands.service import Pause, Stop
from pywats_client.ipc.events import ConfigChanged
from pywats_client.ipc.protocol import Scope

pytestmark = pytest.mark.trio


async def heard(socket: WebSocketConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await socket.get_message())
    return found


async def closed(socket: WebSocketConnection) -> int:
    """The code of the goodbye."""
    try:
        while True:
            await socket.get_message()
    except ConnectionClosed as end:
        assert end.reason
        return int(end.reason.code)


async def test_first_comes_the_snapshot_and_then_every_event_without_a_gap(house: House) -> None:
    async with house.events() as socket:
        first = await heard(socket)
        assert (first["success"], first["data"]["seq"]) == (True, 0)
        assert first["data"]["snapshot"] == house.desk.hub.snapshot.model_dump(mode="json")
        await house.desk.ask(Pause(what="uploads"), Pause.Result)
        for number in range(50):
            house.desk.hub.publish(ConfigChanged(sections=(str(number),)))
        events = [await heard(socket) for _ in range(51)]
    assert [event["seq"] for event in events] == list(range(1, 52))
    assert (events[0]["event"], events[0]["data"]["paused"]) == ("service_state_changed", ["uploads"])
    assert [event["data"]["sections"] for event in events[1:]] == [[str(number)] for number in range(50)]


async def test_lines_of_the_log_come_to_who_asks_for_their_level(house: House) -> None:
    async with house.events("?log_level=INFO") as socket:
        await heard(socket)
        await house.desk.ask(Pause(what="uploads"), Pause.Result)
        while (event := await heard(socket))["event"] != "log_line":
            pass
        assert event["data"]["level"] == "INFO"


async def test_a_level_that_there_is_not_is_refused_before_the_websocket_opens(house: House) -> None:
    status, body = await house.handshake("?log_level=LOUD")
    assert status == 400
    assert "log_level" in json.loads(body)["error"]


async def test_what_a_client_says_there_is_read_and_of_no_consequence(house: House) -> None:
    async with house.events() as socket:
        await heard(socket)
        for _ in range(20):
            await socket.send_message('{"command": "stop", "request_id": "1", "protocol_version": "2.0"}')
        house.desk.hub.publish(ConfigChanged(sections=("x",)))
        assert (await heard(socket))["data"] == {"sections": ["x"]}
    assert (await house.desk.status()).status == "Running"


async def test_a_message_that_is_too_large_ends_the_websocket(house: House) -> None:
    async with house.events() as socket:
        await heard(socket)
        with trio.move_on_after(10):
            await socket.send_message("x" * 100_000)
        assert await closed(socket) == 1009


async def test_a_client_that_goes_leaves_no_subscription_behind(house: House) -> None:
    before = len(house.desk.hub._subscribers)
    async with house.events() as socket:
        await heard(socket)
        assert len(house.desk.hub._subscribers) == before + 1
    await house.desk.until(lambda: len(house.desk.hub._subscribers) == before)


async def test_a_client_that_falls_behind_is_told_to_come_again(house: House) -> None:
    async with house.events() as socket:
        await heard(socket)
        for number in range(1200):  # no checkpoint: nothing can be sent meanwhile
            house.desk.hub.publish(ConfigChanged(sections=(str(number),)))
        assert await closed(socket) == 1013


async def test_a_stop_is_seen_to_its_end_and_then_the_websocket_closes(house: House) -> None:
    async with house.events() as socket:
        await heard(socket)
        await house.desk.ask(Stop(), Stop.Result)
        states = []
        try:
            while True:
                event = await heard(socket)
                if event["event"] == "service_state_changed":
                    states.append(event["data"]["state"])
        except ConnectionClosed as end:
            assert end.reason
            assert end.reason.code == 1001
    assert states == ["StopPending", "Stopped"]


async def test_closing_the_face_says_goodbye_to_who_listens(house: House) -> None:
    async with house.events() as socket:
        await heard(socket)
        async with house.client(Scope.ADMIN) as client:
            reply = await client.post("/api/v1/commands/set_config", json={"values": {"http.enabled": False}})
        assert reply.json()["success"], reply.text
        assert await closed(socket) == 1001
