"""What OpenHTF's validators say, which a record holds as texts alone: limits, expected texts, or only a text."""

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from pywats_client.wsjf.limits import CompOp

_NUMBER = r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf|Infinity)"
_RANGE = re.compile(
    rf"(?:(?P<low>{_NUMBER}) (?P<low_sign><=?) )?(?:Marginal: ?(?P<marginal_low>{_NUMBER}) <=? )?"
    rf"'?x'?(?: <=? Marginal: ?(?P<marginal_high>{_NUMBER}))?(?: (?P<high_sign><=?) (?P<high>{_NUMBER}))?",
    re.ASCII,
)
_ONE_SIDED = re.compile(rf"'?x'? (?P<sign>>=?|==|=|!=|is equal to|equals) '?(?P<limit>{_NUMBER})'?", re.ASCII)
_PERCENT = re.compile(
    rf"'?x'? is within (?P<percent>{_NUMBER})% of (?P<expected>{_NUMBER})"
    rf"(?:\. Marginal: (?P<marginal>{_NUMBER}|None)% of (?:{_NUMBER}|None))?",
    re.ASCII,
)
_LITERAL = re.compile(r"'?x'? matches /\^(?P<pattern>.*)\$/", re.DOTALL)
_EQUALS = re.compile(r"'?x'? (?:==|=|is equal to|equals) (?P<text>.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\([^A-Za-z0-9])", re.DOTALL)
_SIGNS = {">": CompOp.GT, ">=": CompOp.GE, "==": CompOp.EQ, "=": CompOp.EQ, "!=": CompOp.NE}
_SIGNS |= dict.fromkeys(("is equal to", "equals"), CompOp.EQ)
_BOTH = {("<=", "<="): CompOp.GELE, ("<", "<="): CompOp.GTLE, ("<=", "<"): CompOp.GELT, ("<", "<"): CompOp.GTLT}


class Limits(NamedTuple):
    """The limits of a number, as `wsjf` takes them; `rest`: what the validators say beside them."""

    low: float | None = None
    high: float | None = None
    op: CompOp | None = None
    rest: tuple[str, ...] = ()


def limits(validators: Iterable[str]) -> Limits:
    """The limits that the validators of a number say. The first one that says some counts, the others are told."""
    found, rest = Limits(), []
    for text in validators:
        read = _limits(text.strip())
        if read is None or (found.low, found.high) != (None, None):
            rest.append(text)
            continue
        found = read
        if "Marginal" in text or "%" in text:
            rest.append(text)
    return found._replace(rest=tuple(rest))


def _limits(text: str) -> Limits | None:
    if between := _RANGE.fullmatch(text):
        return _range(between)
    if one := _ONE_SIDED.fullmatch(text):
        limit = float(one["limit"])
        return Limits(low=limit, op=_SIGNS[one["sign"]]) if math.isfinite(limit) else None
    if percent := _PERCENT.fullmatch(text):
        return _within(percent["percent"], percent["expected"])
    return None


def _range(found: re.Match[str]) -> Limits | None:
    """`0 <= x <= 5`: infinite limits are none."""
    low, high = (float(text) if text else None for text in (found["low"], found["high"]))
    low, high = (None if limit is None or math.isinf(limit) else limit for limit in (low, high))
    if low is not None and high is not None:
        return Limits(low, high, _BOTH[found["low_sign"], found["high_sign"]])
    if low is not None:
        return Limits(low=low, op=CompOp.GT if found["low_sign"] == "<" else CompOp.GE)
    if high is not None:
        return Limits(high=high, op=CompOp.LT if found["high_sign"] == "<" else CompOp.LE)
    return None


def _within(percent: str, expected: str) -> Limits | None:
    """`'x' is within 5% of 100`: 95 to 105, without the noise of a multiplication."""
    if "inf" in (percent + expected).lower():
        return None
    middle = Decimal(expected)
    distance = abs(middle * Decimal(percent) / 100)
    low, high = float(middle - distance), float(middle + distance)
    return Limits(low, high, CompOp.GELE) if math.isfinite(low) and math.isfinite(high) else None


def expected(validators: Iterable[str]) -> tuple[str | None, tuple[str, ...]]:
    """The text that the validators demand, if they demand a certain one, and what else they say."""
    demanded, rest = None, []
    for text in validators:
        found = _literal(text.strip()) if demanded is None else None
        if found is None:
            rest.append(text)
        else:
            demanded = found
    return demanded, tuple(rest)


def _literal(text: str) -> str | None:
    """`'x' matches /^1\\.4$/`, which is how OpenHTF writes an equal text, demands 1.4; other patterns are none."""
    if matches := _LITERAL.fullmatch(text):
        plain = _ESCAPED.sub(r"\1", matches["pattern"])
        without_escapes = _ESCAPED.sub("", matches["pattern"])
        return None if re.search(r"[\\.^$*+?{}\[\]|()]", without_escapes) else plain
    if equals := _EQUALS.fullmatch(text):
        said = equals["text"]
        is_quoted = len(said) > 1 and said[0] == said[-1] and said[0] in "'\""
        return said[1:-1] if is_quoted else said
    return None
