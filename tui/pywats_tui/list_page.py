"""What the screens with long lists have: a window of the list, a search, a selection, and what is done about it."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from pywats_client.errors import IpcError
from pywats_client.logs import show_name
from pywats_tui.acting import Deed
from pywats_tui.page import Page
from pywats_tui.picture import Link, Picture
from pywats_tui.widgets.window_table import Column, Row, WindowTable
from pywats_tui.words import clock_time

REFRESH_SECONDS = 1.0
"""Between two requests, however much has happened."""


class Window(NamedTuple):
    """A part of a list, and how long the list is."""

    rows: Sequence[Row]
    total: int


class ListPage(Page):
    """A list of which only what is in sight is asked for: when it is shown, and when an event says it has changed."""

    WRITES = frozenset({"retry", "discard"})
    EVENTS: ClassVar[frozenset[str]] = frozenset()
    """those after which the list is another"""
    COLUMNS: ClassVar[Sequence[Column]] = ()
    BINDINGS: ClassVar = [
        Binding("enter", "open", "Open", key_display="enter"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("space", "select", "Select"),
        Binding("a", "select_all", "All"),
        Binding("r", "retry", "Retry"),
        Binding("x", "discard", "Discard"),
        Binding("c", "copy_id", "Copy id"),
        Binding("p", "copy_path", "Path"),
        Binding("escape", "clear", "Clear", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.search_text = ""
        self._picture: Picture | None = None
        self._heard: object = None
        self._is_old, self._asked_at, self._fault = True, 0.0, ""
        self._asking: Worker[None] | None = None

    # --- what each says for itself

    async def window(self, offset: int, limit: int) -> Window:
        """Ask the service. Raises IpcError."""
        raise NotImplementedError

    def facts(self) -> Sequence[str]:
        """What is listed and how, for the line above the table."""
        return ()

    def nothing(self) -> str:
        """The sentence that stands for an empty list."""
        return "nothing"

    def tell_twin(self) -> None:
        """Show what this list is called on the command line."""

    def forget(self) -> None:
        """Another service is shown from now on: what is listed is not its own."""
        self.table.clear()

    # --- what it looks like

    @property
    def table(self) -> WindowTable:
        """The list."""
        return self.query_one(WindowTable)

    def body(self) -> Iterable[Widget]:
        """The search, the line above, the list."""
        yield Input(id="search", placeholder="search: enter finds, escape clears", compact=True)
        yield Static(id="facts", markup=False)
        yield WindowTable(self.COLUMNS)
        yield Static(id="nothing", markup=False)

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.query_one("#search").display = False
        self.table.focus()

    def on_screen_resume(self) -> None:
        """What happened while another screen was in front is asked for now."""
        self._is_old |= asyncio.get_running_loop().time() - self._asked_at >= REFRESH_SECONDS
        super().on_screen_resume()

    def show(self, picture: Picture) -> None:
        """Say how it stands, and ask where the list is old."""
        heard = [picture.heard[name] for name in ("snapshot", *sorted(self.EVENTS))]
        if picture is not self._picture:
            self.forget()
        if picture is not self._picture or heard != self._heard:
            self._picture, self._heard, self._is_old = picture, heard, True
        is_time = asyncio.get_running_loop().time() - self._asked_at >= REFRESH_SECONDS
        if self._is_old and is_time and picture.link is Link.LIVE and not self.is_asking:
            self._ask_soon()
        self._show_facts(picture)

    def _show_facts(self, picture: Picture) -> None:
        selected = len(self.table.selected)
        parts = [*self.facts()]
        parts += [f"search {show_name(self.search_text)!r}"] if self.search_text else []
        parts += [f"{selected:,} selected"] if selected else []
        if picture.link is not Link.LIVE:
            parts.insert(0, f"stale since {clock_time(picture.since)}")
        self.query_one("#facts", Static).update("  ".join(parts), layout=False)
        nothing = self.query_one("#nothing", Static)
        nothing.display = not self.table.count
        nothing.update(self._why_nothing(picture))

    def _why_nothing(self, picture: Picture) -> str:
        if picture.link is not Link.LIVE:
            return f"The service is not there: {picture.reason}."
        if self._fault:
            return self._fault
        if self.is_asking or self._is_old:
            return "Asking the service …"
        return f"Nothing matches {show_name(self.search_text)!r}." if self.search_text else self.nothing()

    # --- asking

    @property
    def is_asking(self) -> bool:
        """Whether a request is under way."""
        return self._asking is not None and not self._asking.is_finished

    def ask_anew(self) -> None:
        """A person wants another list: whatever was asked for before does not matter any more."""
        self.table.clear()
        self._ask_soon()
        self.tell_twin()
        self._show_facts(self.tui.picture)

    def _ask_soon(self) -> None:
        self._is_old, self._asked_at = False, asyncio.get_running_loop().time()
        self._asking = self.run_worker(self._ask, group="window", exclusive=True)

    async def _ask(self) -> None:
        """Once, and again where one has scrolled on meanwhile."""
        wanted = None
        while wanted != (wanted := self.table.wanted()):
            try:
                found = await self.window(*wanted)
            except IpcError as error:
                self._fault = str(error)
                break
            self._fault = ""
            self.table.tell(wanted[0], found.rows, found.total)
            if not self.table.is_lacking:
                break

    @on(Worker.StateChanged)
    def _on_asked(self) -> None:
        self._show_facts(self.tui.picture)

    @on(WindowTable.Lacking)
    def _on_lacking(self) -> None:
        if not self.is_asking and self.tui.picture.link is Link.LIVE:
            self._ask_soon()

    @on(WindowTable.Selected)
    def _on_selected(self) -> None:
        self._show_facts(self.tui.picture)

    # --- keys

    def action_search(self) -> None:
        """Ask for the text."""
        field = self.query_one("#search", Input)
        field.display = True
        field.focus()

    @on(Input.Submitted, "#search")
    def _on_search(self, submitted: Input.Submitted) -> None:
        self._search(submitted.value)

    def _search(self, text: str) -> None:
        field = self.query_one("#search", Input)
        field.value, field.display = text, bool(text)
        self.table.focus()
        if text != self.search_text:
            self.search_text = text
            self.ask_anew()

    def action_clear(self) -> None:
        """First the request that is under way, then the selection, then the search."""
        if self._asking and self.is_asking and not self.table.rows:
            self._asking.cancel()
            self._fault = "The request was stopped."
        elif self.table.selected:
            self.table.selected = {}
            self.table.refresh()
            self._on_selected()
        else:
            self._search("")

    def action_select(self) -> None:
        """Select the row under the cursor, or leave it out again."""
        self.table.select()

    def action_select_all(self) -> None:
        """Select all that are loaded, or none."""
        self.table.select_known()

    def act(self, deed: Deed) -> None:
        """Do it about what is selected, otherwise about the row under the cursor."""
        if ids := self.table.chosen:
            self.run_worker(self._act(deed, ids), group="deeds")

    async def _act(self, deed: Deed, ids: Sequence[str]) -> None:
        if await deed(self.tui, ids):
            self.table.selected = {}
            self._ask_soon()
