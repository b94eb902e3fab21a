"""A screen over others is closed once, however fast the keys come."""

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete
from textual.screen import Screen

if TYPE_CHECKING:
    Base = Screen[Any]
else:  # a second Screen among the bases would hide what the first has of styles and keys
    Base = object


class ClosesOnce(Base):
    """Put before the screen's own class. Without it a second escape would close the screen below, too."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close with a result, unless it is closed already or something lies over it."""
        return super().dismiss(result) if self.is_current else AwaitComplete()
