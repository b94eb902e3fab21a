"""What is wrong with a configuration: what the model refuses, in our words, and what only the whole can show."""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pywats_client.config.describe import Key, describe
from pywats_client.config.document import KeyPath, show_path
from pywats_client.config.fault import suggestion
from pywats_client.config.model import Config, Folders
from pywats_client.config.shown import SECRET, shown_value


@cache
def all_keys() -> dict[str, Key]:
    """Every key of the model by its path."""
    return {key.path: key for key in describe()}


def refusals(error: ValidationError) -> Iterator[tuple[KeyPath, str]]:
    """Each of pydantic's errors as the path of a key and a sentence that says what was expected."""
    for detail in error.errors():
        yield detail["loc"], _refusal(detail)


def _refusal(detail: ErrorDetails) -> str:
    path = detail["loc"]
    match detail["type"]:
        case "extra_forbidden":
            siblings = keys_below(path[:-1])
            return "is no key of the configuration" + suggestion(path[-1], siblings)
        case "missing":
            key = find_key(path)
            return f"is missing; expected {key.type}: {key.help}" if key else "is missing"
        case "value_error":
            return f"{detail['ctx']['error']}; found {_show(path, detail['input'])}"
        case "string_pattern_mismatch":
            return f"expected text without brackets or control characters; found {_show(path, detail['input'])}"
        case kind:
            choices = re.findall(r"'([^']+)'", detail["ctx"]["expected"]) if kind == "literal_error" else []
            found = f"found {_show(path, detail['input'])}" + suggestion(detail["input"], choices)
            key = find_key(path)
            return f"expected {key.type if key else 'an object'}; {found}"


def find_key(path: KeyPath) -> Key | None:
    """The key of the model that a path names, or the nearest one above it."""
    while path:
        general = re.sub(r"\[\d+\]", "[]", show_path(path))
        if key := all_keys().get(general):
            return key
        if general == "converters[]":
            return None
        path = path[:-1]
    return None


def keys_below(path: KeyPath) -> list[str]:
    """The names that may stand directly in a section."""
    prefix = re.sub(r"\[\d+\]", "[]", show_path(path))
    start = f"{prefix}." if prefix else ""
    below = [key.removeprefix(start) for key in all_keys() if key.startswith(start)]
    return list(dict.fromkeys(re.split(r"[.\[]", key)[0] for key in below))


def _show(path: KeyPath, value: Any) -> str:
    if any(SECRET.search(str(part)) for part in path):
        return "a value that is not shown here"
    text = json.dumps(shown_value("", value), ensure_ascii=True, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def watched_results(config: Config, data: Path) -> Iterator[tuple[KeyPath, str]]:
    """Folders for results that some converter would take its sources from; relative ones are in `data`."""
    folders = [_real(converter.folders(data)) for converter in config.converters]
    for index, own in enumerate(folders):
        if config.converters[index].folder_fault():
            continue
        for key, result in (("done_folder", own.done), ("error_folder", own.error), ("archive_folder", own.archive)):
            for other, watched in zip(config.converters, folders, strict=True):
                if result == watched.watch or (other.recursive and _takes_from(watched, result)):
                    why = f"expected a folder that no converter watches; {result} is watched by {other.name}"
                    yield ("converters", index, key), why


def _takes_from(watched: Folders, folder: Path) -> bool:
    """Whether a recursive converter would look into a folder; its own results are never its sources."""
    return folder.is_relative_to(watched.watch) and not any(
        folder.is_relative_to(result) for result in (watched.done, watched.error, watched.archive)
    )


def _real(folders: Folders) -> Folders:
    return Folders(*(Path(os.path.realpath(folder)) for folder in folders))
