"""First-pass yield, failing steps and rates: what counts is a unit's first test, in whatever order it is told."""

import os
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import permutations

import pytest
from service_parts import report_id

from pywats_client.service import statistics
from pywats_client.service.statistics import Statistics, Yield, shift_start

NOON = 1_800_000_000.0


def test_a_unit_counts_by_its_first_test_in_whatever_order_tests_are_told() -> None:
    tests = [(NOON, 1, False), (NOON + 60, 2, True), (NOON + 120, 3, True)]
    for order in permutations(tests):
        found = Statistics()
        for moment, number, passed in order:
            found.tested(moment, report_id(number), ("SN-1", "P1"), passed, "" if passed else "Vcc")
        assert found.yields(50, 0).last == Yield(1, 0)


def test_one_serial_number_of_two_part_numbers_is_two_units() -> None:
    found = Statistics()
    for number, part in enumerate(("P1", "P2")):
        found.tested(NOON, report_id(number), ("SN-1", part), True, "")
    assert found.yields(50, 0).last == Yield(2, 2)


@pytest.mark.parametrize("is_backwards", [False, True])
def test_a_report_that_a_mended_converter_makes_again_takes_the_place_of_the_first(is_backwards: bool) -> None:
    found, told = Statistics(), [(NOON, False), (NOON + 60, True)]
    for moment, passed in reversed(told) if is_backwards else told:
        found.tested(moment, report_id(1), ("SN-1", "P1"), passed, "" if passed else "Vcc")
    assert found.yields(50, 0).last == Yield(1, 1)


def test_the_last_units_and_the_shift_are_counted_apart() -> None:
    found = Statistics()
    for number in range(20):
        passed = number >= 10
        found.tested(NOON + number, report_id(number), (f"SN-{number}", "P1"), passed, "" if passed else "Vcc")
    yields = found.yields(5, NOON + 8)
    assert (yields.last, yields.last.percent) == (Yield(5, 5), 100.0)
    assert (yields.shift, yields.shift.percent) == (Yield(12, 10), 83.33)
    assert yields.failing_steps == [("Vcc", 2)]


def test_the_five_steps_that_fail_most_are_told_the_most_frequent_first() -> None:
    found = Statistics()
    units = iter(range(1000))
    for step, times in enumerate((1, 4, 2, 6, 3, 5)):
        for _ in range(times):
            number = next(units)
            found.tested(NOON, report_id(number), (f"SN-{number}", "P1"), False, f"step {step}")
    assert found.yields(1, NOON).failing_steps == [
        (f"step {step}", count) for step, count in ((3, 6), (5, 5), (1, 4), (4, 3), (2, 2))
    ]


def test_without_a_unit_there_is_no_percentage() -> None:
    assert Statistics().yields(50, 0).last.percent is None


def test_the_units_that_are_remembered_are_bounded_and_are_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MOST_UNITS", 100)
    found = Statistics()
    for number in range(1000):
        found.tested(NOON + number, report_id(number), (f"SN-{number}", "P1"), True, "")
    assert found.yields(10_000, 0).last.units <= 125
    assert found.yields(10_000, NOON + 900).shift == Yield(100, 100)


def test_rates_are_told_minute_by_minute_with_the_present_one_last() -> None:
    found = Statistics()
    minute = NOON // 60 * 60
    for _ in range(3):
        found.converted(minute + 5)
    found.uploaded(minute - 59 * 60)
    found.uploaded(minute - 60 * 60)
    conversions, uploads = found.rates(minute + 30)
    assert (conversions[-1], sum(conversions), len(conversions)) == (3, 3, 60)
    assert (uploads[0], sum(uploads), len(uploads)) == (1, 1, 60)


def test_a_year_of_minutes_takes_no_more_room_than_two_hours() -> None:
    found = Statistics()
    for minute in range(10_000):
        found.converted(NOON + 60 * minute)
    assert len(found._conversions) <= 120
    assert sum(found.rates(NOON + 60 * 9_999)[0]) == 60


@pytest.fixture
def oslo_clock() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(os.environ, "TZ", "Europe/Oslo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("oslo_clock")
@pytest.mark.parametrize(
    ("now", "began"),
    [
        ("2026-11-22T08:41:00+00:00", "2026-11-22T06:00:00+01:00"),
        ("2026-11-22T13:00:00+00:00", "2026-11-22T14:00:00+01:00"),
        ("2026-11-22T03:00:00+00:00", "2026-11-21T22:00:00+01:00"),
        ("2026-10-25T04:00:00+00:00", "2026-10-24T22:00:00+02:00"),
    ],
)
def test_the_shift_began_at_the_last_of_its_times_of_day_here(now: str, began: str) -> None:
    found = shift_start(datetime.fromisoformat(now), ("06:00", "14:00", "22:00"))
    assert found.isoformat() == began
