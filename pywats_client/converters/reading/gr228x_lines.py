"""The lines of a GR228X log: events, faults and measurements, and what their texts mean."""

import math
import re
from collections.abc import Mapping
from datetime import datetime

from pywats_client.converters.reading.texts import scaled

_DATE = r"(?P<day>\d{1,2})-(?P<month>[A-Za-z]{3})-(?P<year>\d{4}|\d{2})"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,6})\d*)?"
EVENT = re.compile(rf"(?P<before>.*?)(?P<sign>[\[@?\"/*&!\]])\s*(?P<when>{_DATE}\s+{_TIME})(?P<after>.*)", re.ASCII)
"""`program[date time`, `@date time SN serial`, and how a test ended: a sign, date and time."""
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?"
_SCALED = rf"(?:{_NUMBER})(?:MEG|[GKMUNPF])?"
_NAME = r"(?P<name>.+?)\s*(?P<mark>[=#%!<>~])\s*"
_LIMITS = rf"\s*\(\s*(?P<low>{_SCALED})?\s*,\s*(?P<high>{_SCALED})?\s*\)"
_TYPE = r"\s*(?P<type>[A-Z]{0,4})"
_MEASUREMENT = re.compile(rf"{_NAME}(?P<value>{_SCALED})?(?:{_LIMITS})?{_TYPE}", re.ASCII | re.IGNORECASE)
"""`name=value(low,high)type`, each of the later three may be missing; after `#` there are no limits."""
_NO_NUMBER = re.compile(rf"{_NAME}(?P<text>[^()=]+?){_LIMITS}{_TYPE}", re.ASCII | re.IGNORECASE)
"""A value beyond what the tester can tell, such as `name=****(low,high)type`."""
_MAX_LENGTH = 300
SERIAL_NUMBER = re.compile(r"\s*(?:(?:SN|S/N|SERIAL(?:\s+NUMBER)?)\b[\s:=#.]*)?(.*?)\s*", re.IGNORECASE)
FAULT = re.compile(r"\((?P<kind>[A-Za-z]+)\s+(?P<nails>.*)")
"""`(O 397,398,`: nails; a list that goes on ends in `+`."""
MORE_NAILS = re.compile(r"[\d\s,+-]+\)?")

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EXPONENTS = {"G": 9, "MEG": 6, "K": 3, "": 0, "M": -3, "U": -6, "N": -9, "P": -12, "F": -15}
UNITS = {"R": "Ohm", "C": "F", "L": "H", "V": "V", "I": "A"}


def measurement(text: str) -> re.Match[str] | None:
    """A line with a step; its groups are name, mark, value (or text), low, high and type."""
    return (_MEASUREMENT.fullmatch(text) or _NO_NUMBER.fullmatch(text)) if len(text) <= _MAX_LENGTH else None


def value_of(said: Mapping[str, str | None]) -> float | None:
    """A text that is no number is a value beyond the limits; None where there is none at all."""
    if said.get("text"):
        return math.nan
    return scaled_number(text) if (text := said["value"]) else None


def scaled_number(text: str) -> float:
    """The number that a text says, such as 1.5MEG."""
    number = re.match(_NUMBER, text, re.ASCII | re.IGNORECASE)
    assert number
    return scaled(number[0], _EXPONENTS[text[number.end() :].upper()])


def unit_of(kind: str) -> str:
    """Of a type such as R, AR (adjusted), CP (parallel), CS (in series), VS (source)."""
    return UNITS.get((kind[1:] if len(kind) > 1 and kind[0] == "A" else kind)[:1], "")


def moment_of(event: re.Match[str]) -> datetime:
    """The time of an event at the station. ValueError where there is no such time."""
    month = event["month"].upper()
    if month not in _MONTHS:
        raise ValueError(f"{event['when']!r} is not a time: there is no month {event['month']}")
    year, day = int(event["year"]), int(event["day"])
    if year < 100:
        year += 1900 if year >= 70 else 2000
    hour, minute, second = (int(event[part]) for part in ("hour", "minute", "second"))
    microsecond = int((event["fraction"] or "").ljust(6, "0"))
    try:
        return datetime(year, _MONTHS.index(month) + 1, day, hour, minute, second, microsecond).astimezone()
    except (ValueError, OverflowError) as fault:
        raise ValueError(f"{event['when']!r} is not a time: {fault}") from None
