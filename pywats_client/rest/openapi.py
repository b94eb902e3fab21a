"""The OpenAPI document, made from the commands."""

import functools
import inspect
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from pywats_client.ipc.commands import COMMANDS, Command
from pywats_client.ipc.messages import Response
from pywats_client.rest.answers import OF_A_CONNECTION

SCHEMAS = "#/components/schemas/"
EVENTS = """The events, on a websocket: this must be a handshake. The first message is the answer to `subscribe`,
with `seq` and `snapshot` in its data; each of the others is an event with `event`, `seq` and `data`."""
PLAIN = {"200": {"description": "It is so.", "content": {"application/json": {"schema": {"type": "object"}}}}}


@functools.cache
def document() -> dict[str, Any]:
    """Version 3.1.0, whose schemas are JSON schemas as pydantic makes them."""
    schemas: dict[str, Any] = {}
    _add(schemas, "Response", Response)
    offered = [command for command in COMMANDS.values() if not issubclass(command, OF_A_CONNECTION)]
    paths = {f"/api/v1/commands/{command.name}": {"post": _operation(schemas, command)} for command in offered}
    return {
        "openapi": "3.1.0",
        "info": {"title": "pywats-client", "version": version("pywats-client")},
        "security": [{"key": []}],
        "paths": {**_others(), **paths},
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of the instance. Its scope (view, operate or admin) says what it allows.",
                }
            },
        },
    }


def _others() -> dict[str, Any]:
    """What is no command, or a short way to one."""
    status = {
        "operationId": "status",
        "summary": "As the command get_status.",
        "responses": _answers("GetStatusResult"),
    }
    unready = {"503": {"description": "No, with `reasons`."}}
    metrics = {"200": {"description": "OpenMetrics 1.0.", "content": {"application/openmetrics-text": {}}}}
    return {
        "/api/v1/status": {"get": status},
        "/api/v1/events": {"get": {"operationId": "events", "description": EVENTS, "responses": _switching()}},
        "/api/v1/openapi.json": {
            "get": {"operationId": "openapi", "summary": "This document.", "responses": PLAIN},
        },
        "/health/live": {
            "get": {"operationId": "live", "summary": "Whether it answers.", "security": [], "responses": PLAIN}
        },
        "/health/ready": {
            "get": {
                "operationId": "ready",
                "summary": "Whether it runs and accepts work.",
                "security": [],
                "responses": PLAIN | unready,
            }
        },
        "/metrics": {"get": {"operationId": "metrics", "summary": "Figures, for scrapers.", "responses": metrics}},
    }


def _operation(schemas: dict[str, Any], command: type[Command]) -> dict[str, Any]:
    arguments, result = command.__name__, f"{command.__name__}Result"
    _add(schemas, arguments, command)
    _add(schemas, result, command.Result)
    summary, _, more = inspect.cleandoc(command.__doc__ or "").partition("\n\n")
    needed = any(field.is_required() for field in command.model_fields.values())
    return {
        "operationId": command.name,
        "summary": " ".join(summary.split()),
        "description": f"{more}\n\nNeeds the scope `{command.scope}`.".strip(),
        "requestBody": {
            "required": needed,
            "content": {"application/json": {"schema": {"$ref": SCHEMAS + arguments}}},
        },
        "responses": _answers(result),
    }


def _answers(result: str) -> dict[str, Any]:
    good = {"properties": {"success": {"const": True}, "data": {"$ref": SCHEMAS + result}}}
    return {
        "200": _json("Done, or accepted.", {"allOf": [{"$ref": SCHEMAS + "Response"}, good]}),
        "default": _json("Not done: `code` and `error` say why.", {"$ref": SCHEMAS + "Response"}),
    }


def _switching() -> dict[str, Any]:
    return {
        "101": {"description": "The websocket is open."},
        "default": _json("No websocket: `code` and `error` say why.", {"$ref": SCHEMAS + "Response"}),
    }


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _add(schemas: dict[str, Any], name: str, model: type[BaseModel]) -> None:
    """The schema of a model, and of those that it is made of, each once under its own name."""
    schema = model.model_json_schema(ref_template=SCHEMAS + "{model}")
    for part, definition in schema.pop("$defs", {}).items():
        if schemas.setdefault(part, definition) != definition:
            raise TypeError(f"two models of the protocol are called {part}: name one of them otherwise")
    schemas[name] = schema
