"""Every instance of this machine: which run, which do not, and the dashboard of which this is."""

from collections.abc import Coroutine, Iterable
from typing import Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from pywats_client.errors import IpcError
from pywats_client.ipc.commands.service import Pause, Restart, Resume, Stop
from pywats_client.logs import show_name
from pywats_tui.instances import Known, ask, ask_to_end, back, known_instances
from pywats_tui.page import Page
from pywats_tui.picture import Link, Picture
from pywats_tui.twins import twin
from pywats_tui.widgets.ask import Ask
from pywats_tui.widgets.lines import Lines
from pywats_tui.widgets.window_table import Column, Row, WindowTable
from pywats_tui.words import count, duration, several

COLUMNS = (
    Column("shown", "", 1),
    Column("id", "instance", 32),
    Column("state", "state", 14),
    Column("waiting", "waiting", 7, is_right=True),
    Column("up", "up", 6, is_right=True),
    Column("process", "process", 7, is_right=True),
    Column("server", "server", 0),
)


class Instances(Page):
    """Every instance of this machine."""

    KEY, TITLE = "7", "Instances"
    WRITES = frozenset({"start", "stop", "restart", "pause"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "follow", "Show it", key_display="enter", priority=True),
        Binding("s", "start", "Start"),
        Binding("x", "stop", "Stop"),
        Binding("r", "restart", "Restart"),
        Binding("p", "pause", "Pause/resume"),
        Binding("u", "look", "Look again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, Known] = {}
        self._link: Link | None = None
        self._table = WindowTable(COLUMNS)
        self._about = Static(id="about", markup=False)

    def body(self) -> Iterable[Widget]:
        """A row an instance, and the sentence about the one under the cursor."""
        yield self._table
        yield self._about

    def on_screen_resume(self) -> None:
        """Look when somebody looks."""
        super().on_screen_resume()
        self.action_look()

    def show(self, picture: Picture) -> None:
        """When the one that is shown comes or goes, others may have, too."""
        if self._link is not None and self._link is not picture.link:
            self.action_look()
        self._link = picture.link

    @work(group="look", exclusive=True)
    async def action_look(self) -> None:
        """See who is there now."""
        found = await known_instances(self.tui.instance)
        is_first = not self._known
        self._known = {known.key: known for known in found}
        self._table.tell_all([Row(known.key, self._cells(known), _paint(known)) for known in found], "id")
        if is_first:  # what is done here is meant for the one that is shown, until another is chosen
            self._table.go([known.key for known in found].index(Known(self.tui.instance).key))
        self._tell_about()

    def _cells(self, known: Known) -> dict[str, str]:
        status = known.status
        return {
            "shown": "»" if known.instance == self.tui.instance else "",
            "id": known.instance.id,
            "state": known.state,
            "waiting": count(status.queue_size) if status else "",
            "up": duration(status.uptime_seconds) if status else "",
            "process": str(known.endpoint.pid) if known.endpoint else "",
            "server": f"{status.connection} {show_name(status.server_url)}" if status else "",
        }

    @on(Lines.Moved)
    def _tell_about(self) -> None:
        """The sentence about the one under the cursor."""
        known = self._chosen
        running = sum(1 for each in self._known.values() if each.endpoint)
        text = f"{several(len(self._known), 'instance')}, {running} running"
        if known:
            home = f"home {known.instance.home}" if known.instance.home else f"configuration {known.instance.config}"
            why = known.fault or (known.status.reason if known.status else "")
            text += f"   {show_name(home)}\n{show_name(why)}"
        self._about.update(text, layout=False)

    @property
    def _chosen(self) -> Known | None:
        current = self._table.current
        return self._known.get(current.key) if current else None

    # --- what a person wants done

    @on(Lines.Opened)
    def action_follow(self) -> None:
        """Show this one from now on."""
        if (known := self._chosen) and known.instance != self.tui.instance:
            self.tui.follow(known.instance)
            self.tui.did("tui")
            self.action_look()

    @work(group="order")
    async def action_start(self) -> None:
        """Start one that is stopped."""
        if (known := self._chosen) and known.endpoint is None:
            await self.tui.start_service(known.instance)
            self.action_look()

    @work(group="order")
    async def action_stop(self) -> None:
        """Stop one that runs, after a question."""
        known = self._chosen
        if known is None or known.endpoint is None:
            return
        detail = "Nothing is converted or uploaded until it is started again; what waits stays safe on disk."
        if await self.app.push_screen_wait(Ask(f"Stop the service of {known.instance.id}?", detail)):
            await self._order(known, "stop", ask_to_end(known.instance, Stop()))

    @work(group="order")
    async def action_restart(self) -> None:
        """Start one anew; queued work goes on."""
        if (known := self._chosen) and known.endpoint:
            await self._order(known, "restart", ask_to_end(known.instance, Restart()))
            await back(known.instance)
            self.action_look()

    @work(group="order")
    async def action_pause(self) -> None:
        """Let one rest, or go on."""
        if (known := self._chosen) and known.status:
            command, word = (Resume(), "resume") if known.status.paused else (Pause(), "pause")
            await self._order(known, word, ask(known.instance, command))

    async def _order(self, known: Known, word: str, order: Coroutine[Any, Any, Any]) -> None:
        self.tui.note(twin(known.instance, word))
        try:
            await order
        except IpcError as error:
            self.tui.complain(str(error), word)
        self.action_look()


def _paint(known: Known) -> str:
    if known.endpoint is None:
        return "dim"
    return "" if known.status else "bad"
