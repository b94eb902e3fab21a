"""The configured converters, a row each, to choose from: those in trouble first."""

from collections.abc import Mapping

from rich.text import Text
from textual.widgets import DataTable

from pywats_client.ipc.events import ConverterStatus
from pywats_client.logs import show_name
from pywats_tui.widgets.converter_list import ORDER, SIGNS
from pywats_tui.words import count

COLUMNS = ("converter", "state", "waiting", "done", "failed", "last error")
WIDTHS = {"state": max(map(len, SIGNS.values())), "waiting": 9, "done": 11, "failed": 9}
"""Of what changes all the time; the others are as wide as what stands in them."""
RANKS = {SIGNS[state]: rank for rank, state in enumerate(ORDER)}


class ConverterTable(DataTable[Text]):
    """Updated by key, never rebuilt: the cursor stays on its converter."""

    def on_mount(self) -> None:
        """A row is a converter."""
        self.cursor_type = "row"
        for column in COLUMNS:
            self.add_column(column, key=column, width=WIDTHS.get(column))

    @property
    def chosen(self) -> str:
        """The converter under the cursor; empty where there is none."""
        return str(self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value) if self.row_count else ""

    def tell(self, converters: Mapping[str, ConverterStatus]) -> None:
        """Show them."""
        chosen = self.chosen
        gone = [str(key.value) for key in self.rows if key.value not in converters]
        for name in gone:
            self.remove_row(name)
        changed = [self._tell_one(name, status) for name, status in converters.items()]
        if any(changed) or gone:
            self.sort("state", "converter", key=lambda cells: (RANKS[cells[0].plain], cells[1].plain.casefold()))
            if chosen in converters:
                self.move_cursor(row=self.get_row_index(chosen), animate=False)

    def _tell_one(self, name: str, status: ConverterStatus) -> bool:
        """Whether its place may be another now."""
        cells = [Text(cell, end="") for cell in _cells(name, status)]
        if name not in self.rows:
            self.add_row(*cells, key=name)
            return True
        changed = False
        for column, cell in zip(COLUMNS, cells, strict=True):
            if self.get_cell(name, column) != cell:
                self.update_cell(name, column, cell, update_width=True)
                changed |= column == "state"
        return changed


def _cells(name: str, status: ConverterStatus) -> tuple[str, ...]:
    """Text, never markup: an error holds what a file says."""
    trouble = status.reason or status.last_error
    figures = (count(status.waiting), count(status.converted), count(status.failed))
    return show_name(name), SIGNS[status.state], *figures, show_name(trouble.partition("\n")[0])
