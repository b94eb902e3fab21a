"""Every key of every screen, made from the screens themselves."""

from collections.abc import Iterable

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from pywats_tui.page import Page


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
        parts.append(f"{page.KEY}  {page.TITLE}: {page.__doc__ or ''}\n{_keys(_own(page), hidden)}".rstrip())
    return "\n\n".join(parts)


def _own(page: type[Page]) -> Iterable[object]:
    """The keys that the class itself has: those that every Textual screen has are known."""
    own: Iterable[object] = vars(page).get("BINDINGS", ())
    return own


def _keys(bindings: Iterable[object], hidden: frozenset[str] = frozenset()) -> str:
    shown = [found for found in bindings if isinstance(found, Binding) and _action(found) not in hidden]
    return "\n".join(f"   {_name(binding):<16} {binding.tooltip or binding.description}" for binding in shown)


def _action(binding: Binding) -> str:
    return binding.action.partition("(")[0]


def _name(binding: Binding) -> str:
    return binding.key_display or binding.key.replace(",", " or ")
