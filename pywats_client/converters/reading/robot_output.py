"""Output of Robot Framework, read by its own reader; and why that refuses a file."""

import os
import re
from typing import Any

from pywats_client.converters.base import Source
from pywats_client.converters.extra import extra
from pywats_client.converters.reading import xml
from pywats_client.converters.reading.texts import beginning
from pywats_client.errors import ConversionError

_JSON = re.compile(r'\s*\{\s*"generator"\s*:\s*"(Robot|Rebot) ')
_LAST_STATUS = re.compile(rb'<status status="([A-Z]+)"[^>]*(?:/>|>[^<]*</status>)\s*</suite>\s*<statistics>')
_END = 1_000_000
"""Bytes at the end of the file in which the statistics stand, and before them the status of the outermost suite."""


def is_json(source: Source) -> bool:
    """Whether it is the framework's JSON; if it is neither that nor XML, `read` says so."""
    return _JSON.match(beginning(source)) is not None


def read(source: Source, *, with_keywords: bool) -> Any:
    """The result, read by the framework. Raises ConversionError, with the line where that can be told."""
    with extra("robot"):
        from robot.api import ExecutionResult
        from robot.errors import DataError  # type: ignore[import-untyped]
    try:
        if is_json(source):
            return ExecutionResult(_json(source), include_keywords=with_keywords)
        _require_robot(source)
        with source.open() as stream:
            return ExecutionResult(stream, include_keywords=with_keywords)
    except DataError as fault:
        raise _refused(str(fault).rpartition("' failed: ")[2], source) from None


def own_status(source: Source) -> str:
    """What stands at the end of the outermost suite: once, tests could fail that were not critical for it."""
    with source.open() as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _END))
        found = _LAST_STATUS.search(stream.read())
    return found[1].decode() if found and found[1].decode() in ("PASS", "FAIL", "SKIP") else ""


def _json(source: Source) -> str:
    text = source.read_text().strip()
    if not text.endswith("}"):
        raise ConversionError("the JSON breaks off", line=text.count("\n") + 1)
    return text


def _require_robot(source: Source) -> None:
    """Refuses what is no output of Robot, and, before another reader takes it, entities of the file's own."""
    root = xml.root_of(source)
    if root is None:
        xml.parse(source)
    elif xml.local(root) != "robot":
        raise ConversionError(f"the file is not Robot Framework's output: it begins with <{xml.local(root)}>", line=1)
    if next(xml.elements(source, "status"), None) is None:
        raise ConversionError("the file holds no status, so it is no output of Robot Framework", line=1)


def _refused(reason: str, source: Source) -> ConversionError:
    """Why the framework refuses the file."""
    broken = re.fullmatch(r"ParseError: (.*): line (\d+), column \d+", reason)
    if broken:
        breaks_off = broken[1] == "no element found"
        message = "the file breaks off" if breaks_off else f"the file is not XML: {broken[1]}"
        return ConversionError(message, line=int(broken[2]))
    if "_create_" in reason:  # a type of keyword that its reader does not know
        root = xml.parse(source)
        line = next((xml.line_of(kw) for kw in root.iter("kw") if kw.get("type", "") == "kw"), None)
        return ConversionError(
            f"the file, written by {root.get('generator', 'an unknown program')!r}, has a layout that Robot Framework "
            "itself no longer reads: run the tests with version 3 or later",
            line=line,
        )
    if reason.startswith("MemoryError"):
        return ConversionError("the file needs more memory than a converter is given: set keyword_depth to 0")
    return ConversionError(f"Robot Framework refuses the file: {reason}")
