"""A restart never ends a service for good, a stop during it is not lost, and a failed start leaves its reason."""

import json
import signal
from pathlib import Path

import pytest
import trio
import trio.testing
from service_desk import Desk

from pywats_client.errors import AlreadyRunning, ConfigError
from pywats_client.ipc.commands.service import Restart, Stop
from pywats_client.ipc.events import ServiceState
from pywats_client.ipc.protocol import Code
from pywats_client.service.client_service import ClientService
from pywats_client.service.running import FolderLocks


def log_of(desk: Desk) -> list[str]:
    """The messages in its file."""
    return [json.loads(line)["message"] for line in desk.instance.log.read_text("utf-8").splitlines()]


@pytest.mark.trio
async def test_a_restart_with_a_configuration_that_cannot_be_started_with_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        desk.config["service"]["settle_secnds"] = 1
        desk.write()
        code, why = await desk.refused(Restart())
        assert desk.hub.snapshot.service is ServiceState.RUNNING
    assert code is Code.CONFIG
    assert str(desk.instance.config) in why
    assert "settle_secnds" in why
    assert desk.wanted_restart is False


@pytest.mark.trio
async def test_a_restart_that_another_instances_folder_would_end_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    with FolderLocks().holding(theirs):
        async with desk.running():
            known = desk.config["converters"][0]
            desk.config["converters"].append({**known, "name": "more", "watch_folder": str(theirs)})
            desk.write()
            assert await desk.refused(Restart()) == (
                Code.CONFIG,
                f"watch_folder: {theirs} is watched by another instance",
            )
    assert desk.wanted_restart is False


@pytest.mark.trio
async def test_the_last_wish_counts_between_restart_and_stop(tmp_path: Path) -> None:
    for first, last, wanted in ((Restart(), Stop(), False), (Stop(), Restart(), True)):
        desk = Desk(tmp_path)
        async with desk.running():
            await desk.ask(first, type(first).Result)
            await desk.ask(last, type(last).Result)
        assert desk.wanted_restart is wanted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.trio
async def test_a_signal_during_the_grace_of_a_restart_stops_for_good_and_lets_uploads_end(
    tmp_path: Path, number: signal.Signals
) -> None:
    desk = Desk(tmp_path)
    desk.queue(1)
    desk.server.hold()
    async with desk.running():
        await desk.until(lambda: desk.server.reports)
        await desk.ask(Restart(), Restart.Result)
        await desk.until(lambda: desk.hub.snapshot.service is ServiceState.STOP_PENDING)
        signal.raise_signal(number)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert desk.hub.snapshot.service is ServiceState.STOP_PENDING
        desk.server.release()
    assert desk.wanted_restart is False
    assert desk.hub.snapshot.delivered == 1


@pytest.mark.trio
async def test_a_start_that_fails_leaves_its_reason_in_a_log_that_lies_there(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    service = ClientService(home=tmp_path, environ=desk.environ, console=False)
    desk.instance.config.write_text("{")
    with pytest.raises(ConfigError):
        await service.run()
    assert not desk.instance.log.exists()
    desk.instance.log.parent.mkdir(parents=True)
    with pytest.raises(ConfigError) as error:
        await service.run()
    assert log_of(desk) == [f"the service cannot start: {error.value}"]


@pytest.mark.trio
async def test_the_log_of_a_service_that_runs_is_not_written_by_one_that_cannot_start(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        with pytest.raises(AlreadyRunning):
            await ClientService(home=tmp_path, environ=desk.environ, console=False).run()
        assert not any("cannot start" in line for line in log_of(desk))
