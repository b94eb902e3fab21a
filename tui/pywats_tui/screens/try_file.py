"""Convert a file with a converter, queue nothing, and look at what comes of it."""

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from pywats_client.errors import IpcError
from pywats_client.ipc.commands.config import GetConverters, TryFile
from pywats_client.logs import show_name
from pywats_tui.page import Detail
from pywats_tui.widgets.path_suggester import PathSuggester
from pywats_tui.widgets.step_tree import StepTree
from pywats_tui.words import several

TRIAL_SECONDS = 600.0


class TryFilePage(Detail):
    """Convert a file and send nothing: enter begins, escape cancels."""

    TITLE = "Try a file"
    CSS_PATH = "try_file.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "next_report", "Next report"),
        Binding("escape", "cancel", "Cancel/back"),
    ]

    def __init__(self, converter: str) -> None:
        super().__init__()
        self._converter = converter
        self._trial: Worker[None] | None = None
        self._reports: list[dict[str, Any]] = []
        self._shown = 0

    def body(self) -> Iterable[Widget]:
        """Where to type the path, what came of it, and the reports."""
        yield Static(
            f"Try a file with {show_name(self._converter)}; nothing is queued or sent.", id="title", markup=False
        )
        yield Input(placeholder="path of a file on this machine", suggester=PathSuggester(), compact=True)
        yield Static("enter converts it; right takes the suggestion", id="outcome", markup=False)
        yield Static(id="which", markup=False)
        yield StepTree()

    def on_mount(self) -> None:
        """Begin in the folder that the converter watches."""
        self.query_one(Input).focus()
        self.begin()

    @work(group="begin")
    async def begin(self) -> None:
        """Offer the watched folder, unless something is typed already."""
        answer = await self.tui.order(GetConverters())
        folders = [each.watch_folder for each in answer.converters if each.name == self._converter] if answer else []
        for field in self.query(Input):  # none, once one has left
            if folders and not field.value and folders[0].isprintable():
                field.value = f"{folders[0]}/"
                field.cursor_position = len(field.value)

    @on(Input.Submitted)
    def try_it(self, event: Input.Submitted) -> None:
        """Convert it; another trial under way is given up."""
        if path := event.value.strip():
            self._trial = self._convert(path)

    @work(group="trial", exclusive=True)
    async def _convert(self, path: str) -> None:
        self.tui.did("converters", "try", self._converter, path)
        self._say("converting … escape cancels")
        self._take([])
        try:
            answer = await self.tui.feed.ask(TryFile(converter=self._converter, path=path), TRIAL_SECONDS)
        except IpcError as error:
            self._say(f"! {show_name(str(error))}", "bad")
            return
        self._say(outcome(answer), "bad" if answer.error or any(fault.fatal for fault in answer.faults) else "good")
        self._take(answer.reports)
        if answer.reports:
            self.query_one(StepTree).focus()

    def _say(self, text: str, style: str = "") -> None:
        said = self.query_one("#outcome", Static)
        said.set_classes(style)
        said.update(text)

    def _take(self, reports: list[dict[str, Any]]) -> None:
        self._reports, self._shown = reports, 0
        self._show_report()

    def _show_report(self) -> None:
        report = self._reports[self._shown] if self._reports else {}
        which = (
            f"report {self._shown + 1} of {len(self._reports)}: serial number {report.get('sn', '')}" if report else ""
        )
        self.query_one("#which", Static).update(show_name(which))
        self.query_one(StepTree).tell(report)

    def action_next_report(self) -> None:
        """The next report of the file; after the last the first."""
        if self._reports:
            self._shown = (self._shown + 1) % len(self._reports)
            self._show_report()

    def action_cancel(self) -> None:
        """Give up what runs; otherwise back to where one came from."""
        if self._trial and not self._trial.is_finished:
            self._trial.cancel()
            self._say("cancelled")
        else:
            self.dismiss()


def outcome(answer: TryFile.Result) -> str:
    """What came of it: how many reports, and every fault and warning, a line each."""
    fatal = [answer.error, *(fault.text for fault in answer.faults if fault.fatal)]
    faults = [line for text in fatal for line in text.splitlines()]
    warnings = [line for fault in answer.faults if not fault.fatal for line in fault.text.splitlines()]
    found = f"{several(len(answer.reports), 'report')} in {answer.seconds:.2f} s"
    verdict = f"{several(len(faults), 'fault')}" if faults else "no faults"
    verdict += f", {several(len(warnings), 'warning')}" if warnings else ""
    told = [f"{'!' if faults else '+'} {found}, {verdict}", *(f"! {fault}" for fault in faults)]
    told += [f"- {warning}" for warning in warnings]
    return "\n".join(map(show_name, told + answer.details.splitlines()))
