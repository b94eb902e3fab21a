"""One report: where it stands, what the server said, what happened to it, and its steps."""

import asyncio
from collections.abc import Iterable
from typing import Any, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static

from pywats_client.errors import IpcError
from pywats_client.ipc.commands.queue import GetReport, HistoryEntry, QueuedReport
from pywats_client.logs import show_name, show_text
from pywats_tui.acting import Deed, copy, discard_reports, retry_reports
from pywats_tui.list_page import REFRESH_SECONDS
from pywats_tui.page import Detail
from pywats_tui.picture import Link, Picture
from pywats_tui.report_rows import STATES, path, why
from pywats_tui.steps import VERDICTS
from pywats_tui.widgets.step_tree import StepTree
from pywats_tui.widgets.text_pane import TextPane
from pywats_tui.words import bytes_, duration, stamp


class ReportPage(Detail):
    """One report with its steps."""

    TITLE = "Report"
    CSS_PATH = "report.tcss"
    WRITES = frozenset({"retry", "discard"})
    BINDINGS: ClassVar = [
        Binding("escape", "dismiss", "Back"),
        Binding("r", "retry", "Retry"),
        Binding("x", "discard", "Discard"),
        Binding("c", "copy_id", "Copy id"),
        Binding("p", "copy_path", "Path"),
        Binding("tab", "app.focus_next", "History", show=False),
    ]

    def __init__(self, report_id: str) -> None:
        super().__init__()
        self._key, self._path = report_id, ""
        self._content: dict[str, Any] | None = None
        self._heard: object = None
        self._asked_at, self._is_asking = 0.0, False

    def body(self) -> Iterable[Widget]:
        """Facts above; the steps, and what happened."""
        yield Static("Asking the service …", id="facts", markup=False)
        with Vertical(id="parts"):
            yield StepTree()
            yield TextPane()

    def on_mount(self) -> None:
        """Keys go to the steps."""
        self.query_one(StepTree).focus()

    def show(self, picture: Picture) -> None:
        """Ask, and again when reports have moved: this may be one of them."""
        heard = [picture.heard[name] for name in ("snapshot", "report_moved", "queue_counted")]
        now = asyncio.get_running_loop().time()
        is_time = now - self._asked_at >= REFRESH_SECONDS or self._heard is None
        if heard != self._heard and is_time and picture.link is Link.LIVE and not self._is_asking:
            self._heard, self._asked_at = heard, now
            self.run_worker(self._ask())

    async def _ask(self) -> None:
        self._is_asking = True
        try:
            command = GetReport(id=self._key, with_content=self._content is None)
            found: GetReport.Result = await self.tui.feed.ask(command)
        except IpcError as error:
            self.query_one("#facts", Static).update(str(error))
        else:
            self._tell(found)
        finally:
            self._is_asking = False

    def _tell(self, found: GetReport.Result) -> None:
        self._path = str(path(found.report, self.tui.instance))
        if found.content is not None:
            self._content = found.content
            self.query_one(StepTree).tell(found.content)
        self.query_one("#facts", Static).update(_facts(found, self._content or {}))
        self.query_one(TextPane).tell(_told(found))

    # --- keys

    def action_retry(self) -> None:
        """Send again."""
        self.run_worker(self._act(retry_reports))

    def action_discard(self) -> None:
        """Set aside."""
        self.run_worker(self._act(discard_reports))

    async def _act(self, deed: Deed) -> None:
        if await deed(self.tui, [self._key]):
            await self._ask()

    def action_copy_id(self) -> None:
        """Copy the id."""
        copy(self.tui, self._key)

    def action_copy_path(self) -> None:
        """Copy the path of its file."""
        copy(self.tui, self._path or self._key)


def _facts(found: GetReport.Result, content: dict[str, Any]) -> str:
    report = found.report
    verdict = VERDICTS.get(str(content.get("result")), show_name(report.result))
    kind = {"T": "test", "R": "repair"}.get(str(content.get("type")), "report")
    lines = [
        f"{show_name(report.serial_number)}  {show_name(report.part_number)}  {kind}  {verdict}".strip(),
        f"{STATES[report.state]}  since {stamp(report.changed)}  arrived {stamp(report.arrived)}  "
        f"try {report.attempt}  priority {report.priority}  {bytes_(report.size)}",
        f"id {report.id}{_on_server(found)}",
    ]
    if report.source:
        lines.append(f"from {show_name(report.source)}  by {show_name(report.converter)}")
    if found.damaged:
        lines.append("! damaged: its content is not what was queued")
    return "\n".join(lines)


def _on_server(found: GetReport.Result) -> str:
    if not found.server_id:
        return ""
    return "  on the server" + (f" as {show_name(found.server_id)}" if found.server_id != found.report.id else "")


def _told(found: GetReport.Result) -> str:
    """The server's words, then what happened, the last thing first."""
    report = found.report
    lines = (
        ["── what was said ──", *_reason(report), ""] if report.reason or report.next_try_seconds is not None else []
    )
    lines.append("── history, newest first ──")
    lines += [_line(entry) for entry in reversed(found.history)] or ["(the journal does not know it)"]
    return "\n".join(lines)


def _reason(report: QueuedReport) -> list[str]:
    rest = show_text(report.reason).partition("\n")[2]
    return [why(report), *rest.splitlines()]


def _line(entry: HistoryEntry) -> str:
    took = f" (after {_seconds(entry.seconds)})" if entry.seconds is not None else ""
    return f"{stamp(entry.time)} {show_name(entry.event)}{took}  {show_name(entry.detail)}".rstrip()


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else duration(seconds)
