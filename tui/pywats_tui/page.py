"""What all screens have: the status line above, the command line and the keys below, and what is shown between."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from pywats_tui.picture import Picture
from pywats_tui.widgets.closes_once import ClosesOnce
from pywats_tui.widgets.command_line import CommandLine
from pywats_tui.widgets.keys import Keys
from pywats_tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from pywats_tui.app import PywatsTui


class Page(ClosesOnce, Screen[None]):
    """One of the screens on number keys. Its docstring is its help, `TITLE` its name in the palette."""

    KEY: ClassVar[str] = ""
    WRITES: ClassVar[frozenset[str]] = frozenset()
    """actions that change something; hidden where the dashboard is only for viewing"""
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-low"), (36, "-high")]  # noqa: RUF012

    @property
    def tui(self) -> "PywatsTui":
        """The app, with its own type."""
        return cast("PywatsTui", self.app)

    def compose(self) -> ComposeResult:
        """Status line, body, command line, keys."""
        yield StatusLine(markup=False)
        yield from self.body()
        yield CommandLine(markup=False)
        yield Keys()

    def body(self) -> Iterable[Widget]:
        """What this screen is about."""
        return ()

    def on_screen_resume(self) -> None:
        """Show at once what was told while another screen was in front."""
        self.call_after_refresh(self.paint)  # before, nothing has a size

    def paint(self) -> None:
        """Show the picture as it is now."""
        if self.is_mounted and self.query(StatusLine):  # not while it is being taken down
            self.query_one(StatusLine).tell(self.tui.picture, self.tui.instance.id)
            self.query_one(CommandLine).tell(self.tui.twins[-1] if self.tui.twins else "")
            self.show(self.tui.picture)

    def show(self, picture: Picture) -> None:
        """Show what this screen is about; called at most four times a second."""

    def leave(self, go: Callable[[], object]) -> None:
        """A person goes elsewhere, or quits: `go` does it. Where something is not saved, ask before."""
        go()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what changes something where this is only for viewing."""
        if self.tui.is_view_only and action in self.WRITES:
            return False
        return super().check_action(action, parameters)


class Detail(Page):
    """A screen over one of the others, about something of the service that was shown when it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self._of: Picture | None = None

    def paint(self) -> None:
        """Close once another service is shown."""
        self._of = self._of or self.tui.picture
        if self._of is self.tui.picture:
            super().paint()
        else:
            self.dismiss()
