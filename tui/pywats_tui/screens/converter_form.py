"""The settings of one converter: what its module takes, by the module's own schema, and what all converters have."""

from typing import Any

from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands.config import DescribeConverters
from pywats_client.ipc.protocol import Code
from pywats_client.logs import show_name
from pywats_tui.forms.field import Field
from pywats_tui.forms.schema import fields
from pywats_tui.page import Detail
from pywats_tui.screens.configuration import converter_section, known_schemas
from pywats_tui.screens.form_page import FormPage, Section

UNKNOWN = Field("arguments", "map", help="What the converter takes, as JSON.", default={}, items="any")
"""In place of fields, where the module does not load."""


class ConverterForm(FormPage, Detail):
    """The settings of one converter: ctrl+s saves what the service finds valid."""

    TITLE = "Edit"

    def __init__(self, name: str) -> None:
        super().__init__()
        self._converter = name

    async def sections(self, config: dict[str, Any]) -> list[Section]:
        """Its arguments, and its own keys."""
        converter = next((each for each in config["converters"] if each["name"] == self._converter), None)
        if converter is None:
            raise CommandFailed(Code.NOT_FOUND, f"no converter {show_name(self._converter)} is configured any more")
        told = (await self.tui.feed.ask(DescribeConverters(names=[self._converter]))).converters[0]
        settings = converter_section(await known_schemas(), "settings", converter)
        if told.fault:
            about = f"! the module does not load: {show_name(told.fault)}"
            return [settings._replace(about=about, fields=[UNKNOWN, *settings.fields])]
        about = show_name(f"What {told.title or told.module} {told.version} takes, for converter {self._converter}.")
        found = fields(told.arguments_schema)
        return [Section("arguments", f"{settings.root}.arguments", about, found, converter["arguments"]), settings]

    def action_back(self) -> None:
        """From a field to the sections, from there to where one came from."""
        if self.focused is None or self.focused.id == "sections":
            self.leave(self.dismiss)
        else:
            super().action_back()
