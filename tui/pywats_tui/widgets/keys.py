"""The last row: the keys that do something now. One line of text, where Textual's footer has a widget for each key."""

from collections.abc import Iterator

from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

HELP = "question_mark"
"""The key that stands at the right end, whatever else there is."""
_HELP_TEXT = "? Help "


class Keys(Widget):
    """Shows the bindings of the screen that it is on; a click on one is the same as its key."""

    DEFAULT_CSS = "Keys { dock: bottom; height: 1; width: 100%; background: $footer-background; }"

    def on_mount(self) -> None:
        """Follow what can be done."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self.refresh()

    def render(self) -> Content:
        """As many as there is room for."""
        room = self.size.width - len(_HELP_TEXT)
        left = Content("")
        for key, name, text in self._shown():
            shown = Content.assemble((f" {name} ", "$footer-key-foreground bold"), f"{text} ")
            if len(left) + len(shown) > room:
                break
            left += _clickable(shown, key)
        left += " " * max(0, room - len(left))
        return left if self._is_typed("?") else left + _clickable(Content(_HELP_TEXT), HELP)

    def _shown(self) -> Iterator[tuple[str, str, str]]:
        """Key, its name and what it does, once for each action."""
        actions = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            name = self.app.get_key_display(binding)
            if binding.show and active.enabled and binding.action not in actions and not self._is_typed(name):
                actions.add(binding.action)
                yield binding.key, name, binding.description

    def _is_typed(self, name: str) -> bool:
        """Whether this key only writes a character, into the field that has the focus."""
        focused = self.screen.focused
        return focused is not None and len(name) == 1 and focused.check_consume_key(name, name)


def _clickable(text: Content, key: str) -> Content:
    """A click on it is the same as the key."""
    return text.stylize(Style.from_meta({"@click": f"app.simulate_key({key!r})"}))
