"""Lines of which only those in sight are made: ten thousand cost as little as ten."""

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

Span = tuple[str, str]
"""A text, and how it is painted: good, bad, doubtful, dim, or as all the rest."""


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """A cursor over lines. `spans` says what a line shows; `heading` lines above stay where they are."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--cursor",
        "lines--heading",
        "lines--good",
        "lines--bad",
        "lines--doubtful",
        "lines--dim",
    }
    DEFAULT_CSS = """
    Lines { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; background: $background; }
    Lines > .lines--heading { background: $surface; text-style: bold; }
    Lines > .lines--cursor { background: $panel; }
    Lines:focus > .lines--cursor { text-style: bold; }
    Lines > .lines--good { color: $success; }
    Lines > .lines--bad { color: $error; }
    Lines > .lines--doubtful { color: $warning; }
    Lines > .lines--dim { color: $secondary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1_000_000_000)", "First", show=False),
        Binding("end,G", "move(1_000_000_000)", "Last", show=False),
        Binding("enter", "open", "Open", key_display="enter"),
    ]
    heading = 0

    class Opened(Message):
        """Enter was pressed on a line."""

    class Moved(Message):
        """The cursor has gone to another line."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's name
        super().__init__(id=id)
        self.count, self.cursor = 0, 0

    def spans(self, index: int, width: int) -> Iterable[Span]:
        """What line `index` shows, in so many cells."""
        raise NotImplementedError

    def heading_spans(self, width: int) -> Iterable[Span]:
        """What the line above shows."""
        return ()

    @property
    def room(self) -> int:
        """Lines that are in sight at once, but for the heading."""
        return max(1, self.scrollable_content_region.height - self.heading)

    @property
    def first(self) -> int:
        """The first line in sight."""
        return round(self.scroll_offset.y)

    def resized(self, count: int) -> None:
        """There are so many lines from now on; the cursor stays on one of them."""
        self.count = count
        self.cursor = max(0, min(self.cursor, count - 1))
        self.virtual_size = Size(self.scrollable_content_region.width, count + self.heading)
        self.refresh()

    def go(self, index: int) -> None:
        """Put the cursor there, and have it in sight."""
        before, self.cursor = self.cursor, max(0, min(index, self.count - 1))
        if self.cursor != before:
            self.post_message(self.Moved())
        if self.cursor < self.first:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= self.first + self.room:
            self.scroll_to(y=self.cursor - self.room + 1, animate=False, force=True)
        self.refresh()

    def action_move(self, lines: int) -> None:
        """Up or down."""
        self.go(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        """Up or down by what is in sight."""
        self.go(self.cursor + pages * self.room)

    def action_open(self) -> None:
        """Whoever shows this knows what that means."""
        if self.count:
            self.post_message(self.Opened())

    def on_resize(self, _: events.Resize) -> None:
        """The cursor stays in sight."""
        self.resized(self.count)
        self.go(self.cursor)

    def on_click(self, click: events.Click) -> None:
        """Puts the cursor there; a second time opens."""
        index = self.first + click.y - self.heading
        if click.y >= self.heading and index < self.count:
            self.go(index)
            if click.chain > 1:
                self.action_open()

    def render_line(self, y: int) -> Strip:
        """The line at this height of the widget."""
        width = self.scrollable_content_region.width
        index = self.first + y - self.heading
        if y < self.heading:
            return self._strip(self.heading_spans(width), width, "heading")
        if index >= self.count:
            return self._strip((), width)
        is_here = index == self.cursor
        line = [("►" if is_here else " ", ""), *self.spans(index, width - 1)]
        return self._strip(line, width, "cursor" if is_here else "")

    def _strip(self, spans: Iterable[Span], width: int, base: str = "") -> Strip:
        ground = self.rich_style + self.get_component_rich_style(f"lines--{base}") if base else self.rich_style
        segments = []
        for text, paint in spans:
            colour = self.get_component_rich_style(f"lines--{paint}", partial=True) if paint else None
            segments.append(Segment(text, ground + colour if colour else ground))
        return Strip(segments).adjust_cell_length(width, ground)


def cell(text: str, width: int, *, is_right: bool = False) -> str:
    """The text in exactly so many cells; what is cut ends in `…`."""
    cut = set_cell_size(text, width)
    if cut.rstrip() != text.rstrip():
        return set_cell_size(text, width - 1) + "…" if width else ""
    return cut[len(cut.rstrip()) :] + cut.rstrip() if is_right else cut
