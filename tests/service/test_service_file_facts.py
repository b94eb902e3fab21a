"""What the events of a file carry, for the journal and for whoever watches."""

from pathlib import Path

import pytest
import trio
from service_parts import BY_CONTENT, Floor, simple, so_far, told, write_converter
from trio.testing import MockClock

from pywats_client.ipc.events import ReportMoved, SourceConverted, SourceConverting, SourceSeen
from pywats_client.service.intake import MOST_SEEN


@pytest.mark.trio
async def test_a_report_comes_to_the_queue_with_what_people_know_it_by(fast_clock: MockClock, tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(floor.module, "return report(source.read_text(), result='F')")
    async with floor.running() as events:
        floor.drop("a\n.csv", "SN-1")
        moved = await told(events, ReportMoved)
        assert (moved.source, moved.converter, moved.report_type) == ("a\\x0a.csv", "mine", "T")
        assert (moved.serial_number, moved.part_number, moved.result) == ("SN-1", "P1", "F")


@pytest.mark.trio
async def test_a_file_is_told_when_it_is_seen_and_how_long_it_took_to_settle(
    fast_clock: MockClock, tmp_path: Path
) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter(settle_seconds=20))
    async with floor.running() as events:
        floor.drop("a.csv", "SN-1")
        assert (await told(events, SourceSeen)).source == "a.csv"
        converting = await told(events, SourceConverting)
        assert converting.seen_seconds - converting.settled_seconds >= 20
        assert converting.settled_seconds >= 0


@pytest.mark.trio
async def test_of_thousands_of_files_at_once_only_the_first_are_told_as_seen(
    fast_clock: MockClock, tmp_path: Path
) -> None:
    floor = Floor(tmp_path)
    write_converter(floor.module, BY_CONTENT)
    for number in range(MOST_SEEN + 50):
        floor.drop(f"{number}.csv", f"SN-{number}")
    floor.configure(floor.converter(settle_seconds=3600))
    async with floor.running() as events:
        await told(events, SourceSeen)
        await trio.sleep(60)
        assert sum(isinstance(event, SourceSeen) for event in so_far(events)) == MOST_SEEN - 1


@pytest.mark.trio
async def test_files_that_are_kept_are_not_told_as_seen_at_every_start(fast_clock: MockClock, tmp_path: Path) -> None:
    for is_again in (False, True):
        floor = simple(Floor(tmp_path))
        floor.configure(floor.converter(post_action="keep"))
        async with floor.running() as events:
            if not is_again:
                floor.drop("a.csv", "SN-1")
                await told(events, SourceConverted)
            else:
                floor.drop("b.csv", "SN-2")
                assert (await told(events, SourceSeen)).source == "b.csv"
