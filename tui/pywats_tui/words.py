"""Figures in words that fit into a cell."""

from datetime import UTC, datetime

UNITS = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))


def duration(seconds: float) -> str:
    """`4 s`, `3 min`, `2 h`, `12 d`: the largest unit that is whole."""
    for unit, length in UNITS:
        if seconds >= length:
            return f"{int(seconds // length):,} {unit}"
    return "0 s"


def ago(moment: str | None, now: datetime) -> str:
    """How long ago an ISO 8601 moment was, `never` without one."""
    if not moment:
        return "never"
    return f"{duration(max(0.0, (now - datetime.fromisoformat(moment)).total_seconds()))} ago"


def clock_time(moment: datetime) -> str:
    """The time of day here, to the second."""
    return moment.astimezone().strftime("%H:%M:%S")


def now() -> datetime:
    """The present moment, with zone."""
    return datetime.now(UTC)


def count(number: float) -> str:
    """A number with separators, `-` for none."""
    return f"{number:,.0f}"


def percent(passed: int, units: int) -> str:
    """A share to a tenth, `-` of nothing."""
    return f"{100 * passed / units:.1f} %" if units else "-"


def several(number: int, thing: str) -> str:
    """`1 report`, `3 reports`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def clock_time_of(moment: str) -> str:
    """The time of day here of an ISO 8601 moment."""
    return clock_time(datetime.fromisoformat(moment))


def brief(number: int) -> str:
    """`9,999`, `12k`, `34M`: for where there is little room."""
    if number < 10_000:
        return f"{number:,}"
    return f"{number // 1000:,}k" if number < 10_000_000 else f"{number // 1_000_000:,}M"


def bytes_(number: int) -> str:
    """`812 B`, `12 kB`, `3.4 MB`."""
    for unit, size in (("MB", 1_000_000), ("kB", 1000)):
        if number >= size:
            return f"{number / size:.1f} {unit}" if number < 10 * size else f"{number // size:,} {unit}"
    return f"{number} B"


def stamp(moment: str | datetime) -> str:
    """When, here: the time of day, with the date unless that is today."""
    when = (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).astimezone()
    is_today = when.date() == datetime.now().astimezone().date()
    return when.strftime("%H:%M:%S" if is_today else "%m-%d %H:%M")
