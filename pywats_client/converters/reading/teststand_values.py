"""What a TestStand step measured: Numeric, String or PassFail with Limits and Comp, or an array of measurements."""

from collections.abc import Iterator

from pywats_client.converters.reading.property_tree import lines
from pywats_client.converters.reading.step_measured import Number, Text, Verdict
from pywats_client.converters.reading.step_results import StepResult, status_of
from pywats_client.converters.reading.teststand_props import Props, attribute, inner, items, value_of
from pywats_client.converters.reading.xml import Element, line_of
from pywats_client.errors import ConversionError
from pywats_client.wsjf.limits import CompOp

_OPERATORS = {op.value: op for op in CompOp} | {"EQT": CompOp.GELE, "NET": CompOp.LTGT}
"""TestStand's comparisons; those with a tolerance have limits made of the nominal value and its threshold."""
_IGNORES_CASE = {"CASESENSITIVE": False, "CASESENSIT": False, "IGNORECASE": True}
_VALUES = ("Numeric", "Data", "String", "PassFail")
_OF_MEASUREMENT = frozenset({"Units", "Limits", "RawLimits", "Comp"})
_OF_ELEMENT = _OF_MEASUREMENT | {"Status", *_VALUES}


def read_measurements(result: StepResult, props: Props) -> set[str]:
    """Add what a step measured, and return the names of the properties that said it."""
    lists = [name for name, prop in props.items() if _is_list(prop)]
    for name in lists:
        for _, item in items(props[name]):
            member = inner(item)
            _read_element(result, Props(item if member is None else member), "" if member is None else _name(member))
    if lists:
        return {*lists, *_OF_MEASUREMENT}
    own = _own_value(props)
    if own is None:
        return set()
    _read_one(result, props, own, "")
    return {own, *_OF_MEASUREMENT}


def _name(member: Element) -> str:
    return attribute(member, "Name")


def _is_list(prop: Element) -> bool:
    """Whether it is an array of measurements: objects of a value with its comparison or its verdict."""
    first = next((item for _, item in items(prop)), None) if attribute(prop, "Type") == "Array" else None
    if first is None:
        return False
    member = inner(first)
    held = Props(first if member is None else member)
    return bool(held.keys() & {"Comp", "Status", "Limits"}) and bool(held.keys() & set(_VALUES))


def _read_element(result: StepResult, held: Props, name: str) -> None:
    value = next((key for key in _VALUES if key in held), None)
    if value is not None:
        _read_one(result, held, value, name or f"Measurement {len(result.measured)}")
    for key, prop in held.items():
        if key not in _OF_ELEMENT:
            result.notes += lines(f"{name}.{key}", value_of(prop))


def _own_value(props: Props) -> str | None:
    """Which property is the measurement of the step; others beside it are additional results."""
    is_compared = bool(props.keys() & {"Comp", "Limits"})
    if "String" in props and ("String" in props.below("Limits") or (is_compared and "Numeric" not in props)):
        return "String"
    if "Numeric" in props and (is_compared or "PassFail" not in props):
        return "Numeric"
    return next((key for key in ("PassFail", "String") if key in props), None)


def _read_one(result: StepResult, held: Props, key: str, name: str) -> None:
    status = status_of(held.text("Status")) if name else None
    kind = attribute(held[key], "Type")
    if kind == "Boolean":
        result.measured.append(Verdict("P" if held.text(key).lower() == "true" else "F", name))
    elif kind == "String":
        expected, ignore_case = _expected(held, result, name)
        result.measured.append(Text(held.text(key), name, expected, ignore_case, status))
    elif (value := _number(held, key)) is not None:
        low, high, op = _comparison(held, result, name)
        result.measured.append(Number(value, name, low, high, op, held.text("Units"), status))
    elif status in ("P", "F"):
        result.measured.append(Verdict(status, name))
    prefix = f"{name}: " if name else ""
    result.notes += [prefix + line for line in _more_limits(held)]


def _number(held: Props, key: str) -> float | None:
    """A number; None where the property is empty or missing. Raises ConversionError for a text that is none."""
    text, number = held.text(key), held.number(key)
    if text and number is None:
        raise ConversionError(f"{key}: {text!r} is not a number", line=line_of(held[key]))
    return number


def _comparison(held: Props, result: StepResult, name: str) -> tuple[float | None, float | None, CompOp | None]:
    """Limits and operator; TestStand keeps the limit of a one-sided comparison in Low, whatever its direction."""
    limits, word = held.below("Limits"), held.text("Comp")
    low, high = _number(limits, "Low"), _number(limits, "High")
    op = _OPERATORS.get(word.upper())
    if word and op is None:
        result.notes.append(f"{name or 'value'}: comparison {word}, limits {low} to {high}")
        op = CompOp.LOG
    if op is CompOp.LOG:
        return None, None, op
    if op is not None and op.limit_count == 1:
        return (high if low is None else low), None, op
    return low, high, op


def _expected(held: Props, result: StepResult, name: str) -> tuple[str | None, bool]:
    """The text that a value was compared with, and whether the case was ignored."""
    limits, word = held.below("Limits"), held.text("Comp").upper()
    if word == "LOG" or "String" not in limits:
        return None, False
    if word and word not in _IGNORES_CASE:
        result.notes.append(f"{name or 'value'}: comparison {held.text('Comp')} with {limits.text('String')}")
        return None, False
    return limits.text("String"), _IGNORES_CASE.get(word, False)


def _more_limits(held: Props) -> Iterator[str]:
    """What else is said of limits; raw ones say nothing new where they are the limits."""
    limits = held.below("Limits")
    for name, prop in limits.items():
        if name not in ("Low", "High", "String"):
            yield from lines(f"Limits.{name}", value_of(prop))
    for name, prop in held.below("RawLimits").items():
        if held.below("RawLimits").text(name) != limits.text(name):
            yield from lines(f"RawLimits.{name}", value_of(prop))
