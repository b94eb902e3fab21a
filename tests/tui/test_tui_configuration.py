"""The configuration is changed in forms, and nothing is written that the service finds wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from station_parts import running, station_in
from textual.widgets import Input, OptionList
from tui_parts import NARROW, WALL, WIDE, Seen, dashboard, run

from pywats_tui.widgets.form import FieldRow, FormView
from tests.end_to_end.station import TOKEN, Station


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return station_in(tmp_path / "station")


def stored(station: Station) -> dict[str, Any]:
    return dict(json.loads(station.instance.config.read_text()))


async def open_section(seen: Seen, title: str) -> None:
    """Key 5, then the section by the arrow keys."""
    await seen.press("5")
    await seen.sees("server", "station", "nothing to save")
    options = seen.app.screen.query_one(OptionList)
    await seen.until(lambda: options.has_focus)
    titles = [str(options.get_option_at_index(at).prompt).strip() for at in range(options.option_count)]
    while options.highlighted != titles.index(title):
        await seen.press("down")
    root = title if not title.startswith("converter ") else f"converters[{title.removeprefix('converter ')}]"
    await seen.until(lambda: (form := seen.app.screen.query_one(FormView).form) and form.root == root)


def row_keys(seen: Seen) -> list[str]:
    return [row.field.key for row in seen.app.screen.query(FieldRow)]


async def to_field(seen: Seen, key: str) -> None:
    await seen.until(lambda: key in row_keys(seen))
    seen.app.screen.query_one(FormView).focus_field(key)
    row = next(row for row in seen.app.screen.query(FieldRow) if row.field.key == key)
    await seen.until(lambda: row.has_focus_within)


async def type_text(seen: Seen, text: str) -> None:
    """In place of what stands in the field that has the focus."""
    field = seen.app.focused
    assert isinstance(field, Input)
    field.select_all()
    await seen.press(*("backspace", *text))


def test_a_change_is_marked_counted_validated_saved_and_told_as_a_command(station: Station) -> None:
    async def change() -> None:
        async with dashboard(station.instance) as seen:
            await open_section(seen, "service")
            await to_field(seen, "max_concurrent_uploads")
            await type_text(seen, "7")
            await seen.sees("* max_concurrent_uploads", "* 1 change not saved")
            await to_field(seen, "log_level")
            await seen.press("left")
            await seen.sees("< DEBUG >", "* 2 changes not saved")
            await seen.press("ctrl+s")
            await seen.sees("nothing to save", "$ pywats-client config set service.log_level DEBUG")
            assert "config set service.max_concurrent_uploads 7" in seen.app.twins[-2]

    with running(station):
        run(change())
    assert stored(station)["service"] == {"settle_seconds": 0.1, "max_concurrent_uploads": 7, "log_level": "DEBUG"}


def test_a_bad_value_shows_its_sentence_beside_the_field_and_nothing_is_written(station: Station) -> None:
    before = stored(station)

    async def change() -> None:
        async with dashboard(station.instance, WIDE) as seen:
            await open_section(seen, "service")
            await to_field(seen, "max_queue_size")
            await type_text(seen, "5")
            await to_field(seen, "max_concurrent_uploads")
            await type_text(seen, "700")
            await seen.press("ctrl+s")
            await seen.sees("! expected", "found 700", "* 2 changes not saved", "!*service")
            await type_text(seen, "many")
            await seen.press("ctrl+s")
            await seen.sees("! expected a whole number; found many")
            assert not seen.app.twins
            await seen.press("ctrl+r")
            await seen.sees("nothing to save")
            await seen.misses("! expected")

    with running(station):
        run(change())
    assert stored(station) == before


def test_a_fault_of_a_converter_stands_in_the_section_of_that_converter(station: Station) -> None:
    async def change() -> None:
        async with dashboard(station.instance, WIDE) as seen:
            await open_section(seen, "converter csv")
            await to_field(seen, "priority")
            await type_text(seen, "11")
            await seen.press("escape", "home", "ctrl+s")
            await seen.sees("found 11", "!*converter csv")
            assert seen.app.screen.query_one(FormView).form.root == "converters[csv]"  # type: ignore[union-attr]

    with running(station):
        run(change())


def test_the_token_is_never_shown_and_a_new_one_goes_by_its_own_command(station: Station) -> None:
    del station.environ["PYWATS_API_TOKEN"]

    async def change() -> None:
        async with dashboard(station.instance, WIDE) as seen:
            await open_section(seen, "server")
            await to_field(seen, "token_encrypted")
            await type_text(seen, TOKEN)
            await seen.sees("* new token")
            assert TOKEN not in seen.text
            await seen.press("ctrl+s")
            await seen.sees("(stored, never shown)", "nothing to save", "$ pywats-client login")
            assert TOKEN not in " ".join(seen.app.twins)
            assert stored(station)["server"]["token_encrypted"] not in seen.text

    with running(station):
        run(change())
    assert TOKEN not in station.instance.config.read_text()


def test_a_token_that_the_service_does_not_take_is_a_fault_beside_the_field(station: Station) -> None:
    async def change() -> None:
        async with dashboard(station.instance, WIDE) as seen:
            await open_section(seen, "server")
            await to_field(seen, "token_encrypted")
            await type_text(seen, TOKEN)
            await seen.press("ctrl+s")
            await seen.sees("! the token comes from", "* 1 change not saved")

    with running(station):
        run(change())


def test_another_configuration_refreshes_what_is_not_dirty_and_one_that_cannot_be_used_shows_its_fault(
    station: Station,
) -> None:
    async def change() -> None:
        async with dashboard(station.instance, WIDE) as seen:
            await open_section(seen, "station")
            await to_field(seen, "purpose")
            await type_text(seen, "Mine")
            station.config["station"] |= {"location": "Hall 7", "purpose": "Theirs"}
            station.configure()
            await seen.sees("Hall 7", "Mine", "* 1 change not saved")
            station.config["station"]["location"] = 7
            station.configure()
            await seen.sees("! the file cannot be used")

    with running(station):
        run(change())


def test_leaving_with_changes_asks_and_no_stays(station: Station) -> None:
    async def change() -> None:
        async with dashboard(station.instance) as seen:
            await open_section(seen, "station")
            await to_field(seen, "location")
            await type_text(seen, "4")  # a number key in a field is a character
            await seen.sees("* 1 change not saved")
            await seen.press("escape", "1")
            await seen.sees("Leave without saving 1 change?")
            await seen.press("n")
            await seen.sees("* 1 change not saved")
            await seen.press("1")
            await seen.sees("Leave without saving")
            await seen.press("y")
            await seen.sees("conver", "last delivered")
            await seen.press("5")
            await seen.sees("nothing to save")
            await seen.press("1")
            await seen.sees("last delivered")

    with running(station):
        run(change())


@pytest.mark.parametrize("size", [NARROW, WALL])
def test_where_one_may_only_look_no_field_takes_a_key(station: Station, size: tuple[int, int]) -> None:
    async def look() -> None:
        async with dashboard(station.instance, size, is_view_only=True) as seen:
            await open_section(seen, "service")
            await seen.sees("max_converter_workers", "How many sources are converted at the same time")
            assert all(field.disabled for field in seen.app.screen.query("FieldRow Input, FieldRow Choice"))
            await seen.press("enter", "9", "ctrl+s")
            assert "Save" not in seen.text
            assert not seen.app.twins

    with running(station):
        run(look())
