"""Whose turn it is when more sources wait than there are slots."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from service_parts import Floor, simple, so_far, told, write_converter
from trio.testing import MockClock, wait_all_tasks_blocked

from pywats_client.ipc.events import (
    ConverterChanged,
    ConverterState,
    Event,
    SourceConverted,
    SourceConverting,
    SourcesWaiting,
)


async def order_of_turns(floor: Floor, events: AsyncIterator[Event], count: int) -> list[str]:
    """Open the gate once every source waits; the names in the order in which they were taken."""
    with trio.fail_after(30):
        while sum(len(converter.waiting) for converter in floor.pool._converters) < count:
            await events.__anext__()
            await trio.lowlevel.checkpoint()
    floor.pool.gate.set("test", "")
    return [(await told(events, SourceConverting)).source for _ in range(count)]


async def filled(floor: Floor, priorities: dict[str, int], each: int) -> None:
    """A converter and a folder of files for each name."""
    keys = []
    for name, priority in priorities.items():
        folder = floor.home / name
        folder.mkdir()
        for number in range(each):
            (folder / f"{name}{number}").write_text(f"{name}{number}")
            os.utime(folder / f"{name}{number}", ns=(number, number))
        keys.append(floor.converter(name, watch_folder=str(folder), priority=priority))
    floor.configure(*keys)


@pytest.mark.parametrize(
    ("priorities", "order"),
    [
        ({"x": 10, "y": 1}, ["y0", "y1", "y2", "x0", "x1", "x2"]),
        ({"x": 5, "y": 5, "z": 5}, None),
    ],
)
@pytest.mark.trio
async def test_priority_decides_and_among_equals_the_converters_take_turns(
    tmp_path: Path, priorities: dict[str, int], order: list[str] | None
) -> None:
    floor = simple(Floor(tmp_path, slots=1))
    await filled(floor, priorities, 3)
    with trio.fail_after(60):
        async with floor.running() as events:
            floor.pool.gate.set("test", "not yet")
            turns = await order_of_turns(floor, events, 3 * len(priorities))
    if order:
        assert turns == order
    else:
        assert [{name[0] for name in turns[start : start + 3]} for start in (0, 3, 6)] == [set("xyz")] * 3
        assert [name for name in turns if name[0] == "x"] == ["x0", "x1", "x2"]


@pytest.mark.trio
async def test_never_more_sources_than_slots_are_in_work_and_the_rest_waits(tmp_path: Path) -> None:
    floor = Floor(tmp_path, slots=2)
    go = tmp_path / "go"
    write_converter(floor.module, f"wait_for({str(go)!r})\nreturn report(source.read_text())")
    for number in range(6):
        (floor.watched / str(number)).write_text(str(number))
    in_work = most = done = 0
    async with floor.running() as events:
        await told(events, SourceConverting)
        await told(events, SourceConverting)
        await told(events, SourcesWaiting)
        await wait_all_tasks_blocked(0.3)
        assert not [event for event in so_far(events) if isinstance(event, SourceConverting)]
        assert floor.slots.borrowed_tokens == 2
        go.touch()
        in_work = 2
        while done < 6:
            event = await events.__anext__()
            in_work += isinstance(event, SourceConverting) - isinstance(event, SourceConverted)
            done += isinstance(event, SourceConverted)
            most = max(most, in_work)
    assert most <= 2
    assert len(floor.reports()) == 6


@pytest.mark.trio
async def test_a_full_queue_stops_converting_and_room_lets_it_go_on(tmp_path: Path, fast_clock: MockClock) -> None:
    floor = simple(Floor(tmp_path, slots=1))
    floor.most_queued = 2
    for number in range(4):
        (floor.watched / str(number)).write_text(str(number))
    async with floor.running() as events:
        waiting = await told(events, ConverterChanged, state=ConverterState.WAITING)
        assert "max_queue_size" in waiting.reason
        fast_clock.jump(30)
        await trio.sleep(5)
        assert len(floor.reports()) == 2
        floor.most_queued = 0
        await told(events, ConverterChanged, state=ConverterState.RUNNING)
        for _ in range(2):
            await told(events, SourceConverted)
