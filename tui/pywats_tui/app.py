"""The application: which screens there are, how it is fed, and what it asks of the service."""

import asyncio
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import PurePath
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from pywats_client.errors import IpcError
from pywats_client.ipc.commands.base import Command
from pywats_client.paths import Instance
from pywats_tui.crash import sentence_of
from pywats_tui.feed import Feed
from pywats_tui.page import Page
from pywats_tui.picture import Link, Picture
from pywats_tui.screens import DETAILS, PAGES
from pywats_tui.starting import start
from pywats_tui.themes import THEMES
from pywats_tui.twins import twin
from pywats_tui.widgets.ask import Ask
from pywats_tui.widgets.palette import Palette
from pywats_tui.widgets.reading import Reading

PAINT_SECONDS = 0.25
"""Between two paintings, whatever is told meanwhile."""
AGES_SECONDS = 1.0
"""Ages grow also when nothing is told."""
FIRST_LOOK_SECONDS = 0.5
"""What a service that runs may take to be found, before it is asked whether to start one."""
FAULT_SECONDS = 15.0
"""A sentence about what went wrong stays long enough to be read twice."""
MOST_TWINS = 200


class PywatsTui(App[None]):
    """The dashboard of one service of this machine."""

    TITLE = "pywats"
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        "app.tcss",
        *(f"screens/{page.__module__.rpartition('.')[2]}.tcss" for page in PAGES),
    ]
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {page.__name__.lower(): page for page in PAGES}
    DEFAULT_MODE = "dashboard"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(page.KEY, f"switch_mode('{page.__name__.lower()}')", page.TITLE or "", show=False) for page in PAGES),
        Binding("question_mark", "switch_mode('help')", "Help", show=False, key_display="?"),
        Binding("ctrl+l", "command_log", "What was done here, as commands", show=False, key_display="^l"),
        Binding("ctrl+p", "command_palette", "Palette: every screen by its name", show=False, key_display="^p"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q", "quit", "Quit, from everywhere", show=False, key_display="^q", priority=True),
    ]

    def __init__(self, instance: Instance, *, is_view_only: bool = False, theme: str = "dark") -> None:
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self.instance, self.is_view_only = instance, is_view_only
        self.picture = Picture()
        self.feed = Feed(instance, self.picture)
        self.twins: deque[str] = deque(maxlen=MOST_TWINS)
        """what was done, as commands; the last one last"""
        self._painted, self._painted_at = -1, 0.0
        self._question: Ask | None = None

    @property
    def pages(self) -> tuple[type[Page], ...]:
        """The screens on number keys, and those that open over them."""
        return PAGES + DETAILS

    def on_mount(self) -> None:
        """Follow the service, paint, and end well when the terminal goes."""
        if sys.platform != "win32":
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self.exit, None, 128 + number)
        self.follow(self.instance)
        self.set_interval(PAINT_SECONDS, self._paint)
        if not self.is_view_only:
            self.set_timer(FIRST_LOOK_SECONDS, self._offer_start)

    def follow(self, instance: Instance) -> None:
        """Show this instance from now on."""
        self.instance, self.picture = instance, Picture()
        self.feed, self._painted = Feed(instance, self.picture), -1
        self._feed()

    @work(group="feed", exclusive=True)
    async def _feed(self) -> None:
        await self.feed.run()

    def _paint(self) -> None:
        if self._question and self.picture.link is Link.LIVE:
            self._question.withdraw()
        now = asyncio.get_running_loop().time()
        if self.picture.changes == self._painted and now - self._painted_at < AGES_SECONDS:
            return
        self._painted, self._painted_at = self.picture.changes, now
        page = next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Page)), None)
        if page is not None:
            page.paint()

    # --- what a person wants done

    async def order(self, command: Command, *words: str) -> Any:
        """Ask the service for something, show its command-line twin; None where it failed, which is shown, too."""
        if words:
            self.did(*words)
        try:
            return await self.feed.ask(command)
        except IpcError as error:
            self.complain(str(error), command.name)
            return None

    def did(self, *words: str) -> None:
        """Note what was done as a command on the instance that is shown."""
        self.note(twin(self.instance, *words))

    def note(self, line: str) -> None:
        """Note a whole command line."""
        self.twins.append(line)
        self.picture.changes += 1

    def complain(self, sentence: str, title: str) -> None:
        """Show what went wrong."""
        self.notify(sentence, severity="error", title=title, markup=False, timeout=FAULT_SECONDS)

    def _offer_start(self) -> None:
        """Once, at the beginning: a service that is not there can be started. The question goes when it comes."""
        if not self.picture.changes:  # neither found nor missed yet: it may have frozen
            self.set_timer(FIRST_LOOK_SECONDS, self._offer_start)
        elif self.picture.link is Link.AWAY and self.picture.is_absent:
            self._question = Ask(f"No service runs for instance {self.instance.id}. Start it?", self.picture.reason)
            self.push_screen(self._question, self._answered)

    def _answered(self, is_wanted: bool | None) -> None:
        self._question = None
        if is_wanted:
            self.run_worker(self.start_service(self.instance))

    async def start_service(self, instance: Instance) -> None:
        """Start a service in the background, as `pywats-client start` does; what went wrong is shown."""
        self.note(twin(instance, "start"))
        if fault := await start(instance):
            self.complain(fault, "start")

    async def action_switch_mode(self, mode: str) -> None:
        """Show another screen."""
        self._leave(lambda: self.switch_mode(mode))

    async def action_quit(self) -> None:
        """Close the dashboard; the service goes on."""
        self._leave(self.exit)

    def _leave(self, go: Callable[[], object]) -> None:
        """Go, unless the screen in front has something to ask first."""
        if isinstance(self.screen, Page):
            self.screen.leave(go)
        else:
            go()

    def action_command_log(self) -> None:
        """Show what was done here, as commands."""
        text = "\n".join(f"$ {line}" for line in self.twins) or "nothing was done yet"
        self.push_screen(Reading("what was done here, as commands", text, from_end=True))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every screen by its name, and little else; it needs no files and no keys of Textual's."""
        for page in PAGES:
            name = page.__name__.lower()
            yield SystemCommand(page.TITLE or name, page.__doc__ or "", partial(self.action_switch_mode, name))
        yield SystemCommand("Commands", "What was done here, as commands", self.action_command_log)
        for theme in THEMES:
            paint = partial(setattr, self, "theme", theme.name)
            yield SystemCommand(f"Theme {theme.name}", "How all of it is painted", paint)

    def action_command_palette(self) -> None:
        """Show it, once."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())  # no id, as Textual gives: the one before may still be going

    def _fatal_error(self) -> None:
        """The end after a fault of ours. Textual would print every local variable, and one might hold a secret."""
        self.panic(Text(sentence_of(sys.exception())))
