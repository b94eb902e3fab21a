"""Changes of the configuration as they are made on the command line."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pywats_tui.forms.field import MASK


def words_of(changes: Mapping[str, Any], secrets: Collection[str]) -> Iterator[tuple[str, ...]]:
    """`config set KEY VALUE` for each, `config unset KEY` for what is taken out; secrets are not told."""
    for key, value in changes.items():
        if value is None:
            yield "config", "unset", key
        else:
            yield "config", "set", key, MASK if key in secrets else _argument(key, value)


def _argument(key: str, value: Any) -> str:
    """A value as the command line reads it: converters' own arguments are JSON there, where they can be."""
    if not isinstance(value, str):
        return json.dumps(value)
    return json.dumps(value) if "].arguments." in key and _is_json(value) else value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
