"""A question that is answered with yes or no."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from pywats_tui.widgets.closes_once import ClosesOnce


class Ask(ClosesOnce, ModalScreen[bool]):
    """`push_screen_wait(Ask(...))` returns whether the answer was yes; escape is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
    ]

    def __init__(self, question: str, detail: str = "") -> None:
        super().__init__()
        self._question, self._detail = question, detail

    def compose(self) -> ComposeResult:
        """The question, what it means, and the keys."""
        with Vertical(id="ask"):
            yield Static(self._question, id="question", markup=False)
            if self._detail:
                yield Static(self._detail, id="detail", markup=False)
            yield Static("y  yes      n  no", id="keys", markup=False)

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)

    def withdraw(self) -> None:
        """The question has answered itself: close as with no, unless something else lies over it just now."""
        self.dismiss(False)
