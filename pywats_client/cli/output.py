"""What commands print: results on stdout, as text or JSON, and messages on stderr."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

SCHEMA = 1
"""Version of what `--json` prints; a key may be added without a new one."""
WIDTH = 80
"""Columns where there is no terminal that says how many it has."""
COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def print_json(value: Any) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_answer(answer: Mapping[str, Any]) -> None:
    """One JSON document with the version of its shape."""
    print_json({"schema": SCHEMA, **answer})


def print_line(answer: Mapping[str, Any]) -> None:
    """The same on one line, seen at once: of what goes on there is one a line."""
    print(json.dumps({"schema": SCHEMA, **answer}, ensure_ascii=False, default=str), flush=True)


def print_answers(name: str, values: Iterable[Any]) -> None:
    """One JSON document with a list under `name`, each item printed as soon as it is there."""
    print(f'{{"schema": {SCHEMA}, "{name}": [', end="")
    before = "\n"
    for value in values:
        print(before + json.dumps(value, ensure_ascii=False, default=str), end="")
        before = ",\n"
    print("]}" if before == "\n" else "\n]}")


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Two columns."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{name:<{width}}  {safe(value)}".rstrip())


def safe(text: str) -> str:
    """The text as it is safe to print: control characters escaped."""
    if text.isprintable():
        return text
    from pywats_client.logs import show_name

    return show_name(text)


def say(message: str) -> None:
    """A message beside the result; it does not disturb what reads stdout."""
    print(message, file=sys.stderr)


def painted(text: str, colour: str) -> str:
    """The text in a colour where a person sees it: on a terminal that has colours, unless NO_COLOR is set."""
    if not colour or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def columns() -> int:
    """How wide a line may be on stdout."""
    from shutil import get_terminal_size

    return get_terminal_size((WIDTH, 24)).columns


def wrapped(text: str, indent: int, first: str = "") -> Iterator[str]:
    """Lines no wider than the terminal, those after the first indented; elsewhere the text stays on one line.

    `first` stands before it, and is part of the indent.
    """
    text = safe(text)
    if not sys.stdout.isatty():
        yield f"{first:<{indent}}{text}".rstrip()
        return
    import textwrap

    lines = textwrap.wrap(text, max(20, columns() - indent), break_on_hyphens=False) or [""]
    for line in lines:
        yield f"{first:<{indent}}{line}".rstrip()
        first = ""
