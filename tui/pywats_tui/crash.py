"""What is left of a fault of our own: a sentence on the terminal, and a file for who mends it."""

import os
import tempfile
import traceback


def sentence_of(error: BaseException | None) -> str:
    """The sentence; the traceback, without the values of variables, goes to a file that only this user reads."""
    descriptor, name = tempfile.mkstemp(prefix="pywats-tui-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(traceback.format_exception(error))
    return f"error: the dashboard has failed ({type(error).__name__}); the service goes on.\nWhat is known: {name}"
