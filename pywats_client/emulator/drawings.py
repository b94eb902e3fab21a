"""Limits and charts as small pictures (inline SVG)."""

import math
from collections.abc import Sequence

WIDTH, HEIGHT = 180, 22
MARGIN = 8
CHART_WIDTH, CHART_HEIGHT = 560, 160

Band = tuple[float, float]

ONE_LIMIT = {"LT": -1, "LE": -1, "GT": 1, "GE": 1}
"""On which side of its one limit (always `lowLimit`) an operator allows values."""
INSIDE = {"GTLT", "GTLE", "GELT", "GELE"}
OUTSIDE = {"LTGT", "LTGE", "LEGT", "LEGE"}


def limits(operator: str, value: object, low: object, high: object, status: str) -> str:
    """A line with the allowed range in green and the value as a mark; empty where there is nothing to draw."""
    at, first, second = _number(value), _number(low), _number(high)
    known = [number for number in (at, first, second) if number is not None]
    if at is None or len(known) < 2:
        return ""
    span = (max(known) - min(known)) or abs(at) or 1.0
    left, right = min(known) - span / 4, max(known) + span / 4
    if not math.isfinite(right - left):
        return ""

    def place(number: float) -> float:
        return MARGIN + (number - left) / (right - left) * (WIDTH - 2 * MARGIN)

    bands = _allowed(operator.upper(), first, second, left, right)
    green = "".join(
        f'<rect class="ok" x="{place(start):.1f}" y="7" width="{max(place(end) - place(start), 2):.1f}" height="8"/>'
        for start, end in bands
    )
    ticks = "".join(
        f'<line class="limit" x1="{place(number):.1f}" x2="{place(number):.1f}" y1="3" y2="19"/>'
        for number in (first, second)
        if number is not None
    )
    mark = f'<circle class="{"bad" if status in "FE" else "good"}" cx="{place(at):.1f}" cy="11" r="4"/>'
    axis = f'<line class="axis" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="11" y2="11"/>'
    return f'<svg width="{WIDTH}" height="{HEIGHT}" role="img">{axis}{green}{ticks}{mark}</svg>'


def curves(series: Sequence[tuple[Sequence[float], Sequence[float]]]) -> str:
    """Lines in one frame, each of x and y values; empty where there is nothing to draw."""
    drawn = [list(zip(xs, ys, strict=False)) for xs, ys in series]
    xs = [x for points in drawn for x, _ in points]
    ys = [y for points in drawn for _, y in points]
    if not xs or not math.isfinite(max(xs) - min(xs)) or not math.isfinite(max(ys) - min(ys)):
        return ""
    x_scale = (CHART_WIDTH - 2 * MARGIN) / ((max(xs) - min(xs)) or 1.0)
    y_scale = (CHART_HEIGHT - 2 * MARGIN) / ((max(ys) - min(ys)) or 1.0)

    def points_of(points: list[tuple[float, float]]) -> str:
        return " ".join(
            f"{MARGIN + (x - min(xs)) * x_scale:.1f},{CHART_HEIGHT - MARGIN - (y - min(ys)) * y_scale:.1f}"
            for x, y in points
        )

    lines = "".join(
        f'<polyline class="line{index % 4}" points="{points_of(points)}"/>' for index, points in enumerate(drawn)
    )
    return f'<svg class="chart" width="{CHART_WIDTH}" height="{CHART_HEIGHT}" role="img">{lines}</svg>'


def _allowed(operator: str, low: float | None, high: float | None, left: float, right: float) -> list[Band]:
    if low is None:
        return []
    if operator in ONE_LIMIT:
        return [(low, right) if ONE_LIMIT[operator] > 0 else (left, low)]
    if operator == "EQ":
        return [(low, low)]
    if operator == "NE":
        return [(left, low), (low, right)]
    if high is None or low > high:
        return []
    if operator in INSIDE:
        return [(low, high)]
    return [(left, low), (high, right)] if operator in OUTSIDE else []


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None
