"""Memory that is free goes back to the machine: a heap that many threads have used keeps it otherwise."""

import ctypes
import sys

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
"""Of glibc; other libraries have none, and need none."""


def give_back() -> None:
    """A millisecond or less, at the sizes that we have."""
    if _trim:
        _trim(0)
