"""What a report says of its unit: from the file first, then from its name, then from the converter's arguments."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from pywats_client.converters.base import Converter, Source
from pywats_client.converters.reading.nested import is_judged
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport
from pywats_client.wsjf.model import Status

MAX_FACT = 100
"""Characters that a misc info holds."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as fault:
        raise ValueError(f"is no regular expression: {fault}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
"""The text of a regular expression, as an argument."""


class FormatArguments(Converter.Arguments):
    """The arguments that every built-in format knows, beside its own."""

    serial_number: str = ""
    """Used where the file has none, as the five below are. Texts may hold {name}, {stem} (the name without its
    ending), {folder} and the named groups of `name_pattern`, such as {lot}."""
    part_number: str = ""
    revision: str = ""
    process_code: int | None = Field(default=None, ge=0)
    operator: str = ""
    result: Status | None = None
    name_pattern: Pattern = ""
    """Regular expression found in the file's name. A group named serial_number, part_number, revision, process_code
    or operator is used where the file has none; others are for placeholders."""


class Fields:
    """Fills what a file does not say of its units. `more` are further placeholders, such as a file's properties."""

    def __init__(self, source: Source, arguments: FormatArguments, more: Mapping[str, str] | None = None) -> None:
        found = re.search(arguments.name_pattern, source.name) if arguments.name_pattern else None
        self.named = found.groupdict(default="") if found else {}
        """what the file's name says, by the groups of `name_pattern`"""
        self._source, self._arguments = source, arguments
        of_file = {"name": source.name, "stem": source.path.stem, "folder": source.path.parent.name}
        self._placeholders = {**of_file, **self.named, **(more or {})}

    def fill(self, field: str, said: str | None = "") -> str:
        """What the file has `said`, else what its name or the argument of that name says; empty where none does.

        Raises ConversionError for a placeholder that is not known.
        """
        if said and said.strip():
            return said.strip()
        value = getattr(self._arguments, field, None)
        return self.named.get(field) or _PLACEHOLDER.sub(
            lambda found: self._placeholder(field, found), "" if value is None else str(value)
        )

    def _placeholder(self, field: str, found: re.Match[str]) -> str:
        if found[1] not in self._placeholders:
            known = ", ".join(f"{{{name}}}" for name in self._placeholders)
            raise ConversionError(f"argument {field}: there is no {found[0]} here; known are {known}")
        return self._placeholders[found[1]]

    def report(
        self,
        *,
        serial_number: str | None = "",
        part_number: str | None = "",
        revision: str | None = "",
        process_code: str | int | None = None,
        operator: str | None = "",
        start: datetime | None = None,
        line: int | None = None,
        **about: Any,
    ) -> UutReport:
        """A report of one unit, from what the file says of it; `about`: more fields of `UutReport`.

        `start` falls back to the file's time; a part number, revision or process code that nobody says is left
        empty, for the configuration to fill. Raises ConversionError where there is no serial number.
        """
        unit = self.fill("serial_number", serial_number)
        if not unit:
            raise ConversionError(
                "the file does not say the serial number: set the argument serial_number, or name_pattern",
                line=line,
            )
        return UutReport(
            serial_number=unit,
            part_number=self.fill("part_number", part_number),
            revision=self.fill("revision", revision),
            process_code=self.process_code(process_code, line),
            operator=self.fill("operator", operator) or None,
            start=start or self._source.modified,
            **about,
        )

    def process_code(self, said: str | int | None = None, line: int | None = None) -> int | None:
        """As `fill`. Raises ConversionError for what is no whole number."""
        text = self.fill("process_code", None if said is None else str(said))
        if not text:
            return None
        if not (text.isascii() and text.isdecimal()):
            raise ConversionError(f"{text!r} is not a process code: it is a whole number", line=line)
        return int(text)

    def settle(self, report: UutReport, verdict: Status | None) -> UutReport:
        """Give the report the file's own verdict; without one, the argument `result`, or else that of its steps.

        Where the verdict is not that of the steps, the report says so.
        """
        if verdict is None:
            verdict = self._arguments.result
        if verdict is not None and verdict != report.result:
            report.root.note(f"The verdict of the unit is {verdict}, that of its steps {report.result}.")
            report.result = verdict
            report.root.status = verdict
        return report

    def judge(self, report: UutReport, verdict: Status | None, line: int | None = None) -> UutReport:
        """As `settle`, for files that judge tests: without a verdict of the unit, theirs come before the argument.

        Raises ConversionError where nobody says one.
        """
        if verdict is None:
            verdict = report.result if is_judged(report.root) else self.require_result(None, line)
        return self.settle(report, verdict)

    def require_result(self, verdict: Status | None, line: int | None = None) -> Status:
        """The verdict of a file that has neither one nor limits. Raises ConversionError where no argument says it."""
        found = verdict or self._arguments.result
        if found is None:
            raise ConversionError("the file does not say the verdict: set the argument result", line=line)
        return found


def tell(report: UutReport, name: str, text: str | None) -> None:
    """A fact of the unit without a place of its own: a misc info; too long for that, it goes into the report text."""
    text = (text or "").strip()
    if max(len(name), len(text)) > MAX_FACT:
        report.root.note(f"{name}: {text}")
    elif text:
        report.misc(name, text)
