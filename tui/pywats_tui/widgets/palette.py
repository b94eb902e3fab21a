"""The command palette, which survives impatient fingers."""

import contextlib

from textual.command import CommandPalette

from pywats_tui.widgets.closes_once import ClosesOnce


class Palette(ClosesOnce, CommandPalette):
    """Textual's own, but for one fault: paging through a list that is not drawn yet ended the program (8.2)."""

    def _action_command_list(self, action: str) -> None:
        with contextlib.suppress(KeyError):
            super()._action_command_list(action)
