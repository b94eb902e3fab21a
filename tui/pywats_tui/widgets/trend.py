"""How much was done a minute: now, and over the last hour."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Sparkline, Static


class Trend(Horizontal):
    """A title, the last whole minute's figure, and the hour as bars."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """The figure, then the bars."""
        yield Static(markup=False)
        yield Sparkline([0.0])

    def tell(self, a_minute: Sequence[int]) -> None:
        """Show them; the last is the minute that has only begun."""
        latest = a_minute[-2:] or [0]
        self.query_one(Static).update(f"{self._title} {max(latest):>5,}/min", layout=False)
        bars = self.query_one(Sparkline)
        if list(bars.data or []) != list(a_minute):
            bars.data = list(a_minute)
