"""One converter: what it counts, where its files are, what it was told, and what it took last."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from pywats_client.ipc.commands.config import GetConverters
from pywats_client.ipc.events import ConverterStatus
from pywats_client.logs import show_name
from pywats_tui.page import Detail
from pywats_tui.picture import Link, Picture
from pywats_tui.screens.converter_keys import ConverterKeys
from pywats_tui.widgets.converter_list import SIGNS
from pywats_tui.words import count

ASK_SECONDS = 2.0
"""Between two questions for its recent files, however fast they come."""
Fact = tuple[str, str]


class ConverterDetail(ConverterKeys, Detail):
    """One converter: its figures, folders, arguments and recent files."""

    TITLE = "Converter"
    CSS_PATH = "converter.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._converter = name
        self._asked: tuple[object, ...] = ()
        self._asked_at = float("-inf")

    def body(self) -> Iterable[Widget]:
        """Figures, which are live; facts and files, which are asked for."""
        with VerticalScroll():
            yield Static(id="figures", markup=False)
            yield Static("asking the service …", id="facts", markup=False)

    @property
    def chosen(self) -> str:
        """This one."""
        return self._converter

    def show(self, picture: Picture) -> None:
        """The figures; the rest is asked for again when something came of it."""
        status = picture.snapshot.converters.get(self._converter, ConverterStatus())
        self.query_one("#figures", Static).update(_lines(_figures(self._converter, status)))
        heard = picture.heard["snapshot"] + picture.heard["config_changed"]
        asked = (heard, status.converted, status.failed)
        now = asyncio.get_running_loop().time()
        if picture.link is Link.LIVE and asked != self._asked and now - self._asked_at >= ASK_SECONDS:
            self._asked, self._asked_at = asked, now
            self.look()

    @work(group="look", exclusive=True)
    async def look(self) -> None:
        """Ask for folders, settings and recent files."""
        answer = await self.tui.order(GetConverters())
        if answer is not None:
            found = next((each for each in answer.converters if each.name == self._converter), None)
            text = _lines(_facts(found)) if found else "it is not configured any more"
            for facts in self.query("#facts").results(Static):  # none, once one has left
                facts.update(text)


def _figures(name: str, status: ConverterStatus) -> Iterator[Fact]:
    yield "converter", name
    yield "state", SIGNS[status.state] + (f": {status.reason}" if status.reason else "")
    yield "waiting", f"{count(status.waiting)}, and {count(status.ignored)} in the folder that are no sources"
    yield "done", count(status.converted)
    yield "failed", count(status.failed)
    yield "last error", status.last_error.partition("\n")[0] or "none"
    yield "held by", status.isolation or "nothing yet"


def _facts(found: GetConverters.Converter) -> Iterator[Fact]:
    yield "module", found.module
    yield "patterns", ", ".join(found.file_patterns)
    yield "watch folder", found.watch_folder
    yield "done folder", found.done_folder
    yield "error folder", found.error_folder
    yield "afterwards", f"{found.post_action}; priority {found.priority}"
    for key, value in found.arguments.items():
        yield "argument", f"{key} = {json.dumps(value)}"
    if not found.arguments:
        yield "arguments", "none; its defaults are in force"
    for name in found.recent:
        yield "recent file", name
    if not found.recent:
        yield "recent files", "none yet"


def _lines(facts: Iterable[Fact]) -> str:
    return "\n".join(f"{name:<13} {show_name(text)}" for name, text in facts)
