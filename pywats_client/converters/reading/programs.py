"""Test programs that are named after the product that they test, as those of in-circuit testers are."""

import re
from pathlib import PureWindowsPath
from typing import Any, NamedTuple

from pywats_client.converters.base import Source
from pywats_client.converters.reading.fields import Fields, FormatArguments, Pattern
from pywats_client.converters.reading.texts import TextArguments
from pywats_client.wsjf import UutReport, shorten

_ENDING = re.compile(r"\.[A-Za-z]{3}")
"""Of a file; what else follows a dot belongs to a name such as `Board-1.2`."""
_MAX_PATH, _MAX_NAME, _MAX_VERSION = 500, 200, 30


class ProductArguments(FormatArguments):
    """The arguments of formats that name the test program, and hardly ever the product."""

    program_pattern: Pattern = r"(?P<part_number>.+)"
    """Regular expression found in the name of the test program; its groups part_number and revision are used where
    the file, its name and the arguments do not say them. Empty: the program says nothing of the product. The texts
    of the arguments may also hold {program}."""


class ProgramArguments(ProductArguments, TextArguments):
    """Those of such formats that are text."""


class Program(NamedTuple):
    """A test program: where it lies, as the file says it, and what its name says."""

    path: str
    version: str = ""

    @property
    def name(self) -> str:
        """The name of the file, without its folder and ending."""
        path = PureWindowsPath(self.path.strip())  # knows / and \
        return path.stem if _ENDING.fullmatch(path.suffix) else path.name

    def fields(self, source: Source, arguments: ProductArguments) -> Fields:
        """What is known of every unit of this program."""
        return Fields(source, arguments, {"program": self.name})

    def product(self, fields: Fields, arguments: ProductArguments, **said: str) -> dict[str, Any]:
        """Part number and revision: as `said` in the file, else by name and arguments, else by the program's name."""
        found = re.search(arguments.program_pattern, self.name) if arguments.program_pattern else None
        of_program = found.groupdict(default="") if found else {}
        return {
            field: fields.fill(field, said.get(field)) or of_program.get(field, "")
            for field in ("part_number", "revision")
        }

    def describe(self, report: UutReport) -> None:
        """Name the program as the sequence that was run."""
        if self.name:
            report.sequence_name = shorten(self.name, _MAX_NAME)
        if self.version:
            report.sequence_version = shorten(self.version, _MAX_VERSION)
        if report.root.call and self.path.strip() not in ("", self.name):
            report.root.call.path = shorten(self.path.strip(), _MAX_PATH)
