"""The journal: what happened to each file outlives a restart, costs no work, and stays bounded."""

import gzip
import json
import logging
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import trio
from service_parts import config_of, directly, report_id, settings_of
from trio.testing import MockClock

from pywats_client.ipc.events import (
    Event,
    ReportMoved,
    ServiceState,
    ServiceStateChanged,
    SourceConverted,
    SourceConverting,
    SourceFailed,
    SourceHeld,
)
from pywats_client.service import histories, journal_files
from pywats_client.service import journal as journal_module
from pywats_client.service.hub import Hub
from pywats_client.service.journal import Journal
from pywats_client.service.journal_lines import to_line
from pywats_client.service.statistics import Yield
from tests.fakes.clock import START, TrioClock

TODAY = START.date()


class Station:
    """A journal, and who tells it what happens."""

    def __init__(self, home: Path, *, keep_days: float = 30) -> None:
        self.folder, self.hub, self.clock = home / "journal", Hub(), TrioClock()
        self.journal = Journal(self.folder, self.clock)
        self._settings = settings_of(config_of(service={"keep_journal_days": keep_days}))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.journal.run, self.hub, self._settings, directly)
            await trio.sleep(0.01)
            yield
            nursery.cancel_scope.cancel()

    def tell(self, *events: Event) -> None:
        for event in events:
            self.hub.publish(event)

    def convert(self, number: int, result: str = "P", step: str = "", source: str = "") -> UUID:
        """A file comes, is converted to one report, and this is delivered."""
        source, queue_id = source or f"{number}.csv", report_id(number)
        self.tell(SourceConverting(converter="csv", source=source, seen_seconds=2, settled_seconds=1))
        self.tell(came(number, result, step, source))
        self.tell(SourceConverted(converter="csv", source=source, reports=(queue_id,), seconds=0.25))
        self.tell(ReportMoved(queue_id=queue_id, before="queued", after="processing"))
        self.tell(ReportMoved(queue_id=queue_id, before="processing", after="completed", report_id="S-1"))
        return queue_id

    def lines(self, day: date = TODAY) -> list[str]:
        return (self.folder / f"{day}.jsonl").read_text("utf-8").splitlines()

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def happened(self, key: str) -> list[str]:
        """What is told of the newest file of that name."""
        return [entry.event for entry in self.journal.lives(key)[0].entries]


def came(number: int, result: str = "P", step: str = "", source: str = "a.csv") -> ReportMoved:
    return ReportMoved(
        queue_id=report_id(number),
        before="",
        after="queued",
        source=source,
        converter="csv",
        report_type="T",
        serial_number=f"SN-{number}",
        part_number="P1",
        result=result,
        failing_step=step,
    )


WHOLE_LIFE = ["seen", "settled", "converting", "queued", "converted", "processing", "completed"]


async def read_again(home: Path) -> Station:
    """Another run of the same station, that has read all."""
    station = Station(home)
    async with station.running():
        await trio.sleep(60)
        assert station.journal.is_loaded
    return station


@pytest.mark.trio
async def test_the_life_of_a_file_is_told_with_the_time_each_step_took(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path)
    async with station.running():
        await trio.sleep(10)
        queue_id = station.convert(1, "F", "Vcc")
        (life,) = station.journal.lives("1.CSV")
        assert (life.source, life.converter, life.reports) == ("1.csv", "csv", [str(queue_id)])
        assert [entry.event for entry in life.entries] == WHOLE_LIFE
        assert [entry.seconds for entry in life.entries][:3] == [None, 1.0, 1.0]
        assert life.entries[3].detail == "SN-1 P1 F Vcc"
        assert life.entries[6].detail == "S-1"


@pytest.mark.trio
async def test_a_file_is_found_by_its_serial_number_and_the_first_letters_of_its_report(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path)
    async with station.running():
        queue_id = station.convert(1)
        station.convert(2)
        for key in ("sn-1", str(queue_id)[:8].upper(), str(queue_id)):
            assert [life.source for life in station.journal.lives(key)] == ["1.csv"]
        assert station.journal.lives("SN") == []


@pytest.mark.trio
async def test_what_a_run_has_seen_the_next_one_knows(autojump_clock: MockClock, tmp_path: Path) -> None:
    first = Station(tmp_path)
    async with first.running():
        queue_id = first.convert(1, "F", "Vcc")
    second = await read_again(tmp_path)
    facts = second.journal.facts(queue_id)
    assert facts is not None
    assert (facts.serial_number, facts.part_number, facts.result, facts.failing_step) == ("SN-1", "P1", "F", "Vcc")
    assert (facts.source, facts.converter, facts.server_id) == ("1.csv", "csv", "S-1")
    assert second.happened("1.csv") == WHOLE_LIFE
    assert [entry.event for entry in second.journal.history(queue_id)] == ["queued", "processing", "completed"]
    assert second.journal.recent_sources("csv") == ["1.csv"]
    assert second.journal.statistics.yields(50, 0).last == Yield(1, 0)


@pytest.mark.trio
async def test_lines_are_on_disk_within_a_second_without_waiting_for_more(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path)
    async with station.running():
        station.convert(1)
        await trio.sleep(1)
        assert [json.loads(line)["event"] for line in station.lines()] == [
            "source_converting",
            "report_moved",
            "source_converted",
            "report_moved",
            "report_moved",
        ]


@pytest.mark.trio
async def test_the_journal_ends_by_itself_when_the_service_has_stopped_and_has_written_all(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path)
    with trio.fail_after(0.1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(station.journal.run, station.hub, settings_of(config_of()), directly)
            await trio.sleep(0.01)
            station.convert(1)
            station.tell(ServiceStateChanged(state=ServiceState.STOPPED))
    assert len(station.lines()) == 5
    assert station.hub.listeners == []


@pytest.mark.trio
async def test_each_day_has_a_file_and_a_life_across_midnight_is_read_whole(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path)
    async with station.running():
        station.tell(came(1))
        await trio.sleep(24 * 3600)
        station.tell(ReportMoved(queue_id=report_id(1), before="processing", after="completed", report_id="S-1"))
    assert station.files() == ["2026-11-22.jsonl", "2026-11-23.jsonl"]
    again = await read_again(tmp_path)
    assert [entry.event for entry in again.journal.history(report_id(1))] == ["queued", "completed"]
    facts = again.journal.facts(report_id(1))
    assert facts and (facts.serial_number, facts.server_id) == ("SN-1", "S-1")


async def two_days(home: Path, *, sure: int) -> Station:
    """`sure` reports on a day, one the next; then both have been tidied up by a run that has loaded them."""
    station = Station(home)
    async with station.running():
        for number in range(sure):
            station.convert(number)
        await trio.sleep(24 * 3600)
        station.convert(sure)
        await trio.sleep(60)
    return station


@pytest.mark.trio
async def test_a_day_that_is_over_takes_a_tenth_and_is_read_as_before(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_files, "SLICE_BYTES", 1000)
    station = await two_days(tmp_path, sure=200)
    assert station.files() == ["2026-11-22.jsonl.gz", "2026-11-23.jsonl"]
    packed = station.folder / "2026-11-22.jsonl.gz"
    lines = gzip.decompress(packed.read_bytes())
    assert lines.count(b"\n") == 5 * 200
    assert packed.stat().st_size < len(lines) / 10
    assert packed.stat().st_mode & 0o777 == 0o600
    again = await read_again(tmp_path)
    for number in (0, 100, 199, 200):
        assert again.happened(f"{number}.csv") == WHOLE_LIFE
    assert again.files() == station.files()


@pytest.mark.trio
async def test_what_comes_to_a_day_that_was_packed_is_packed_behind_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = await two_days(tmp_path, sure=1)
    (station.folder / "2026-11-22.jsonl").write_text(to_line((START + timedelta(hours=1), came(7))))
    again = Station(tmp_path)
    again.clock.wrong_by = timedelta(days=1)
    async with again.running():
        await trio.sleep(60)
        assert again.journal.facts(report_id(7)) is not None
        again.convert(8)
        await trio.sleep(60)
    assert again.files() == ["2026-11-22.jsonl.gz", "2026-11-23.jsonl"]
    third = await read_again(tmp_path)
    for number in (0, 7, 8):
        assert third.journal.facts(report_id(number)) is not None


@pytest.mark.trio
async def test_of_a_packed_day_that_is_damaged_the_rest_is_read(autojump_clock: MockClock, tmp_path: Path) -> None:
    station = await two_days(tmp_path, sure=500)
    packed = station.folder / "2026-11-22.jsonl.gz"
    packed.write_bytes(packed.read_bytes()[:-3000])
    again = await read_again(tmp_path)
    assert again.happened("0.csv") == again.happened("500.csv") == WHOLE_LIFE
    assert again.journal.lives("499.csv") == []


@pytest.mark.trio
async def test_a_day_that_cannot_be_packed_stays_as_it_is(autojump_clock: MockClock, tmp_path: Path) -> None:
    (tmp_path / "journal" / ".2026-11-22.jsonl.gz.tmp").mkdir(parents=True)
    station = await two_days(tmp_path, sure=1)
    assert "2026-11-22.jsonl" in station.files()
    assert station.hub.snapshot.degraded == {}


@pytest.mark.trio
async def test_days_stay_as_they_are_while_they_are_read(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Station(tmp_path)
    async with first.running():
        for number in range(50):
            first.convert(number)
    monkeypatch.setattr(journal_files, "SLICE_BYTES", 1000)
    monkeypatch.setattr(journal_module, "REST_SECONDS", 60)
    second = Station(tmp_path)
    second.clock.wrong_by = timedelta(days=1)
    async with second.running():
        second.convert(100)
        await trio.sleep(120)
        assert not second.journal.is_loaded
        assert second.files() == ["2026-11-22.jsonl", "2026-11-23.jsonl"]
        await trio.sleep(24 * 3600)
        assert second.happened("0.csv") == WHOLE_LIFE


@pytest.mark.trio
async def test_days_that_are_too_old_are_removed_and_strange_files_left_alone(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path, keep_days=30)
    station.folder.mkdir()
    for name in ("2026-10-22.jsonl", "2026-10-21.jsonl.gz", "2026-10-23.jsonl", "notes.txt", "2026-99-99.jsonl"):
        (station.folder / name).write_text("")
    async with station.running():
        station.tell(came(1))
        await trio.sleep(1)
    assert station.files() == ["2026-10-23.jsonl.gz", "2026-11-22.jsonl", "2026-99-99.jsonl", "notes.txt"]


DAMAGE = [
    "{",
    "[]",
    "null",
    '{"time": 5}',
    "\x00" * 50,
    '{"time":"2026-11-22T08:00:00","event":"report_moved"}',
    '{"time":"2026-11-22T08:00:00+00:00","event":"report_moved","queue_id":"no"}',
    '{"time":"2026-11-22T08:00:00+00:00","event":[]}',
    "[" * 100_000,
]


@pytest.mark.trio
async def test_a_damaged_line_costs_itself_and_is_told_once(
    autojump_clock: MockClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    station = Station(tmp_path)
    async with station.running():
        station.convert(1)
    file = station.folder / f"{TODAY}.jsonl"
    whole = file.read_text()
    file.write_text("\n".join(DAMAGE) + "\n" + whole + whole[:40])
    with caplog.at_level(logging.WARNING):
        again = await read_again(tmp_path)
    assert again.happened("1.csv") == WHOLE_LIFE
    assert [record.getMessage() for record in caplog.records] == [
        f"{len(DAMAGE) + 1} lines of the journal are damaged, and were passed over"
    ]


@pytest.mark.trio
async def test_a_full_disk_costs_history_alone_is_told_once_and_ends(
    autojump_clock: MockClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    station = Station(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with station.running():
        station.convert(1)
        await trio.sleep(2)
        size = (station.folder / f"{TODAY}.jsonl").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30, limits[1]))
        try:
            for number in range(2, 5):
                station.convert(number)
                await trio.sleep(2)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert "history is lost" in station.hub.snapshot.degraded["journal"]
        assert station.happened("3.csv") == WHOLE_LIFE
        station.convert(5)
        await trio.sleep(2)
        assert station.hub.snapshot.degraded == {}
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    again = await read_again(tmp_path)
    assert again.happened("1.csv") == again.happened("5.csv") == WHOLE_LIFE
    assert again.journal.lives("3.csv") == []


@pytest.mark.trio
async def test_a_folder_that_cannot_be_made_stops_nothing(autojump_clock: MockClock, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file")
    station = Station(tmp_path)
    async with station.running():
        station.convert(1)
        await trio.sleep(2)
        assert station.happened("1.csv") == WHOLE_LIFE
        assert "journal" in station.hub.snapshot.degraded


@pytest.mark.trio
async def test_a_file_that_fails_and_comes_again_has_two_lives_and_one_that_is_held_has_one(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path)
    async with station.running():
        for _ in range(2):
            station.tell(SourceConverting(converter="csv", source="a.csv"))
            station.tell(SourceFailed(converter="csv", source="a.csv", reason="no header"))
        assert [len(life.entries) for life in station.journal.lives("a.csv")] == [2, 2]
        for _ in range(2):
            station.tell(SourceConverting(converter="csv", source="b.csv"))
            station.tell(SourceHeld(converter="csv", source="b.csv", reason="not yet"))
        assert station.happened("b.csv") == ["converting", "held"] * 2
    again = await read_again(tmp_path)
    assert [len(life.entries) for life in again.journal.lives("a.csv")] == [2, 2]
    assert again.happened("b.csv") == ["converting", "held"] * 2


@pytest.mark.trio
async def test_of_a_report_that_was_made_twice_the_later_facts_are_known(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path)
    async with station.running():
        for result, server_id in (("F", "S-1"), ("P", "S-2")):
            station.tell(came(1, result))
            station.tell(
                ReportMoved(queue_id=report_id(1), before="processing", after="completed", report_id=server_id)
            )
            await trio.sleep(1)
    again = await read_again(tmp_path)
    for journal in (station.journal, again.journal):
        facts = journal.facts(report_id(1))
        assert facts and (facts.result, facts.server_id) == ("P", "S-2")


@pytest.mark.trio
async def test_what_is_remembered_is_bounded_and_is_the_latest(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "MOST", 100)
    station = Station(tmp_path)
    async with station.running():
        for number in range(1000):
            station.convert(number)
        for attempt in range(1000):
            station.tell(ReportMoved(queue_id=report_id(999), before="processing", after="error", attempt=attempt))
    again = await read_again(tmp_path)
    for journal in (station.journal, again.journal):
        assert sum(journal.facts(report_id(number)) is not None for number in range(1000)) <= 100
        assert len(journal.history(report_id(999))) == histories.MOST_ENTRIES
    assert station.journal.lives("SN-899") == []
    assert len(station.journal.lives("SN-900")) == 1


@pytest.mark.trio
async def test_what_is_loaded_from_the_past_never_displaces_what_happens_now(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = Station(tmp_path)
    async with station.running():
        for number in range(200):
            station.convert(number)
    monkeypatch.setattr(histories, "MOST", 100)
    second = Station(tmp_path)
    async with second.running():
        now = second.convert(1000)
        await trio.sleep(60)
        assert second.journal.is_loaded
        assert second.journal.facts(now) is not None


@pytest.mark.trio
async def test_a_second_test_of_a_unit_counts_as_such_whatever_was_loaded_first(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    for days, number, result in ((2, 1, "F"), (1, 2, "P")):
        moment = START - timedelta(days=days)
        event = came(number, result).model_copy(update={"serial_number": "SN-1"})
        (folder / f"{moment.date()}.jsonl").write_text(to_line((moment, event)))
    station = await read_again(tmp_path)
    assert station.journal.statistics.yields(50, 0).last == Yield(1, 0)
    assert station.journal.statistics.yields(50, datetime(2026, 11, 21, tzinfo=UTC).timestamp()).shift == Yield(0, 0)


@pytest.mark.trio
async def test_names_that_are_not_text_are_journaled_as_they_are_shown(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path)
    source = 'line\\x0aü\\xff " quoted'
    async with station.running():
        station.convert(1, source=source)
    again = await read_again(tmp_path)
    assert again.happened(source) == WHOLE_LIFE


@pytest.mark.trio
async def test_a_run_that_is_started_anew_after_a_fault_reads_nothing_twice(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    station = Station(tmp_path)
    for _ in range(2):
        async with station.running():
            station.tell(came(1))
            await trio.sleep(60)
    assert [entry.event for entry in station.journal.history(report_id(1))] == ["queued", "queued"]


@pytest.mark.trio
async def test_what_comes_while_lines_are_written_is_written_next(autojump_clock: MockClock, tmp_path: Path) -> None:
    station, written = Station(tmp_path), []

    async def slowly(call: Callable[..., Any], *args: Any) -> Any:
        if call.__name__ == "_append_and_tidy":
            written.append(len(args[0]))
            if len(written) == 1:
                station.tell(came(2))
                assert station.journal.facts(report_id(2))
        return await directly(call, *args)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(station.journal.run, station.hub, settings_of(config_of()), slowly)
        await trio.sleep(1)
        station.tell(came(1))
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert written[:2] == [1, 1]
    assert len(station.lines()) == 2


@pytest.mark.trio
async def test_a_report_that_only_a_look_has_found_is_known_by_what_it_is_about(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    found = ReportMoved(queue_id=report_id(1), before="", after="queued", serial_number="SN-9", part_number="P1")
    for _ in range(2):  # told, and read by the next run
        station = Station(tmp_path)
        async with station.running():
            if not station.journal.lives("SN-9"):
                station.tell(found)
            await trio.sleep(5)
            (life,) = station.journal.lives("SN-9")
            assert [(entry.event, entry.detail) for entry in life.entries] == [("queued", "SN-9 P1")]
        station.hub.close()


@pytest.mark.trio
async def test_one_report_is_told_as_one(autojump_clock: MockClock, tmp_path: Path) -> None:
    station = Station(tmp_path)
    async with station.running():
        station.convert(1)
        (life,) = station.journal.lives("1.csv")
    assert "1 report in 0.250 s" in [entry.detail for entry in life.entries]
