"""The table of which all rows are known: what is told is shown at once, and the cursor goes with its row."""

from collections.abc import Callable, Coroutine
from typing import Any

from textual.app import App, ComposeResult
from tui_parts import run

from pywats_tui.widgets.window_table import Column, Row, WindowTable

COLUMNS = (Column("name", "name", 12), Column("why", "why", 0))


class Tables(App[None]):
    def compose(self) -> ComposeResult:
        yield WindowTable(COLUMNS)


def rows(*names: str, why: str = "") -> list[Row]:
    return [Row(name, {"name": name, "why": why or f"why {name}"}) for name in names]


def shown(talk: Callable[[WindowTable], Coroutine[Any, Any, None]]) -> None:
    async def look() -> None:
        async with Tables().run_test(size=(40, 8)) as pilot:
            await talk(pilot.app.query_one(WindowTable))

    run(look())


def lines(table: WindowTable) -> list[str]:
    """As they would be painted now, whatever was painted before."""
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


def test_the_last_column_takes_what_the_others_leave_as_soon_as_they_are_told() -> None:
    async def talk(table: WindowTable) -> None:
        table.tell_all(rows("a-long-name", "b", why="x" * 40), "name")
        assert lines(table)[1] == "►  a-long-name " + "x" * 23 + "…"
        table.tell_all(rows("b", why="x" * 40), "name")
        assert lines(table)[1] == "►  b    " + "x" * 30 + "…"
        table.tell_all(rows("a-name-of-20-letters", why="y"), "name")
        assert lines(table)[1] == "►  a-name-of-2… y"

    shown(talk)


def test_the_cursor_goes_with_its_row_and_stays_in_sight() -> None:
    async def talk(table: WindowTable) -> None:
        names = [f"row-{number:02}" for number in range(40)]
        table.tell_all(rows(*names))
        assert table.chosen == ["row-00"]
        table.tell_all(rows(*names[1:], names[0]))
        assert (table.chosen, table.cursor) == (["row-00"], 39)
        assert lines(table)[-1].startswith("►  row-00")
        table.tell_all(rows(*names))
        assert (table.chosen, table.cursor) == (["row-00"], 0)
        assert lines(table)[1].startswith("►  row-00")

    shown(talk)


def test_where_its_row_is_gone_the_cursor_stays_in_its_place_and_on_a_row() -> None:
    async def talk(table: WindowTable) -> None:
        table.tell_all(rows("a", "b", "c"))
        table.go(2)
        table.tell_all(rows("a", "b"))
        assert table.chosen == ["b"]
        table.tell_all([])
        assert table.chosen == []

    shown(talk)


def test_one_who_looks_elsewhere_with_the_mouse_is_left_there() -> None:
    async def talk(table: WindowTable) -> None:
        names = [f"row-{number:02}" for number in range(40)]
        table.tell_all(rows(*names))
        table.scroll_to(y=20, animate=False, force=True)
        table.tell_all(rows(*names, "new"))
        assert table.first == 20

    shown(talk)
