"""All converters, a row each."""

from collections.abc import Iterable

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from pywats_tui.converter_rows import COLUMNS, rows
from pywats_tui.picture import Picture
from pywats_tui.screens.converter import ConverterDetail
from pywats_tui.screens.converter_keys import ConverterKeys
from pywats_tui.widgets.lines import Lines
from pywats_tui.widgets.window_table import WindowTable
from pywats_tui.words import several


class Converters(ConverterKeys):
    """The converters: enter shows one, with its folders, arguments and recent files."""

    KEY, TITLE = "4", "Converters"

    def body(self) -> Iterable[Widget]:
        """The table, and below it how many there are."""
        yield WindowTable(COLUMNS)
        yield Static(id="about", markup=False)

    def show(self, picture: Picture) -> None:
        """Everything, from what the service has told."""
        converters = picture.snapshot.converters
        self.query_one(WindowTable).tell_all(rows(converters), "converter")
        self.query_one("#about", Static).update(_about(picture), layout=False)

    @property
    def chosen(self) -> str:
        """The one under the cursor."""
        current = self.query_one(WindowTable).current
        return current.key if current else ""

    @on(Lines.Opened)
    def _open(self) -> None:
        self.app.push_screen(ConverterDetail(self.chosen))


def _about(picture: Picture) -> str:
    if not picture.is_known:
        return "the service is not there: its converters are not known"
    if converters := picture.snapshot.converters:
        return f"{several(len(converters), 'converter')}; enter shows one"
    return "no converter is configured; `pywats-client config edit` adds one"
