"""The demo on the screen: one line that changes on a terminal, lines elsewhere, and a table at the end."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pywats_client.ipc.events import ConnectionChanged, Event, ReportMoved, SourceFailed
from pywats_client.paths import Instance
from pywats_client.service.hub import Hub

if TYPE_CHECKING:
    from pywats_client.cli.demo.story import Row

LABELS = {
    "in the folder": "folder",
    "waiting": "waiting",
    "delivered": "delivered",
    "error folder": "error",
    "rejected": "rejected",
}
STYLES = {"delivered": "green", "rejected": "red", "error folder": "yellow"}


class View:
    """Shows the rows of the story as they change."""

    def __init__(self, hub: Hub, rows: "Sequence[Row]") -> None:
        self._hub, self._rows = hub, rows
        # Where nobody looks at a screen, nothing is cut to its width.
        self._console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
        self._began = trio.current_time()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    async def run(self) -> None:
        """Keep the changing line up to date, until cancelled. Where nothing can change, there is none."""
        if not self._console.is_terminal:
            return
        with self._live:
            while True:
                self._live.update(self._progress(), refresh=True)
                await trio.sleep(0.1)

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self._console.print(f"[dim]{trio.current_time() - self._began:5.1f} s[/]  {sentence}")

    def note(self, event: Event) -> None:
        """Say what a watcher wants to know."""
        match event:
            case ConnectionChanged(state=state, reason=reason):
                self.say(f"the connection is {state}" + (f": {reason}" if reason else ""))
            case SourceFailed(source=source, reason=reason):
                self.say(f"{source} goes to the error folder: {reason}")
            case ReportMoved(after="rejected", reason=reason):
                self.say(f"a report is rejected: {reason.splitlines()[0]}")

    def _progress(self) -> Text:
        text = Text(f"server {self._hub.snapshot.connection}", no_wrap=True)
        for state, label in LABELS.items():
            text.append(f"   {label} ")
            text.append(str(sum(row.state == state for row in self._rows)), style=STYLES.get(state, "bold"))
        return text

    def tell_end(self, sentence: str) -> None:
        """The table and the line under it."""
        self._live.stop()
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in ("file", "report id", "serial", "result", "state"):
            table.add_column(column, no_wrap=True)
        table.add_column("seconds", justify="right")
        for row in self._rows:
            seconds = "" if row.arrived is None else f"{row.arrived - row.dropped:.1f}"
            state = Text(row.state, style=STYLES.get(row.state, ""))
            shown_id = row.report_id if self._console.width >= 100 else row.report_id[:13]
            table.add_row(row.file.name, shown_id, row.serial_number, row.result, state, seconds)
        self._console.print(table)
        self._console.print(sentence, style="bold")

    def say_where(self, instance: Instance, url: str, home: Path) -> None:
        """Where to go on by hand."""
        for name, place in (
            ("drop tables into", home / "csv"),
            ("drop WSJF into", home / "wsjf"),
            ("the queue", instance.queue),
            ("the log", instance.log),
            ("the server's page", f"{url}/"),
        ):
            self._console.print(f"{name:<18} {place}", soft_wrap=True)
        options = f"--home {home} --instance-id {instance.id}"
        self._console.print(f"{'look at the queue':<18} pywats-client queue list {options}", soft_wrap=True)
        self._console.print("Ctrl-C ends it.")
