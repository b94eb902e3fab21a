"""The document that describes the HTTP face is made from what it describes."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_house import House

from pywats_client.ipc.commands import COMMANDS
from pywats_client.rest.answers import OF_A_CONNECTION
from pywats_client.rest.openapi import document


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(found := node.get("$ref"), str):
            yield found
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.trio
async def test_it_is_served_to_who_has_a_key(house: House) -> None:
    async with house.client() as client:
        assert (await client.get("/api/v1/openapi.json")).json() == document()


def test_every_command_of_http_has_a_path_with_its_arguments_and_result() -> None:
    found = document()
    prefix = "/api/v1/commands/"
    named = {path.removeprefix(prefix) for path in found["paths"] if path.startswith(prefix)}
    assert named == {name for name, command in COMMANDS.items() if command not in OF_A_CONNECTION}
    for name in named:
        operation, kind = found["paths"][prefix + name]["post"], COMMANDS[name].__name__
        arguments = found["components"]["schemas"][kind]
        assert set(arguments["properties"]) == set(COMMANDS[name].model_fields)
        assert operation["summary"]
        assert f"`{COMMANDS[name].scope}`" in operation["description"]
        assert f"#/components/schemas/{kind}Result" in set(references(operation["responses"]["200"]))
        assert operation["requestBody"]["required"] == bool(arguments.get("required"))


def test_every_reference_leads_somewhere() -> None:
    found = document()
    schemas = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert set(references(found)) <= schemas


def test_every_operation_has_a_name_of_its_own_and_only_health_asks_for_no_key() -> None:
    found = document()
    operations = [(path, operation) for path, item in found["paths"].items() for operation in item.values()]
    assert len({operation["operationId"] for _, operation in operations}) == len(operations)
    assert found["security"] == [{"key": []}]
    assert {path for path, operation in operations if operation.get("security") == []} == {
        "/health/live",
        "/health/ready",
    }


@pytest.mark.trio
async def test_every_path_that_it_names_is_there(house: House) -> None:
    async with house.client() as client:
        for path, item in document()["paths"].items():
            for method in item:
                if not path.startswith("/api/v1/commands/"):
                    assert (await client.request(method, path)).status_code in (200, 426), path
