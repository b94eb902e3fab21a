"""The converters: seen at a glance, started, stopped and edited, and tried with a file that is not sent."""

import json
from pathlib import Path

import pytest
import trio
from station_parts import running, station_in
from textual.widgets import Input, OptionList
from tui_parts import NARROW, WALL, WIDE, Seen, dashboard, instance_in, run, service, well

from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.commands.config import GetConverters, TryFile
from pywats_client.ipc.events import (
    ConverterChanged,
    ConverterRemoved,
    ConverterState,
    SourceConverted,
    SourceFailed,
)
from pywats_client.paths import Instance
from pywats_tui.screens.try_file import outcome
from pywats_tui.widgets.form import FieldRow, FormView
from pywats_tui.widgets.path_suggester import completed
from pywats_tui.widgets.window_table import WindowTable
from tests.end_to_end.station import Station, names_in, table


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return instance_in(tmp_path)


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return station_in(tmp_path / "station")


def entry(station: Station) -> dict[str, object]:
    return dict(json.loads(station.instance.config.read_text())["converters"][0])


async def type_path(seen: Seen, path: Path | str) -> None:
    """Into the field, at once: a terminal pastes."""
    field = seen.app.screen.query_one(Input)
    field.focus()
    await seen.until(lambda: field.has_focus and field.value)
    field.value = str(path)
    await seen.press("enter")


# --- the list


@pytest.mark.parametrize("size", [NARROW, WIDE, WALL])
def test_each_converter_is_a_row_with_state_figures_and_last_error_those_in_trouble_first(
    instance: Instance, size: tuple[int, int]
) -> None:
    async def look() -> None:
        async with dashboard(instance, size) as seen:
            await seen.press("4")
            await seen.sees("! error", "► running", "1,200", "3 converters")
            rows = [line for line in seen.text.splitlines() if "► running" in line or "! error" in line]
            assert [line.strip(" ►").split()[0] for line in rows] == ["fixtures", "csv", "wsjf"]

    with service(instance):
        run(look())


def test_the_cursor_stays_on_its_converter_whatever_is_told(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance, WIDE) as seen:
            await seen.press("4")
            await seen.sees("3 converters")
            await seen.press("down", "down")
            table = seen.app.screen.query_one(WindowTable)
            assert table.chosen == ["wsjf"]
            for event in (
                ConverterChanged(converter="wsjf", state=ConverterState.ERROR, reason="no such module"),
                SourceFailed(converter="csv", source="[/red].csv", reason="line 3: [bold]expected[/nothing]"),
                SourceConverted(converter="csv", source="a.csv", reports=(), seconds=1),
                ConverterRemoved(converter="fixtures"),
            ):
                running_service.soon(running_service.hub.publish, event)
            await seen.sees("no such module", "1,201", "[/red].csv: line 3: [bold]expected[/nothing]", "2 converters")
            assert table.chosen == ["wsjf"]
            assert table.cursor == 0  # in trouble: it went up

    with service(instance) as running_service:
        run(look())


def test_without_converters_the_screen_says_how_to_add_one(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.press("4")
            await seen.sees("no converter is configured", "config edit")
            await seen.press("enter", "s", "t", "e", "f")
            assert not seen.app.twins

    with service(instance, well(converters={})):
        run(look())


def test_where_one_may_only_look_nothing_can_be_started_edited_or_tried(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance, is_view_only=True) as seen:
            await seen.press("4")
            await seen.sees("3 converters")
            await seen.press("s", "t", "e", "f")
            assert not seen.app.twins
            assert not any(word in seen.text for word in ("Start", "Stop", "Edit", "Try a file"))

    with service(instance):
        run(look())


# --- with a real service


def test_stop_asks_and_both_are_told_as_commands_and_remembered(station: Station) -> None:
    async def use() -> None:
        async with dashboard(station.instance) as seen:
            await seen.press("4")
            await seen.sees("► running")
            await seen.press("t")
            await seen.sees("Stop converter csv?")
            await seen.press("n")
            await seen.misses("Stop converter csv?")
            assert not seen.app.twins
            await seen.press("t")
            await seen.sees("Stop converter csv?")
            await seen.press("y")
            await seen.sees("■ disabled", "$ pywats-client converters disable csv")
            assert entry(station)["enabled"] is False
            await seen.press("s")
            await seen.sees("► running", "$ pywats-client converters enable csv")
            assert entry(station)["enabled"] is True

    with running(station):
        run(use())


def test_a_converter_is_shown_with_folders_arguments_and_the_files_it_took_last(station: Station) -> None:
    folder = station.folder / "csv"

    async def use() -> None:
        async with dashboard(station.instance, WIDE) as seen:
            await seen.press("4")
            await seen.sees("► running")
            await seen.press("enter")
            await seen.sees("module        csv", "patterns      *.csv", str(folder / "Done"), "none; its defaults")
            (folder / "board.csv").write_text(table("SN-1"))
            await seen.sees("done          1", "recent file   board.csv")
            await seen.press("escape")
            await seen.sees("1 converter")

    with running(station):
        run(use())


def test_arguments_are_edited_in_a_form_made_from_the_modules_own_schema(station: Station) -> None:
    async def use() -> None:
        async with dashboard(station.instance, WIDE) as seen:
            await seen.press("4")
            await seen.sees("► running")
            await seen.press("e")
            await seen.sees("What csv", "unit_per_file: each row is a step")
            await fill(seen, "preamble_lines", "2")
            await fill(seen, "columns.step", "Prüfschritt")
            await fill(seen, "verdicts", "gut=P, schlecht=F")
            await seen.press("escape", "down")
            await seen.sees("priority")
            await fill(seen, "priority", "2")
            await seen.sees("* 4 changes not saved")
            await seen.press("ctrl+s")
            await seen.sees("nothing to save", "saved, and in force")
            assert any("config set 'converters[csv].arguments.preamble_lines' 2" in line for line in seen.app.twins)
            await seen.press("escape", "escape")
            await seen.sees("1 converter")

    with running(station):
        run(use())
    assert entry(station)["priority"] == 2
    assert entry(station)["arguments"] == {
        "preamble_lines": 2,
        "columns": {"step": "Prüfschritt"},
        "verdicts": {"gut": "P", "schlecht": "F"},
    }


async def fill(seen: Seen, key: str, text: str) -> None:
    def rows() -> list[FieldRow]:
        return [row for row in seen.app.screen.query(FieldRow) if row.field.key == key]

    await seen.until(rows)
    seen.app.screen.query_one(FormView).focus_field(key)
    await seen.until(lambda: rows()[0].has_focus_within)
    field = seen.app.focused
    assert isinstance(field, Input)
    field.value = text
    await seen.until(lambda: field.value == text and field.has_focus)


def test_where_the_module_does_not_load_its_arguments_are_still_edited_as_a_map(tmp_path: Path) -> None:
    station = Station(tmp_path / "station", "http://127.0.0.1:9")
    station.add_converter("lost", "nowhere.py", "*.txt", arguments={"unit": "V"})

    async def use() -> None:
        async with dashboard(station.instance, WIDE) as seen:
            await seen.press("4")
            await seen.sees("! error")
            await seen.press("e")
            await seen.sees("! the module does not load", "nowhere.py", "unit=V")
            assert seen.app.screen.query_one(OptionList).option_count == 1

    with running(station):
        run(use())


def test_a_file_is_tried_and_nothing_is_sent(station: Station) -> None:
    good, bad = station.folder / "good.csv", station.folder / "bad.csv"
    good.write_text(table("SN-1", value="3.9"))
    bad.write_text("nothing of use\n")

    async def use() -> None:
        async with dashboard(station.instance, WIDE) as seen:
            await seen.press("4")
            await seen.sees("► running")
            await seen.press("f")
            await seen.sees(str(station.folder / "csv"))  # one begins where the converter looks
            await type_path(seen, good)
            await seen.sees("+ 1 report in", "no faults", "serial number SN-1", "Supply voltage", "3.9", "FAILED")
            await seen.sees(f"$ pywats-client converters try csv {good}")
            await type_path(seen, bad)
            await seen.sees("! 0 reports in", "1 fault")
            await type_path(seen, station.folder / "none.csv")
            await seen.sees("none.csv", "! ")

    with running(station):
        run(use())
    assert station.counts() == {}
    assert names_in(station.folder / "csv") in ([], ["Done", "Error"])


# --- trying, with answers that a real converter seldom gives


def trial(answer: Answer) -> dict[type[Command], Answer]:
    return {GetConverters: GetConverters.Result(converters=[]), TryFile: answer}


def test_escape_cancels_a_trial_that_runs_and_keys_work_meanwhile(instance: Instance) -> None:
    async def use() -> None:
        async with dashboard(instance, WIDE) as seen:
            await seen.press("4")
            await seen.sees("3 converters")
            await seen.press("f")
            await seen.sees("Try a file with fixtures")
            await seen.press(*"/slow.txt", "enter")
            await seen.sees("converting … escape cancels")
            await seen.press("x")
            await seen.sees("/slow.txtx")
            await seen.press("escape")
            await seen.sees("cancelled", "Try a file")
            await seen.press("escape")
            await seen.sees("3 converters")

    with service(instance, answers=trial(Answer())) as running_service:
        others = running_service.do

        async def do(command: Command) -> Answer:
            if isinstance(command, TryFile):
                await trio.sleep_forever()
            return await others(command)

        running_service.do = do
        run(use())


def test_several_reports_are_shown_one_after_the_other(instance: Instance) -> None:
    def report(number: int) -> dict[str, object]:
        return {"sn": f"SN-{number}", "root": {"steps": [{"name": f"step {number}", "status": "P"}]}}

    async def use() -> None:
        async with dashboard(instance, WIDE) as seen:
            await seen.press("4")
            await seen.sees("3 converters")
            await seen.press("f", *"/x", "enter")
            await seen.sees(
                "! 2 reports in 0.50 s, 1 fault, 1 warning", "! report 2: no part number", "- report 1: no operator"
            )
            await seen.sees("report 1 of 2", "SN-1")
            await seen.press("ctrl+n")
            await seen.sees("report 2 of 2", "SN-2", "step 2")
            await seen.press("ctrl+n")
            await seen.sees("report 1 of 2")

    faults = [
        TryFile.Finding(text="report 2: no part number", fatal=True),
        TryFile.Finding(text="report 1: no operator", fatal=False),
    ]
    told = TryFile.Result(reports=[report(1), report(2)], faults=faults, seconds=0.5)
    with service(instance, answers=trial(told)):
        run(use())


def test_the_outcome_names_every_fault_and_what_a_traceback_says() -> None:
    told = TryFile.Result(
        reports=[], faults=[], error="line 1: bad\nline 2: \x1b[31m", details="Trace\n  f()", seconds=1
    )
    assert outcome(told).splitlines() == [
        "! 0 reports in 1.00 s, 2 faults",
        "! line 1: bad",
        "! line 2: \\x1b[31m",
        "Trace",
        "  f()",
    ]


def test_a_path_is_completed_by_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "board-2.csv").touch()
    (tmp_path / "board-1.csv").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / "folder").mkdir()
    assert completed(f"{tmp_path}/bo") == f"{tmp_path}/board-1.csv"
    assert completed(f"{tmp_path}/f") == f"{tmp_path}/folder/"
    assert completed(f"{tmp_path}/.h") == f"{tmp_path}/.hidden"
    assert completed(f"{tmp_path}/") == f"{tmp_path}/board-1.csv"
    assert completed(f"{tmp_path}/none/x") is None
    assert completed("relative") is None
