"""A text of any length, to be scrolled through; lines that are too long go on in the next."""

from rich.cells import chop_cells
from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class TextPane(ScrollView, can_focus=True):
    """Shows plain text, which must be safe to show: nothing in it is markup."""

    DEFAULT_CSS = """
    TextPane { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; background: $background; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's name
        super().__init__(id=id)
        self._text, self._lines, self._width = "", [""], 0

    def tell(self, text: str) -> None:
        """Show it, from where one was reading."""
        if text != self._text:
            self._text = text
            self._wrap()

    def on_resize(self, _: events.Resize) -> None:
        """Other lines are too long now."""
        if self.scrollable_content_region.width != self._width:
            self._wrap()

    def _wrap(self) -> None:
        self._width = max(1, self.scrollable_content_region.width)
        lines = self._text.expandtabs(4).split("\n")
        self._lines = [part for line in lines for part in (chop_cells(line, self._width) or [""])]
        self.virtual_size = Size(self._width, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line at this height of the widget."""
        index = round(self.scroll_offset.y) + y
        text = self._lines[index] if index < len(self._lines) else ""
        return Strip([Segment(text, self.rich_style)]).adjust_cell_length(self.size.width, self.rich_style)
