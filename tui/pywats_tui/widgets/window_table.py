"""A table of any length, of which only the rows around those in sight are known."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual import events
from textual.message import Message

from pywats_tui.widgets.lines import Lines, Span, cell

MARGIN = 60
"""Rows that are known above and below those in sight."""


class Column(NamedTuple):
    """One column. The widest terminals show all, narrow ones those that matter."""

    key: str
    title: str
    width: int
    """0: what the others leave"""
    least: int = 0
    """width of the table from which on it is shown"""
    is_right: bool = False


class Row(NamedTuple):
    """One row: what it is known by, its cells, safe to show, by column, and how it is painted."""

    key: str
    cells: Mapping[str, str]
    paint: str = ""


class WindowTable(Lines):
    """Rows keep their place by key: the cursor goes with its row, and a selection stays."""

    heading = 1

    class Lacking(Message):
        """Rows are in sight that are not known."""

    class Selected(Message):
        """Other rows are selected than before."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self._given = self.columns = columns
        self.rows: dict[int, Row] = {}
        self.selected: dict[str, None] = {}
        """keys, in the order in which they were selected"""
        self.mark = ""
        """column that the rows are sorted by, and a sign for the direction"""

    @property
    def current(self) -> Row | None:
        """The row under the cursor, where it is known."""
        return self.rows.get(self.cursor)

    @property
    def chosen(self) -> list[str]:
        """What an action is about: the selected rows, otherwise the one under the cursor."""
        return list(self.selected) or [row.key for row in [self.current] if row]

    @property
    def is_lacking(self) -> bool:
        """Whether rows are in sight that are not known."""
        return any(index not in self.rows for index in range(self.first, min(self.count, self.first + self.room)))

    def wanted(self) -> tuple[int, int]:
        """Offset and number of the rows that should be known."""
        return max(0, self.first - MARGIN), self.room + 2 * MARGIN

    def clear(self) -> None:
        """Something else will be shown."""
        self.rows, self.selected = {}, {}
        self.cursor = 0
        self.resized(0)
        self.scroll_to(y=0, animate=False, force=True)

    def tell(self, offset: int, rows: Iterable[Row], total: int) -> None:
        """These are the rows from `offset` on, of so many. Where its row has moved, the cursor moves with it."""
        before = self.current
        was_in_sight = self.first <= self.cursor < self.first + self.room
        self.rows = dict(enumerate(rows, offset))
        place = next((index for index, row in self.rows.items() if before and row.key == before.key), self.cursor)
        shift, self.cursor = place - self.cursor, place
        self.resized(total)
        if shift and self.first:
            self.scroll_to(y=self.first + shift, animate=False, force=True)
        if was_in_sight:
            self.go(self.cursor)

    def tell_all(self, rows: Sequence[Row], *fitting: str) -> None:
        """These are all rows there are. The columns `fitting` are only as wide as what stands in them needs."""
        self.columns = [_fitted(column, rows) if column.key in fitting else column for column in self._given]
        self.tell(0, rows, len(rows))

    def select(self) -> None:
        """Take the row under the cursor to the selected ones, or from them, and go on to the next."""
        if row := self.current:
            if row.key in self.selected:
                del self.selected[row.key]
            else:
                self.selected[row.key] = None
            self.action_move(1)
            self.post_message(self.Selected())

    def select_known(self) -> None:
        """All that are known, or none where they are selected already."""
        known = {row.key: None for row in self.rows.values()}
        self.selected = {} if known.keys() <= self.selected.keys() else self.selected | known
        self.refresh()
        self.post_message(self.Selected())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Rows come into sight."""
        super().watch_scroll_y(old_value, new_value)
        self._tell_lack()

    def on_resize(self, _: events.Resize) -> None:
        """More rows may be in sight."""
        self._tell_lack()

    def _tell_lack(self) -> None:
        if self.is_lacking:
            self.post_message(self.Lacking())

    def heading_spans(self, width: int) -> Iterable[Span]:
        """The titles; the one that the rows are sorted by has a sign."""
        titles = {column.key: column.title for column in self.columns}
        key, _, sign = self.mark.partition(" ")
        if key in titles:
            titles[key] += f" {sign}"
        return [("   " + self._line(titles, width - 3), "")]

    def spans(self, index: int, width: int) -> Iterable[Span]:
        """A row; `*` says that it is selected."""
        row = self.rows.get(index)
        if row is None:
            return [("  …", "dim")]
        sign = "* " if row.key in self.selected else "  "
        return [(sign, "doubtful"), (self._line(row.cells, width - 2), row.paint)]

    def _line(self, cells: Mapping[str, str], width: int) -> str:
        shown = [column for column in self.columns if column.least <= width]
        left = max(0, width - sum(column.width + 1 for column in shown))
        return " ".join(
            cell(cells.get(column.key, ""), column.width or left, is_right=column.is_right) for column in shown
        )


def _fitted(column: Column, rows: Iterable[Row]) -> Column:
    """No wider than given."""
    needed = max([cell_len(column.title), *(cell_len(row.cells[column.key]) for row in rows)])
    return column._replace(width=min(column.width, needed))
