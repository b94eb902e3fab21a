"""The log as it is written, and the life of one file."""

from collections.abc import Iterable
from typing import ClassVar, get_args

from textual import work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from pywats_client.ipc.commands.sources import GetTrace, LogLine
from pywats_client.logs import show_name
from pywats_tui.log_feed import Level, follow_log
from pywats_tui.page import Page
from pywats_tui.picture import Picture
from pywats_tui.trace import trace_text
from pywats_tui.widgets.ask_text import AskText
from pywats_tui.widgets.log_view import LogView
from pywats_tui.widgets.reading import Reading
from pywats_tui.words import several

LEVELS: tuple[Level, ...] = get_args(Level)


class Activity(Page):
    """The log as it is written, and the life of one file."""

    KEY, TITLE = "6", "Activity"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "level", "Level"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("space", "pause", "Pause"),
        Binding("f", "follow", "Follow"),
        Binding("t", "trace", "Trace a file"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._level: Level = "INFO"
        self._search = ""
        self._new: list[LogLine] = []
        self._listener: Worker[None] | None = None
        self._of: Picture | None = None
        """the service whose lines these are"""

    def body(self) -> Iterable[Widget]:
        """What is filtered, then the lines."""
        yield Static(id="filter", markup=False)
        yield LogView()

    def on_screen_resume(self) -> None:
        """Listen while somebody looks."""
        super().on_screen_resume()
        if self._of is not self.tui.picture:
            self._of = self.tui.picture
            self._begin()
        if self._listener is None:
            self._listener = self._listen()

    def on_screen_suspend(self) -> None:
        """Another screen is in front, not only a question over this one: let the service keep its lines."""
        if self._listener and isinstance(self.app.screen, Page):
            self._listener.cancel()
            self._listener = None

    @work(group="log", exclusive=True)
    async def _listen(self) -> None:
        await follow_log(self.tui.instance, self._level, self._begin, self._tell)

    def _begin(self) -> None:
        self._new.clear()
        self.query_one(LogView).forget()

    def _tell(self, lines: Iterable[LogLine]) -> None:
        """Kept until the next painting: lines may come faster than anybody reads."""
        self._new.extend(lines)
        self.tui.picture.changes += 1

    def show(self, picture: Picture) -> None:
        """What has come since the last time, and what is filtered."""
        view = self.query_one(LogView)
        if self._new:
            view.tell(self._new)
            self._new = []
        parts = [
            f"from {self._level} on",
            f"with {show_name(self._search)!r}" if self._search else "all texts",
            several(view.shown, "line"),
            f"paused, {several(view.held, 'line')} came" if view.is_paused else "",
            "follows" if view.is_following and not view.is_paused else "",
        ]
        self.query_one("#filter", Static).update("   ".join(filter(None, parts)), layout=False)

    def action_level(self) -> None:
        """The next level, after the last one the first."""
        self._level = LEVELS[(LEVELS.index(self._level) + 1) % len(LEVELS)]
        self._tell_twin()
        self._listener = self._listen()

    def action_search(self) -> None:
        """Only lines with a text."""
        self.app.push_screen(AskText("Show lines with this text (empty: all)", self._search), self._searched)

    def _searched(self, text: str | None) -> None:
        if text is not None:
            self._search = text
            self.query_one(LogView).search(text)
            self._tell_twin()
            self.paint()

    def _tell_twin(self) -> None:
        """The same lines on the command line."""
        text = ("--grep", self._search) if self._search else ()
        self.tui.did("logs", "--follow", "--level", self._level, *text)

    def action_pause(self) -> None:
        """Keep what is shown, or go on."""
        view = self.query_one(LogView)
        view.pause(not view.is_paused)
        self.paint()

    def action_follow(self) -> None:
        """Stay at the end, or stay here."""
        view = self.query_one(LogView)
        view.follow(not view.is_following)
        self.paint()

    @work(group="trace", exclusive=True)
    async def action_trace(self) -> None:
        """The life of one file, by a name, a serial number, or the beginning of an id."""
        key = await self.app.push_screen_wait(AskText("Whose life? A file's name, a serial number, or a report's id"))
        if key and (found := await self.tui.order(GetTrace(key=key), "trace", key)):
            await self.app.push_screen(Reading(f"trace of {show_name(key)}", trace_text(found, key)))
