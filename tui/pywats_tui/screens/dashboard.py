"""How the station is, on one screen that is read in three seconds."""

import textwrap
from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from pywats_client.ipc.commands.service import Pause, Resume
from pywats_client.logs import show_name
from pywats_tui.page import Page
from pywats_tui.picture import Link, Picture
from pywats_tui.widgets.big_word import BigWord
from pywats_tui.widgets.converter_list import ConverterList
from pywats_tui.widgets.happenings import Happenings
from pywats_tui.widgets.trend import Trend
from pywats_tui.words import ago, clock_time, count, now, percent, several

COUNTED = (("waiting", "queued", ""), ("uploading", "processing", ""), ("in error", "error", "$warning"))


class Dashboard(Page):
    """The station at a glance."""

    KEY, TITLE = "1", "Dashboard"
    WRITES = frozenset({"pause", "start"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause/resume"),
        Binding("s", "start", "Start service"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._link: Link | None = None

    def body(self) -> Iterable[Widget]:
        """The word, the figures, the converters, and what happened."""
        with Horizontal(id="top"):
            yield BigWord(markup=False)
            yield Static(id="why", markup=False)
        yield Static(id="queue", markup=False)
        with Horizontal(id="trends"):
            yield Trend("converted")
            yield Trend("uploaded")
        yield Static(id="yield", markup=False)
        with Vertical(id="lists"):
            yield ConverterList(markup=False)
            yield Happenings(markup=False)

    def show(self, picture: Picture) -> None:
        """Everything, from what the service has told."""
        if picture.link is not self._link:
            self._link = picture.link
            self.refresh_bindings()
        figures = picture.snapshot.figures
        self.query_one(BigWord).tell(picture.word)
        why = self.query_one("#why", Static)
        why.update(_why(picture, why.size.width), layout=False)
        self.query_one("#queue", Static).update(_queue(picture), layout=False)
        converted, uploaded = self.query(Trend)
        converted.tell(figures.conversions_a_minute)
        uploaded.tell(figures.uploads_a_minute)
        self.query_one("#yield", Static).update(_yield(picture), layout=False)
        self.query_one(ConverterList).tell(picture.snapshot.converters, is_known=picture.is_known)
        self.query_one(Happenings).tell(picture.happened)

    @work(group="order")
    async def action_pause(self) -> None:
        """Let the service rest, or go on."""
        if self.tui.picture.snapshot.paused:
            await self.tui.order(Resume(), "resume")
        else:
            await self.tui.order(Pause(), "pause")

    def action_start(self) -> None:
        """Start the service."""
        self.run_worker(self.tui.start_service(self.tui.instance))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is away can be started, what is there can rest."""
        if action in self.WRITES and (action == "start") is not (self.tui.picture.link is Link.AWAY):
            return False
        return super().check_action(action, parameters)


def _why(picture: Picture, width: int) -> str:
    """Three lines."""
    if picture.link is not Link.LIVE:
        reason = textwrap.wrap(show_name(picture.reason), max(20, width), break_on_hyphens=False)[:2]
        return "\n".join([f"stale since {clock_time(picture.since)}", *reason])
    snapshot = picture.snapshot
    oldest = snapshot.figures.oldest_waiting
    lines = [
        f"server {snapshot.connection}  {show_name(picture.facts.get('server_url') or 'none configured')}",
        f"last delivered {ago(snapshot.figures.last_delivered, now())}  "
        + (f"oldest {ago(oldest, now())}" if oldest else "none waits"),
        show_name(picture.why) or "all is well",
    ]
    return "\n".join(lines)


def _queue(picture: Picture) -> Content:
    if not picture.is_known:
        return Content("what waits is not known: the service has told nothing yet")
    parts = [_counted(word, picture.waiting(state), style) for word, state, style in COUNTED]
    return Content("   ").join([*parts, _counted("rejected", picture.waiting("rejected"), "$error")])


def _counted(word: str, number: int, style: str) -> Content:
    """A figure that is not to be there has a mark and a colour when it is."""
    mark = "!" if style and number else ""
    return Content.styled(f"{mark}{word} {count(number)}", style if number else "")


def _yield(picture: Picture) -> str:
    if not picture.is_known:
        return ""
    figures = picture.snapshot.figures
    last, shift, days = figures.last_units, figures.shift, figures.disk_days_left
    parts = [
        f"first pass: last {several(last.units, 'unit')} {percent(last.passed, last.units)}",
        f"shift {percent(shift.passed, shift.units)} of {count(shift.units)}",
        "disk steady" if days is None else f"disk {days:,.0f} d left",
    ]
    steps = [f"{show_name(step)} {often:,}x" for step, often in figures.failing_steps]
    return "   ".join(parts) + "\nfails most: " + (", ".join(steps) or "nothing failed this shift")
