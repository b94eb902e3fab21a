"""WATS Standard JSON Format: reports as the server takes them, tests and repairs, one a file or a list of them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.errors import ConversionError


class WatsJson(FileConverter):
    """Hands reports on as they are, with all they hold; the check that every report passes follows."""

    name = "wats_json"
    description = "WSJF, the JSON form of WATS reports"

    def matches(self, source: Source) -> float:
        """Whether it is JSON, and the first report has what every report has."""
        try:
            reports = _reports(source)
        except ConversionError:
            return 0.0
        if not reports or not isinstance(reports[0], dict) or reports[0].get("type") not in ("T", "R"):
            return 0.0
        return 1.0 if {"pn", "sn", "result"} <= reports[0].keys() else 0.6

    def convert(self, source: Source, context: Context) -> Iterable[Mapping[str, Any]]:
        """The reports of the file."""
        reports = _reports(source)
        for place, report in enumerate(reports, 1):
            if not isinstance(report, dict):
                raise ConversionError(f"entry {place} of the list is not a report, which is an object: {{…}}")
        return reports


def _reports(source: Source) -> list[Any]:
    """What the file holds, as a list."""
    text = source.read_text()
    try:
        content = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as fault:
        raise ConversionError(f"the file is not JSON: {fault.msg} at column {fault.colno}", line=fault.lineno) from None
    except RecursionError:
        raise ConversionError("the file is nested too deeply to be a report") from None
    if isinstance(content, dict):
        return [content]
    if not isinstance(content, list):
        raise ConversionError("the file holds neither a report nor a list of reports")
    return content


def _refuse(constant: str) -> NoReturn:
    raise ConversionError(f"the file is not JSON: {constant} is not a number there; leave the value out")
