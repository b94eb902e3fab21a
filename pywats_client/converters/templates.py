"""Mapping templates: JSON files with arguments of the format `csv`, each shared by several converters.

The service reads a template, because a converter in isolation does not see its file, and hands its content to the
worker, where it is checked and the arguments given beside it are put over it.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pywats_client.converters.registry import AUTO, USER_FOLDER, find_file
from pywats_client.errors import ConversionError

KEY = "template"
FORMAT = "csv"


def with_template(
    module_path: str, arguments: Mapping[str, Any], converters_folder: Path
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Arguments in which the template's name is replaced by its content, and a stamp that changes when its file does.

    A relative file is looked for as `registry.resolve` does. Raises ConversionError for what is no template.
    """
    given = dict(arguments)
    if module_path == FORMAT and _is_named(given):
        return _embedded(given, converters_folder)
    formats = given.get("formats")
    of_format = formats.get(FORMAT) if module_path == AUTO and isinstance(formats, Mapping) else None
    if isinstance(formats, Mapping) and isinstance(of_format, Mapping) and _is_named(of_format):
        embedded, stamp = _embedded(of_format, converters_folder)
        return {**given, "formats": {**formats, FORMAT: embedded}}, stamp
    return given, ()


def merged(given: Mapping[str, Any], check: Callable[[Mapping[str, Any]], object]) -> dict[str, Any]:
    """The arguments of the template with those given beside it, which win; objects are merged key by key.

    `check` raises ConversionError for arguments that are none.
    """
    if _is_named(given):
        given, _ = _embedded(given, USER_FOLDER)
    embedded = given.get(KEY)
    if not (isinstance(embedded, Mapping) and embedded.keys() == {"file", "arguments"}):
        return dict(given)  # the model says what is wrong with it
    name, template = embedded["file"], embedded["arguments"]
    try:
        if KEY in template:
            raise ConversionError(f"argument {KEY}: a template names no other one")
        check(template)
    except ConversionError as fault:
        raise ConversionError(f"the template {name} is not right: {fault}") from None
    return _over(template, given) | {KEY: name}


def _is_named(arguments: Mapping[str, Any]) -> bool:
    return isinstance(arguments.get(KEY), str) and bool(arguments[KEY])


def _embedded(arguments: Mapping[str, Any], converters_folder: Path) -> tuple[dict[str, Any], tuple[int, ...]]:
    file = find_file(Path(arguments[KEY]), converters_folder, "template")
    status = file.stat()
    content = {"file": str(file), "arguments": _read(file)}
    return {**arguments, KEY: content}, (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8-sig"))
    except OSError as fault:
        raise ConversionError(f"the template {file} cannot be read: {fault.strerror}") from None
    except (ValueError, RecursionError) as fault:
        raise ConversionError(f"the template {file} is not JSON: {fault}") from None
    if not isinstance(content, dict):
        raise ConversionError(f'the template {file} must hold an object with arguments, such as {{"delimiter": ";"}}')
    return content


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _over(below[key], above[key]) for key in below.keys() & above.keys() if _are_objects(below, above, key)
    }
    return {**below, **above, **both}


def _are_objects(below: Mapping[str, Any], above: Mapping[str, Any], key: str) -> bool:
    return isinstance(below[key], Mapping) and isinstance(above[key], Mapping)
