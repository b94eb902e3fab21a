"""The values of IEEE 1671 Common: Datum, Collection and IndexedArray, with their units, and the limits of a value."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pywats_client.converters.reading.property_tree import Array, Group, Scalar, Value, lines, scalar, whole
from pywats_client.converters.reading.step_measured import Measured, Number, Text, Verdict
from pywats_client.converters.reading.xml import Element, line_of, local
from pywats_client.errors import ConversionError
from pywats_client.wsjf.limits import CompOp
from pywats_client.wsjf.model import Status

_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_NUMBERS = frozenset(
    [
        "double",
        "float",
        "decimal",
        "integer",
        "int",
        "long",
        "short",
        "unsignedinteger",
        "unsignedint",
        "unsignedlong",
        "hexadecimal",
        "octal",
        "binary",
    ]
)
_TEXTS = frozenset({"string", "boolean", "datetime", "date", "time"})
"""Values of other types, those of other writers among them, are numbers where they say one."""
_BASES = {"hexadecimal": 16, "octal": 8, "binary": 2}
_INDEXES = re.compile(r"-?\d+")
_TRUE = ("true", "1")


def kind_of(element: Element) -> str:
    """The type of a value in lower case: double, string, boolean …; TestStand's own (TS_double) are the same."""
    return element.get(_TYPE, "").rpartition(":")[2].removeprefix("TS_").removesuffix("Array").lower()


def value_below(holder: Element) -> Value | None:
    """The value that an element such as TestData or Item holds; None where it holds none."""
    for child in holder:
        match local(child):
            case "Datum":
                return datum(child)
            case "Collection":
                return Group([(item.get("name", ""), found) for item in child if (found := value_below(item))])
            case "IndexedArray":
                return _array(child)
    return None


def datum(element: Element) -> Scalar:
    """A single value. Raises ConversionError for a number that is none."""
    kind, text, unit = kind_of(element), text_of(element), unit_of(element)
    if kind == "complex":
        return Scalar(f"{element.get('real', '')}{_signed(element.get('imaginary', ''))}j", None, unit)
    if kind in _TEXTS:
        return Scalar(text, None, unit)
    found = _based(text, _BASES[kind]) if kind in _BASES else scalar(text, unit)
    if kind in _NUMBERS and found.number is None:
        raise ConversionError(f"{text!r} is not a number, but is said to be a {kind}", line=line_of(element))
    return Scalar(text, found.number, unit)


def _signed(text: str) -> str:
    return text if text.startswith("-") else f"+{text}"


def _based(text: str, base: int) -> Scalar:
    """Digits to a base, with or without a prefix such as 0x."""
    try:
        return Scalar(text, whole(text, base))
    except ValueError:
        return Scalar(text)


def text_of(element: Element) -> str:
    """What stands in the attribute `value`, or in an element Value."""
    if "value" in element.attrib:
        return attribute(element, "value")
    text = element.findtext("{*}Value") if len(element) else element.text
    return (text or "").strip()


def attribute(element: Element, *names: str) -> str:
    """The first of these attributes that says something."""
    for name in names:
        if text := str(element.get(name) or "").strip():
            return text
    return ""


def unit_of(element: Element) -> str:
    """The unit, of the standard or not, and what qualifies it, such as RMS."""
    unit = attribute(element, "unit", "standardUnit", "nonStandardUnit")
    return f"{unit} {attribute(element, 'unitQualifier')}".strip()


def _array(element: Element) -> Array:
    numbers = kind_of(element) not in _TEXTS
    found: list[tuple[tuple[int, ...], Value]] = []
    for item in element:
        if local(item) == "Element":
            place = tuple(int(index) for index in _INDEXES.findall(item.get("position", "")))
            inner = value_below(item)
            if inner is None:
                inner = scalar(text_of(item)) if numbers else Scalar(text_of(item))
            found.append((place or (len(found),), inner))
    return Array(found, unit_of(element), element.get("DataLayout", ""))


class Limits(NamedTuple):
    """What a value is compared with, as far as a report can say it; `notes` say the rest."""

    low: float | None = None
    high: float | None = None
    op: CompOp | None = None
    expected: Scalar | None = None
    ignore_case: bool = False
    notes: tuple[str, ...] = ()


_COMPARISONS = frozenset({"LimitPair", "SingleLimit", "Expected", "Mask"})


def limits_of(holder: Element, unit: str) -> Limits:
    """The limits that an element such as TestLimits or Limits holds, for a value of that unit."""
    found = list(_comparisons(holder))
    if not found:
        return Limits()
    limits = None
    if len(found) == 1 and local(found[0]) != "Mask":
        limits = _pair(found[0], unit) if local(found[0]) == "LimitPair" else _single(found[0], unit)
    return limits or Limits(notes=(f"limits: {told(holder)}",))


def _comparisons(holder: Element) -> Iterator[Element]:
    """The outermost comparisons; what is in a mask is part of it."""
    for child in holder:
        if local(child) in _COMPARISONS:
            yield child
        else:
            yield from _comparisons(child)


def _single(element: Element, unit: str) -> Limits | None:
    """One comparison: with a number, or with a text that must be equal."""
    comparator, limit = element.get("comparator", "EQ").upper(), value_below(element)
    if not isinstance(limit, Scalar):
        return None
    if limit.number is None:
        return Limits(expected=limit, ignore_case=comparator == "CIEQ") if comparator in ("EQ", "CIEQ") else None
    if comparator not in ("EQ", "NE", "GT", "GE", "LT", "LE") or _differs(limit.unit, unit):
        return None
    return Limits(low=limit.number, op=CompOp(comparator))


def _differs(unit: str, other: str) -> bool:
    """Whether a limit is given in another unit than the value."""
    return bool(unit and other and unit != other)


def _pair(element: Element, unit: str) -> Limits | None:
    """Two comparisons: AND is between, OR is outside, in either order."""
    sides = {}
    for limit in element.findall("{*}Limit"):
        value, comparator = value_below(limit), limit.get("comparator", "").upper()
        if not isinstance(value, Scalar) or value.number is None or _differs(value.unit, unit):
            return None
        sides[comparator[:1]] = (comparator, value.number)
    if sides.keys() != {"G", "L"}:
        return None
    inside = element.get("operator", "AND").upper() != "OR"
    (low_op, low), (high_op, high) = (sides["G"], sides["L"]) if inside else (sides["L"], sides["G"])
    try:
        return Limits(low, high, CompOp(low_op + high_op))
    except ValueError:
        return None


def told(holder: Element) -> str:
    """Limits in words, where a report cannot say them; empty where an element holds none."""
    words = []
    for element in holder.iter("{*}LimitPair", "{*}Limit", "{*}SingleLimit", "{*}Expected", "{*}Mask", "{*}MaskValue"):
        words += [element.get("operator", ""), element.get("comparator", "")]
        value = value_below(element)
        if value is not None:
            words += [line.removeprefix(": ") for line in lines("", value)]
    return " ".join(word for word in words if word)


def measured(name: str, value: Scalar, kind: str, limits: Limits, status: Status | None) -> Measured:
    """The measurement that a single value is."""
    expected = limits.expected
    if value.number is not None and expected is None:
        return Number(value.number, name, limits.low, limits.high, limits.op, value.unit, status)
    if kind == "boolean":
        holds = value.text.lower() in _TRUE
        if expected is not None:
            holds = holds == (expected.text.lower() in _TRUE)
        return Verdict(status or ("P" if holds else "F"), name)
    text = value.text if expected else f"{value.text} {value.unit}".strip()
    return Text(text, name, expected.text if expected else None, limits.ignore_case, status)


def named_values(element: Element, known: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """The leaves below an element, each with its name and its text; without the children that are `known`."""
    for child in element:
        name = attribute(child, "name") or local(child)
        value = value_below(child)
        if local(child) in known:
            continue
        if value is not None:
            for line in lines(name, value):
                key, _, text = line.partition(": ")
                yield key, text
        elif len(child):
            yield from named_values(child)
        elif text := text_of(child):
            yield name, text
        else:
            yield from ((f"{name}.{key}", text) for key in map(str, child.attrib) if (text := attribute(child, key)))
