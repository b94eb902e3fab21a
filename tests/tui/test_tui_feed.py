"""The connection to a service: over a real socket, with no key pressed."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tui_parts import PATIENCE, instance_in, log_line, run, service, status

from pywats_client.errors import CommandFailed, ServiceNotRunning
from pywats_client.ipc.commands.service import GetStatus, Pause, Ping
from pywats_client.ipc.commands.sources import GetLog
from pywats_client.ipc.events import ConfigChanged
from pywats_client.paths import Instance
from pywats_tui import feed as feed_module
from pywats_tui.feed import Feed
from pywats_tui.picture import Link, Picture


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return instance_in(tmp_path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pauses, shorter."""
    for name, seconds in (("BEAT_SECONDS", 0.02), ("PATIENCE_SECONDS", 0.2), ("SEARCH_SECONDS", 0.02)):
        monkeypatch.setattr(feed_module, name, seconds)


@contextlib.asynccontextmanager
async def fed(instance: Instance) -> AsyncIterator[Feed]:
    feed = Feed(instance, Picture())
    running = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        running.cancel()
        await asyncio.wait([running])


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.005)


def test_a_service_is_found_lost_and_found_again(instance: Instance) -> None:
    async def talk() -> None:
        async with fed(instance) as feed:
            await until(lambda: feed.picture.reason.startswith("no service runs"))
            assert feed.picture.is_absent
            for _ in range(3):
                with service(instance) as running:
                    await until(lambda: feed.picture.link is Link.LIVE)
                    running.soon(running.tell, "disk full")
                    await until(lambda: feed.picture.why == "disk full")
                await until(lambda: feed.picture.link is Link.AWAY)
                with pytest.raises(ServiceNotRunning):
                    await feed.ask(Ping())

    run(talk())


def test_a_frozen_service_is_stale_however_long_and_live_when_it_goes_on(instance: Instance) -> None:
    async def talk() -> None:
        async with fed(instance) as feed:
            await until(lambda: feed.picture.link is Link.LIVE)
            for _ in range(2):
                frozen = threading.Event()
                running.soon(frozen.wait)
                try:
                    await until(lambda: feed.picture.link is Link.STALE)
                    assert feed.picture.reason == "the service does not answer"
                    beats = feed_module.PATIENCE_SECONDS * 3
                    await asyncio.wait([asyncio.create_task(asyncio.sleep(beats))])  # several more are not answered
                    assert feed.picture.link is Link.STALE
                finally:
                    frozen.set()
                await until(lambda: feed.picture.link is Link.LIVE)

    with service(instance) as running:
        run(talk())


def test_the_end_of_the_log_stands_for_the_time_before(instance: Instance) -> None:
    lines = [log_line("board-1.csv is queued"), log_line("no room", "WARNING")]

    async def talk() -> None:
        async with fed(instance) as feed:
            await until(lambda: feed.picture.link is Link.LIVE)
            assert [line.text for line in feed.picture.happened] == ["board-1.csv is queued", "no room"]

    with service(instance, answers={GetLog: GetLog.Result(lines=lines, file="f")}):
        run(talk())


@pytest.mark.parametrize("fault", [CommandFailed("forbidden", "not for you"), CommandFailed("unknown_command", "what")])
def test_who_may_not_read_the_log_is_shown_the_rest(instance: Instance, fault: CommandFailed) -> None:
    async def talk() -> None:
        async with fed(instance) as feed:
            await until(lambda: feed.picture.link is Link.LIVE)
            assert not feed.picture.happened

    with service(instance, answers={GetLog: fault}):
        run(talk())


def test_what_is_asked_is_answered_with_a_result_or_a_sentence(instance: Instance) -> None:
    async def talk() -> None:
        async with fed(instance) as feed:
            await until(lambda: feed.picture.link is Link.LIVE)
            assert (await feed.ask(Ping())).pong
            with pytest.raises(CommandFailed, match="not now"):
                await feed.ask(Pause())

    with service(instance, answers={Pause: CommandFailed("conflict", "not now")}):
        run(talk())


def test_a_service_that_talks_a_lot_is_heard_to_the_end(instance: Instance) -> None:
    async def talk() -> None:
        async with fed(instance) as feed:
            await until(lambda: feed.picture.link is Link.LIVE)
            for number in range(900):
                running.soon(running.tell, f"fault {number}")
            await until(lambda: feed.picture.why == "fault 899")

    with service(instance) as running:
        run(talk())


def test_another_server_in_the_configuration_is_known_without_a_new_connection(instance: Instance) -> None:
    urls = ["https://old.test"]

    async def talk() -> None:
        async with fed(instance) as feed:
            await until(lambda: feed.picture.facts.get("server_url") == "https://old.test")
            urls[0] = "https://new.test"
            running.soon(running.hub.publish, ConfigChanged(sections=("server",)))
            await until(lambda: feed.picture.facts["server_url"] == "https://new.test")
            assert feed.picture.link is Link.LIVE

    with service(instance, answers={GetStatus: lambda _: status(server_url=urls[0])}) as running:
        run(talk())
