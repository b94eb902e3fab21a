"""The configuration in force follows its files, and a file that cannot be used changes nothing."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from service_parts import directly, so_far, told

from pywats_client.config.file import load
from pywats_client.ipc.events import (
    ConfigChanged,
    ConfigRejected,
    ConnectionState,
    ConverterChanged,
    ConverterState,
    Event,
    ServiceState,
    ServiceStateChanged,
    SourceConverted,
)
from pywats_client.paths import Instance
from pywats_client.service import ClientService
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Hub
from pywats_client.service.settings import Settings


class Watched:
    """Settings that follow the files of an instance."""

    def __init__(self, home: Path) -> None:
        self.instance = Instance.find(home=home, environ={})
        self.hub, self.hints = Hub(), Hints()
        self.write(station={"name": "first"})
        self.settings = Settings(self.load(), self.load, (self.instance.config, self.instance.converters_config))

    def load(self) -> Any:
        return load(self.instance, {})

    def write(self, **sections: object) -> None:
        self.instance.config.write_text(json.dumps({"version": "2.0", "instance_id": "default", **sections}))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[AsyncIterator[Event]]:
        with self.hub.subscribed() as events:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.hints.watch)
                nursery.start_soon(self.settings.watch, self.hub, self.hints, directly)
                yield events
                nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_changed_file_is_put_in_force_and_the_event_names_the_sections(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    async with watched.running() as events:
        watched.write(station={"name": "second"}, service={"max_concurrent_uploads": 7})
        changed = await told(events, ConfigChanged)
    assert set(changed.sections) == {"station", "service"}
    assert watched.settings.config.station.name == "second"


@pytest.mark.case(
    "F37", "a broken file, followed by events", injected="written during a run", promised="the old one stays in force"
)
@pytest.mark.parametrize(
    "text",
    ["{", '{"version": "2.0", "statoin": {}}', '{"version": "9.0"}', '{"service": {"max_concurrent_uploads": 0}}', ""],
)
@pytest.mark.trio
async def test_a_file_that_cannot_be_used_changes_nothing_and_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    watched = Watched(tmp_path)
    before = watched.settings.config
    async with watched.running() as events:
        watched.instance.config.write_text(text)
        rejected = await told(events, ConfigRejected)
        assert watched.settings.config is before
        assert watched.instance.config.read_text() == text
        assert str(watched.instance.config) in rejected.why
        assert watched.hub.snapshot.config_fault == rejected.why
        watched.write(station={"name": "first"})
        await told(events, ConfigChanged)
    assert watched.hub.snapshot.config_fault == ""


@pytest.mark.trio
async def test_a_rejected_file_is_told_with_line_and_key(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    async with watched.running() as events:
        watched.instance.config.write_text('{\n "version": "2.0",\n "service": {\n  "ping_intervall": 5\n }\n}\n')
        rejected = await told(events, ConfigRejected)
    assert f"{watched.instance.config}:4" in rejected.why
    assert "ping_intervall" in rejected.why


@pytest.mark.trio
async def test_a_rejected_file_is_told_without_what_stands_in_it(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    async with watched.running() as events:
        watched.instance.config.write_text('{"server": {"token_encrypted": "gAAAAB", "proxy" "http://me:hunter2@p"}}')
        rejected = await told(events, ConfigRejected)
    assert "hunter2" not in rejected.why
    assert "gAAAAB" not in rejected.why


@pytest.mark.trio
async def test_a_converter_file_beside_it_is_followed_too(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    async with watched.running() as events:
        converter = {"name": "a", "module_path": "csv", "watch_folder": "/in"}
        watched.instance.converters_config.write_text(json.dumps([converter]))
        changed = await told(events, ConfigChanged)
    assert changed.sections == ("converters",)


@pytest.mark.trio
async def test_who_waits_for_another_configuration_gets_it(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    old = watched.settings.config
    got: list[object] = []

    async def wait() -> None:
        got.append(await watched.settings.changed_from(old))

    async with watched.running():
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                await trio.testing.wait_all_tasks_blocked()
                watched.write(station={"name": "second"})
    assert got == [watched.settings.config]
    assert got != [old]


# --- through the whole service


@asynccontextmanager
async def service(home: Path, config: dict[str, Any]) -> AsyncIterator[tuple[ClientService, AsyncIterator[Event], Hub]]:
    client = ClientService(home=home, environ={"PYWATS_API_TOKEN": "dG9rZW4="}, console=False)
    client.instance.config.write_text(json.dumps(config))
    hub, stop = Hub(), trio.Event()
    with hub.subscribed(100_000) as events:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(client.run, stop, hub))
            await told(events, ServiceStateChanged, state=ServiceState.RUNNING)
            yield client, events, hub
            stop.set()


@pytest.fixture
def log_as_it_was() -> Any:
    """The service sets up the log of the process."""
    root = logging.getLogger()
    level, handlers = logging.getLogger("pywats_client").level, list(root.handlers)
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    logging.getLogger("pywats_client").setLevel(level)


@pytest.mark.case(
    "F38",
    "numbers, log and server change",
    injected="hot reload of the whole service",
    promised="in force without a restart",
)
@pytest.mark.usefixtures("log_as_it_was")
@pytest.mark.trio
async def test_numbers_log_and_server_are_applied_without_a_restart(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    config: dict[str, Any] = {
        "version": "2.0",
        "instance_id": "default",
        "service": {"settle_seconds": 0, "grace_seconds": 0},
        "converters": [{"name": "a", "module_path": "wats_json", "watch_folder": str(tmp_path / "in")}],
    }
    async with service(tmp_path, config) as (client, events, hub):
        await told(events, ConverterChanged, converter="a", state=ConverterState.RUNNING)
        assert hub.snapshot.connection is ConnectionState.REFUSED
        (tmp_path / "in2").mkdir()
        config["converters"].append({"name": "b", "module_path": "csv", "watch_folder": str(tmp_path / "in2")})
        config["service"] |= {"log_level": "DEBUG", "max_concurrent_uploads": 2, "log_max_mb": 3}
        config["server"] = {"url": "http://127.0.0.1:10"}
        client.instance.config.write_text(json.dumps(config))
        changed = await told(events, ConfigChanged)
        assert set(changed.sections) == {"server", "service", "converters"}
        await told(events, ConverterChanged, converter="b", state=ConverterState.RUNNING)
        with trio.fail_after(30):
            while "127.0.0.1:10" not in hub.snapshot.connection_reason:
                await events.__anext__()
        assert hub.snapshot.connection is ConnectionState.OFFLINE
        assert logging.getLogger("pywats_client").level == logging.DEBUG
        files = [handler for handler in logging.getLogger().handlers if hasattr(handler, "maxBytes")]
        assert [handler.maxBytes for handler in files] == [3_000_000]
        assert not [event for event in so_far(events) if isinstance(event, SourceConverted)]
    assert hub.snapshot.service is ServiceState.STOPPED


@pytest.mark.usefixtures("log_as_it_was")
@pytest.mark.trio
async def test_nothing_of_the_service_is_left_when_it_has_stopped(tmp_path: Path) -> None:
    config = {"version": "2.0", "instance_id": "default"}
    for _ in range(2):  # the second would be refused if the first still held the queue
        with trio.fail_after(30):
            async with service(tmp_path, config) as (client, _events, hub):
                assert client.instance.queue.is_dir()
        assert hub.snapshot.service is ServiceState.STOPPED
