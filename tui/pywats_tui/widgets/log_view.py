"""Lines of a log, of which only the visible ones are drawn."""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pywats_client.ipc.commands.sources import LogLine
from pywats_client.logs import show_name
from pywats_tui.words import clock_time_of

MOST_LINES = 5000
CLASSES = {"WARNING": "log--warning", "ERROR": "log--error", "CRITICAL": "log--error", "DEBUG": "log--debug"}


class LogView(ScrollView, can_focus=True):
    """The last lines that contain a text. Following: it stays at the end. Paused: what comes is kept for later."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES.values())

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=MOST_LINES)
        self._shown: deque[tuple[str, str]] = deque(maxlen=MOST_LINES)
        """text and class, of lines that match"""
        self._held: deque[LogLine] = deque(maxlen=MOST_LINES)
        self._search = ""
        self.is_paused, self.is_following = False, True

    @property
    def held(self) -> int:
        """Lines that came while paused."""
        return len(self._held)

    @property
    def shown(self) -> int:
        """Lines that match."""
        return len(self._shown)

    def tell(self, lines: Iterable[LogLine]) -> None:
        """More lines."""
        if self.is_paused:
            self._held.extend(lines)
            return
        found = list(lines)
        self._lines.extend(found)
        self._shown.extend(self._matching(found))
        self._arrange()

    def forget(self) -> None:
        """Begin anew."""
        for kept in (self._lines, self._shown, self._held):
            kept.clear()
        self._arrange()

    def search(self, text: str) -> None:
        """Show only lines with this text, whatever its case."""
        self._search = text.casefold()
        self._shown.clear()
        self._shown.extend(self._matching(self._lines))
        self._arrange()

    def pause(self, is_paused: bool) -> None:
        """Keep what is shown as it is; or show what came meanwhile."""
        self.is_paused = is_paused
        if not is_paused:
            held = list(self._held)
            self._held.clear()
            self.tell(held)

    def follow(self, is_following: bool) -> None:
        """Stay at the end, or not."""
        self.is_following = is_following
        self._arrange()

    def action_scroll_end(self) -> None:
        """Who goes to the end wants to stay there."""
        self.follow(True)

    def action_scroll_home(self) -> None:
        """Who goes back wants to read."""
        self.is_following = False
        super().action_scroll_home()

    def action_scroll_up(self) -> None:
        """As to the beginning."""
        self.is_following = False
        super().action_scroll_up()

    def action_page_up(self) -> None:
        """As to the beginning."""
        self.is_following = False
        super().action_page_up()

    def on_mouse_scroll_up(self) -> None:
        """As to the beginning."""
        self.is_following = False

    def _matching(self, lines: Iterable[LogLine]) -> Iterable[tuple[str, str]]:
        for line in lines:
            if self._search in f"{line.level} {line.message}".casefold():
                for number, part in enumerate(line.message.split("\n")):
                    head = f"{clock_time_of(line.time)} {line.level:<8}" if number == 0 else " " * 17
                    yield f"{head} {show_name(part)}", CLASSES.get(line.level, "")

    def _arrange(self) -> None:
        self.virtual_size = Size(max([0, *(len(text) for text, _ in self._shown)]), len(self._shown))
        if self.is_following:
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        left, top = self.scroll_offset
        text, kind = next(islice(self._shown, top + y, None), ("", ""))
        style = self.get_component_rich_style(kind) if kind else self.rich_style
        strip = Strip([Segment(text, style)]).crop_extend(left, left + self.size.width, self.rich_style)
        return strip.apply_style(Style(bgcolor=self.rich_style.bgcolor))
