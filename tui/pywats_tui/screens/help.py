"""Every key of every screen, made from the screens themselves."""

from collections.abc import Iterable, Iterator

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.widget import Widget
from textual.widgets import Static

from pywats_tui.page import Page
from pywats_tui.widgets.ask import Ask
from pywats_tui.widgets.ask_text import AskText
from pywats_tui.widgets.choice import Choice
from pywats_tui.widgets.lines import Lines
from pywats_tui.widgets.reading import Reading
from pywats_tui.widgets.step_tree import StepTree

PARTS: dict[str, type[DOMNode]] = {
    "In lists": Lines,
    "In the steps of a report": StepTree,
    "In forms, where there is a choice": Choice,
    "Where a question is answered with yes or no": Ask,
    "Where a question is answered with a text": AskText,
    "Where a text lies over the screen": Reading,
}


class Help(Page):
    """Every key."""

    KEY, TITLE = "8", "Help"

    def body(self) -> Iterable[Widget]:
        """One text."""
        with VerticalScroll():
            yield Static(help_text(self.tui.pages, self.tui.BINDINGS, self.tui.is_view_only), markup=False)


def help_text(pages: Iterable[type[Page]], everywhere: Iterable[object], is_view_only: bool = False) -> str:
    """The keys that work everywhere, then the screens with theirs; those that change something only where allowed."""
    parts = [f"Everywhere\n{_keys(everywhere)}"]
    for page in pages:
        hidden = page.WRITES if is_view_only else frozenset()
        parts.append(f"{page.KEY:2} {page.TITLE}: {page.__doc__ or ''}\n{_keys(_own(page), hidden)}".rstrip())
    parts += [f"   {where}\n{_keys(vars(part)['BINDINGS'])}" for where, part in PARTS.items()]
    return "\n\n".join(parts)


def _own(page: type[Page]) -> Iterator[object]:
    """The keys that the class has from us, each once: those that every Textual screen has are known."""
    found: dict[str, Binding] = {}
    for base in page.__mro__:
        if base.__module__.startswith("pywats_tui."):
            found = {binding.key: binding for binding in vars(base).get("BINDINGS", ())} | found
    yield from found.values()


def _keys(bindings: Iterable[object], hidden: frozenset[str] = frozenset()) -> str:
    shown = [found for found in bindings if isinstance(found, Binding) and _action(found) not in hidden]
    return "\n".join(f"   {_name(binding):<16} {binding.tooltip or binding.description}" for binding in shown)


def _action(binding: Binding) -> str:
    return binding.action.partition("(")[0]


def _name(binding: Binding) -> str:
    return binding.key_display or binding.key.replace(",", " or ")
