"""Figures for scrapers: read back by the parser of the format's own library, and equal to the status."""

from pathlib import Path
from uuid import UUID

import pytest
import trio
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from rest_house import House
from service_desk import csv_table
from trio.testing import MockClock

from pywats_client.ipc.commands.service import Pause
from pywats_client.ipc.events import ReportMoved, SourceConverted, SourceConverting, SourceFailed
from pywats_client.ipc.protocol import Scope
from pywats_client.rest.figures import MOST_BEGUN, Figures
from pywats_client.rest.metrics import Moment, markdown_table

Samples = dict[tuple[str, tuple[str, ...]], float]


async def families(house: House) -> list[Metric]:
    async with house.client(Scope.VIEW) as client:
        reply = await client.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    return list(text_string_to_metric_families(reply.text))


async def samples(house: House) -> Samples:
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in await families(house)
        for sample in family.samples
    }


@pytest.mark.trio
async def test_a_service_at_rest_has_every_family_and_its_state(house: House) -> None:
    found = await samples(house)
    assert found["pywats_service_state", ("Running",)] == 1
    assert found["pywats_service_state", ("Stopped",)] == 0
    assert found["pywats_connection_state", ("online",)] == 1
    assert found["pywats_oldest_waiting_seconds", ()] == 0
    assert found["pywats_disk_free_bytes", ()] > 0
    status = await house.desk.status()
    assert found["pywats_client_info", ("default", status.version)] == 1
    assert {family.name for family in await families(house)} == {
        family.name for family in Moment(status, Figures()).collect()
    }


@pytest.mark.trio
async def test_counters_equal_the_status_after_work_is_done(house: House) -> None:
    desk = house.desk
    for number in range(3):
        (desk.watched / f"{number}.csv").write_text(csv_table(f"A{number}"))
    (desk.watched / "broken.csv").write_text("serial number\n")
    await desk.until(lambda: desk.hub.snapshot.delivered == 3 and desk.hub.snapshot.converter("csv").failed)
    status, found = await desk.status(), await samples(house)
    assert found["pywats_reports_delivered_total", ()] == status.queue.delivered == 3
    assert found["pywats_conversion_seconds_count", ("csv", "converted")] == status.converters[0].converted == 3
    assert found["pywats_conversion_seconds_count", ("csv", "failed")] == status.converters[0].failed == 1
    assert found["pywats_upload_seconds_count", ("completed",)] == 3
    assert found["pywats_conversion_seconds_sum", ("csv", "converted")] > 0
    assert found["pywats_upload_seconds_bucket", ("+Inf", "completed")] == 3
    for state in ("queued", "processing", "error", "rejected"):
        assert found["pywats_reports", (state,)] == getattr(status.queue, state)


@pytest.mark.trio
async def test_what_waits_is_counted_with_its_age(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.desk.queue(1, 2)
    async with house.desk.running():
        await house.listening()
        await house.desk.ask(Pause(what="uploads"), Pause.Result)
        await house.desk.until(lambda: not house.desk.hub.snapshot.reports.get("processing"))
        found, status = await samples(house), await house.desk.status()
        assert found["pywats_reports", ("queued",)] == status.queue.queued
        assert (found["pywats_oldest_waiting_seconds", ()] > 0) == bool(status.queue.queued)


@pytest.mark.trio
async def test_names_of_converters_may_hold_what_the_format_must_escape(tmp_path: Path) -> None:
    name = 'a "quoted" \\ name, {x="y"} ü'
    house = House(tmp_path)
    house.desk.config["converters"][0]["name"] = name
    house.desk.write()
    async with house.open():
        (house.desk.watched / "1.csv").write_text(csv_table("A1"))
        await house.desk.until(lambda: house.desk.hub.snapshot.delivered == 1)
        assert (await samples(house))["pywats_conversion_seconds_count", (name, "converted")] == 1


async def pass_by(figures: Figures, seconds: float, result: str = "completed") -> None:
    figures.note(ReportMoved(queue_id=UUID(int=1), before="queued", after="processing"))
    await trio.sleep(seconds)
    figures.note(ReportMoved(queue_id=UUID(int=1), before="processing", after=result))


@pytest.mark.trio
async def test_durations_are_measured_and_fall_into_their_buckets(autojump_clock: MockClock) -> None:
    figures = Figures()
    for seconds in (0.01, 0.02, 5, 1000):
        await pass_by(figures, seconds)
    await pass_by(figures, 2, "error")
    buckets = dict(figures.uploads["completed"].buckets)
    assert [buckets[bound] for bound in ("0.01", "0.03", "3.0", "10.0", "100.0", "+Inf")] == [1, 2, 2, 3, 3, 4]
    assert figures.uploads["completed"].seconds == pytest.approx(1005.03)
    assert figures.uploads["error"].seconds == pytest.approx(2)


@pytest.mark.trio
async def test_a_conversion_that_fails_has_a_duration_too_and_none_before_it_began(autojump_clock: MockClock) -> None:
    figures = Figures()
    figures.note(SourceConverting(converter="c", source="s"))
    await trio.sleep(7)
    figures.note(SourceFailed(converter="c", source="s", reason="r"))
    figures.note(SourceFailed(converter="c", source="s", reason="r"))
    figures.note(SourceConverting(converter="c", source="s"))
    figures.note(SourceConverted(converter="c", source="s", reports=(), seconds=4))
    assert figures.conversions["c", "failed"].seconds == pytest.approx(7)
    assert dict(figures.conversions["c", "failed"].buckets)["+Inf"] == 2
    assert figures.conversions["c", "converted"].seconds == 4


@pytest.mark.trio
async def test_sources_that_begin_and_never_end_take_no_more_and_more_memory(autojump_clock: MockClock) -> None:
    figures = Figures()
    for number in range(3 * MOST_BEGUN):
        figures.note(SourceConverting(converter="c", source=str(number)))
    assert len(figures._begun) == MOST_BEGUN


@pytest.mark.trio
async def test_the_table_in_the_readme_has_a_row_for_each_family(house: House) -> None:
    status = await house.desk.status()
    table = markdown_table(Moment(status, Figures()).collect())
    assert table.startswith("| metric | type | what it says |\n|---|---|---|\n| `pywats_client_info` | info | ")
    for family in await families(house):
        assert f"| `{family.name}" in table
    assert table in (Path(__file__).parents[2] / "README.md").read_text("utf-8")
