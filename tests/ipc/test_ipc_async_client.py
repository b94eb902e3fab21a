"""The client for asyncio against a real server in another thread."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import trio
from ipc_parts import in_thread

from pywats_client.errors import CommandFailed, ServiceNotRunning
from pywats_client.ipc import AsyncIPCClient
from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.commands.config import GetConfig
from pywats_client.ipc.commands.service import GetStatus, Pause, Restart, Stop
from pywats_client.ipc.protocol import Code
from pywats_client.paths import Instance


class Waiting(Answer):
    queue_size: int = 12


async def answer(command: Command) -> Answer:
    match command:
        case GetStatus():
            return Waiting()
        case GetConfig():
            return GetConfig.Result(config={"server": {}}, file="f")
        case Stop() | Restart():
            return command.Result()
    raise CommandFailed(Code.CONFLICT, "not now")


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance.find("default", tmp_path, environ={})


def client_of(instance: Instance, **options: Any) -> AsyncIPCClient:
    return AsyncIPCClient(instance.id, home=instance.home, **options)


def run(talk: Coroutine[Any, Any, None]) -> None:
    """What asyncio would only log fails the test, too."""
    faults: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        async with asyncio.timeout(30):
            await talk

    asyncio.run(watched(), debug=True)
    assert faults == []


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
def test_the_snippet_of_the_documents_works(tcp: bool, instance: Instance) -> None:
    async def talk() -> None:
        client = client_of(instance)
        assert await client.connect() is True
        assert (await client.get_status()).pending_count == 12
        assert await client.ping() is True
        assert await client.get_config() == {"server": {}}
        assert (await client.stop(), await client.restart()) == (True, True)
        assert client.server_version == "1.2.3"
        await client.disconnect()
        await client.disconnect()

    with in_thread(instance, answer, tcp=tcp):
        run(talk())


def test_where_no_service_runs_connect_says_no_and_the_rest_how_to_start_it(instance: Instance) -> None:
    async def talk() -> None:
        assert await client_of(instance).connect() is False
        with pytest.raises(ServiceNotRunning, match="pywats-client start"):
            async with client_of(instance):
                raise AssertionError

    run(talk())


def test_requests_at_once_share_one_connection_and_each_gets_its_own_answer(instance: Instance) -> None:
    async def talk() -> None:
        client = client_of(instance)
        results = await asyncio.gather(*(client.request("connect", client_type=str(n)) for n in range(100)))
        assert len(results) == 100
        with pytest.raises(CommandFailed, match="not now"):
            await client.call(Pause())
        assert await client.call(Stop()) == Stop.Result()
        await client.disconnect()

    with in_thread(instance, answer) as service:
        run(talk())
        assert service.server._count == 1


def test_one_late_answer_is_no_other_requests_trouble(instance: Instance) -> None:
    late = threading.Event()

    async def hang(command: Command) -> Answer:
        if isinstance(command, GetStatus):
            await trio.to_thread.run_sync(late.wait)
        return await answer(command)

    async def talk() -> None:
        async with client_of(instance) as client:
            patient = asyncio.create_task(client.request("get_status"))
            given_up = asyncio.create_task(client.get_status())
            with pytest.raises(ServiceNotRunning, match=r"has not answered get_status within 0\.05 s"):
                await client.request("get_status", 0.05)
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            assert await client.ping()
            late.set()
            assert await patient == {"queue_size": 12}
            assert client._session._answers == {}

    with in_thread(instance, hang):
        run(talk())


def test_events_come_beside_answers_and_end_with_the_service(instance: Instance) -> None:
    async def talk() -> None:
        async with client_of(instance) as client:
            events = client.events()
            first = await anext(events)
            assert (first.name, first.seq) == ("snapshot", 0)
            for number in range(500):
                service.soon(service.tell, str(number))
            assert await client.ping()
            for number in range(500):
                event = await anext(events)
                assert (event.seq, event.data["reason"]) == (number + 1, str(number))
            service.soon(service.stop)
            assert [event.name async for event in events] == ["service_state_changed"]

    with in_thread(instance, answer) as service:
        run(talk())


def test_events_end_when_their_reader_disconnects(instance: Instance) -> None:
    async def talk() -> None:
        client = client_of(instance)
        assert [await client.disconnect() async for _ in client.events()] == [None]
        assert await client.ping()
        await client.disconnect()

    with in_thread(instance, answer):
        run(talk())


def test_a_service_that_goes_away_leaves_nobody_waiting(instance: Instance) -> None:
    async def leave(command: Command) -> Answer:
        for connection in service.server.connections:
            await connection.close(1001)
        return Answer()

    async def talk() -> None:
        client = client_of(instance)
        said = await asyncio.gather(*(client.get_status() for _ in range(5)), return_exceptions=True)
        assert [type(error) for error in said] == [ServiceNotRunning] * 5
        assert await client.ping()
        await client.disconnect()

    with in_thread(instance, leave) as service:
        run(talk())


def test_a_client_that_is_left_open_is_closed_with_its_loop(instance: Instance) -> None:
    async def talk() -> None:
        assert await client_of(instance).ping()

    with in_thread(instance, answer):
        run(talk())
