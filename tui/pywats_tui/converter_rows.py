"""The configured converters as rows of a table: those in trouble first."""

from collections.abc import Mapping

from pywats_client.ipc.events import ConverterState, ConverterStatus
from pywats_client.logs import show_name
from pywats_tui.widgets.converter_list import ORDER, SIGNS
from pywats_tui.widgets.window_table import Column, Row
from pywats_tui.words import count

COLUMNS = (
    Column("converter", "converter", 24),
    Column("state", "state", max(map(len, SIGNS.values()))),
    Column("waiting", "waiting", 7, is_right=True),
    Column("done", "done", 9, is_right=True),
    Column("failed", "failed", 7, is_right=True),
    Column("trouble", "last error", 0),
)
PAINT = {ConverterState.WAITING: "doubtful", ConverterState.ERROR: "bad", ConverterState.DISABLED: "dim"}


def rows(converters: Mapping[str, ConverterStatus]) -> list[Row]:
    """A row each, known by the converter's name."""
    ranked = sorted(converters.items(), key=lambda item: (ORDER.index(item[1].state), item[0].casefold()))
    return [Row(name, _cells(name, status), PAINT.get(status.state, "")) for name, status in ranked]


def _cells(name: str, status: ConverterStatus) -> dict[str, str]:
    return {
        "converter": show_name(name),
        "state": SIGNS[status.state],
        "waiting": count(status.waiting),
        "done": count(status.converted),
        "failed": count(status.failed),
        "trouble": show_name((status.reason or status.last_error).partition("\n")[0]),
    }
