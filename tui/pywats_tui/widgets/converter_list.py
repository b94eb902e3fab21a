"""The configured converters, a line each, those in trouble first; never wider or longer than its room."""

from collections.abc import Mapping

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from pywats_client.ipc.events import ConverterState, ConverterStatus
from pywats_client.logs import show_name
from pywats_tui.widgets.lines import cell
from pywats_tui.words import count, several

SIGNS = {
    ConverterState.RUNNING: "► running",
    ConverterState.WAITING: "▬ waiting",
    ConverterState.ERROR: "! error",
    ConverterState.DISABLED: "■ disabled",
}
STYLES = {ConverterState.WAITING: "$warning", ConverterState.ERROR: "$error", ConverterState.DISABLED: "$secondary"}
ORDER = (ConverterState.ERROR, ConverterState.WAITING, ConverterState.RUNNING, ConverterState.DISABLED)
FIGURES = " {:<10} {:>7} {:>8} {:>7}  "
NAME_SHARE = 4
"""The part of the width that names may take, at most."""


class ConverterList(Static):
    """A heading, and the converters; where not all have room, the last line says how many more there are."""

    def tell(self, converters: Mapping[str, ConverterStatus], *, is_known: bool = True) -> None:
        """Show them; where it is not known which there are, only the heading."""
        width, rows = self.size.width, max(2, self.size.height)
        ranked = sorted(converters.items(), key=lambda item: (ORDER.index(item[1].state), item[0].casefold()))
        names = min(max([len("converter"), *(cell_len(show_name(name)) for name in converters)]), width // NAME_SHARE)
        heading = f"{'converter':<{names}}" + FIGURES.format("state", "waiting", "done", "failed") + "last error"
        lines = [Content.styled(cell(heading, width), "bold")]
        shown = ranked if len(ranked) < rows else ranked[: rows - 2]
        lines += [Content.styled(cell(_line(*item, names), width), STYLES.get(item[1].state, "")) for item in shown]
        if len(shown) < len(ranked):
            lines.append(Content(f"{several(len(ranked) - len(shown), 'converter')} more: key 4"))
        elif not ranked and is_known:
            lines.append(Content("no converter is configured: key 4 or `pywats-client converters`"))
        self.update(Content("\n").join(lines), layout=False)


def _line(name: str, status: ConverterStatus, names: int) -> str:
    figures = FIGURES.format(SIGNS[status.state], count(status.waiting), count(status.converted), count(status.failed))
    trouble = (status.reason or status.last_error).partition("\n")[0]
    return cell(show_name(name), names) + figures + show_name(trouble)
