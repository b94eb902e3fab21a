"""One source that could not be converted: the reason, and the beginning of the file."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Static

from pywats_client.errors import IpcError
from pywats_client.ipc.commands.sources import GetSource
from pywats_client.logs import show_name, show_text
from pywats_tui.acting import Deed, copy, discard_sources, retry_sources
from pywats_tui.page import Detail
from pywats_tui.widgets.text_pane import TextPane
from pywats_tui.words import bytes_, stamp


class SourcePage(Detail):
    """Why a source could not be converted."""

    TITLE = "Source"
    CSS_PATH = "source.tcss"
    WRITES = frozenset({"retry", "discard"})
    BINDINGS: ClassVar = [
        Binding("escape", "dismiss", "Back"),
        Binding("r", "retry", "Retry"),
        Binding("x", "discard", "Discard"),
        Binding("c", "copy_id", "Copy id"),
        Binding("p", "copy_path", "Path"),
    ]

    def __init__(self, source_id: str) -> None:
        super().__init__()
        self._key, self._path = source_id, ""

    def body(self) -> Iterable[Widget]:
        """What it is, and all the rest as one text."""
        yield Static("Asking the service …", id="facts", markup=False)
        yield TextPane()

    def on_mount(self) -> None:
        """Ask for it."""
        self.query_one(TextPane).focus()
        self.run_worker(self._ask())

    async def _ask(self) -> None:
        facts, pane = self.query_one("#facts", Static), self.query_one(TextPane)
        try:
            found: GetSource.Result = await self.tui.feed.ask(GetSource(id=self._key))
        except IpcError as error:
            facts.update(str(error))
            return
        source, self._path = found.source, found.source.path
        facts.update(
            f"{show_name(source.name)}  of {show_name(source.converter)}\n"
            f"failed {stamp(source.failed)}  {bytes_(source.size)}  {show_name(source.path)}"
        )
        pane.tell(_text(found))

    # --- keys

    def action_retry(self) -> None:
        """Put back into the watch folder."""
        self.run_worker(self._act(retry_sources))

    def action_discard(self) -> None:
        """Set aside."""
        self.run_worker(self._act(discard_sources))

    async def _act(self, deed: Deed) -> None:
        if await deed(self.tui, [self._key]) and self.is_current:
            self.dismiss()

    def action_copy_id(self) -> None:
        """Copy the id."""
        copy(self.tui, self._key)

    def action_copy_path(self) -> None:
        """Copy the path."""
        copy(self.tui, self._path or self._key)


def _text(found: GetSource.Result) -> str:
    title = "the whole content" if found.is_whole else "the first 64 KiB"
    reason = show_text(found.reason).rstrip() or "(nobody wrote down why)"
    return f"── why ──\n{reason}\n\n── {title} ──\n{show_text(found.head)}"
