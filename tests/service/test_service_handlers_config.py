"""The configuration by command: all or none, in force when answered, and no secret ever comes out."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from service_desk import Desk
from service_parts import so_far

from pywats_client.ipc.commands.config import (
    GetConfig,
    Reload,
    SetConfig,
    SetToken,
    ValidateConfig,
)
from pywats_client.ipc.events import ConfigChanged, ConnectionState
from pywats_client.ipc.protocol import Code

TOKEN = "c2VjcmV0LW9mLW1pbmU="


async def in_force(desk: Desk) -> dict[str, Any]:
    return (await desk.ask(GetConfig(), GetConfig.Result)).config


@pytest.mark.trio
async def test_set_keys_are_written_and_in_force_when_the_answer_comes(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with desk.hub.subscribed() as events:
        async with desk.running():
            wanted = {"service.max_concurrent_uploads": 2, "station.location": "Lab 7", "converters.csv.priority": 1}
            answer = await desk.ask(SetConfig(values=wanted), SetConfig.Result)
            config = await in_force(desk)
            told = [event for event in so_far(events) if isinstance(event, ConfigChanged)]
    assert set(answer.sections) == {"service", "station", "converters"}
    assert (config["service"]["max_concurrent_uploads"], config["station"]["location"]) == (2, "Lab 7")
    assert desk.stored()["converters"][0]["priority"] == 1
    assert len(told) == 1


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"service.log_level": "LOUD"}, "service.log_level"),
        ({"service.settle_seconds": "5"}, "service.settle_seconds"),
        ({"service.settle": 5}, "service.settle"),
        ({"converters.cvs.priority": 1}, "did you mean csv"),
        ({"station": 17}, "station"),
        ({"server.token_encrypted": "x"}, "set_token"),
        ({"server": {"url": "https://a.b", "token_encrypted": "x"}}, "set_token"),
        ({"converters.csv.arguments": {"password": "********"}}, "masked"),
        ({"service.grace_seconds": None}, "is not set"),
    ],
)
@pytest.mark.trio
async def test_one_bad_value_is_named_and_none_is_set(tmp_path: Path, values: dict[str, Any], word: str) -> None:
    desk = Desk(tmp_path)
    before = desk.instance.config.read_bytes()
    async with desk.running():
        code, why = await desk.refused(SetConfig(values={"station.location": "Lab 7", **values}))
        assert (await in_force(desk))["station"]["location"] == ""
        faults = (await desk.ask(ValidateConfig(values=values), ValidateConfig.Result)).faults
    assert code is Code.CONFIG
    assert word in why
    assert any(word in f"{fault.key}: {fault.why}" for fault in faults)
    assert desk.instance.config.read_bytes() == before


@pytest.mark.trio
async def test_null_takes_a_key_out_and_its_default_is_in_force(tmp_path: Path) -> None:
    desk = Desk(tmp_path, grace_seconds=3)
    async with desk.running():
        await desk.ask(SetConfig(values={"service.grace_seconds": None}), SetConfig.Result)
        assert (await in_force(desk))["service"]["grace_seconds"] == 10
    assert "grace_seconds" not in desk.stored()["service"]


@pytest.mark.trio
async def test_text_that_looks_like_a_number_stays_text_in_a_converters_settings(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        await desk.ask(SetConfig(values={"converters.csv.arguments.delimiter": "5"}), SetConfig.Result)
    assert desk.stored()["converters"][0]["arguments"] == {"delimiter": "5"}


@pytest.mark.trio
async def test_two_clients_that_set_at_once_both_keep_what_they_set(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        async with trio.open_nursery() as nursery:
            for key in ("location", "purpose", "name"):
                nursery.start_soon(desk.ask, SetConfig(values={f"station.{key}": key}), SetConfig.Result)
        assert {**desk.stored()["station"]} == {"location": "location", "purpose": "purpose", "name": "name"}
        assert (await in_force(desk))["station"]["purpose"] == "purpose"


@pytest.mark.trio
async def test_no_secret_comes_out(tmp_path: Path) -> None:
    converter = {"name": "csv", "module_path": "csv", "watch_folder": str(tmp_path / "in")}
    desk = Desk(tmp_path, converters=[{**converter, "arguments": {"api_key": "hush", "delimiter": ";"}}])
    desk.config["server"]["token_encrypted"] = "gAAAAhush"
    desk.write()
    async with desk.running():
        config = await in_force(desk)
    assert "hush" not in json.dumps(config)
    assert config["converters"][0]["arguments"]["delimiter"] == ";"


@pytest.mark.trio
async def test_a_token_is_stored_encrypted_used_at_once_and_never_logged(tmp_path: Path) -> None:
    desk = Desk(tmp_path, environ={}, log_level="DEBUG")
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.connection is ConnectionState.REFUSED)
        await desk.ask(SetToken(token=f" Basic {TOKEN}\n"), SetToken.Result)
        await desk.until(lambda: desk.hub.snapshot.connection is ConnectionState.ONLINE)
        assert TOKEN not in json.dumps(await in_force(desk))
    assert {request.headers["authorization"] for request in desk.server.requests} == {f"Basic {TOKEN}"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert desk.instance.config in files
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in repr(SetToken(token=TOKEN))


@pytest.mark.trio
async def test_a_token_that_would_not_come_into_force_or_is_none_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        code, why = await desk.refused(SetToken(token=TOKEN))
        assert (code, "PYWATS_API_TOKEN" in why) == (Code.CONFLICT, True)
    desk = Desk(tmp_path, environ={})
    async with desk.running():
        code, why = await desk.refused(SetToken(token="two words"))
        assert (code, "two words" in why) == (Code.INVALID, False)


@pytest.mark.trio
async def test_reload_takes_up_the_file_or_says_why_not_and_keeps_what_is_in_force(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        desk.config["station"] = {"name": "second"}
        desk.write()
        await desk.ask(Reload(), Reload.Result)
        assert (await in_force(desk))["station"]["name"] == "second"
        desk.instance.config.write_text('{"service": {"grace_seconds": -1}}')
        code, why = await desk.refused(Reload())
        assert (code, "service.grace_seconds" in why) == (Code.CONFIG, True)
        answer = await desk.ask(GetConfig(), GetConfig.Result)
        assert "service.grace_seconds" in answer.fault
        assert answer.config["station"]["name"] == "second"
        found = await desk.ask(ValidateConfig(), ValidateConfig.Result)
        assert [(fault.key, fault.line) for fault in found.faults] == [("service.grace_seconds", 1)]
        assert not found.valid
        code, _ = await desk.refused(SetConfig(values={"station.name": "third"}))
        assert code is Code.CONFIG
