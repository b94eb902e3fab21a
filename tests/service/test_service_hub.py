"""How parts tell each other what happened."""

import pytest
import trio
from service_parts import report_id
from trio.testing import MockClock

from pywats_client.ipc.events import (
    ConnectionChanged,
    ConnectionState,
    ConverterChanged,
    ConverterRemoved,
    ConverterState,
    HealthChanged,
    QueueCounted,
    ReportMoved,
    Snapshot,
)
from pywats_client.service.hub import Gate, Hub, Trouble, Wake


@pytest.mark.trio
async def test_a_bell_that_rang_before_is_heard_and_only_once(autojump_clock: MockClock) -> None:
    bell = Wake()
    bell.ring()
    bell.ring()
    assert await bell.heard()
    assert not await bell.heard(5)


@pytest.mark.trio
async def test_a_subscriber_gets_every_event_from_then_on(autojump_clock: MockClock) -> None:
    hub = Hub()
    hub.publish(HealthChanged(part="disk", reason="before"))
    with hub.subscribed() as events:
        hub.publish(HealthChanged(part="disk"))
        assert await events.__anext__() == HealthChanged(part="disk")


@pytest.mark.trio
async def test_a_subscriber_that_falls_behind_is_closed_and_the_others_get_all(autojump_clock: MockClock) -> None:
    hub = Hub()
    event = HealthChanged(part="disk", reason="full")
    with hub.subscribed(3) as slow, hub.subscribed(10) as quick:
        for _ in range(5):
            hub.publish(event)
        assert [event async for event in slow] == [event] * 3
        for _ in range(5):
            assert await quick.__anext__() == event


def test_counts_that_were_told_stay_what_they_were() -> None:
    counted = QueueCounted(reports={"queued": 1})
    snapshot = Snapshot().after(counted)
    snapshot.after(ReportMoved(queue_id=report_id(1), before="queued", after="processing"))
    assert counted.reports == {"queued": 1}
    assert snapshot.reports == {"queued": 0, "processing": 1}


def test_the_snapshot_shows_what_is_true_after_each_event() -> None:
    snapshot = Snapshot()
    for event in (
        ConnectionChanged(state=ConnectionState.BUSY, reason="503"),
        ConverterChanged(converter="a", state=ConverterState.ERROR, reason="no module"),
        ConverterChanged(converter="b", state=ConverterState.RUNNING),
        ConverterRemoved(converter="b"),
        HealthChanged(part="disk", reason="full"),
        HealthChanged(part="queue", reason="far"),
        HealthChanged(part="queue"),
        ReportMoved(queue_id=report_id(1), before="processing", after="completed"),
    ):
        snapshot.after(event)
    assert (snapshot.connection, snapshot.connection_reason) == (ConnectionState.BUSY, "503")
    assert {name: status.state for name, status in snapshot.converters.items()} == {"a": ConverterState.ERROR}
    assert snapshot.degraded == {"disk": "full"}
    assert snapshot.delivered == 1


@pytest.mark.trio
async def test_trouble_pauses_longer_each_time_and_a_success_ends_it(autojump_clock: MockClock) -> None:
    hub = Hub()
    trouble = Trouble(hub, "uploads")
    pauses = []
    for _ in range(8):
        trouble.learn("no descriptors")
        trouble.learn("no descriptors")  # another upload of the same moment
        began = trio.current_time()
        await trouble.over()
        pauses.append(trio.current_time() - began)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert hub.snapshot.degraded == {"uploads": "no descriptors"}
    trouble.learn("")
    began = trio.current_time()
    await trouble.over()
    assert trio.current_time() == began
    assert hub.snapshot.degraded == {}


@pytest.mark.trio
async def test_a_gate_opens_when_nobody_has_a_reason_against_it_any_more(autojump_clock: MockClock) -> None:
    changes = []
    gate = Gate(lambda: changes.append(gate.reason))
    gate.set("disk", "full")
    gate.set("disk", "full")
    gate.set("queue", "long")
    gate.set("disk", "")
    with trio.move_on_after(1) as shut:
        await gate.passed()
    assert shut.cancelled_caught
    gate.set("queue", "")
    with trio.fail_after(1):
        await gate.passed()
    assert changes == ["full", "full; long", "long", ""]


@pytest.mark.trio
async def test_a_closed_hub_lets_subscribers_hear_the_rest_and_then_the_end() -> None:
    hub = Hub()
    with hub.subscribed() as events:
        hub.publish(HealthChanged(part="disk", reason="full"))
        hub.close()
        hub.publish(HealthChanged(part="disk"))
        assert [event async for event in events] == [HealthChanged(part="disk", reason="full")]


@pytest.mark.trio
async def test_a_subscriber_that_fell_behind_is_counted() -> None:
    hub = Hub()
    with hub.subscribed(1), hub.subscribed(2):
        hub.publish(HealthChanged(part="disk", reason="full"))
        hub.publish(HealthChanged(part="disk"))
    assert hub.dropped == 1


@pytest.mark.trio
async def test_what_is_only_noted_is_folded_and_told_to_listeners_and_to_no_subscriber() -> None:
    hub, heard = Hub(), []
    hub.listeners.append(heard.append)
    event = HealthChanged(part="disk", reason="full")
    with hub.subscribed() as events:
        assert hub.subscribers == 1
        hub.note(event)
        hub.close()
        assert [told async for told in events] == []
    assert (heard, hub.snapshot.degraded, hub.subscribers) == ([event], {"disk": "full"}, 0)
