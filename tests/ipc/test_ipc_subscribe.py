"""Events: first the state, then every change of it, numbered without a gap."""

from pathlib import Path

import pytest
import trio
from ipc_parts import Raw, Service, listen
from trio.testing import MockClock

from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.events import Event, HealthChanged, LogLine
from pywats_client.ipc.messages import EventFrame
from pywats_client.ipc.subscription import GATHER_SECONDS, Subscription


@pytest.mark.trio
async def test_the_snapshot_and_the_events_after_it_leave_no_gap(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service, trio.open_nursery() as nursery:

        async def happen() -> None:
            for number in range(500):
                service.tell(str(number))
                await trio.lowlevel.checkpoint()

        nursery.start_soon(happen)
        client = await (await Raw.to(service)).enter()
        await client.request("subscribe", "s")
        answer = await client.frame()
        assert (answer["request_id"], answer["data"]["seq"]) == ("s", 0)
        first = int(answer["data"]["snapshot"]["degraded"].get("test", -1)) + 1
        for seq, number in enumerate(range(first, 500), 1):
            event = await client.frame()
            told = EventFrame(event="health_changed", seq=seq, data={"part": "test", "reason": str(number)})
            assert event == told.model_dump()


@pytest.mark.trio
async def test_subscribers_are_counted_and_commands_go_on_beside_their_events(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        await (await Raw.to(service)).enter()
        assert service.server.subscribers == 0
        assert (await client.ask("subscribe"))["success"]
        assert service.server.subscribers == 1
        service.tell("a")
        assert (await client.frame())["event"] == "health_changed"
        assert (await client.ask("ping", "2"))["success"]
        await client.aclose()
        await service.until(lambda: service.server.subscribers == 0)


@pytest.mark.trio
async def test_after_unsubscribe_nothing_more_comes(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        assert (await client.ask("unsubscribe"))["success"]
        await client.ask("subscribe")
        for number in range(100):
            service.tell(str(number))
        assert (await client.ask("unsubscribe", "2"))["success"]
        service.tell("unheard")
        assert service.server.subscribers == 0
        assert await client.ask("ping", "3")
        assert client._heard == b""


@pytest.mark.trio
async def test_events_are_sent_whole_also_while_their_end_is_asked_for(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        await client.ask("subscribe")
        for _ in range(20):
            service.tell("x" * 100_000)
        await trio.testing.wait_all_tasks_blocked(0.01)
        await client.request("unsubscribe", "2")
        await trio.testing.wait_all_tasks_blocked(0.01)
        while "event" in (frame := await client.frame()):
            assert len(frame["data"]["reason"]) == 100_000
        assert frame["request_id"] == "2"
        assert (await client.ask("ping", "3"))["success"]


@pytest.mark.trio
async def test_events_of_any_length_that_wait_together_come_whole_and_numbered(tmp_path: Path) -> None:
    lengths = [*range(20, 140), *range(65_380, 65_540, 4)]
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        await client.ask("subscribe")
        for length in lengths:
            service.tell("x" * length)
        frames = [await client.frame() for _ in lengths]
        assert [frame["seq"] for frame in frames] == list(range(1, len(lengths) + 1))
        assert [len(frame["data"]["reason"]) for frame in frames] == lengths


@pytest.mark.trio
async def test_a_second_subscription_takes_the_place_of_the_first_and_counts_anew(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        await client.ask("subscribe")
        service.tell("a")
        await client.frame()
        service.hub.publish_line(LogLine(time="", level="INFO", logger="a", message="not wanted"))
        assert (await client.ask("subscribe", "2", log_level="INFO"))["data"]["seq"] == 0
        assert service.server.subscribers == 1
        service.hub.publish_line(LogLine(time="", level="DEBUG", logger="a", message="too low"))
        service.hub.publish_line(LogLine(time="", level="WARNING", logger="a", message="hot"))
        event = await client.frame()
        assert (event["event"], event["seq"], event["data"]["message"]) == ("log_line", 1, "hot")
        service.tell("b")
        assert (await client.frame())["seq"] == 2


@pytest.mark.trio
async def test_who_falls_behind_is_closed_and_may_come_back(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        await client.ask("subscribe")
        for number in range(1100):
            service.tell(str(number))
        assert await client.close_code() == 1013
        assert service.hub.dropped == 1
        again = await (await Raw.to(service)).enter()
        assert (await again.ask("subscribe"))["data"]["snapshot"]["degraded"] == {"test": "1099"}


@pytest.mark.trio
async def test_at_the_stop_everybody_gets_the_answers_and_events_that_are_owed(tmp_path: Path) -> None:
    go = trio.Event()

    async def wait(command: Command) -> Answer:
        await go.wait()
        return Answer()

    service = Service(listen("unix", tmp_path), wait)
    async with service.running():
        client, silent = await (await Raw.to(service)).enter(), await (await Raw.to(service)).enter()
        await client.ask("subscribe", "s")
        await client.request("get_status", "owed")
        await service.until(lambda: service.commands)
        service.tell("last")
        service.stop()
        assert await silent.close_code() == 1001
        assert [(await client.frame()).get("event") for _ in range(2)] == ["health_changed", "service_state_changed"]
        await client.request("get_status", "too late")
        go.set()
        assert (await client.frame())["request_id"] == "owed"
        assert await client.close_code() == 1001
        assert len(service.commands) == 1


async def send_later(send: trio.MemorySendChannel[Event], event: Event) -> None:
    await trio.sleep(GATHER_SECONDS / 2)
    send.send_nowait(event)


@pytest.mark.trio
async def test_one_event_alone_goes_at_once_and_those_of_a_burst_are_gathered(autojump_clock: MockClock) -> None:
    send, receive = trio.open_memory_channel[Event](10)
    subscription, began = Subscription(receive), trio.current_time()
    events = [HealthChanged(part=str(number)) for number in range(3)]
    send.send_nowait(events[0])
    assert await anext(subscription) == events[:1]
    assert trio.current_time() == began
    send.send_nowait(events[1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_later, send, events[2])
        assert await anext(subscription) == events[1:]
    assert trio.current_time() == pytest.approx(began + GATHER_SECONDS)
    send.close()
    receive.close()
