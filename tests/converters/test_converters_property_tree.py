"""Values of test executives: numbers as they write them, and what of them is drawn."""

import math

import pytest

from pywats_client.converters.reading.property_tree import (
    Array,
    Group,
    Scalar,
    Value,
    chart_of,
    lines,
    number_of,
    plots,
)


def row(*numbers: float) -> Array:
    return Array([((place,), Scalar(str(number), number)) for place, number in enumerate(numbers)])


def table(layout: str, *rows: tuple[float, ...]) -> Array:
    cells: list[tuple[tuple[int, ...], Value]] = [
        ((place, column), Scalar(str(number), number))
        for place, numbers in enumerate(rows)
        for column, number in enumerate(numbers)
    ]
    return Array(cells, layout=layout)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5),
        (" -1,5e3 ", -1500.0),
        ("0x1F", 31),
        ("0b101", 5),
        ("0c17", 15),
        ("9007199254740993", 9007199254740993),
        ("-1.#INF", -math.inf),
        ("INF", math.inf),
    ],
)
def test_numbers_are_exact_in_every_form(text: str, number: float) -> None:
    assert number_of(text) == number
    assert repr(number_of(text)) == repr(number)


@pytest.mark.parametrize("text", ["NAN", "1.#QNAN", "-1.#IND", "IND"])
def test_what_is_no_number_is_nan(text: str) -> None:
    assert math.isnan(number_of(text))


@pytest.mark.parametrize("text", ["", "abc", "0x", "0xFFFFFFFFFFFFFFFFF", "1.2.3", "1,234.5"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        number_of(text)


@pytest.mark.parametrize(
    ("layout", "drawn"),
    [
        ("", [([0, 1, 2], [1, 2, 3]), ([0, 1, 2], [4, 5, 6])]),
        ("MultipleY-ColumnBased", [([0, 1], [1, 4]), ([0, 1], [2, 5]), ([0, 1], [3, 6])]),
        ("SingleX-MultipleY-RowBased", [([1, 2, 3], [4, 5, 6])]),
        ("MultipleX-MultipleY-ColumnBased", [([1, 4], [2, 5])]),
    ],
)
def test_a_table_is_drawn_as_its_layout_says(layout: str, drawn: list[tuple[list[float], list[float]]]) -> None:
    assert [(plot.xs, plot.ys) for plot in plots("t", table(layout, (1, 2, 3), (4, 5, 6)))] == drawn


def test_arrays_of_x_and_y_are_one_plot() -> None:
    assert [(plot.xs, plot.ys) for plot in plots("g", Group([("XData", row(1, 2)), ("YData", row(3, 4))]))] == [
        ([1, 2], [3, 4])
    ]


@pytest.mark.parametrize("value", [Scalar("1", 1), row(1), Group([("x", row(1, 2)), ("y", row(1))])])
def test_other_values_are_not_drawn(value: Value) -> None:
    assert plots("v", value) == []


def test_long_arrays_are_thinned_and_it_is_said() -> None:
    chart, notes = chart_of("c", plots("p", row(*range(25_000))))
    assert chart.series[0].y_data is not None
    assert len(chart.series[0].y_data.split(";")) == 8334
    assert notes == ["p: every 3rd of 25000 points is shown"]


def test_groups_are_told_by_their_names() -> None:
    value = Group([("a", Scalar("1", 1, "V")), ("b", Group([("c", Scalar("")), ("d", Array([((0,), Scalar("x"))]))]))])
    assert list(lines("g", value)) == ["g.a: 1 V", "g.b.d: [x]"]
