"""The screen Queue: find reports in a queue of any length, look into one, send it again, set it aside."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tui_parts import NARROW, WALL, WIDE, Seen, ago, dashboard, instance_in, run, service

from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands.queue import (
    DiscardReports,
    GetQueue,
    GetReport,
    HistoryEntry,
    QueuedReport,
    RetryReports,
    Untouched,
)
from pywats_client.ipc.events import ReportMoved
from pywats_client.paths import Instance
from pywats_tui.screens.queue import Queue
from pywats_tui.screens.report import ReportPage
from pywats_tui.widgets.step_tree import StepTree


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return instance_in(tmp_path)


def report(number: int, state: str = "queued", **more: Any) -> QueuedReport:
    """Report `number`; the higher the later."""
    return QueuedReport(
        **{
            "id": str(UUID(int=number << 96)),
            "state": state,
            "arrived": ago(seconds=200_000 - number),
            "changed": ago(seconds=100),
            "size": 1234,
            "priority": 5,
            "attempt": 1,
            "serial_number": f"SN-{number:05}",
            "part_number": "PN-1",
            "file": f"file-{number}.{state}",
        }
        | more
    )


class Folder:
    """A queue that answers as the service does, and writes down what was asked."""

    def __init__(self, *reports: QueuedReport) -> None:
        self.reports = {report.id: report for report in reports}
        self.asked: list[GetQueue] = []
        self.retried: list[str] = []
        self.discarded: list[str] = []
        self.content: dict[str, Any] | None = None
        self.reads: list[GetReport] = []

    @property
    def answers(self) -> dict[Any, Callable[[Any], Any]]:
        return {GetQueue: self.window, GetReport: self.one, RetryReports: self.retry, DiscardReports: self.discard}

    def window(self, command: GetQueue) -> GetQueue.Result:
        self.asked.append(command)
        found = [
            one for one in self.reports.values() if one.state in command.states and command.search in one.serial_number
        ]
        found.sort(key=lambda one: str(getattr(one, command.sort)), reverse=command.descending)
        counts: dict[str, int] = {}
        for one in self.reports.values():
            counts[one.state] = counts.get(one.state, 0) + 1
        shown = found[command.offset : command.offset + command.limit]
        return GetQueue.Result(reports=shown, total=len(found), counts=counts)

    def one(self, command: GetReport) -> GetReport.Result:
        self.reads.append(command)
        if command.id not in self.reports:
            raise CommandFailed("not_found", f"no report has an id that begins with {command.id}")
        history = [
            HistoryEntry(time=ago(seconds=30), event="queued"),
            HistoryEntry(time=ago(seconds=10), event="rejected", detail="400", seconds=20.0),
        ]
        content = self.content if command.with_content else None
        return GetReport.Result(report=self.reports[command.id], content=content, history=history)

    def retry(self, command: RetryReports) -> RetryReports.Result:
        self.retried += command.ids
        good = [one for one in command.ids if self.reports[one].state in ("error", "rejected")]
        left = [Untouched(id=one, why="waits already") for one in command.ids if one not in good]
        for one in good:
            self.reports[one] = self.reports[one].model_copy(update={"state": "queued"})
        return RetryReports.Result(retried=good, untouched=left)

    def discard(self, command: DiscardReports) -> DiscardReports.Result:
        self.discarded += command.ids
        for one in command.ids:
            self.reports[one] = self.reports[one].model_copy(update={"state": "discarded"})
        return DiscardReports.Result(discarded=command.ids, untouched=[])


def mixed() -> Folder:
    states = ("queued", "error", "rejected", "completed")
    return Folder(*(report(number, states[number % 4], reason="line too long\nrest") for number in range(1, 21)))


def look(
    instance: Instance, folder: Folder, talk: Callable[..., Any], size: tuple[int, int] = NARROW, **options: Any
) -> None:
    """Open the screen and go on with `talk(seen, service)`."""

    async def looked() -> None:
        async with dashboard(instance, size, **options) as seen:
            await seen.sees("acme.wats.com")
            await seen.press("2")
            await seen.until(lambda: seen.app.screen.query("WindowTable") and folder.asked)
            await talk(seen, running)

    with service(instance, answers=folder.answers) as running:
        run(looked())


def line_of(seen: Seen, word: str) -> str:
    return next(line for line in seen.text.splitlines() if word in line)


def told(seen: Seen) -> str:
    """The notes that have popped up."""
    return "\n".join(note.message for note in seen.app._notifications)


@pytest.mark.parametrize("size", [NARROW, WIDE, WALL])
def test_the_states_have_counts_and_rows_say_state_unit_and_reason(instance: Instance, size: tuple[int, int]) -> None:
    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("[all 15]", "queued 5", "error 5", "rejected 5", "delivered 5", "15 reports", "by arrived ↑")
        await seen.sees("SN-00001", "! error", "x rejected", "· queued", "line too long")
        assert "rest" not in line_of(seen, "SN-00002")
        assert line_of(seen, "SN-00001").startswith("►")

    look(instance, mixed(), talk, size)


def test_fifty_thousand_reports_are_asked_for_by_what_is_in_sight(instance: Instance) -> None:
    folder = Folder(*(report(number) for number in range(50_000)))

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("50,000 reports", "[all 50k]", "SN-00000")
        await seen.press("end")
        await seen.sees("SN-49999")
        await seen.press("home")
        await seen.sees("SN-00000")
        assert all(command.limit <= 200 for command in folder.asked)
        assert len(folder.asked) <= 4

    look(instance, folder, talk)


def test_paging_down_never_shows_a_row_twice_or_leaves_one_out(instance: Instance) -> None:
    folder = Folder(*(report(number) for number in range(1000)))

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("SN-00000")
        table = seen.app.screen.table  # type: ignore[attr-defined]
        for _ in range(20):
            await seen.press("pagedown")
        await seen.until(lambda: table.current is not None and not table.is_lacking)
        assert table.current.cells["serial_number"] == f"SN-{table.cursor:05}"
        assert table.cursor == 20 * table.room

    look(instance, folder, talk)


def test_left_and_right_go_through_the_states_and_an_empty_one_says_so(instance: Instance) -> None:
    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("[all 15]")
        await seen.press("right")
        await seen.sees("[queued 5]", "5 reports", "queue list --state queued")
        await seen.press("tab")
        await seen.sees("[uploading 0]", "No report is uploading.")
        await seen.press("left", "left", "left")
        await seen.sees("[discarded 0]", "No report is discarded.")

    look(instance, mixed(), talk)


def test_a_search_finds_and_escape_ends_it(instance: Instance) -> None:
    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("15 reports")
        await seen.press("slash", *"SN-00006", "enter")
        await seen.sees("1 report ", "search 'SN-00006'", "queue list --search SN-00006")
        await seen.press("slash", *"none", "enter")
        await seen.sees("Nothing matches 'none'.")
        await seen.press("escape")
        await seen.sees("15 reports")
        await seen.misses("search 'none'")

    look(instance, mixed(), talk)


def test_s_sorts_by_the_next_column_and_the_header_says_which(instance: Instance) -> None:
    folder = mixed()

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("arrived ↑")
        await seen.press("s", "s", "s")
        await seen.sees("by state ↑", "state ↑")
        await seen.press("S")
        await seen.sees("state ↓")
        await seen.until(lambda: (folder.asked[-1].sort, folder.asked[-1].descending) == ("state", True))

    look(instance, folder, talk)


def test_the_selected_ones_are_sent_again_and_what_could_not_be_is_told(instance: Instance) -> None:
    folder = mixed()

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("SN-00001")
        await seen.press("space", "down", "space")  # an error, and one that waits
        await seen.sees("2 selected")
        await seen.press("r")
        await seen.until(lambda: "1 report queued again" in told(seen) and "waits already" in told(seen))
        await seen.sees("$ pywats-client queue retry 00000001-0000")
        assert folder.retried == [str(UUID(int=number << 96)) for number in (1, 4)]
        await seen.misses("selected")

    look(instance, folder, talk)


def test_all_that_are_loaded_can_be_selected_and_discarding_asks_how_many(instance: Instance) -> None:
    folder = mixed()

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("SN-00001")
        await seen.press("a")
        await seen.sees("15 selected")
        await seen.press("x")
        await seen.sees("Set 15 reports aside?")
        await seen.press("n")
        await seen.misses("Set 15 reports")
        assert folder.discarded == []
        await seen.sees("15 selected")
        await seen.press("x")
        await seen.sees("Set 15 reports aside?")
        await seen.press("y")
        await seen.until(lambda: "15 reports set aside" in told(seen))
        await seen.sees("Nothing waits: the server has all reports.")
        assert len(folder.discarded) == 15

    look(instance, folder, talk)


def test_where_one_may_only_look_nothing_can_be_sent_again_or_set_aside(instance: Instance) -> None:
    folder = mixed()

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("SN-00001")
        await seen.press("r", "x")
        await seen.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, ReportPage))
        await seen.press("r", "x", "escape")
        await seen.until(lambda: isinstance(seen.app.screen, Queue))
        assert folder.retried == folder.discarded == []
        assert "Retry" not in seen.text

    look(instance, folder, talk, is_view_only=True)


def test_id_and_path_are_copied_and_shown(instance: Instance) -> None:
    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("SN-00001")
        await seen.press("c")
        await seen.until(lambda: told(seen) == str(UUID(int=1 << 96)))
        assert seen.app.clipboard == str(UUID(int=1 << 96))
        await seen.press("p")
        await seen.until(lambda: seen.app.clipboard == str(instance.queue / "file-1.error"))

    look(instance, mixed(), talk)


def test_a_report_that_moves_changes_its_row_and_the_cursor_stays_on_its_own(instance: Instance) -> None:
    folder = mixed()

    async def talk(seen: Seen, running: Any) -> None:
        await seen.sees("SN-00001")
        await seen.press("down", "down")
        table = seen.app.screen.table  # type: ignore[attr-defined]
        before = table.current.key
        gone = str(UUID(int=1 << 96))
        folder.reports[gone] = report(1, "completed")
        running.soon(running.hub.publish, ReportMoved(queue_id=UUID(gone), before="error", after="completed"))
        await seen.misses("SN-00001")
        assert table.current.key == before
        assert table.cursor == 1

    look(instance, folder, talk)


def test_nothing_is_asked_while_nothing_happens(instance: Instance) -> None:
    folder = mixed()

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("SN-00001")
        for _ in range(20):
            seen.app.screen.paint()  # type: ignore[attr-defined]
            await seen.press("down")
        assert len(folder.asked) == 1

    look(instance, folder, talk)


def test_a_service_that_is_lost_is_said_and_the_rows_stay(instance: Instance) -> None:
    async def talk(seen: Seen, running: Any) -> None:
        await seen.sees("SN-00001")
        running.soon(running.stop)
        await seen.until(lambda: "stale since" in seen.static("#facts"))
        await seen.sees("SN-00001")

    look(instance, mixed(), talk)


def test_a_refused_list_is_a_sentence(instance: Instance) -> None:
    folder = mixed()

    def refused(command: GetQueue) -> GetQueue.Result:
        folder.asked.append(command)
        raise CommandFailed("temporary", "the queue folder cannot be read")

    folder.window = refused  # type: ignore[method-assign]

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("the queue folder cannot be read")

    look(instance, folder, talk)


def test_names_from_outside_are_no_markup_and_no_escapes(instance: Instance) -> None:
    folder = Folder(report(1, serial_number="[red]x[/red]\x1b[2J", reason="[bold]no"))

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("[red]x[/red]", "[bold]no")
        assert "\x1b" not in seen.text

    look(instance, folder, talk, WIDE)


# --- one report


def sequence(name: str, status: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "status": status, "stepType": "SequenceCall", "steps": list(steps)}


def numeric(name: str, value: float, status: str = "P", low: float = 3.2, high: float = 3.4) -> dict[str, Any]:
    limits = {"compOp": "GELE", "value": value, "lowLimit": low, "highLimit": high, "unit": "V", "status": status}
    return {"name": name, "status": status, "stepType": "ET_NLT", "numericMeas": [limits]}


def wsjf(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "T", "sn": "SN-00002", "result": "F", "root": sequence("Main", "F", *steps)} | more


FAILED = wsjf(
    sequence("Power", "P", numeric("Vcc", 3.31)),
    sequence("Radio", "P", sequence("Band 1", "P", numeric("Level", 3.9, "F"), numeric("Noise", 3.3))),
)


def opened(instance: Instance, folder: Folder, talk: Callable[..., Any], size: tuple[int, int] = NARROW) -> None:
    """The first report of the list is open."""

    async def then(seen: Seen, running: Any) -> None:
        await seen.sees("SN-0000")
        await seen.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, ReportPage) and folder.reads)
        await talk(seen, running)

    look(instance, folder, then, size)


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_a_report_says_where_it_stands_what_the_server_said_and_what_happened(
    instance: Instance, size: tuple[int, int]
) -> None:
    folder = Folder(report(2, "rejected", reason="sn is too long\nat line 3", source="a.csv", converter="csv"))
    folder.content = FAILED

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("SN-00002", "FAILED", "x rejected", "from a.csv", "sn is too long", "at line 3")
        await seen.press("tab", "pagedown")
        await seen.sees("rejected (after 20 s)  400", "queue show 00000002")
        await seen.press("escape")
        await seen.sees("[all 1]")

    opened(instance, folder, talk, size)


def test_failed_steps_are_unfolded_and_marked_and_limits_are_drawn(instance: Instance) -> None:
    folder = Folder(report(2, "rejected"))
    folder.content = FAILED

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("! ", "Level  3.2 ≤ 3.9 ≤ 3.4 V  ───┤       ├──●", "FAILED", "Noise")
        assert "Vcc" not in seen.text
        assert line_of(seen, "Level").startswith("►!")
        await seen.press("home", "right")
        await seen.sees("Vcc  3.2 ≤ 3.31 ≤ 3.4 V  ───┤   ●   ├───", "passed")
        await seen.press("left")
        await seen.misses("Vcc")
        await seen.press("n")
        assert line_of(seen, "Level").startswith("►!")

    opened(instance, folder, talk)


def test_ten_thousand_steps_are_made_only_where_they_are_in_sight(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(report(2, "rejected"))
    folder.content = wsjf(*(numeric(f"Step {number}", 3.3, "P" if number < 9_990 else "F") for number in range(10_000)))
    made: list[int] = []
    spans = StepTree.spans
    monkeypatch.setattr(StepTree, "spans", lambda self, index, width: made.append(index) or spans(self, index, width))

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("Step 9990")
        assert len(set(made)) < 100
        await seen.press("end")
        await seen.sees("Step 9999")

    opened(instance, folder, talk)


def test_an_open_report_follows_what_becomes_of_it_without_reading_it_again(instance: Instance) -> None:
    folder = Folder(report(2, "rejected"))
    folder.content = FAILED

    async def talk(seen: Seen, running: Any) -> None:
        await seen.sees("x rejected", "Level")
        folder.reports[str(UUID(int=2 << 96))] = report(2, "completed")
        running.soon(running.hub.publish, ReportMoved(queue_id=UUID(int=2 << 96), before="rejected", after="completed"))
        await seen.sees("+ delivered", "Level")
        assert [read.with_content for read in folder.reads][:2] == [True, False]

    opened(instance, folder, talk)


def test_an_open_report_is_sent_again_and_set_aside(instance: Instance) -> None:
    folder = Folder(report(2, "rejected"))

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("x rejected")
        await seen.press("r")
        await seen.sees("· queued", "queue retry 00000002-0000")
        await seen.press("x")
        await seen.sees("Set 1 report aside?")
        await seen.press("y")
        await seen.sees("- discarded", "queue discard 00000002-0000")
        await seen.press("p")
        await seen.until(lambda: seen.app.clipboard.endswith("queue/discarded/file-2.rejected"))

    opened(instance, folder, talk)


@pytest.mark.parametrize(
    "content", [None, {}, {"root": []}, {"root": {"steps": [1, {"name": None, "numericMeas": 3, "steps": {}}]}}]
)
def test_a_report_of_any_shape_is_shown(instance: Instance, content: Any) -> None:
    folder = Folder(report(2, "rejected"))
    folder.content = content

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("x rejected")
        await seen.press("enter", "left", "right", "n", "end", "tab", "down")

    opened(instance, folder, talk)


def test_a_report_that_is_gone_is_a_sentence(instance: Instance) -> None:
    folder = Folder(report(2, "rejected"))

    async def talk(seen: Seen, _: object) -> None:
        await seen.sees("x rejected")
        await seen.press("escape")
        await seen.sees("[all 1]")
        folder.reports.clear()
        await seen.press("enter")
        await seen.sees("no report has an id that begins with")

    opened(instance, folder, talk)
