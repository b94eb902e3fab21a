"""How a path that is being typed may go on."""

import asyncio
import os
from itertools import islice

from textual.suggester import Suggester

MOST_NAMES = 2000
"""Looked at in a folder: a suggestion is not worth more."""


class PathSuggester(Suggester):
    """The first name, in the order of the alphabet, that begins so; a folder with a slash behind it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The whole path, or None."""
        return await asyncio.to_thread(completed, value)


def completed(typed: str) -> str | None:
    """The path that begins with what is typed; None where there is none, or where it cannot be looked at."""
    folder, _, start = typed.rpartition(os.sep)
    if not typed.startswith(os.sep):
        return None
    try:
        with os.scandir(folder or os.sep) as entries:
            near = [entry for entry in islice(entries, MOST_NAMES) if _fits(entry.name, start)]
        found = min(near, key=lambda entry: entry.name, default=None)
        return f"{folder}{os.sep}{found.name}{os.sep if found.is_dir() else ''}" if found else None
    except OSError:
        return None


def _fits(name: str, start: str) -> bool:
    return name.startswith(start) and name.isprintable() and (bool(start) or not name.startswith("."))
