"""One of a few values: it says itself which, without colour."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static


class Choice(Static, can_focus=True):
    """Left and right, or space, go through the values."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "step(1)", "Next value", show=False),
        Binding("left", "step(-1)", "Previous value", show=False),
    ]

    class Changed(Message):
        """A person has chosen another value."""

    value: reactive[str] = reactive("", layout=False)

    def __init__(self, options: tuple[str, ...], value: str, *, disabled: bool = False) -> None:
        super().__init__(markup=False, disabled=disabled)
        self._options = options
        self.value = value

    def watch_value(self, value: str) -> None:
        """Show it."""
        self.update(f"< {value} >", layout=False)

    def action_step(self, step: int) -> None:
        """Choose the next one, after the last the first; from what is none of them the first."""
        at = self._options.index(self.value) + step if self.value in self._options else 0
        self.value = self._options[at % len(self._options)]
        self.post_message(self.Changed())
