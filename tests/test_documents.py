"""What older documents show works here: their configuration, their names, their way to start."""

import json
from functools import partial
from pathlib import Path

import pytest
import trio

from pywats_client import service
from pywats_client.config.file import load
from pywats_client.ipc.events import ServiceState, ServiceStateChanged
from pywats_client.paths import Instance
from pywats_client.service import ClientService
from pywats_client.service.hub import Hub

SHOWN_CONVERTER = {
    "name": "CSV Importer",
    "enabled": True,
    "watch_folder": "C:/TestData/CSV",
    "module_path": "~/.pywats/converters/csv_converter.py",
    "file_patterns": ["*.csv"],
    "arguments": {"delimiter": ",", "has_header": True},
    "post_action": "move",
    "done_folder": "C:/TestData/CSV/Done",
    "error_folder": "C:/TestData/CSV/Error",
}
SHOWN_CONFIG = {
    "version": "2.0",
    "instance_id": "default",
    "server": {"url": "https://company.wats.com", "token_encrypted": "..."},
    "station": {"name": "Station-1", "location": "Factory Floor", "purpose": "Production"},
    "service": {"max_converter_workers": 10, "watchdog_interval": 60, "ping_interval": 300, "register_interval": 3600},
    "converters": [SHOWN_CONVERTER],
}


def test_the_configuration_that_the_architecture_document_shows_loads_unchanged(tmp_path: Path) -> None:
    instance = Instance.find("default", tmp_path, {})
    instance.config.write_text(json.dumps(SHOWN_CONFIG))
    config = load(instance, {})
    assert config.server.url == "https://company.wats.com"
    assert config.station.name == "Station-1"
    assert config.converters[0].arguments == {"delimiter": ",", "has_header": True}
    assert json.loads(instance.config.read_text()) == SHOWN_CONFIG


def test_the_example_configuration_loads(tmp_path: Path) -> None:
    instance = Instance.find("default", tmp_path, {})
    example = Path(__file__).parent.parent / "examples" / "config_default.json"
    instance.config.write_text(example.read_text())
    assert [converter.name for converter in load(instance, {}).converters] == ["Voltage log", "CSV Importer"]


@pytest.mark.parametrize("name", ["ClientService", "ConverterPool", "IPCServer", "PendingQueue"])
def test_the_names_of_older_documents_are_importable_beside_the_plain_ones(name: str) -> None:
    assert getattr(service, f"Async{name}") is getattr(service, name)


def test_a_service_made_in_python_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    environ = {"PYWATS_SERVER_URL": "http://127.0.0.1:9", "PYWATS_API_TOKEN": "b25lOnR3bw=="}
    states: list[ServiceState] = []

    async def run() -> None:
        stop, hub = trio.Event(), Hub()
        with hub.subscribed() as events:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(ClientService("x", home=tmp_path, environ=environ).run, stop, hub))
                async for event in events:
                    if isinstance(event, ServiceStateChanged):
                        states.append(event.state)
                        stop.set()
                    if states[-1:] == [ServiceState.STOPPED]:
                        return

    trio.run(run)
    assert states == [ServiceState.START_PENDING, ServiceState.RUNNING, ServiceState.STOP_PENDING, ServiceState.STOPPED]
