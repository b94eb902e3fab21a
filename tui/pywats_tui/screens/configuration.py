"""The configuration, a form a section, made from its own model."""

from typing import Any

from pywats_client.config.model import Config, ConverterConfig
from pywats_tui.forms.field import Field
from pywats_tui.forms.schema import fields, section
from pywats_tui.screens.form_page import FormPage, Section

SCHEMA = Config.model_json_schema()
SECTIONS = [name for name, about in SCHEMA["properties"].items() if "$ref" in about]
TOKEN = Field(
    "token_encrypted",
    help="Write a new token here to replace the one in force; it is stored encrypted, and never shown.",
    is_secret=True,
    title="new token",
)


class Configuration(FormPage):
    """The configuration: edit a section, ctrl+s saves what the service finds valid."""

    KEY, TITLE = "5", "Configuration"

    async def sections(self, config: dict[str, Any]) -> list[Section]:
        """Those of the model, then the converters."""
        return [_section(name, config) for name in SECTIONS] + [
            converter_section(f"converter {converter['name']}", converter) for converter in config["converters"]
        ]


def _section(name: str, config: dict[str, Any]) -> Section:
    schema = section(SCHEMA, name)
    found = [TOKEN if field.key == TOKEN.key else field for field in fields(schema)]
    return Section(name, name, schema.get("description", ""), found, config[name])


def converter_section(title: str, converter: dict[str, Any]) -> Section:
    """The keys that all converters have; `name` is what names them, and what a converter takes itself is elsewhere."""
    found = fields(ConverterConfig.model_json_schema(), without=("name", "arguments"))
    about = f"Converter {converter['name']}; its own arguments: key 4, then e."
    return Section(title, f"converters[{converter['name']}]", about, found, converter)
