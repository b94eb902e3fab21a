"""Who has not finished its handshake: bounded in number and in time, and in nobody's way."""

import logging
from pathlib import Path

import pytest
import trio
from ipc_parts import KEYS, Raw, Service, bearer, handshake, is_served, listen
from trio.testing import MockClock

from pywats_client.ipc.protocol import Scope
from pywats_client.ipc.server import HANDSHAKE_SECONDS, MOST_STRANGERS

BOTH = pytest.mark.parametrize("transport", ["tcp", "unix"])


@pytest.fixture
def fast_clock() -> MockClock:
    return MockClock(rate=100)


@pytest.mark.trio
@BOTH
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_half_a_handshake_is_given_its_five_seconds_and_closed(
    transport: str, said: bytes, tmp_path: Path, fast_clock: MockClock
) -> None:
    async with Service(listen(transport, tmp_path)).running(36_000) as service:
        start = trio.current_time()
        client = await Raw.to(service)
        await client.say(said)
        assert await client.everything() == b""
        assert trio.current_time() - start >= HANDSHAKE_SECONDS


@pytest.mark.case(
    "F35",
    "1,000 half-open connections",
    injected="handshakes that never end",
    promised="an honest client is served at once",
)
@pytest.mark.trio
@BOTH
async def test_a_thousand_half_open_connections_shut_nobody_out(transport: str, tmp_path: Path) -> None:
    async with Service(listen(transport, tmp_path)).running() as service:
        for number in range(1000):
            await (await Raw.to(service)).say(b"GET / HT")
            if number % 100 == 99:
                assert await is_served(service)
            assert len(service.server._strangers) <= MOST_STRANGERS
            for gone in service.raw[: -2 * MOST_STRANGERS]:
                await gone.aclose()
            service.raw = service.raw[-2 * MOST_STRANGERS :]
        assert await is_served(service)


@pytest.mark.trio
async def test_a_newcomer_takes_the_room_of_who_has_been_at_it_longest(tmp_path: Path) -> None:
    async with Service(listen("unix", tmp_path)).running() as service:
        first, *others = [await Raw.to(service) for _ in range(MOST_STRANGERS)]
        await service.until(lambda: len(service.server._strangers) == MOST_STRANGERS)
        await (await Raw.to(service)).enter()
        assert await first.everything() == b""
        for client in others:
            await client.enter()


@pytest.mark.trio
async def test_floods_of_connections_while_a_client_works_cost_it_no_answer(tmp_path: Path) -> None:
    key = bearer(KEYS[Scope.VIEW])
    async with Service(listen("tcp", tmp_path)).running() as service, trio.open_nursery() as nursery:

        async def flood() -> None:
            while True:
                client = await Raw.to(service)
                service.raw.remove(client)
                async with client.stream:
                    await client.say(handshake())

        honest = await (await Raw.to(service)).enter(key)
        for _ in range(4):
            nursery.start_soon(flood)
        for number in range(200):
            assert (await honest.ask("ping", str(number)))["success"]
        assert await is_served(service)
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_nothing_of_a_key_or_of_what_strangers_say_gets_into_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pywats_client")
    async with Service(listen("tcp", tmp_path)).running() as service:
        for header in (bearer("not-a-key-" * 5), b"Host: xn--" + b"secret" * 20, bearer(KEYS[Scope.ADMIN])):
            client = await Raw.to(service)
            await client.say(handshake(header))
            await client.status()
        assert repr(service.server._keys) == "Keys(view, operate, admin)"
    assert not [word for word in ("not-a-key", "secret", KEYS[Scope.ADMIN]) if word in caplog.text]


@pytest.mark.trio
async def test_strangers_do_not_hold_up_the_end_of_the_service(tmp_path: Path) -> None:
    service = Service(listen("unix", tmp_path))
    with service.listener:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(HANDSHAKE_SECONDS - 1):
                await nursery.start(service.server.serve, [service.listener])
                client = await Raw.to(service)
                await service.until(lambda: service.server._strangers)
                service.stop()
                assert await client.everything() == b""
                while nursery.child_tasks:
                    await trio.sleep(0.005)
        await client.aclose()
