"""A text to read, over the screen that one came from."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from pywats_tui.widgets.closes_once import ClosesOnce


class Reading(ClosesOnce, ModalScreen[None]):
    """A title and a text, which scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,ctrl+l", "dismiss(None)", "Close")]

    def __init__(self, title: str, text: str, *, from_end: bool = False) -> None:
        super().__init__()
        self._title, self._text, self._from_end = title, text, from_end

    def compose(self) -> ComposeResult:
        """The text in its frame."""
        with VerticalScroll(id="text") as scroll:
            scroll.border_title, scroll.border_subtitle = self._title.replace("[", r"\["), "esc closes"
            yield Static(self._text, markup=False)

    def on_mount(self) -> None:
        """Begin where one looks first."""
        if self._from_end:
            self.query_one("#text").scroll_end(animate=False)
