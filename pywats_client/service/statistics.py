"""First-pass yield, the steps that fail, and how much is done a minute. What happened may come in any order."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from uuid import UUID

MOST_UNITS = 20_000
"""Units that are remembered, the latest, or a quarter more: some 6 MB. One that was forgotten counts as new again."""
MOST_STEPS = 5
MINUTES = 60

First = tuple[float, int, str]
"""A unit's first test: when (seconds since 1970), its report, and the step that failed first; `PASSED` for none."""
PASSED = "\0"


@dataclass(frozen=True)
class Yield:
    """How many units were tested for the first time, and how many of them passed."""

    units: int
    passed: int

    @property
    def percent(self) -> float | None:
        """Of those that passed; None where there is no unit yet."""
        return round(100 * self.passed / self.units, 2) if self.units else None


@dataclass(frozen=True)
class Yields:
    """`last`: of so many last units; `shift`: since a moment; `failing_steps` of the shift, the most frequent first."""

    last: Yield
    shift: Yield
    failing_steps: list[tuple[str, int]]


class Statistics:
    """A unit is a serial number of a part number; what counts is its first test. Moments in seconds since 1970."""

    def __init__(self) -> None:
        self._units: dict[int, First] = {}
        self._conversions: Counter[int] = Counter()
        self._uploads: Counter[int] = Counter()

    def tested(self, moment: float, report: UUID, unit: tuple[str, str], passed: bool, failing_step: str) -> None:
        """A test of a unit. The same report again, from a mended converter, takes the place of what it was."""
        key, test = hash(unit), (moment, report.int, PASSED if passed else failing_step)
        known = self._units.get(key)
        if known and report.int == known[1]:
            self._units[key] = (min(moment, known[0]), report.int, max(test, known)[2])
        elif known is None or moment < known[0]:
            self._units[key] = test
        if len(self._units) > MOST_UNITS + MOST_UNITS // 4:
            latest = sorted(self._units.items(), key=itemgetter(1))  # in long runs already, so this takes 3 ms
            self._units = dict(latest[-MOST_UNITS:])

    def converted(self, moment: float) -> None:
        """A source was converted."""
        _count(self._conversions, moment)

    def uploaded(self, moment: float) -> None:
        """A report was delivered."""
        _count(self._uploads, moment)

    def yields(self, units: int, since: float) -> Yields:
        """Of the last `units` units, and of those tested first at or after `since`."""
        tests = sorted(self._units.values())  # in long runs already, so this takes 2 ms
        shift = tests[bisect_left(tests, since, key=itemgetter(0)) :]
        steps = Counter(step for _, _, step in shift if step not in (PASSED, ""))
        return Yields(_yield_of(tests[-units:]), _yield_of(shift), steps.most_common(MOST_STEPS))

    def rates(self, now: float) -> tuple[list[int], list[int]]:
        """Conversions and uploads in each of the last 60 minutes, the present one last."""
        last = int(now // 60)
        minutes = range(last - MINUTES + 1, last + 1)
        return [self._conversions[minute] for minute in minutes], [self._uploads[minute] for minute in minutes]


def _count(counts: Counter[int], moment: float) -> None:
    minute = int(moment // 60)
    counts[minute] += 1
    if len(counts) > 2 * MINUTES:
        for old in sorted(counts)[:-MINUTES]:
            del counts[old]


def _yield_of(tests: Iterable[First]) -> Yield:
    steps = [step for _, _, step in tests]
    return Yield(len(steps), steps.count(PASSED))


def shift_start(now: datetime, starts: Sequence[str]) -> datetime:
    """When the present shift began: the last of these times of day, such as `06:00`, in the zone of `now`'s machine."""
    today = now.astimezone().replace(tzinfo=None)
    moments = [
        datetime.combine(day.date(), datetime.strptime(start, "%H:%M").time())  # noqa: DTZ007 -- a time of day has no zone
        for day in (today - timedelta(days=1), today)
        for start in starts
    ]
    return max(moment for moment in moments if moment <= today).astimezone()
