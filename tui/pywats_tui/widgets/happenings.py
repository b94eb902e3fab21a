"""What happened last, the newest below."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from pywats_tui.happening import BAD, GOOD, Happening
from pywats_tui.words import clock_time

STYLES = {GOOD: "$success", BAD: "$error"}


class Happenings(Static):
    """As many of the last as there is room for."""

    def tell(self, happened: Sequence[Happening]) -> None:
        """Show them."""
        rows = max(1, self.size.height)
        self.update(Content("\n").join(map(_line, list(happened)[-rows:])), layout=False)


def _line(happening: Happening) -> Content:
    text = f"{clock_time(happening.when)} {happening.sign} {happening.text}"
    return Content.styled(text, STYLES.get(happening.sign, ""))
