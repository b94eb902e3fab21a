"""A question that is answered with a line of text."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from pywats_tui.widgets.closes_once import ClosesOnce


class AskText(ClosesOnce, ModalScreen[str | None]):
    """Returns what was typed; None after escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(self, question: str, text: str = "") -> None:
        super().__init__()
        self._question, self._text = question, text

    def compose(self) -> ComposeResult:
        """The question, the line, the keys."""
        with Vertical(id="ask"):
            yield Static(self._question, id="question", markup=False)
            yield Input(self._text)
            yield Static("enter  go      esc  cancel", id="keys", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the text."""
        self.dismiss(event.value.strip())
