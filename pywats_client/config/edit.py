"""Reads and changes single keys; a change is written only when the whole is valid with it."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from pywats_client.config.check import all_keys, find_key, refusals
from pywats_client.config.document import Document, KeyPath
from pywats_client.config.fault import suggestion
from pywats_client.config.file import Files, current, save, valid
from pywats_client.config.model import Config, Server
from pywats_client.config.shown import shown_value
from pywats_client.disk import Disk
from pywats_client.errors import ConfigError
from pywats_client.paths import Instance

UNSET = object()
"""As a value in `change`: the key is taken out, its default is in force."""

_WORDS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def key_path(key: str, converters: Sequence[str]) -> KeyPath:
    """A key as people write it, as a path; a converter is named by its place or its name.

    `converters[1].priority`, `converters.CSV.priority` and `converters[CSV].priority` may be the same.
    Raises ConfigError, with a near name, where there is no such key or converter.
    """
    if not key.startswith(("converters.", "converters[")):
        return _known(key, tuple(key.split(".")))
    rest = key.removeprefix("converters")
    if rest.startswith("["):
        item, _, rest = rest[1:].partition("]")
    else:
        names = [name for name in converters if f"{rest}.".startswith(f".{name}.")]
        item = max(names, key=len, default=rest[1:].split(".")[0])
        rest = rest[1:].removeprefix(item)
    inner = rest.removeprefix(".").split(".") if rest else []
    return _known(key, ("converters", _index(key, item, converters), *inner))


def _index(key: str, item: str, converters: Sequence[str]) -> int:
    if item in converters:
        return converters.index(item)
    if item.isdecimal() and int(item) < len(converters):
        return int(item)
    raise ConfigError(key, f"there is no converter {item!r}{suggestion(item, converters)}")


def _known(key: str, path: KeyPath) -> KeyPath:
    general = ".".join("[]" if isinstance(part, int) else part for part in path).replace(".[]", "[]")
    for known in all_keys():
        if known == general or known.startswith((f"{general}.", f"{general}[]")):
            return path
    if general.startswith("converters[].arguments."):
        return path
    by_last_part = {known.rpartition(".")[2]: known for known in all_keys()}
    near = by_last_part.get(general.rpartition(".")[2])
    hint = f"; did you mean {near}?" if near else suggestion(general, all_keys())
    raise ConfigError(key, f"is no key of the configuration{hint}")


def get(config: Config, key: str) -> Any:
    """The value in force of a key or a whole section, as JSON has it; secrets are masked."""
    value: Any = config.model_dump(mode="json")
    path = key_path(key, [converter.name for converter in config.converters])
    for part in path:
        try:
            value = value[part]
        except (KeyError, TypeError) as error:
            raise ConfigError(key, "is not set") from error
    return shown_value(str(path[-1]), value)


def from_text(path: KeyPath, text: str) -> Any:
    """A value from the command line in the type of its key; what does not fit stays text, for the model to refuse."""
    key = find_key(path)
    kind = key.type if key else "an object"
    if kind.startswith(("text", "one of")):
        return text
    if kind == "true or false":
        return _WORDS.get(text.lower(), text)
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.split(",")] if kind.startswith("a list") else text


def change(
    instance: Instance,
    changes: Mapping[str, Any],
    environ: Mapping[str, str],
    disk: Disk | None = None,
    *,
    is_text: bool = True,
) -> Config:
    """Set keys to values (UNSET takes out), all or none, and write what changed.

    Content and order of everything else stay. `is_text`: values that are text are read by the key's type, as from
    a command line. Raises ConfigError where the result would not be valid.
    """
    disk = disk or Disk()
    before = current(instance, environ, disk)
    files = with_changes(before, changes, is_text=is_text)
    config = valid(files, {})
    for new, old in ((files.main, before.main), (files.more, before.more)):
        if new and new is not old:
            save(new.file, new.data, disk)
    return config


def with_changes(files: Files, changes: Mapping[str, Any], *, is_text: bool) -> Files:
    """The files as `change` would make them, valid or not. Raises ConfigError for what is no key, or is not set."""
    names = [str(entry.get("name")) if isinstance(entry, dict) else "" for entry in files.converters]
    for key, value in changes.items():
        path = key_path(key, names)
        document, inner = files.locate(path)
        data = copy.deepcopy(document.data)
        if value is UNSET:
            _take_out(data, inner, key)
        else:
            _put(data, inner, from_text(path, value) if is_text and isinstance(value, str) else value)
        files = files.with_document(replace(document, data=data, lines={}))
    return files


def _put(data: Any, path: KeyPath, value: Any) -> None:
    _parent(data, path, dict)[path[-1]] = value


def _take_out(data: Any, path: KeyPath, key: str) -> None:
    try:
        del _parent(data, path, None)[path[-1]]
    except (KeyError, IndexError, TypeError) as error:
        raise ConfigError(key, "is not set") from error


def _parent(data: Any, path: KeyPath, missing: Callable[[], Any] | None) -> Any:
    """What holds the last part of a path; sections on the way are made by `missing`."""
    for part in path[:-1]:
        if missing and isinstance(data, dict) and part not in data:
            data[part] = missing()
        data = data[part]
    return data


def create(instance: Instance, *, url: str, station_name: str, disk: Disk | None = None) -> Config:
    """A first configuration with one converter as an example, switched off; what is there is kept as `.bak`."""
    data = {
        "version": "2.0",
        "instance_id": instance.id,
        "server": {"url": url},
        "station": {"name": station_name, "location": "", "purpose": ""},
        "service": {"max_converter_workers": 10, "max_concurrent_uploads": 5},
        "converters": [
            {
                "name": "CSV example",
                "enabled": False,
                "watch_folder": "watch/csv",
                "module_path": "csv",
                "file_patterns": ["*.csv"],
                "arguments": {},
                "post_action": "move",
            }
        ],
    }
    config = valid(Files(instance, Document(instance.config, data)), {})
    save(instance.config, data, disk or Disk())
    return config


def with_address(server: Server, url: str) -> Server:
    """The server's settings with another address; raises ConfigError for what is no address."""
    try:
        return Server.model_validate(server.model_dump() | {"url": url})
    except ValidationError as error:
        raise ConfigError("server.url", next(refusals(error))[1]) from error
