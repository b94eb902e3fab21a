"""The verbs beside a service that says what it is told to: a real server on a real socket."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import Result
from typer.testing import CliRunner

from pywats_client.cli import asking, lifecycle
from pywats_client.cli.app import app
from pywats_client.ipc import unix_socket
from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.commands.config import GetConfig, TryFile
from pywats_client.ipc.commands.queue import Untouched
from pywats_client.ipc.commands.service import GetStatus, QueueCounts, Stop, WorkerCounts
from pywats_client.ipc.commands.sources import GetYield, RetrySources
from pywats_client.ipc.endpoint import Endpoint
from pywats_client.ipc.events import ConnectionState, ServiceState
from pywats_client.paths import Instance
from tests.ipc.ipc_parts import Service, in_thread

STATUS: dict[str, Any] = {
    "status": ServiceState.RUNNING, "api_status": "Online", "instance_id": "two", "converters": [], "queue_size": 0,
    "start_time": "2026-11-22T10:00:00+01:00", "uptime_seconds": 1.0, "version": "1", "pid": 1,
    "server_url": "https://wats.test", "connection": ConnectionState.ONLINE, "queue": QueueCounts(), "components": [],
    "workers": WorkerCounts(alive=0, busy=0, retired=0, limit=1),
}  # fmt: skip


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    found = Instance.find("two", tmp_path, environ={})
    found.config.write_text("{}")
    return found


def run(instance: Instance, verb: str, *answers: Answer | Exception) -> Result:
    """A verb beside a service that gives these answers to the commands that they are of."""
    given = {type(answer).__qualname__.partition(".")[0]: answer for answer in answers}

    async def do(command: Command) -> Answer:
        answer = given[type(command).__name__]
        if isinstance(answer, Exception):
            raise answer
        return answer

    with in_thread(instance, do):
        return CliRunner().invoke(app, [*verb.split(), "--instance-id", "two", "--home", str(instance.home)])


def try_file(*faults: tuple[str, bool], error: str = "") -> TryFile.Result:
    found = [TryFile.Finding(text=text, fatal=fatal) for text, fatal in faults]
    return TryFile.Result(reports=[], faults=found, error=error, seconds=0.1)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (try_file(("location is empty", False)), 0, "warning: location is empty\n"),
        (try_file(("a", False), ("pn: missing", True)), 1, "warning: a\nerror: pn: missing\n"),
        (try_file(error="line 3: no number"), 1, "error: line 3: no number\n"),
        (try_file(), 0, ""),
    ],
)
def test_a_tried_file_fails_for_what_a_server_refuses_and_warns_of_the_rest(
    instance: Instance, answer: TryFile.Result, code: int, said: str
) -> None:
    result = run(instance, "converters try csv a.csv", answer)
    assert (result.exit_code, result.stderr) == (code, said)


def test_a_source_that_is_not_there_is_named_once_with_the_command_that_lists_them(instance: Instance) -> None:
    missing = Untouched(id="csv/x", why="no error folder holds it", code="not_found")
    result = run(instance, "sources retry csv/x", RetrySources.Result(retried=[], untouched=[missing]))
    assert (result.exit_code, result.stderr.count("csv/x")) == (1, 1)
    assert f"`pywats-client sources list --instance-id two --home {instance.home}`" in result.stderr


def test_the_yield_is_told_with_conversions_and_uploads_a_minute(instance: Instance) -> None:
    some = GetYield.Yield(units=50, passed=48, percent=96.0)
    answer = GetYield.Result(
        last_units=some, shift=some, shift_start="2026-11-22T06:00:00+01:00", failing_steps=[], is_loaded=True,
        conversions_a_minute=[0] * 58 + [30, 6], uploads_a_minute=[0] * 60,
    )  # fmt: skip
    lines = run(instance, "yield", answer).stdout.splitlines()
    assert lines[2:] == [
        "conversions               6  in this minute; 0.6 a minute over the hour",
        "uploads                   0  in this minute; 0.0 a minute over the hour",
    ]


def test_a_stop_that_takes_too_long_is_told_with_the_seconds_that_were_waited(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MORE_SECONDS", 0.6)
    config = GetConfig.Result(config={"service": {"grace_seconds": 0}}, file="")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as lives:
        stopped = run(instance, "stop", GetStatus.Result(**STATUS | {"pid": lives.pid}), config, Stop.Result())
        assert (stopped.exit_code, "has not ended within 1 s" in stopped.stderr) == (1, True)


def test_a_service_that_takes_a_client_and_does_not_answer_it_is_temporary(instance: Instance) -> None:
    async def do(command: Command) -> Answer:
        await trio.sleep_forever()
        return Answer()

    with (
        in_thread(instance, do),
        pytest.raises(asking.NoAnswer, match="get_status"),
        asking.asking("two", instance.home, 0.1) as client,
    ):
        client.get_status()


def test_a_service_that_takes_no_client_is_given_little_time_however_long_the_work_may_take(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SOON", 0.1)
    with unix_socket.listening(instance) as (_, path, _):
        Endpoint(instance.id, "", os.getpid(), "1", "", path=str(path), port=0).write(instance.endpoint, 0o644)
        patient = asking.asking("two", instance.home, 600.0)
        with pytest.raises(asking.NoAnswer, match=r"not answered within 0\.1 s.*try again"), patient:
            raise AssertionError("nobody was there")


def test_who_watches_sees_first_what_is_so_after_the_subscription(instance: Instance) -> None:
    services: list[Service] = []

    async def do(command: Command) -> Answer:
        return GetStatus.Result(**STATUS | {"subscribers": services[0].server.subscribers})

    command = [sys.executable, "-m", "pywats_client", "status", "--watch", "--json", "--instance-id", "two"]
    with in_thread(instance, do) as service:
        services.append(service)
        with subprocess.Popen([*command, "--home", str(instance.home)], stdout=subprocess.PIPE) as watching:
            assert watching.stdout
            first = json.loads(watching.stdout.readline())
            watching.kill()
    assert first["subscribers"] == 1
