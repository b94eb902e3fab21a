"""WATS Standard JSON Format: reports as the server takes and exports them, tests and repairs, one or a list."""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.exported import complete
from pywats_client.converters.reading.fields import Fields, FormatArguments
from pywats_client.converters.reading.json_values import read
from pywats_client.converters.reading.texts import beginning
from pywats_client.converters.reading.wire_steps import Wire, put_start
from pywats_client.errors import ConversionError

_TYPE = re.compile(r'"type"\s*:\s*"[TR]"')
_KEYS = re.compile(r'"(pn|sn|result|uut|uur|stepType)"\s*:')


class WatsJson(FileConverter):
    """Hands reports on with all they hold, in a form that a server takes.

    A server refuses some of what it exports: loops, and a pass/fail test whose verdict is not that of its measurement.
    Their steps go out as they stand, without the loop's own numbers, which the report text tells. Facts from the WSJF
    reference and from two exports.
    """

    name = "wats_json"
    description = "WSJF, the JSON form of WATS reports"
    Arguments = FormatArguments

    def matches(self, source: Source) -> float:
        """Whether it begins as JSON, with what every report has."""
        start = beginning(source)
        if start.lstrip()[:1] not in ("{", "["):
            return 0.0
        keys = set(_KEYS.findall(start))
        if _TYPE.search(start) and keys:
            return 1.0 if {"pn", "sn"} <= keys else 0.6
        return 0.6 if "stepType" in keys else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[dict[str, Any] | ConversionError]:
        """The reports of the file."""
        fields = Fields(source, context.arguments)
        for place, report in enumerate(_reports(source), 1):
            if isinstance(report, dict):
                _settle_start(report)
                complete(report, fields)
                yield report
            else:
                yield ConversionError(f"entry {place} of the list is not a report, which is an object: {{…}}")


def _settle_start(report: Wire) -> None:
    """The start, of which either text may be missing; two that are not the same instant are left to the check."""
    start, in_utc = (report.get(key) or "" for key in ("start", "startUTC"))
    if isinstance(start, str) and isinstance(in_utc, str):
        put_start(report, start, in_utc)


def _reports(source: Source) -> list[Any]:
    """What the file holds, as a list."""
    content = read(source, _refuse)
    if isinstance(content, dict):
        return [content]
    if not isinstance(content, list):
        raise ConversionError("the file holds neither a report nor a list of reports")
    return content


def _refuse(constant: str) -> NoReturn:
    raise ConversionError(f"the file is not JSON: {constant} is not a number there; leave the value out")
