"""Every command and every event goes over the wire and comes back as what it was; the schema tells the truth."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ipc_parts import Raw, Service, listen
from pydantic import BaseModel

from pywats_client.ipc.commands import COMMANDS, parse
from pywats_client.ipc.events import Event, Snapshot
from pywats_client.ipc.protocol import Scope
from pywats_client.ipc.schema import events, markdown_table, schema

EVENTS = events()
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)


def values(found: dict[str, Any], defs: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a JSON schema of ours allows."""
    if "$ref" in found:
        return values(defs[found["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in found:
        return st.one_of([values(one, defs) for one in found["anyOf"]])
    if "enum" in found:
        return st.sampled_from(found["enum"])
    if "prefixItems" in found:
        return st.tuples(*(values(one, defs) for one in found["prefixItems"]))
    if found.get("type") == "array":
        return st.lists(values(found["items"], defs), min_size=found.get("minItems", 0), max_size=3)
    if found.get("type") == "object":
        return objects(found, defs)
    return simple(found)


def simple(found: dict[str, Any]) -> st.SearchStrategy[Any]:
    least, most = found.get("minLength", 0), found.get("maxLength", 40)
    return {
        "uuid": st.uuids().map(str),
        "string": st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=most),
        "integer": st.integers(found.get("minimum", -1000), found.get("maximum", 1000)),
        "number": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "boolean": st.booleans(),
        "null": st.none(),
    }.get(found.get("format", found.get("type", "")), TEXT)


def objects(found: dict[str, Any], defs: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" not in found:
        inside = found.get("additionalProperties")
        made = values(inside, defs) if isinstance(inside, dict) else TEXT
        return st.dictionaries(TEXT, made, min_size=found.get("minProperties", 0), max_size=3)
    made_of = {name: values(one, defs) for name, one in found["properties"].items()}
    required = {name: made_of.pop(name) for name in found.get("required", ())}
    return st.fixed_dictionaries(required, optional=made_of)


def goes_round(model: type[BaseModel], data: st.DataObject) -> BaseModel:
    found = model.model_json_schema()
    made = model.model_validate(data.draw(values(found, found.get("$defs", {}))))
    assert model.model_validate_json(made.model_dump_json()) == made
    return made


@pytest.mark.parametrize("name", COMMANDS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_command_that_its_schema_allows_goes_over_the_wire_with_its_result(name: str, data: st.DataObject) -> None:
    command = goes_round(COMMANDS[name], data)
    assert parse(name, json.loads(command.model_dump_json())) == command
    assert parse(name, json.loads(command.model_dump_json(exclude_defaults=True))) == command
    goes_round(COMMANDS[name].Result, data)


@pytest.mark.parametrize("name", EVENTS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_an_event_that_its_schema_allows_goes_over_the_wire_and_folds(name: str, data: st.DataObject) -> None:
    event = goes_round(EVENTS[name], data)
    assert isinstance(event, Event)
    assert EVENTS[name].model_validate_json(event.wire) == event
    snapshot = Snapshot().after(event)
    assert Snapshot.model_validate_json(snapshot.model_dump_json()) == snapshot


@pytest.mark.trio
async def test_what_get_schema_answers_is_what_the_service_speaks(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        client = await (await Raw.to(service)).enter()
        told = (await client.ask("get_schema"))["data"]
    assert told == schema().model_dump(mode="json")
    assert told["protocol_version"] == "2.0"
    assert list(told["commands"]) == list(COMMANDS)
    assert set(told["events"]) == set(EVENTS)
    for name, command in told["commands"].items():
        assert command["doc"]
        assert Scope(command["scope"]) is COMMANDS[name].scope
        assert set(command["args"]["properties"]) == set(COMMANDS[name].model_fields), name
        assert command["args"]["additionalProperties"] is False
    assert all(event["doc"] for event in told["events"].values())


def test_every_command_is_a_row_of_the_table() -> None:
    rows = markdown_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(COMMANDS)
    assert all(row.count("|") == 5 for row in rows)


def test_only_what_changes_nothing_is_for_viewers() -> None:
    viewers = {name for name, command in COMMANDS.items() if command.scope is Scope.VIEW}
    harmless = {"ping", "auth", "connect", "disconnect", "subscribe", "unsubscribe", "validate_config"}
    assert {name for name in viewers - harmless if not name.startswith(("get_", "describe_"))} == set()
    assert {name for name in COMMANDS if COMMANDS[name].scope is Scope.ADMIN} == {"set_config", "set_token"}
