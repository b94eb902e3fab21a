"""What commands print: results on stdout, as text or JSON, and messages on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any


def print_json(value: Any) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Two columns."""
    from pywats_client.logs import show_name

    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{name:<{width}}  {show_name(value)}".rstrip())


def say(message: str) -> None:
    """A message beside the result; it does not disturb what reads stdout."""
    print(message, file=sys.stderr)


def print_json_array(values: Iterable[Any]) -> None:
    """One JSON array, each item printed as soon as it is there."""
    before = "[\n"
    for value in values:
        print(before + json.dumps(value, ensure_ascii=False, default=str), end="")
        before = ",\n"
    print("[]" if before == "[\n" else "\n]")
