"""The configuration, a form a section, made from its own model."""

import asyncio
from functools import cache
from typing import Any, NamedTuple

from pywats_tui.forms.field import Field
from pywats_tui.forms.schema import fields, section
from pywats_tui.screens.form_page import FormPage, Section

TOKEN = Field(
    "token_encrypted",
    help="Write a new token here to replace the one in force; it is stored encrypted, and never shown.",
    is_secret=True,
    title="new token",
)


class Schemas(NamedTuple):
    """JSON schemas with every key and its help."""

    whole: dict[str, Any]
    converter: dict[str, Any]


class Configuration(FormPage):
    """The configuration: edit a section, ctrl+s saves what the service finds valid."""

    KEY, TITLE = "5", "Configuration"

    async def sections(self, config: dict[str, Any]) -> list[Section]:
        """Those of the model, then the converters."""
        schemas = await known_schemas()
        names = [name for name, about in schemas.whole["properties"].items() if "$ref" in about]
        return [_section(schemas, name, config) for name in names] + [
            converter_section(schemas, f"converter {converter['name']}", converter)
            for converter in config["converters"]
        ]


async def known_schemas() -> Schemas:
    """Those of the model. Reading its help texts takes as long as half of the start: only who looks here waits."""
    return await asyncio.to_thread(_schemas)


@cache
def _schemas() -> Schemas:
    from pywats_client.config.model import Config, ConverterConfig

    return Schemas(Config.model_json_schema(), ConverterConfig.model_json_schema())


def _section(schemas: Schemas, name: str, config: dict[str, Any]) -> Section:
    schema = section(schemas.whole, name)
    found = [TOKEN if field.key == TOKEN.key else field for field in fields(schema)]
    return Section(name, name, schema.get("description", ""), found, config[name])


def converter_section(schemas: Schemas, title: str, converter: dict[str, Any]) -> Section:
    """The keys that all converters have; `name` is what names them, and what a converter takes itself is elsewhere."""
    found = fields(schemas.converter, without=("name", "arguments"))
    about = f"Converter {converter['name']}; its own arguments: key 4, then e."
    return Section(title, f"converters[{converter['name']}]", about, found, converter)
