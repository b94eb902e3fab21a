"""What a queued report is about, read from its file as cheaply as that can be: for lists and searches."""

import json
import os
import re
from typing import NamedTuple

from pywats_client.queue.folder import Damaged, read_verified
from pywats_client.queue.name import QueueName

HEAD_BYTES = 4096
"""So much of a report is looked at first: what it is about stands at the beginning of those that we write."""
KEYS = ("sn", "pn", "result")
_OPEN = re.compile(rb"\s*\{")
_MEMBER = re.compile(rb'\s*"([^"\\]*)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d[-+.\deE]*|true|false|null)\s*,')
"""A member whose value is no object or array, with another behind it."""
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Unit(NamedTuple):
    """What a report is about, and where it comes from; empty where that is not known."""

    serial_number: str = ""
    part_number: str = ""
    result: str = ""
    source: str = ""
    converter: str = ""


def unit_in(path: str, name: QueueName) -> Unit | None:
    """From the beginning of the file where all of it stands there, which is not verified, or else from all of it.

    None where the file has moved on, cannot be read, is damaged, or holds something else.
    """
    try:
        return _in_head(_head(path)) or _in_whole(read_verified(path, name))
    except (OSError, Damaged, ValueError, RecursionError):
        return None


def _head(path: str) -> bytes:
    descriptor = os.open(path, _FLAGS)
    try:
        return os.read(descriptor, HEAD_BYTES)
    finally:
        os.close(descriptor)


def _in_head(head: bytes) -> Unit | None:
    """None unless all three stand before the first value that holds others: below that, keys mean something else."""
    found: dict[str, str] = {}
    place = _OPEN.match(head)
    while place and len(found) < len(KEYS):
        place = _MEMBER.match(head, place.end())
        if place and (key := place[1].decode("ascii", "replace")) in KEYS:
            found[key] = str(json.loads(place[2]) or "")
    return Unit(*(found[key] for key in KEYS)) if place else None


def _in_whole(content: bytes) -> Unit | None:
    report = json.loads(content)
    return Unit(*(str(report.get(key) or "") for key in KEYS)) if isinstance(report, dict) else None
