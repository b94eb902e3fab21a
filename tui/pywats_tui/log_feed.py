"""A second connection, for lines of the log: it is there only while somebody looks at them."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Literal

from pywats_client.errors import IpcError
from pywats_client.ipc.async_client import AsyncIPCClient
from pywats_client.ipc.commands.sources import GetLog, LogLine
from pywats_client.paths import Instance
from pywats_tui.feed import understood

SEARCH_SECONDS = 0.5
MOST_OF_THE_PAST = 500
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Tell = Callable[[Iterable[LogLine]], None]


async def follow_log(instance: Instance, level: Level, begin: Callable[[], None], tell: Tell) -> None:
    """Until cancelled, tell the last lines from that level on, and those that come; `begin`: what was told is void."""
    while True:
        with contextlib.suppress(IpcError), understood():  # the status line says so; what was told stays to be read
            await _follow(instance, level, begin, tell)
        await asyncio.sleep(SEARCH_SECONDS)


async def _follow(instance: Instance, level: Level, begin: Callable[[], None], tell: Tell) -> None:
    async with AsyncIPCClient(instance.id, home=instance.home) as client:
        past: list[LogLine] = []
        async for told in client.events(level):
            if told.name == "snapshot":  # from here on nothing is missed; a line may be in both, and is told once
                read = await client.call(GetLog(level=level, limit=MOST_OF_THE_PAST))
                assert isinstance(read, GetLog.Result)
                past = read.lines
                begin()
                tell(past)
            elif told.name == "log_line" and (line := LogLine.model_validate(told.data)) not in past:
                tell([line])
