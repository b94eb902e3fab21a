"""The flat configuration of older clients (schemas 1.0 and 2.0) in our shape."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_OURS = frozenset({"version", "server", "station", "service", "disk", "queue"})
_FLAT = frozenset({"schema_version", "service_address", "api_token", "station_name", "instance_name"})

_MOVED = {
    "instance_id": ("instance_id",),
    "service_address": ("server", "url"),
    "station_name": ("station", "name"),
    "location": ("station", "location"),
    "purpose": ("station", "purpose"),
    "max_concurrent_uploads": ("service", "max_concurrent_uploads"),
    "max_queue_size": ("service", "max_queue_size"),
    "log_level": ("service", "log_level"),
}
_STATION_KEYS = frozenset({"station_name_source", "multi_station_enabled", "station_presets", "active_station_key"})
_PROXY_KEYS = frozenset(
    {"proxy_mode", "proxy_host", "proxy_port", "proxy_auth", "proxy_username", "proxy_password", "proxy"}
)
_CONVERTER_KEYS = frozenset(
    {"name", "enabled", "watch_folder", "module_path", "arguments", "priority", "post_action"}
    | {"done_folder", "error_folder", "archive_folder"}
)


@dataclass
class Upgraded:
    """The new content, the token that was stored in clear text, and the old keys that have no counterpart."""

    data: dict[str, Any] = field(default_factory=lambda: {"version": "2.0"})
    token: str = ""
    left_out: list[str] = field(default_factory=list)


def is_flat(data: Any) -> bool:
    """Whether this is the shape of older clients."""
    return isinstance(data, dict) and not _OURS & data.keys() and bool(_FLAT & data.keys())


def upgrade(old: Mapping[str, Any]) -> Upgraded:
    """The same configuration in our shape; values are taken over as they are, the model judges them."""
    new = Upgraded(token=str(old.get("api_token") or ""))
    for key, value in old.items():
        if key in _MOVED:
            _put(new.data, _MOVED[key], value)
        elif key == "converters" and isinstance(value, list):
            new.data["converters"] = [_converter(index, entry, new.left_out) for index, entry in enumerate(value)]
        elif key not in _STATION_KEYS | _PROXY_KEYS | {"schema_version", "api_token"}:
            new.left_out.append(key)
    _station(old, new)
    if proxy := _proxy(old):
        _put(new.data, ("server", "proxy"), proxy)
    return new


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        data = data.setdefault(part, {})
    data[path[-1]] = value


def _station(old: Mapping[str, Any], new: Upgraded) -> None:
    """The station that was in effect: the active preset, the name, or the host name in capitals."""
    presets = old.get("station_presets") or []
    active = old.get("active_station_key") if old.get("multi_station_enabled") else None
    for index, preset in enumerate(presets):
        if active and preset.get("key") == active:
            for key in ("name", "location", "purpose"):
                _put(new.data, ("station", key), preset.get(key, ""))
        else:
            new.left_out.append(f"station_presets[{index}]")
    if not new.data.get("station", {}).get("name") and old.get("station_name_source", "hostname") == "hostname":
        _put(new.data, ("station", "name"), socket.gethostname().upper())


def _proxy(old: Mapping[str, Any]) -> str:
    """The address of a proxy that was set by hand, in either of the two old forms."""
    nested = old.get("proxy")
    if isinstance(nested, dict) and nested.get("enabled"):
        host, port = nested.get("host"), nested.get("port", 8080)
        user, password = nested.get("username"), nested.get("password", "")
    elif old.get("proxy_mode") == "manual":
        host, port = old.get("proxy_host"), old.get("proxy_port", 8080)
        user = old.get("proxy_username") if old.get("proxy_auth") else ""
        password = old.get("proxy_password", "")
    else:
        return ""
    login = f"{quote(str(user), safe='')}:{quote(str(password), safe='')}@" if user else ""
    return f"http://{login}{host}:{port}" if host else ""


def _converter(index: int, old: Any, left_out: list[str]) -> Any:
    if not isinstance(old, dict):
        return old
    patterns = "folder_patterns" if old.get("converter_type") == "folder" else "file_patterns"
    new = {key: value for key, value in old.items() if key in _CONVERTER_KEYS}
    if old.get(patterns):
        new["file_patterns"] = old[patterns]
    taken = _CONVERTER_KEYS | {patterns}
    left_out.extend(f"converters[{index}].{key}" for key in old if key not in taken)
    return new
