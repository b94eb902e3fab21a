"""What clients ask about the past: lives, yields, and the log."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio
from service_parts import config_of, directly, report_id, settings_of
from trio.testing import MockClock

from pywats_client import logs
from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands.sources import GetLog, GetTrace, GetYield
from pywats_client.ipc.events import ReportMoved, SourceConverted
from pywats_client.paths import Instance
from pywats_client.service.handlers.journal import get_log, get_trace, get_yield
from pywats_client.service.hub import Hub
from pywats_client.service.journal import Journal
from pywats_client.service.log_tail import log_tail
from pywats_client.service.parts import Parts
from tests.fakes.clock import TrioClock


class Asked:
    """What these handlers need of the service."""

    def __init__(self, home: Path) -> None:
        self.hub, self.clock = Hub(), TrioClock()
        self.journal = Journal(home / "journal", self.clock)
        self.settings = settings_of(config_of(station={"shift_starts": ["00:00"]}))
        known = {
            "journal": self.journal,
            "clock": self.clock,
            "settings": self.settings,
            "instance": Instance.find(home=home, environ={}),
            "in_thread": directly,
        }
        self.parts = cast(Parts, SimpleNamespace(**known))

    async def hear(self, *events: Any) -> None:
        """The journal runs while these happen."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.journal.run, self.hub, self.settings, directly)
            await trio.sleep(1)
            for event in events:
                self.hub.publish(event)
            await trio.sleep(1)
            nursery.cancel_scope.cancel()


def came(number: int, result: str) -> ReportMoved:
    return ReportMoved(
        queue_id=report_id(number),
        before="",
        after="queued",
        source=f"{number}.csv",
        converter="csv",
        report_type="T",
        serial_number=f"SN-{number}",
        part_number="P1",
        result=result,
        failing_step="" if result == "P" else "Vcc",
    )


@pytest.mark.trio
async def test_a_report_that_came_without_a_file_has_a_trace_of_its_own(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    asked = Asked(tmp_path)
    moved = ReportMoved(queue_id=report_id(1), before="queued", after="processing")
    await asked.hear(moved, moved.model_copy(update={"before": "processing", "after": "completed"}))
    key = str(report_id(1))[:6]
    (life,) = (await get_trace(GetTrace(key=key), asked.parts)).lives
    assert (life.source, [entry.event for entry in life.entries]) == ("", ["processing", "completed"])
    assert (await get_trace(GetTrace(key="unknown"), asked.parts)).lives == []


@pytest.mark.trio
async def test_at_most_twenty_lives_are_told_the_newest_first(autojump_clock: MockClock, tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    await asked.hear(
        *(SourceConverted(converter="csv", source="a.csv", reports=(), seconds=number) for number in range(30))
    )
    lives = (await get_trace(GetTrace(key="a.csv"), asked.parts)).lives
    assert [life.entries[0].detail for life in lives] == [f"0 reports in {n:.3f} s" for n in range(29, 9, -1)]


@pytest.mark.trio
async def test_yield_rates_and_failing_steps_are_those_of_the_journal(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    asked = Asked(tmp_path)
    await asked.hear(*(came(number, "F" if number < 3 else "P") for number in range(8)))
    found = await get_yield(GetYield(units=4), asked.parts)
    assert (found.last_units.units, found.last_units.passed, found.last_units.percent) == (4, 4, 100.0)
    assert (found.shift.units, found.shift.passed, found.shift.percent) == (8, 5, 62.5)
    assert [(step.step, step.count) for step in found.failing_steps] == [("Vcc", 3)]
    assert (len(found.conversions_a_minute), len(found.uploads_a_minute), found.is_loaded) == (60, 60, True)
    assert datetime.fromisoformat(found.shift_start) <= asked.clock.now()


@pytest.mark.trio
async def test_a_shift_begins_when_the_client_says_so(autojump_clock: MockClock, tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    await asked.hear(came(1, "P"))
    later = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    found = await get_yield(GetYield(shift_start=later.isoformat()), asked.parts)
    assert (found.shift.units, found.shift.percent) == (0, None)
    assert datetime.fromisoformat(found.shift_start) == later


@pytest.mark.trio
async def test_a_moment_that_is_none_is_refused_with_an_example(autojump_clock: MockClock, tmp_path: Path) -> None:
    for text in ("yesterday", "2026-13-01", "06:00"):
        with pytest.raises(CommandFailed, match="expected a moment such as 20"):
            await get_yield(GetYield(shift_start=text), Asked(tmp_path).parts)


# --- the log


def line(number: int, level: str = "INFO", **more: str) -> str:
    fields = {"time": "2026-11-22T08:41:00.000+00:00", "level": level, "logger": "x", "message": f"line {number}"}
    return json.dumps(fields | more)


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "service.log"
    logs.set_up(None, "NOTSET", console=False)


def test_the_last_lines_are_told_oldest_first_across_rotated_files(log_file: Path) -> None:
    for suffix, numbers in ((".2", range(3)), (".1", range(3, 6)), ("", range(6, 9))):
        text = "".join(f"{line(number)}\n" for number in numbers)
        log_file.with_name(f"service.log{suffix}").write_text(text)
    assert [found.message for found in log_tail(log_file, "DEBUG", "", 5)] == [f"line {n}" for n in range(4, 9)]
    assert len(log_tail(log_file, "DEBUG", "", 5000)) == 9


def test_lines_are_chosen_by_level_and_text(log_file: Path) -> None:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    log_file.write_text("\n".join(line(number, level) for number, level in enumerate(levels)))
    assert [found.level for found in log_tail(log_file, "WARNING", "", 10)] == ["WARNING", "ERROR", "CRITICAL"]
    assert [found.level for found in log_tail(log_file, "DEBUG", "LINE 1", 10)] == ["INFO"]


def test_long_files_are_read_whole_lines_at_a_time(log_file: Path) -> None:
    log_file.write_text("".join(f"{line(number, padding='ü' * (number % 700))}\n" for number in range(2000)))
    found = log_tail(log_file, "DEBUG", "", 5000)
    assert [entry.message for entry in found] == [f"line {number}" for number in range(2000)]


def test_damaged_lines_are_passed_over(log_file: Path) -> None:
    damaged = ["{", "[1]", "5", "", '{"time": "x"}', '{"time": 1, "level": 2, "logger": 3, "message": 4}', "\x00"]
    log_file.write_text("\n".join([line(1), *damaged, line(2)]))
    assert [found.message for found in log_tail(log_file, "DEBUG", "", 10)] == ["line 1", "line 2"]


def test_without_a_log_there_are_no_lines(log_file: Path) -> None:
    assert log_tail(log_file, "DEBUG", "", 10) == []


@pytest.mark.trio
async def test_what_the_service_logs_is_what_is_told_with_its_traceback(tmp_path: Path, log_file: Path) -> None:
    asked = Asked(tmp_path)
    logs.set_up(asked.parts.instance.log, "INFO", console=False)
    log = logs.logging.getLogger("pywats_client.test")
    try:
        raise ValueError("no header")
    except ValueError:
        log.exception("a.csv met a fault")
    found = await get_log(GetLog(), asked.parts)
    assert found.file == str(asked.parts.instance.log)
    assert found.lines[0].message.startswith("a.csv met a fault\nTraceback")
    assert found.lines[0].message.endswith("ValueError: no header")
