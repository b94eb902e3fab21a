"""Dates as testers write them for people: day and month in either order, two-digit years, a clock of 12 hours."""

import re
from datetime import datetime

from pywats_client.wsjf import UutReport

_CLOCK = r"(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2})(?:[.,](\d{1,6}))?)?\s*(?:([AP])\.?\s?M\.?)?"
_DATE = re.compile(
    rf"(\d{{1,4}})\s?[-/.]\s?(\d{{1,2}})\s?[-/.]\s?(\d{{1,4}})(?:[T,\s]+{_CLOCK})?", re.ASCII | re.IGNORECASE
)
_FIRST_OF_LAST_CENTURY = 69
"""Two-digit years from here on are of the last century, as of strptime."""


def dated(text: str, *, day_first: bool) -> datetime:
    """The station's local time that a text such as `22-07-2020 10:22:14` or `7/22/20 10:22 AM` says.

    `day_first` tells where day and month could be either; a four-digit year in front is followed by the month.
    ValueError where the text says none.
    """
    found = _DATE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a date with a time")
    first, second, third = (int(found[group]) for group in (1, 2, 3))
    if len(found[1]) > 2:
        year, month, day = first, second, third
    else:
        year = third + (0 if len(found[3]) > 2 else 2000 if third < _FIRST_OF_LAST_CENTURY else 1900)
        day, month = (first, second) if is_day_first(text, otherwise=day_first) else (second, first)
    hour, minute, second = (int(found[group] or 0) for group in (4, 5, 6))
    microsecond = int((found[7] or "").ljust(6, "0"))
    if found[8]:
        hour = hour % 12 + (12 if found[8].upper() == "P" else 0)
    try:
        return datetime(year, month, day, hour, minute, second, microsecond).astimezone()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is not a date of the calendar") from None


def is_day_first(text: str, *, otherwise: bool) -> bool:
    """Whether the day comes first, as far as the numbers tell: there is no month above 12."""
    found = _DATE.fullmatch(text.strip())
    if found and int(found[1]) > 12:
        return True
    return otherwise if not found or int(found[2]) <= 12 else False


def is_ambiguous(text: str) -> bool:
    """Whether day and month could change places, and would give another date."""
    found = _DATE.fullmatch(text.strip())
    return found is not None and max(int(found[1]), int(found[2])) <= 12 and int(found[1]) != int(found[2])


_DAY_AND_MONTH = re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})\2(?:19|20)\d\d\b", re.ASCII)


def told_order(text: str) -> bool | None:
    """Whether days stand before months in a file's dates: as a day above 12 tells, or the dots of such dates."""
    for first, sign, second in _DAY_AND_MONTH.findall(text):
        if int(first) > 12 or sign == ".":
            return True
        if int(second) > 12:
            return False
    return None


class Dates:
    """Reads the dates of a file, and remembers one of which nobody says whether the day comes first: it is taken so."""

    def __init__(self, day_first: bool | None) -> None:
        self._day_first = day_first
        self.unclear = ""

    def read(self, text: str) -> datetime:
        """As `dated`."""
        found = dated(text, day_first=self._day_first is not False)
        if self._day_first is None and is_ambiguous(text):
            self.unclear = self.unclear or text.strip()
        return found

    def note(self, report: UutReport) -> None:
        """Say in the report what was unclear."""
        if self.unclear:
            report.root.note(
                f"{self.unclear}: the file does not say whether the day comes first; taken so (argument day_first)"
            )
