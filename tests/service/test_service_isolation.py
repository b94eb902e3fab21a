"""A converter in bubblewrap, as the service runs it: what is in force, and what when it cannot be."""

import os
import shutil
from pathlib import Path

import pytest
from service_parts import BY_CONTENT, Floor, simple, told, write_converter
from trio.testing import MockClock

from pywats_client.ipc.events import ConverterChanged, ConverterState, SourceConverted, SourceFailed

pytestmark = [
    pytest.mark.trio,
    pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed"),
]


async def test_what_is_in_force_is_told_with_the_state(tmp_path: Path) -> None:
    floor = simple(Floor(tmp_path))
    (tmp_path / "in2").mkdir()
    free = floor.converter("free", watch_folder=str(tmp_path / "in2"))
    floor.configure(floor.converter(isolation="bwrap", isolation_allow=["/etc", "network"]), free)
    async with floor.running() as events:
        running = await told(events, ConverterChanged, converter="mine", state=ConverterState.RUNNING)
        assert running.isolation == "bwrap, allows /etc, allows network"
        floor.drop("a.txt", "A7")
        await told(events, SourceConverted)
        while floor.state("free") != (ConverterState.RUNNING, ""):
            await events.__anext__()
        assert floor.hub.snapshot.converter("free").isolation == "limits"
    assert floor.serial_numbers() == ["A7"]


async def test_key_and_configuration_of_the_instance_are_not_there_to_read(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    key, config = floor.instance.token_key, floor.instance.config
    for file in (key, config):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("secret")
    write_converter(floor.module, f"open({str(key)!r} if source.read_text() == 'key' else {str(config)!r})")
    floor.configure(floor.converter(isolation="bwrap"))
    async with floor.running() as events:
        for name in ("key", "config"):
            floor.drop(name, name)
            failed = await told(events, SourceFailed, source=name)
            assert str(key if name == "key" else config) in failed.reason


async def test_without_bubblewrap_the_converter_is_an_error_with_the_cure_and_goes_on_when_it_is_there(
    tmp_path: Path, fast_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = simple(Floor(tmp_path))
    floor.configure(floor.converter(isolation="bwrap"))
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))
    async with floor.running() as events:
        error = await told(events, ConverterChanged, state=ConverterState.ERROR)
        assert "sudo apt install bubblewrap" in error.reason
        assert error.isolation == ""
        floor.drop("a.txt")
        monkeypatch.setenv("PATH", path)
        await told(events, ConverterChanged, state=ConverterState.RUNNING)
        await told(events, SourceConverted)


async def test_bubblewrap_that_goes_while_the_service_runs_condemns_no_source(
    tmp_path: Path, fast_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = Floor(tmp_path)
    write_converter(floor.module, "import os\nif source.name == 'last': os._exit(0)\n" + BY_CONTENT)
    floor.configure(floor.converter(isolation="bwrap"))
    path = os.environ["PATH"]
    async with floor.running() as events:
        floor.drop("last")
        await told(events, SourceFailed)
        monkeypatch.setenv("PATH", str(tmp_path))
        floor.drop("a.txt")
        error = await told(events, ConverterChanged, state=ConverterState.ERROR)
        assert "sudo apt install bubblewrap" in error.reason
        assert "a.txt" in floor.listing()
        monkeypatch.setenv("PATH", path)
        await told(events, SourceConverted)
    assert floor.hub.snapshot.converter("mine").failed == 1
