"""What a converter says of itself, and its arguments in words."""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pywats_client.config.describe import Key, expected
from pywats_client.converters.base import Converter, FolderConverter

_REF = "#/$defs/"


def describe(kind: type[Converter]) -> dict[str, Any]:
    """The fields of `setup.ModuleInfo`, as JSON has them."""
    folder = kind if issubclass(kind, FolderConverter) else None
    return {
        "name": kind.name or kind.__name__,
        "version": kind.version,
        "description": kind.description,
        "documentation": inspect.cleandoc(kind.__doc__ or ""),
        "is_folder": folder is not None,
        "has_companions": kind.companions is not Converter.companions,
        "ready_marker": folder.ready_marker if folder else None,
        "min_file_count": folder.min_file_count if folder else None,
        "arguments_schema": kind.Arguments.model_json_schema(),
    }


def arguments(schema: Mapping[str, Any]) -> list[Key]:
    """Every argument in `arguments_schema`, and those of objects in it: `columns.step`, `measurements[].low`."""
    return list(_arguments(schema, schema.get("$defs", {}), ""))


def _arguments(schema: Mapping[str, Any], known: Mapping[str, Any], prefix: str) -> Iterator[Key]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        inner, suffix = _inner(field, known)
        default = "required" if name in required else json.dumps(field.get("default", {}), ensure_ascii=False)
        if inner is None or suffix:
            told = "a list of objects" if suffix else expected(field)
            yield Key(prefix + name, told, default, " ".join(field.get("description", "").split()))
        if inner is not None:
            yield from _arguments(inner, known, f"{prefix}{name}{suffix}.")


def _inner(field: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The schema of the object that a field holds, and `[]` where it is a list of them."""
    item = field.get("items", {})
    for holder, suffix in ((field, ""), (item, "[]")):
        if (reference := holder.get("$ref", "")).startswith(_REF):
            return known.get(reference.removeprefix(_REF)), suffix
    return None, ""
