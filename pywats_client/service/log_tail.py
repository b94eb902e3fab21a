"""The last lines of the log, from its end backwards, across rotated files."""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

from pywats_client.ipc.commands.sources import LogLine
from pywats_client.logs import LEVELS

BLOCK = 65_536
MOST_BYTES = 32_000_000
"""So far back a search goes: a third of a second."""


def log_tail(file: Path, level: str, search: str, limit: int) -> list[LogLine]:
    """The last `limit` lines from a level on that hold a text, whatever its case; oldest first.

    Lines that are damaged, as by a full disk, are passed over. Blocks; raises OSError where the log cannot be read.
    """
    wanted, levels = search.casefold(), LEVELS[LEVELS.index(level) :]
    found = (line for text in _lines_backwards(file) if (line := _parse(text)))
    matching = (line for line in found if line.level in levels and wanted in line.message.casefold())
    return list(itertools.islice(matching, limit))[::-1]


def _parse(text: bytes) -> LogLine | None:
    try:
        fields = json.loads(text)
        message = "\n".join(part for part in (fields["message"], fields.get("exception")) if part)
        return LogLine(time=fields["time"], level=fields["level"], logger=fields["logger"], message=message)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _lines_backwards(file: Path) -> Iterator[bytes]:
    """The newest first: of the file itself, then of `.1`, `.2` …"""
    left = MOST_BYTES
    for number in itertools.count():
        path = file.with_name(f"{file.name}.{number}") if number else file
        try:
            stream = path.open("rb")
        except FileNotFoundError:
            if number:
                return
            continue  # it is being rotated at this moment
        with stream:
            end, cut = stream.seek(0, os.SEEK_END), b""
            while end and left > 0:
                size = min(BLOCK, end)
                end, left = end - size, left - size
                stream.seek(end)
                cut, *whole = (stream.read(size) + cut).split(b"\n")
                yield from reversed(whole)
            if not end:
                yield cut
