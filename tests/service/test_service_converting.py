"""From a watched folder through a real worker process into the queue, and the source out of the way."""

import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from service_parts import Floor, odd_names, simple, told, write_converter

from pywats_client.ipc.events import (
    SourceConverted,
    SourceFailed,
)


@pytest.mark.trio
async def test_a_csv_file_becomes_a_queued_report_and_moves_to_done(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    floor.configure(floor.converter(module_path="csv", file_patterns=["*.csv"], process_code=10))
    async with floor.running() as events:
        floor.drop("ignored.txt")
        floor.drop("unit.csv", "Serial Number,Part Number,Step,Value,Low,High\nU-1,P-1,Vcc,3.3,3.2,3.4\n")
        converted = await told(events, SourceConverted, source="unit.csv")
    (report,) = floor.reports()
    assert (report["sn"], report["pn"], report["result"]) == ("U-1", "P-1", "P")
    assert converted.reports == (UUID(report["id"]),)
    assert floor.listing() == ["Done/unit.csv", "ignored.txt"]
    assert floor.hub.snapshot.converter("mine").converted == 1


@pytest.mark.parametrize("action", ["move", "delete", "archive", "keep"])
@pytest.mark.trio
async def test_the_source_goes_where_the_post_action_says(tmp_path: Path, action: str) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter(post_action=action))
    async with floor.running() as events:
        floor.drop("a.txt", "A1")
        await told(events, SourceConverted)
        floor.drop("b.txt", "A2")
        await told(events, SourceConverted)
    day = datetime.now(UTC).astimezone().strftime("%Y-%m-%d")
    zips = [f"Archive/{day}/{name}.txt.zip" for name in "ab"]
    left = {"move": ["Done/a.txt", "Done/b.txt"], "delete": [], "archive": zips, "keep": ["a.txt", "b.txt"]}
    assert floor.listing() == left[action]
    assert floor.serial_numbers() == ["A1", "A2"]
    if action == "archive":
        with zipfile.ZipFile(floor.watched / zips[0]) as archive:
            assert archive.read("a.txt") == b"A1"


@pytest.mark.trio
async def test_the_folders_may_lie_elsewhere_and_are_made(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter(done_folder=str(tmp_path / "out/../out/done")))
    async with floor.running() as events:
        floor.drop("a.txt")
        await told(events, SourceConverted)
    assert floor.listing("out") == ["done/a.txt"]


@pytest.mark.trio
async def test_a_name_that_is_there_already_gets_a_number(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    async with floor.running() as events:
        for serial_number in ("A1", "A2", "A3"):
            floor.drop("a.txt", serial_number)
            await told(events, SourceConverted)
    assert floor.listing() == ["Done/a-1.txt", "Done/a-2.txt", "Done/a.txt"]
    assert floor.serial_numbers() == ["A1", "A2", "A3"]


@pytest.mark.trio
async def test_folders_below_are_kept_below_done_and_are_never_converted_from_there(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter(recursive=True))
    (floor.watched / "line/2").mkdir(parents=True)
    async with floor.running() as events:
        floor.drop("line/2/a.txt")
        await told(events, SourceConverted)
        floor.drop("line/2/b.txt", "A2")
        await told(events, SourceConverted)
    assert floor.listing() == ["Done/line/2/a.txt", "Done/line/2/b.txt"]
    assert floor.hub.snapshot.converter("mine").converted == 2


@pytest.mark.trio
async def test_a_kept_source_is_converted_once_also_after_a_restart_and_again_when_it_changes(tmp_path: Path) -> None:
    runs = []
    for run, text in enumerate(("A1", "A1", "A2")):
        floor = simple(Floor(tmp_path, slots=1))
        floor.configure(floor.converter(post_action="keep"))
        file = floor.watched / "kept.txt"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        async with floor.running() as events:
            # What comes last is converted last.
            floor.drop(f"last-{run}", f"B{run}")
            await told(events, SourceConverted, source=f"last-{run}")
            floor.drop(f"very-last-{run}", f"C{run}")
            runs.append([(await told(events, SourceConverted)).source])
            runs[-1].append(str(floor.hub.snapshot.converter("mine").converted))
    assert runs == [["very-last-0", "3"], ["very-last-1", "2"], ["very-last-2", "3"]]
    assert sorted(floor.serial_numbers()) == ["A1", "A2", "B0", "B1", "B2", "C0", "C1", "C2"]


@pytest.mark.trio
async def test_a_failed_source_goes_to_the_error_folder_with_what_where_and_why(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(floor.module, "number = int(source.read_text())\nreturn report(number)")
    async with floor.running() as events:
        floor.drop("bad.txt", "no number")
        failed = await told(events, SourceFailed)
        floor.drop("good.txt", "17")
    assert floor.listing("in/Error") == ["bad.txt", "bad.txt.reason"]
    text = (floor.watched / "Error/bad.txt.reason").read_text()
    assert failed.reason in text
    for part in ("ValueError", "no number", "converter: mine", str(floor.module), "time: ", "in convert"):
        assert part in text
    assert floor.reports() == []
    assert floor.hub.snapshot.converter("mine").last_error.startswith("bad.txt: ")


@pytest.mark.trio
async def test_a_failed_source_of_the_same_name_gets_a_number_and_its_own_reason(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    write_converter(floor.module, "raise ConversionError('bad ' + source.read_text(), line=3)")
    async with floor.running() as events:
        for text in ("one", "two"):
            floor.drop("a.txt", text)
            await told(events, SourceFailed, reason=f"line 3: bad {text}")
    assert floor.listing("in/Error") == ["a-1.txt", "a-1.txt.reason", "a.txt", "a.txt.reason"]
    assert (floor.watched / "Error/a-1.txt.reason").read_text().startswith("line 3: bad two\n")


@pytest.mark.case("F28", "odd names, converted", injected="generated names", promised="put away under that name")
@pytest.mark.trio
async def test_every_odd_name_is_converted_and_put_away_under_that_name(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    names = odd_names()
    for number, name in enumerate(names):
        (floor.watched / name).write_text(f"SN-{number}")
    async with floor.running() as events:
        for _ in names:
            await told(events, SourceConverted)
    assert sorted(os.listdir(floor.watched / "Done")) == sorted(names)
    assert sorted(floor.serial_numbers()) == sorted(f"SN-{number}" for number in range(len(names)))
