"""The states of reports, each with how many there are; one of them is shown."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from textual.content import Content
from textual.widgets import Static

from pywats_client.ipc.commands.queue import ReportState
from pywats_tui.words import brief


class Tab(NamedTuple):
    """One choice: its word, and the states that it means."""

    word: str
    states: tuple[ReportState, ...]


class StateTabs(Static):
    """The chosen one stands in brackets. As many rows as it takes."""

    def tell(self, tabs: Sequence[Tab], chosen: Tab, counts: Mapping[str, int]) -> None:
        """Show them."""
        rows: list[list[Content]] = [[]]
        for tab in tabs:
            text = f"{tab.word} {brief(sum(counts.get(state, 0) for state in tab.states))}"
            part = Content.styled(f"[{text}]", "bold $accent") if tab is chosen else Content(f" {text} ")
            if rows[-1] and sum(map(len, rows[-1])) + len(part) > self.size.width > 0:
                rows.append([])
            rows[-1].append(part)
        self.update(Content("\n").join(Content("").join(row) for row in rows))
