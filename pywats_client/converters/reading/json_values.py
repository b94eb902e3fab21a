"""JSON that others wrote: what must be an object or a list is one, and everything has a text."""

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

from pywats_client.converters.base import Source
from pywats_client.converters.reading.nested import printable
from pywats_client.errors import ConversionError

Json = Mapping[str, Any]
"""An object of the file; what stands in it may be of any kind."""

_MAX_NESTING = 250
_TOO_DEEP = "the JSON is nested too deeply to be a result"


def read(source: Source, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """What the file holds. NaN and infinities are numbers, or what `parse_constant` makes of them.

    Raises ConversionError, with the line, for no JSON.
    """
    text = source.read_text()
    if not text.strip():
        raise ConversionError("the file is empty")
    try:
        content = json.loads(text, strict=False, parse_constant=parse_constant)
    except json.JSONDecodeError as fault:
        breaks_off = fault.pos >= len(text.rstrip()) or fault.msg.startswith("Unterminated")
        message = "the JSON breaks off" if breaks_off else f"the file is not JSON: {fault.msg}, column {fault.colno}"
        raise ConversionError(message, line=fault.lineno) from None
    except RecursionError:
        raise ConversionError(_TOO_DEEP) from None
    except ValueError as fault:  # a number of thousands of digits
        raise ConversionError(f"the file is not JSON: {fault}") from None
    if _is_deep(content):
        raise ConversionError(_TOO_DEEP)
    return content


def _is_deep(content: Any) -> bool:
    """Whether it is nested so deeply that what is made of it could be read by no one, a server among them."""
    level: list[Any] = [[content]]
    for _ in range(_MAX_NESTING):
        inner = (holder.values() if isinstance(holder, dict) else holder for holder in level)
        level = [value for value in itertools.chain.from_iterable(inner) if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def obj(holder: Json, key: str, place: str) -> Json:
    """The object under a key, empty where there is none. ConversionError where something else is."""
    value = holder.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConversionError(f"{place}: {key} must be an object, not {type(value).__name__}")
    return value


def objects(holder: Json, key: str, place: str) -> list[Json]:
    """The objects in the list under a key, or in the object that names them; empty where there is neither."""
    value = holder.get(key)
    if value is None:
        return []
    named = isinstance(value, Mapping)
    items = list(value.values()) if named else value
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ConversionError(f"{place}: {key} must be a list of objects")
    return [{"name": name, **item} for name, item in value.items()] if named else items


def texts(holder: Json, key: str) -> list[str]:
    """The texts in the list under a key; a text alone is a list of one."""
    value = holder.get(key)
    if value is None:
        return []
    return [text_of(item) for item in value] if isinstance(value, list) else [text_of(value)]


def text_of(value: Any) -> str:
    """Any value as text, empty for none; objects and lists as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return printable(value).strip()
    if isinstance(value, list | Mapping):
        return printable(json.dumps(value, ensure_ascii=False))
    return str(value)
