"""Operators: the verdicts they give, and the limits they take."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywats_client.wsjf.limits import CompOp, StringOp, arrange

# what each operator says of a value below, at, between, at and above the limits 1 and 3
TWO_LIMITS = {
    "GTLT": "FFPFF",
    "GTLE": "FFPPF",
    "GELT": "FPPFF",
    "GELE": "FPPPF",
    "LTGT": "PFFFP",
    "LTGE": "PFFPP",
    "LEGT": "PPFFP",
    "LEGE": "PPFPP",
}
# and of a value below, at and above the limit 1
ONE_LIMIT = {"EQ": "FPF", "NE": "PFP", "GT": "FFP", "GE": "FPP", "LT": "PFF", "LE": "PPF"}


def verdicts(op: CompOp, values: list[float], low: float | None, high: float | None) -> str:
    return "".join("P" if op.holds(value, low, high) else "F" for value in values)


@pytest.mark.parametrize(("op", "expected"), TWO_LIMITS.items())
def test_a_two_sided_operator_judges_below_at_between_at_and_above(op, expected):
    assert verdicts(CompOp(op), [0, 1, 2, 3, 4], 1, 3) == expected


@pytest.mark.parametrize(("op", "expected"), ONE_LIMIT.items())
def test_a_one_sided_operator_compares_with_the_low_limit_whatever_its_direction(op, expected):
    assert verdicts(CompOp(op), [0, 1, 2], 1, None) == expected


def test_log_passes_everything():
    assert CompOp.LOG.holds(1e300, None, None)


def test_the_tables_above_name_every_operator():
    assert {*TWO_LIMITS, *ONE_LIMIT, "LOG"} == set(CompOp)


@pytest.mark.parametrize(("op", "low", "high"), [("GELE", 1, None), ("LEGE", None, 1), ("EQ", None, None)])
def test_a_missing_limit_is_not_judged(op, low, high):
    with pytest.raises(ValueError, match="limit is missing"):
        CompOp(op).holds(1, low, high)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 3, ("GELE", 1, 3)),
        (1, None, ("GE", 1, None)),
        (None, 3, ("LE", 3, None)),
        (None, None, ("LOG", None, None)),
        (-math.inf, 3, ("LE", 3, None)),
        (1, math.inf, ("GE", 1, None)),
        (-math.inf, math.inf, ("LOG", None, None)),
    ],
)
def test_the_limits_choose_the_operator(low, high, expected):
    assert arrange(low, high) == expected


@pytest.mark.parametrize("given", [{"low": 5, "high": None}, {"low": None, "high": 5}])
def test_a_single_limit_stands_in_the_low_place(given):
    assert arrange(**given, op="LT") == (CompOp.LT, 5, None)


@pytest.mark.parametrize(("low", "high", "op"), [(1, None, "GELE"), (1, 2, "LT"), (None, None, "EQ"), (1, None, "LOG")])
def test_an_operator_with_too_few_or_too_many_limits_is_refused(low, high, op):
    with pytest.raises(ValueError, match=f"operator {op} takes"):
        arrange(low, high, op)


@pytest.mark.parametrize(("low", "high"), [(math.nan, 1), (math.inf, None), (None, -math.inf), (0, math.nan)])
def test_a_limit_that_no_value_can_be_held_against_is_refused(low, high):
    with pytest.raises(ValueError, match="give a finite number"):
        arrange(low, high)


def test_texts_compare_with_case_or_without():
    assert StringOp.CASESENSIT.holds("a1", "a1")
    assert not StringOp.CASESENSIT.holds("a1", "A1")
    assert StringOp.IGNORECASE.holds("a1", "A1")
    assert not StringOp.IGNORECASE.holds("a1", "A2")


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_each_outside_operator_is_the_opposite_of_an_inside_one(value, low, high):
    for inside, outside in [("GTLT", "LEGE"), ("GTLE", "LEGT"), ("GELT", "LTGE"), ("GELE", "LTGT")]:
        assert CompOp(inside).holds(value, low, high) is not CompOp(outside).holds(value, low, high)
