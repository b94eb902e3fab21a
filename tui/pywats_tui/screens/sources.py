"""The sources that could not be converted, and lie in an error folder."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding

from pywats_client.ipc.commands.sources import FailedSource, GetFailedSources
from pywats_client.logs import show_name
from pywats_tui.acting import copy, discard_sources, retry_sources
from pywats_tui.list_page import ListPage, Window
from pywats_tui.screens.source import SourcePage
from pywats_tui.widgets.lines import Lines
from pywats_tui.widgets.window_table import Column, Row
from pywats_tui.words import bytes_, several, stamp

COLUMNS = (
    Column("failed", "failed", 11),
    Column("converter", "converter", 14),
    Column("name", "source", 20),
    Column("size", "size", 7, least=90, is_right=True),
    Column("reason", "reason", 0),
)


class Sources(ListPage):
    """Files that could not be converted: why, and what is in them; put them back, or set them aside."""

    KEY, TITLE = "3", "Sources"
    EVENTS = frozenset({"source_failed", "source_seen", "source_converting"})
    COLUMNS = COLUMNS
    BINDINGS: ClassVar = [Binding("f", "filter", "Converter"), *ListPage.BINDINGS]

    def __init__(self) -> None:
        super().__init__()
        self._converter = ""
        self._sources: dict[str, FailedSource] = {}

    async def window(self, offset: int, limit: int) -> Window:
        """Those of the chosen converter, or of all."""
        command = GetFailedSources(converter=self._converter, search=self.search_text, offset=offset, limit=limit)
        found: GetFailedSources.Result = await self.tui.feed.ask(command)
        self._sources = {source.id: source for source in found.sources}
        return Window([_row(source) for source in found.sources], found.total)

    def facts(self) -> Sequence[str]:
        """How many, and whose."""
        whose = show_name(self._converter) if self._converter else "all converters"
        return several(self.table.count, "source"), "newest first", f"of {whose}"

    def nothing(self) -> str:
        """The sentence that stands for an empty list."""
        return f"No source of {show_name(self._converter)} failed." if self._converter else "No source failed."

    def tell_twin(self) -> None:
        """The same list on the command line."""
        whose = ("--converter", self._converter) if self._converter else ()
        search = ("--search", self.search_text) if self.search_text else ()
        self.tui.did("sources", "list", *whose, *search)

    # --- keys

    def action_filter(self) -> None:
        """Only those of the next converter; after the last, of all."""
        names = ["", *sorted(self.tui.picture.snapshot.converters)]
        place = names.index(self._converter) if self._converter in names else -1
        self._converter = names[(place + 1) % len(names)]
        self.ask_anew()

    @on(Lines.Opened)
    def action_open(self) -> None:
        """Show the source under the cursor."""
        if current := self.table.current:
            self.tui.did("sources", "show", current.key)
            self.tui.push_screen(SourcePage(current.key))

    def action_retry(self) -> None:
        """Put back into the watch folder."""
        self.act(retry_sources)

    def action_discard(self) -> None:
        """Set aside."""
        self.act(discard_sources)

    def action_copy_id(self) -> None:
        """Copy the id, or those that are selected, a line each."""
        if ids := self.table.chosen:
            copy(self.tui, "\n".join(ids))

    def action_copy_path(self) -> None:
        """Copy the path."""
        if (current := self.table.current) and (source := self._sources.get(current.key)):
            copy(self.tui, source.path)


def _row(source: FailedSource) -> Row:
    cells = {
        "failed": stamp(source.failed),
        "converter": show_name(source.converter),
        "name": show_name(source.name),
        "size": bytes_(source.size),
        "reason": show_name(source.reason),
    }
    return Row(source.id, cells)
