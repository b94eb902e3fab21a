"""The header file of a Klippel QC log: a setting a line, each below a comment that explains it."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from pywats_client.converters.reading.texts import Line
from pywats_client.errors import ConversionError
from pywats_client.wsjf.model import Status

VERDICT, START = "Ctrl_OverallVerdict", "Cfg_DutStartTime"
LISTS: Mapping[str, tuple[Status, str]] = {
    "Results_Fail": ("F", ""),
    "Results_Pass": ("P", ""),
    "Results_Warning": ("P", "verdict: warning"),
    "Results_Noise": ("E", "verdict: noise"),
    "Results_Invalid": ("E", "verdict: invalid"),
    "Results_Void": ("S", "verdict: void, no result"),
}
"""The lists of measures, a verdict each, and what a step says of it beside its status."""
_OVERALL: Mapping[str, tuple[Status | None, str]] = {
    "": (None, ""),
    "-1": (None, ""),
    "0": ("F", ""),
    "1": ("P", ""),
    "2": ("P", "The overall verdict is 2: passed, with a warning."),
    "3": ("E", "The overall verdict is 3: disturbed by noise."),
    "4": ("E", "The overall verdict is 4: invalid."),
}
"""The code for the overall verdict. Void (-1) is no result."""
_SETTING = re.compile(r"\s*(\w+)\s*=(.*)", re.ASCII)
_DATE = re.compile(r"(\d+)-(\d+)-\d+-\d+-\d+-(\d+)-(\d+)-(\d+)-(\d+)-(\d+)(?:-(-?\d+)(?:-.*)?)?", re.ASCII)
"""SciLab's getdate(): year, month, week, day of the year and of the week, day, hour, minute, second, millisecond;
after it the minutes to UTC, and the seconds since 1970 in few digits."""
_IN_NAME = re.compile(r"UTC([+-])(\d{2}):?(\d{2})", re.ASCII)


class Verdict(NamedTuple):
    """What the lists say of a measure; without a status, its limits decide."""

    status: Status | None = None
    note: str = ""


class Header:
    """What the header says, by key."""

    def __init__(self, rows: Iterable[Line]) -> None:
        self.places: dict[str, int] = {}
        self.breaks_off = 0
        """the line of a comment, or of what follows one, where no setting comes after it; 0: there is none"""
        values: dict[str, list[str]] = {}
        key = ""
        for row in rows:
            if row.text.lstrip().startswith("//"):
                self.breaks_off = row.number
                continue
            if found := _SETTING.fullmatch(row.text):
                key, self.breaks_off = found[1], 0
                values[key], self.places[key] = [found[2]], row.number
            elif key:
                values[key].append(row.text)
        self.values = {key: "\n".join(texts).strip() for key, texts in values.items()}
        self.verdicts = self._read_lists()

    def _read_lists(self) -> dict[str, Verdict]:
        lists: dict[str, list[str]] = {}
        for key in LISTS:
            for name in filter(None, map(str.strip, self.text(key).split("\t"))):
                if key not in lists.setdefault(name, []):
                    lists[name].append(key)
        return {name: _verdict_of(keys) for name, keys in lists.items()}

    def text(self, key: str) -> str:
        """What it says for a key, empty where that is not there."""
        return self.values.get(key, "")

    def overall(self) -> tuple[Status | None, str]:
        """The verdict of the unit, None where it is left open, and what else is to be said of it."""
        code = self.text(VERDICT)
        if code in _OVERALL:
            return _OVERALL[code]
        known = ", ".join(filter(None, _OVERALL))
        raise ConversionError(f"{VERDICT}={code} is not a known verdict; known are {known}", line=self.places[VERDICT])

    def start(self, name: str) -> datetime | None:
        """When the test began; `name` of the file, which may end in the offset, such as `UTC+0200`."""
        text = self.text(START)
        if not text:
            return None
        try:
            return _moment(text, name)
        except (ValueError, OverflowError, OSError):
            problem = f"{START} is not a date of SciLab's getdate(): {text}"
            raise ConversionError(problem, line=self.places[START]) from None


def _verdict_of(keys: list[str]) -> Verdict:
    """Measures of several tasks may have one name."""
    if len(keys) == 1:
        return Verdict(*LISTS[keys[0]])
    return Verdict(None, f"The header names it in {', '.join(keys)}; the limits decide.")


def _moment(text: str, name: str) -> datetime:
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueError(text)
    year, month, day, hour, minute, second, thousandths = map(int, found.groups()[:7])
    local = datetime(year, month, day, hour, minute, second, thousandths * 1000)  # noqa: DTZ001
    if found[8]:
        return local.replace(tzinfo=timezone(timedelta(minutes=int(found[8]))))
    if offset := _IN_NAME.search(name):
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return local.replace(tzinfo=timezone(-away if offset[1] == "-" else away))
    return local.astimezone()
