"""Dates of which a file does not say whether the day or the month comes first."""

import re
from datetime import datetime

from pywats_client.converters.dates import dated
from pywats_client.errors import ConversionError

_DAY_AND_MONTH = re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})\2(?:19|20)\d\d\b", re.ASCII)


def day_first(text: str) -> bool | None:
    """Whether days stand before months in a file's dates: as a day above 12 tells, or the dots of such dates."""
    for first, sign, second in _DAY_AND_MONTH.findall(text):
        if int(first) > 12 or sign == ".":
            return True
        if int(second) > 12:
            return False
    return None


def moment(text: str, *, day_first: bool | None, line: int | None) -> datetime:
    """The station's local time that a text says.

    ValueError where it says none; ConversionError where day and month cannot be told apart.
    """
    one, other = (dated(text, day_first=first) for first in (True, False))
    if one != other and day_first is None:
        raise ConversionError(
            f"{text} may be {one.day} {one:%B} or {other.day} {other:%B}, and no date of the file tells which: "
            "set the argument day_first to true or false",
            line=line,
        )
    return one if day_first else other
