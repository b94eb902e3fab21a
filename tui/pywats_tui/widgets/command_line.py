"""The last row above the keys: what the last action is called on the command line."""

from textual.widgets import Static


class CommandLine(Static):
    """Shows the twin of the last action, so that people learn it."""

    def tell(self, twin: str) -> None:
        """Show it; nothing yet: what this row is for."""
        self.update(
            f"$ {twin}" if twin else "$ what you do here stands here as a command; ^l shows all of them", layout=False
        )
