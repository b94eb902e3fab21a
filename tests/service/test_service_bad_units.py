"""Several units in a source: each is judged for itself."""

from pathlib import Path

import pytest
from service_parts import Floor, told, write_converter

from pywats_client.ipc.events import ReportKnown, ReportMoved, SourceFailed

EACH_WORD = """
for line, word in enumerate(source.read_text().split(), 1):
    if word == "bad":
        yield ConversionError("no serial number", line=line)
    elif word == "refused":
        yield report("R1", result="X")
    else:
        yield report(word)
"""


def floor_of(home: Path, **keys: object) -> Floor:
    floor = Floor(home)
    write_converter(floor.module, EACH_WORD)
    floor.configure(floor.converter(**keys))
    return floor


@pytest.mark.trio
async def test_bad_units_are_named_in_the_reason_and_the_good_ones_are_queued(tmp_path: Path) -> None:
    floor = floor_of(tmp_path)
    async with floor.running() as events:
        floor.drop("a.txt", "A1 bad A3 refused A5")
        failed = await told(events, SourceFailed)
    assert sorted(floor.serial_numbers()) == ["A1", "A3", "A5"]
    assert floor.listing() == ["Error/a.txt", "Error/a.txt.reason"]
    reason = (floor.watched / "Error" / "a.txt.reason").read_text()
    for words in ("2 of 5 units cannot be converted:", "line 2: no serial number", "report 4 (R1) has a fault"):
        assert words in failed.reason
        assert words in reason


@pytest.mark.trio
async def test_with_all_or_nothing_one_bad_unit_keeps_the_others_from_being_queued(tmp_path: Path) -> None:
    floor = floor_of(tmp_path, all_or_nothing=True)
    async with floor.running() as events:
        floor.drop("a.txt", "A1 bad")
        failed = await told(events, SourceFailed)
    assert floor.serial_numbers() == []
    assert floor.listing() == ["Error/a.txt", "Error/a.txt.reason"]
    assert "1 of 2 units cannot be converted:" in failed.reason
    assert list(floor.queue.path.glob(".*.tmp")) == []


@pytest.mark.trio
async def test_a_source_without_a_good_unit_leaves_nothing_in_the_queue(tmp_path: Path) -> None:
    floor = floor_of(tmp_path)
    async with floor.running() as events:
        floor.drop("a.txt", "bad bad")
        failed = await told(events, SourceFailed)
    assert floor.serial_numbers() == []
    assert failed.reason == "2 of 2 units cannot be converted:\nline 1, 2: no serial number"


@pytest.mark.trio
async def test_a_mended_converter_adds_what_was_bad_and_doubles_nothing(tmp_path: Path) -> None:
    """A bad unit keeps its place among the units: the ids of the others stay."""
    floor = floor_of(tmp_path)
    async with floor.running() as events:
        floor.drop("a.txt", "A1 bad A3")
        await told(events, SourceFailed)
    mended = floor_of(tmp_path)
    write_converter(mended.module, EACH_WORD.replace('== "bad"', '== "never"'))
    (floor.watched / "Error" / "a.txt").rename(floor.watched / "a.txt")
    async with mended.running() as events:
        known = [await told(events, ReportKnown) for _ in "13"]
    assert len({event.queue_id for event in known}) == 2
    assert sorted(mended.serial_numbers()) == ["A1", "A3", "bad"]


@pytest.mark.trio
async def test_after_a_crash_between_queueing_and_setting_aside_nothing_is_doubled(tmp_path: Path) -> None:
    floor = floor_of(tmp_path)
    async with floor.running() as events:
        floor.drop("a.txt", "A1 bad")
        await told(events, ReportMoved)
        await told(events, SourceFailed)
    error = floor.watched / "Error"
    (error / "a.txt.reason").unlink()
    (error / "a.txt").rename(floor.watched / "a.txt")  # as it lay before the last step
    again = floor_of(tmp_path)
    async with again.running() as events:
        await told(events, SourceFailed)
    assert again.serial_numbers() == ["A1"]
    assert again.listing() == ["Error/a.txt", "Error/a.txt.reason"]
