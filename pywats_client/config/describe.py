"""What the model says of each key: for messages, the command line and the table in the documentation."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pywats_client.config.model import Config


class Key(NamedTuple):
    """One key of the configuration."""

    path: str
    """Dotted; `[]` stands for each item of a list: `converters[].priority`."""
    type: str
    """What is expected, in words: `a whole number from 1 to 10`."""
    default: str
    """As JSON; `required` where there is none."""
    help: str


def describe(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[Key]:
    """Every key of a model and of the sections in it, in their order."""
    schemas = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        section, is_list = _section(field)
        if section is None or is_list:
            yield Key(
                prefix + name, expected(schemas[name]), _default(field), " ".join((field.description or "").split())
            )
        if section:
            yield from describe(section, f"{prefix}{name}{'[]' if is_list else ''}.")


def markdown_table() -> str:
    """The table of all keys, as the README has it."""
    rows = [f"| `{key.path}` | {key.type} | `{key.default}` | {key.help} |" for key in describe()]
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])


def expected(schema: dict[str, Any]) -> str:
    """In words, what a JSON schema of one value allows."""
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    if "anyOf" in schema:
        return " or ".join(expected(each) for each in schema["anyOf"])
    match schema.get("type"):
        case "integer":
            return "a whole number" + _range(schema)
        case "number":
            return "a number" + _range(schema)
        case "string":
            shortest = ", not empty" if schema.get("minLength") else ""
            return "text" + (f" of up to {schema['maxLength']} characters" if "maxLength" in schema else "") + shortest
        case "boolean":
            return "true or false"
        case "null":
            return "null"
        case "array":
            item = schema["items"]
            return "a list" + (f" of {expected(item)}" if "type" in item else "")
        case _:
            return "an object"


def _range(schema: dict[str, Any]) -> str:
    match schema:
        case {"minimum": low, "maximum": high}:
            return f" from {low} to {high}"
        case {"exclusiveMinimum": low, "maximum": high}:
            return f" above {low}, up to {high}"
        case {"minimum": low}:
            return f" from {low}"
        case _:
            return ""


def _section(field: FieldInfo) -> tuple[type[BaseModel] | None, bool]:
    """The model that a field holds, if any, and whether it is a list of them."""
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for item in get_args(annotation):
        if isinstance(item, type) and issubclass(item, BaseModel):
            return item, True
    return None, False


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return json.dumps("" if field.default_factory else field.default, ensure_ascii=False)
