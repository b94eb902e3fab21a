"""Reports are named by their id, or by its first letters, where no other report begins with them."""

from bisect import bisect_left
from collections.abc import Iterable
from uuid import UUID

from pywats_client.logs import show_name

SHORTEST = 4
"""Characters of an id that are enough."""
WHOLE = 32
"""Hexadecimal digits of an id."""


def beginning(text: str) -> str:
    """The hexadecimal digits of an id, or of its first letters. Raises ValueError with a sentence."""
    digits = text.lower().replace("-", "")
    if not digits or digits.strip("0123456789abcdef") or len(digits) > WHOLE:
        raise ValueError(f"{show_name(text)!r} is not the beginning of an id")
    if len(digits) < SHORTEST:
        raise ValueError(f"{text!r} is too short: {SHORTEST} characters at least")
    return digits


def as_written(digits: str) -> str:
    """The beginning of an id as it stands in names."""
    fields = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(filter(None, fields))


class Beginnings:
    """Finds ids by how they begin. Made once for many look-ups: it sorts all ids."""

    def __init__(self, ids: Iterable[UUID]) -> None:
        self._in_order = sorted(queue_id.hex for queue_id in ids)

    def fitting(self, digits: str, most: int) -> list[UUID]:
        """The first `most` ids that begin with what `beginning` gave, in order."""
        start = bisect_left(self._in_order, digits)
        return [UUID(each) for each in self._in_order[start : start + most] if each.startswith(digits)]
