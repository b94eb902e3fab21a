"""The reports that wait, were sent, or need a decision."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, get_args

from textual import on
from textual.binding import Binding
from textual.widget import Widget

from pywats_client.ipc.commands.queue import GetQueue, QueuedReport
from pywats_tui.acting import copy, discard_reports, retry_reports
from pywats_tui.list_page import ListPage, Window
from pywats_tui.report_rows import COLUMNS, path, row
from pywats_tui.screens.report import ReportPage
from pywats_tui.widgets.lines import Lines
from pywats_tui.widgets.state_tabs import StateTabs, Tab
from pywats_tui.words import several

TABS = (
    Tab("all", ("queued", "processing", "error", "rejected")),
    Tab("queued", ("queued",)),
    Tab("uploading", ("processing",)),
    Tab("error", ("error",)),
    Tab("rejected", ("rejected",)),
    Tab("delivered", ("completed",)),
    Tab("discarded", ("discarded",)),
)
"""`all` are those that the server does not have."""
Sort = Literal["arrived", "changed", "size", "state", "serial_number", "part_number"]
SORTS: tuple[Sort, ...] = get_args(Sort)


class Queue(ListPage):
    """Reports in the queue: find them, send them again, set them aside."""

    KEY, TITLE = "2", "Queue"
    EVENTS = frozenset({"report_moved", "queue_counted"})
    COLUMNS = COLUMNS
    BINDINGS: ClassVar = [
        Binding("right,tab", "tab(1)", "State", key_display="←→"),
        Binding("left,shift+tab", "tab(-1)", "State before", show=False),
        Binding("s", "sort", "Sort"),
        Binding("S", "turn", "Sort the other way", show=False),
        *ListPage.BINDINGS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._tab, self._sort, self._is_descending = TABS[0], SORTS[0], False
        self._counts: dict[str, int] = {}
        self._reports: dict[str, QueuedReport] = {}

    def body(self) -> Iterable[Widget]:
        """The states, then the list."""
        yield StateTabs()
        yield from super().body()

    async def window(self, offset: int, limit: int) -> Window:
        """Those of the chosen states."""
        command = GetQueue(
            states=list(self._tab.states),
            search=self.search_text,
            sort=self._sort,
            descending=self._is_descending,
            offset=offset,
            limit=limit,
        )
        found: GetQueue.Result = await self.tui.feed.ask(command)
        self._counts = found.counts
        self._reports = {report.id: report for report in found.reports}
        self.table.mark = f"{self._sort} {'↓' if self._is_descending else '↑'}"
        return Window([row(report) for report in found.reports], found.total)

    def facts(self) -> Sequence[str]:
        """How many, and in which order."""
        self.query_one(StateTabs).tell(TABS, self._tab, self._counts)
        direction = "↓" if self._is_descending else "↑"
        return several(self.table.count, "report"), f"by {self._sort.replace('_', ' ')} {direction}"

    def nothing(self) -> str:
        """The sentence that stands for an empty list."""
        if self._tab is TABS[0]:
            return "Nothing waits: the server has all reports."
        return f"No report is {'in error' if self._tab.word == 'error' else self._tab.word}."

    def tell_twin(self) -> None:
        """The same list on the command line, which is sorted by arrival."""
        states = () if self._tab is TABS[0] else ("--state", self._tab.states[0])
        search = ("--search", self.search_text) if self.search_text else ()
        self.tui.did("queue", "list", *states, *search)

    def forget(self) -> None:
        """The figures, too."""
        super().forget()
        self._counts = {}

    # --- keys

    def action_tab(self, step: int) -> None:
        """The next state, or the one before."""
        self._tab = TABS[(TABS.index(self._tab) + step) % len(TABS)]
        self.ask_anew()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._sort = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)]
        self.ask_anew()

    def action_turn(self) -> None:
        """Sort the other way."""
        self._is_descending = not self._is_descending
        self.ask_anew()

    @on(Lines.Opened)
    def action_open(self) -> None:
        """Show the report under the cursor."""
        if current := self.table.current:
            self.tui.did("queue", "show", current.key)
            self.tui.push_screen(ReportPage(current.key))

    def action_retry(self) -> None:
        """Send again."""
        self.act(retry_reports)

    def action_discard(self) -> None:
        """Set aside."""
        self.act(discard_reports)

    def action_copy_id(self) -> None:
        """Copy the id, or those that are selected, a line each."""
        if ids := self.table.chosen:
            copy(self.tui, "\n".join(ids))

    def action_copy_path(self) -> None:
        """Copy the path of its file."""
        if (current := self.table.current) and (report := self._reports.get(current.key)):
            copy(self.tui, str(path(report, self.tui.instance)))
