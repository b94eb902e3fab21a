"""The steps of a report, folded where all went well."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from pywats_tui.steps import Node, first_bad, tree, visible
from pywats_tui.widgets.lines import Lines, Span, cell


class StepTree(Lines):
    """`!` is a step that failed, `+` one that passed; enter, right and left unfold and fold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "fold", "Unfold", key_display="enter"),
        Binding("right,l", "fold(True)", "Unfold", show=False),
        Binding("left,h", "fold(False)", "Fold", show=False),
        Binding("n", "next_bad", "Next failed"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._top: list[Node] = []
        self._shown: list[Node] = []

    def tell(self, report: Mapping[str, Any]) -> None:
        """Show this report; the cursor stands on what failed first."""
        self._top = tree(report)
        self._show()
        self.go(first_bad(self._shown))

    def _show(self) -> None:
        self._shown = list(visible(self._top))
        self.resized(len(self._shown))

    def action_fold(self, is_open: bool | None = None) -> None:
        """Unfold, or fold. Left on what is folded goes to what it belongs to."""
        if not self._shown:
            return
        node = self._shown[self.cursor]
        if is_open is False and not (node.is_open and node.children):
            self.go(self._above(self.cursor))
            return
        node.is_open = not node.is_open if is_open is None else is_open
        self._show()

    def _above(self, index: int) -> int:
        depth = self._shown[index].depth
        return next((place for place in range(index, -1, -1) if self._shown[place].depth < depth), index)

    def action_next_bad(self) -> None:
        """The next step that failed; after the last the first."""
        order = [*range(self.cursor + 1, self.count), *range(self.cursor + 1)]
        self.go(next((place for place in order if self.count and self._shown[place].has_failed), self.cursor))

    def spans(self, index: int, width: int) -> Iterable[Span]:
        """Sign, place in the tree, name, value with limits, verdict."""
        node = self._shown[index]
        fold = ("▼" if node.is_open else "►") if node.children else " "
        indent = "  " * min(node.depth, width // 6)
        verdict = node.verdict
        left = f"{_sign(node)} {indent}{fold} {node.text()}"
        room = width - len(verdict) - 2
        paint = "bad" if node.has_failed else "dim" if not verdict else ""
        yield cell(left, max(1, room)), paint
        yield f"  {verdict}", "bad" if node.has_failed else "good" if verdict == "passed" else "dim"


def _sign(node: Node) -> str:
    if node.has_failed or node.is_bad:
        return "!"
    return "+" if node.verdict == "passed" else "·" if node.verdict else " "
