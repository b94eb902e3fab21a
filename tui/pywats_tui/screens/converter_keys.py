"""What can be done with a converter, on every screen that shows one."""

from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from pywats_client.ipc.commands.config import StartConverter, StopConverter
from pywats_client.logs import show_name
from pywats_tui.page import Page
from pywats_tui.screens.converter_form import ConverterForm
from pywats_tui.screens.try_file import TryFilePage
from pywats_tui.widgets.ask import Ask


class ConverterKeys(Page):
    """Start, stop, edit, and try a file with the chosen converter."""

    WRITES = frozenset({"start", "stop", "edit", "try_file"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start"),
        Binding("t", "stop", "Stop"),
        Binding("e", "edit", "Edit"),
        Binding("f", "try_file", "Try a file"),
    ]

    @property
    def chosen(self) -> str:
        """The name of the converter that is meant; empty: none."""
        return ""

    @work(group="order")
    async def action_start(self) -> None:
        """Enable it."""
        if name := self.chosen:
            await self.tui.order(StartConverter(converter=name), "converters", "enable", name)

    @work(group="order")
    async def action_stop(self) -> None:
        """Disable it, after a question."""
        detail = "The configuration remembers it. Its files stay where they are until it is started again."
        if not (name := self.chosen):
            return
        if await self.app.push_screen_wait(Ask(f"Stop converter {show_name(name)}?", detail)):
            await self.tui.order(StopConverter(converter=name), "converters", "disable", name)

    def action_edit(self) -> None:
        """Change its settings."""
        if self.chosen:
            self.app.push_screen(ConverterForm(self.chosen))

    def action_try_file(self) -> None:
        """Convert a file, and send nothing."""
        if self.chosen:
            self.app.push_screen(TryFilePage(self.chosen))
