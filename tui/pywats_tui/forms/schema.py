"""The fields of a form, from the JSON schema of an object. No Textual here."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pywats_tui.forms.field import NO, YES, Field

SECRET = re.compile(r"token|password|secret|api_?key|credential", re.IGNORECASE)
"""Names whose values the service masks."""
DEEPEST = 5
KINDS = {
    "string": "text",
    "integer": "whole",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "map",
}
Schema = Mapping[str, Any]


def fields(schema: Schema, prefix: str = "", without: tuple[str, ...] = ()) -> list[Field]:
    """Every leaf; a nested object with fields of its own is a section, whose keys go on behind a dot."""
    return list(_below(schema, schema.get("$defs", {}), prefix, without, {}, 0))


def section(schema: Schema, name: str) -> dict[str, Any]:
    """The schema of a nested object, with what it refers to; raises KeyError."""
    definitions = schema.get("$defs", {})
    return {**_resolved(schema["properties"][name], definitions), "$defs": definitions}


def _below(
    schema: Schema, definitions: Schema, prefix: str, without: tuple[str, ...], defaults: Any, depth: int
) -> Iterator[Field]:
    for name, about in schema.get("properties", {}).items():
        if name in without:
            continue
        about = _resolved(about, definitions)
        if isinstance(defaults, Mapping) and name in defaults:
            about["default"] = defaults[name]
        key = f"{prefix}.{name}" if prefix else name
        if about.get("properties") and depth < DEEPEST:
            yield from _below(about, definitions, key, (), about.get("default"), depth + 1)
        else:
            yield _field(key, name, about, definitions)


def _resolved(about: Schema, definitions: Schema) -> dict[str, Any]:
    """With what `$ref` and a single `allOf` or `anyOf` stand for in their place; beside `null`, too."""
    found = dict(about)
    for _ in range(DEEPEST):
        if isinstance(reference := found.pop("$ref", None), str):
            found = {**definitions.get(reference.rpartition("/")[2], {}), **found}
        for which in ("allOf", "anyOf", "oneOf"):
            choices = [each for each in found.get(which, ()) if each.get("type") != "null"]
            if len(choices) == 1:
                found["nullable"] = found.get("nullable", False) or len(found.pop(which)) > 1
                found = {**choices[0], **found}
    return found


def _field(key: str, name: str, about: Schema, definitions: Schema) -> Field:
    types = _types(about, definitions)
    common: dict[str, Any] = {
        "help": about.get("description", ""),
        "default": about.get("default"),
        "is_nullable": bool(about.get("nullable")) or "null" in types,
        "is_secret": bool(SECRET.search(name) or about.get("writeOnly") or about.get("format") == "password"),
    }
    types = tuple(each for each in types if each != "null")
    if values := about.get("enum", [about["const"]] if "const" in about else []):
        is_text = all(isinstance(value, str) for value in values)
        shown = tuple(str(value) for value in values if value is not None)
        return Field(key, "choice", choices=shown, kinds=() if is_text else types, **common)
    kind = KINDS[types[0]] if len(types) == 1 else "any"
    if kind == "boolean":
        return Field(key, kind, choices=(YES, NO), **common)
    return Field(key, kind, kinds=types, items=_held(about, definitions), **common)


def _held(about: Schema, definitions: Schema) -> str:
    """The kind of what a list or a map holds; `any` where it cannot be typed plainly."""
    inner = about.get("items") or about.get("additionalProperties")
    if not isinstance(inner, Mapping):
        return "any"
    inner = _resolved(inner, definitions)
    kind = "text" if inner.get("enum") else KINDS.get(str(inner.get("type")), "any")
    return kind if kind in ("text", "whole", "number") else "any"


def _types(about: Schema, definitions: Schema) -> tuple[str, ...]:
    """The JSON types that a value may have; none: whichever."""
    if "type" in about:
        return tuple(about["type"]) if isinstance(about["type"], list) else (about["type"],)
    found = [_resolved(each, definitions).get("type") for each in about.get("anyOf", about.get("oneOf", ()))]
    return tuple(dict.fromkeys(each for each in found if isinstance(each, str)))
