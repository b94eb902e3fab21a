"""One field of a form: how a value is shown as text, and what a text means. No Textual here."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MASK = "********"
"""How the service shows a secret; a masked value is never shown, and never sent back."""
YES, NO, NONE = "yes", "no", "(none)"


@dataclass(frozen=True)
class Field:
    """A key of the configuration, or of a converter's arguments."""

    key: str
    """as `config set` takes it, below what the form is about: `timeout_seconds`, `arguments.columns.step`"""
    kind: str = "text"
    """text, whole, number, boolean, choice, list, map, or any: JSON"""
    help: str = ""
    choices: tuple[str, ...] = ()
    default: Any = None
    is_nullable: bool = False
    kinds: tuple[str, ...] = ()
    """JSON types that an `any` may have"""
    items: str = "text"
    """the kind of what a list or map holds"""
    is_secret: bool = False
    """written, never shown"""
    title: str = ""
    """beside it, in place of the key"""

    @property
    def options(self) -> tuple[str, ...]:
        """What can be chosen, as it is shown; empty where one types."""
        return (*((NONE,) if self.is_nullable else ()), *self.choices) if self.choices else ()

    def text(self, value: Any) -> str:
        """A value as it is typed in. What cannot be typed plainly is JSON, which also makes it safe to show."""
        if self.is_secret:
            return ""
        plain = self._plain(value)
        if value is None:
            return plain
        try:
            if plain.isprintable() and self.value(plain) == value:
                return plain
        except ValueError:
            pass
        return json.dumps(value)

    def value(self, text: str) -> Any:
        """What a text means; raises ValueError with a sentence where it means nothing."""
        if self.is_nullable and text.strip() in ("", NONE):
            return None
        return _READ[self.kind](self, text)

    def _plain(self, value: Any) -> str:
        match value:
            case None:
                return NONE if self.choices else ""
            case bool():
                return YES if value else NO
            case str():
                return value
            case list():
                return ", ".join(map(_scalar, value))
            case dict():
                return ", ".join(f"{key}={_scalar(item)}" for key, item in value.items())
            case float() if value.is_integer():
                return str(int(value))
        return json.dumps(value)


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(_field: Field, text: str) -> str:
    """Text as it stands, or as a JSON string, for what no keyboard has."""
    quoted = _json(text) if text.startswith('"') else None
    return quoted if isinstance(quoted, str) else text


def _whole(_field: Field, text: str) -> int:
    value = _json(text)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"expected a whole number; found {text or 'nothing'}")


def _number(_field: Field, text: str) -> float:
    value = _json(text)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf"):
        return value
    raise ValueError(f"expected a number, with a point; found {text or 'nothing'}")


def _boolean(_field: Field, text: str) -> bool:
    if text in (YES, NO):
        return text == YES
    raise ValueError(f"expected {YES} or {NO}; found {text or 'nothing'}")


def _choice(field: Field, text: str) -> Any:
    if text in field.choices:
        value = _json(text)
        return text if value is None or not field.kinds else value
    raise ValueError(f"expected one of {', '.join(field.choices)}; found {text or 'nothing'}")


def _list(field: Field, text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        value = _json(text)
        if isinstance(value, list):
            return value
        raise ValueError("expected a list in JSON, such as [1, 2]")
    item = Field(field.key, field.items)
    return [item.value(part.strip()) for part in text.split(",")] if text.strip() else []


def _map(field: Field, text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        value = _json(text)
        if isinstance(value, dict):
            return value
        raise ValueError('expected an object in JSON, such as {"key": "value"}')
    item = Field(field.key, field.items)
    pairs = [part.partition("=") for part in text.split(",")] if text.strip() else []
    if not all(sign for _, sign, _ in pairs):
        raise ValueError(f"expected key=value, with commas between several; found {text}")
    return {name.strip(): item.value(value.strip()) for name, _, value in pairs}


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _any(field: Field, text: str) -> Any:
    """JSON where it is of a type that may be, else text where text may be."""
    value = _json(text)
    for kind in field.kinds or _TYPES:
        if isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool)):
            return value
    if not field.kinds or "string" in field.kinds:
        return text
    raise ValueError(f"expected JSON: {' or '.join(field.kinds)}; found {text or 'nothing'}")


_READ: Mapping[str, Callable[[Field, str], Any]] = {
    "text": _text,
    "whole": _whole,
    "number": _number,
    "boolean": _boolean,
    "choice": _choice,
    "list": _list,
    "map": _map,
    "any": _any,
}
