"""The protocol as data, made from the classes that are the protocol: JSON schemas, and a table for people."""

import functools
import inspect
from typing import Any

from pywats_client.ipc.commands.base import COMMANDS
from pywats_client.ipc.commands.service import GetSchema
from pywats_client.ipc.events import Event
from pywats_client.ipc.protocol import PROTOCOL_VERSION


def _doc(kind: type) -> str:
    return inspect.cleandoc(kind.__doc__ or "")


def events() -> dict[str, type[Event]]:
    """Every event by its name on the wire."""
    return {kind.name: kind for kind in Event.__subclasses__()}


@functools.cache
def schema() -> GetSchema.Result:
    """Every command and every event."""
    commands: dict[str, dict[str, Any]] = {
        name: {
            "doc": _doc(command),
            "scope": command.scope,
            "args": command.model_json_schema(),
            "result": command.Result.model_json_schema(),
        }
        for name, command in COMMANDS.items()
    }
    told = {name: {"doc": _doc(kind), "data": kind.model_json_schema()} for name, kind in events().items()}
    return GetSchema.Result(protocol_version=PROTOCOL_VERSION, commands=commands, events=told)


def markdown_table() -> str:
    """The commands, one a row: name, arguments, scope, first sentence."""
    rows = ["| command | arguments | scope | what it does |", "|---|---|---|---|"]
    for name, command in COMMANDS.items():
        arguments = ", ".join(f"`{field}`" for field in command.model_fields)
        rows.append(
            f"| `{name}` | {arguments} | {command.scope} | {' '.join(_doc(command).split(chr(10) * 2)[0].split())} |"
        )
    return "\n".join(rows)
