"""A measured value among its limits: as a sentence, and drawn to be seen at once. No Textual here."""

import math
from collections.abc import Mapping
from typing import Any

from pywats_client.logs import show_name

OUTER, INNER = 3, 7
"""Cells of a drawing: beyond each limit, and between them."""
SIGNS = {"GT": ">", "GE": "≥", "LT": "<", "LE": "≤", "EQ": "=", "NE": "≠"}
TURNED = {"GT": "<", "GE": "≤"}
"""The low limit stands left of the value."""


def sentence(measured: Mapping[str, Any]) -> str:
    """`3.2 ≤ 3.31 ≤ 3.4 V`; of a text `"abc" = "abc"`; the value alone where it was only recorded."""
    value, low, high = (shown(measured.get(key)) for key in ("value", "lowLimit", "highLimit"))
    unit = f" {shown(measured['unit'])}" if measured.get("unit") else ""
    first, second = _operators(measured)
    if measured.get("limit") is not None:
        return f"{value} = {shown(measured['limit'])}"
    if first in TURNED and second:
        return f"{low} {TURNED[first]} {value} {SIGNS[second]} {high}{unit}"
    if second:
        return f"{value}{unit}, {SIGNS[first]} {low} or {SIGNS[second]} {high}"
    return f"{value}{unit} {SIGNS[first]} {low}" if first else f"{value}{unit}"


def drawn(measured: Mapping[str, Any]) -> str:
    """`──┤  ●  ├──`, or with one limit `──┤ ●`; empty where there is nothing to draw."""
    value, low, high = (_number(measured.get(key)) for key in ("value", "lowLimit", "highLimit"))
    first, second = _operators(measured)
    if value is None or low is None or first in ("", "EQ", "NE"):
        return ""
    if second:
        return _between(value, low, high) if high is not None and high > low else ""
    reach = max(abs(low), abs(value)) or 1.0
    return _one_sided(min(1.0, abs(value - low) / reach), value < low, is_low=first in TURNED)


def _between(value: float, low: float, high: float) -> str:
    cells = [*"─" * OUTER, "┤", *" " * INNER, "├", *"─" * OUTER]
    share = (value - low) / (high - low)
    if share < 0:
        place = OUTER - 1 - min(OUTER - 1, int(-share * INNER))
    elif share > 1:
        place = OUTER + INNER + 2 + min(OUTER - 1, int((share - 1) * INNER))
    else:
        place = OUTER + 1 + min(INNER - 1, int(share * INNER))
    cells[place] = "●"
    return "".join(cells)


def _one_sided(share: float, is_below: bool, *, is_low: bool) -> str:
    """The limit in the middle; the side that is refused is a line."""
    half = OUTER + INNER // 2
    left, right = ("─", " ") if is_low else (" ", "─")
    cells = [*left * half, "┤" if is_low else "├", *right * half]
    steps = 1 + min(half - 1, int(share * half))
    cells[half - steps if is_below else half + steps] = "●"
    return "".join(cells)


def _operators(measured: Mapping[str, Any]) -> tuple[str, str]:
    """How the value is compared with the low limit, and with the high one; empty: not at all."""
    operator = str(measured.get("compOp") or "").upper()
    first, second = operator[:2], operator[2:]
    if first not in SIGNS or (second and second not in SIGNS):
        return "", ""
    return first, second


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if is_number and math.isfinite(value) else None
    except OverflowError:
        return None


def shown(value: Any) -> str:
    """A value of a report as text that is safe on a terminal."""
    return "" if value is None else show_name(f"{value:g}" if isinstance(value, float) else str(value))
