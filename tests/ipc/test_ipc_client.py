"""The blocking client against a real server in another thread."""

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import trio
from ipc_parts import KEYS, in_thread
from pydantic import ConfigDict

from pywats_client.errors import CommandFailed, ProtocolMismatch, ServiceNotRunning
from pywats_client.ipc import IPCClient
from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.commands.config import GetConfig
from pywats_client.ipc.commands.service import GetStatus, Pause, Restart, Stop
from pywats_client.ipc.endpoint import Endpoint
from pywats_client.ipc.protocol import Code, Scope
from pywats_client.ipc.status import Status
from pywats_client.paths import Instance

STATUS = {
    "status": "Running",
    "api_status": "Online",
    "instance_id": "default",
    "converters": [{"name": "csv", "state": "Running", "pending_count": 5}],
    "queue_size": 12,
}


class Told(Answer):
    model_config = ConfigDict(extra="allow")


async def answer(command: Command) -> Answer:
    match command:
        case GetStatus():
            return Told.model_validate(STATUS)
        case GetConfig():
            return GetConfig.Result(config={"server": {"url": "x"}}, file="f")
        case Stop() | Restart():
            return command.Result()
        case Pause(what="intake"):
            raise CommandFailed(Code.CONFLICT, "not now")
    return Pause.Result(paused=["uploads"])


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance.find("default", tmp_path, environ={})


def client_of(instance: Instance, **options: Any) -> IPCClient:
    return IPCClient(instance.id, home=instance.home, **options)


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
def test_the_snippet_of_the_documents_works(tcp: bool, instance: Instance) -> None:
    with in_thread(instance, answer, tcp=tcp):
        client = client_of(instance)
        assert client.connect() is True
        assert client.connect() is True
        status = client.get_status()
        assert (status.pending_count, status.queue_size, status["queue_size"]) == (12, 12, 12)
        assert [item["pending_count"] for item in status["converters"]] == [5]
        assert str(status) == "default: Running, server Online, 12 waiting; converters: csv Running"
        assert client.ping() is True
        assert client.get_config() == {"server": {"url": "x"}}
        assert (client.server_version, client.server_capabilities) == ("1.2.3", ("ping",))
        assert (client.stop(), client.restart()) == (True, True)
        client.disconnect()
        client.disconnect()


def test_a_status_without_that_field_says_which_it_has() -> None:
    with pytest.raises(AttributeError, match="the status has no 'queue'; it has status, api_status"):
        assert Status(STATUS).queue


def test_a_command_object_brings_its_own_result_and_a_refusal_its_code(instance: Instance) -> None:
    with in_thread(instance, answer), client_of(instance) as client:
        assert client.call(Pause(what="uploads")) == Pause.Result(paused=["uploads"])
        with pytest.raises(CommandFailed, match="not now") as refused:
            client.call(Pause(what="intake"))
        assert refused.value.code == "conflict"
        with pytest.raises(CommandFailed, match="there is no command 'fly'"):
            client.request("fly")
        assert client.ping()


def test_after_a_disconnect_the_next_command_connects_again(instance: Instance) -> None:
    with in_thread(instance, answer) as service, client_of(instance) as client:
        assert client.ping()
        client.disconnect()
        assert client.request("connect")["scope"] == "admin"
        assert service.server._count == 2


def test_events_begin_with_the_state_and_commands_may_come_between(instance: Instance) -> None:
    with in_thread(instance, answer) as service, client_of(instance) as client:
        events = client.events()
        first = next(events)
        assert (first.name, first.seq, first.data["service"]) == ("snapshot", 0, "Running")
        service.soon(service.tell, "one")
        service.soon(service.tell, "two")
        assert client.get_status().queue_size == 12
        found = [next(events) for _ in range(2)]
        assert [(event.name, event.seq, event.data["reason"]) for event in found] == [
            ("health_changed", 1, "one"),
            ("health_changed", 2, "two"),
        ]
        service.soon(service.stop)
        assert [event.name for event in events] == ["service_state_changed"]


def test_events_end_when_their_reader_disconnects(instance: Instance) -> None:
    with in_thread(instance, answer), client_of(instance) as client:
        names = []
        for event in client.events():
            names.append(event.name)
            client.disconnect()
        assert names == ["snapshot"]


def test_where_no_service_runs_the_sentence_says_how_to_start_it(instance: Instance) -> None:
    client = client_of(instance)
    assert client.connect() is False
    with pytest.raises(ServiceNotRunning, match=r"`pywats-client start --home .*` starts it"):
        client.open()
    with in_thread(instance):
        left_over = instance.endpoint.read_bytes()
    instance.endpoint.write_bytes(left_over)
    assert client.connect() is False
    with pytest.raises(ServiceNotRunning, match="no service runs for instance 'default'"), client_of(instance):
        raise AssertionError


def test_a_service_that_goes_away_in_the_middle_is_told_as_that(instance: Instance) -> None:
    async def hang(command: Command) -> Answer:
        service.server._accepting.cancel()
        for connection in service.server.connections:
            await connection.close(1001)
        return Answer()

    with in_thread(instance, hang) as service, client_of(instance) as client:
        assert client.ping()
        with pytest.raises(ServiceNotRunning, match="the service has closed the connection"):
            client.get_status()


def test_a_late_answer_is_dropped_and_the_next_command_gets_its_own(instance: Instance) -> None:
    late = threading.Event()

    async def hang(command: Command) -> Answer:
        if isinstance(command, GetStatus):
            await trio.to_thread.run_sync(late.wait)
        return await answer(command)

    with in_thread(instance, hang), client_of(instance) as client:
        with pytest.raises(ServiceNotRunning, match=r"has not answered get_status within 0\.05 s"):
            client.request("get_status", 0.05)
        late.set()
        assert client.get_config() == {"server": {"url": "x"}}


def test_events_do_not_lengthen_the_patience_of_a_request(instance: Instance) -> None:
    over = threading.Event()

    async def chatter(command: Command) -> Answer:
        while not over.is_set():
            service.tell("again")
            await trio.sleep(0.01)
        return Answer()

    with in_thread(instance, chatter) as service, client_of(instance) as client:
        next(client.events())
        with pytest.raises(ServiceNotRunning):
            client.request("get_status", 0.2)
        over.set()


@pytest.mark.parametrize("key", ["wrong" * 10, KEYS[Scope.ADMIN][:-1]])
def test_a_wrong_key_is_refused_with_what_to_do_and_never_shown(key: str, instance: Instance) -> None:
    with in_thread(instance, tcp=True), pytest.raises(CommandFailed, match="PYWATS_IPC_KEY") as refused:
        client_of(instance, key=key).open()
    assert refused.value.code == "forbidden"
    assert key not in str(refused.value)


def test_the_key_of_the_environment_is_shown(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYWATS_IPC_KEY", KEYS[Scope.VIEW])
    with in_thread(instance, tcp=True), client_of(instance) as client:
        assert client.request("connect")["scope"] == "view"


def test_a_proxy_of_the_environment_is_never_asked(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ws_proxy", "socks_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with in_thread(instance, tcp=True), client_of(instance) as client:
        assert client.ping()


def test_a_service_that_serves_as_many_as_it_can_says_so(instance: Instance) -> None:
    with in_thread(instance) as service:
        service.server._places = 0
        with pytest.raises(CommandFailed, match="as many clients as it serves at once") as refused:
            client_of(instance).open()
        assert refused.value.code == "temporary"


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (b"", ServiceNotRunning, "closed the connection before it said hello"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", ProtocolMismatch, "does not speak our protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ProtocolMismatch, "HTTP status 200"),
        (None, ServiceNotRunning, "process 42.* has not answered within"),
    ],
)
def test_what_is_no_service_of_ours_is_told_in_a_sentence(
    said: bytes | None, kind: type[Exception], words: str, instance: Instance
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        instance.endpoint.parent.mkdir(parents=True)
        port = listener.getsockname()[1]
        Endpoint("default", "", 42, "", "", port=port).write(instance.endpoint, 0o600)
        instance.ipc_keys.write_text(json.dumps(KEYS))

        def speak() -> None:
            with listener.accept()[0] as client:
                client.recv(65_536)
                if said is None:
                    over.wait(30)
                else:
                    client.sendall(said)

        over = threading.Event()
        thread = threading.Thread(target=speak)
        thread.start()
        try:
            with pytest.raises(kind, match=words):
                client_of(instance, timeout=0.3 if said is None else 10).open()
        finally:
            over.set()
            thread.join()


def test_the_events_of_a_connection_end_with_it_and_not_with_the_next(instance: Instance) -> None:
    with in_thread(instance, answer), client_of(instance) as client:
        events = client.events()
        assert next(events).name == "snapshot"
        client.disconnect()
        assert client.ping()
        assert list(events) == []


def test_the_example_with_a_plain_socket_gets_the_status(instance: Instance) -> None:
    script = Path(__file__).parents[2] / "examples" / "plain_socket.py"
    with in_thread(instance, answer):
        command = [sys.executable, str(script), str(instance.endpoint)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "'protocol_version': '2.0'" in said[0]
    assert "'request_id': '1'" in said[1]
    assert "'status': 'Running'" in said[1]
