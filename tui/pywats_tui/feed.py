"""The connection to the service: found, followed, lost and found again, without anybody asking for it."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from pywats_client.errors import CommandFailed, IpcError, ProtocolMismatch, ServiceNotRunning
from pywats_client.ipc.async_client import AsyncIPCClient
from pywats_client.ipc.commands.base import Command
from pywats_client.ipc.commands.service import GetStatus, Ping
from pywats_client.ipc.commands.sources import GetLog
from pywats_client.ipc.events import ConfigChanged
from pywats_client.paths import Instance
from pywats_tui.picture import Picture

BEAT_SECONDS, PATIENCE_SECONDS = 0.75, 1.5
"""A service that has frozen is known after the sum of both."""
SEARCH_SECONDS = 0.5


@contextlib.contextmanager
def understood() -> Iterator[None]:
    """A service of another version may use words that are unknown here: ProtocolMismatch, with a sentence."""
    try:
        yield
    except ValidationError as error:
        raise ProtocolMismatch(
            f"the service is of another version, and says what this dashboard does not understand ({error.title}); "
            "restart whichever of the two is older"
        ) from error


class Feed:
    """Keeps a picture true."""

    def __init__(self, instance: Instance, picture: Picture) -> None:
        self.instance, self.picture = instance, picture
        self._client: AsyncIPCClient | None = None

    async def run(self) -> None:
        """Follow the service until cancelled; every fault is a state of the picture."""
        while True:
            try:
                with understood():
                    await self._follow()
            except IpcError as error:
                self.picture.lost(str(error), is_absent=isinstance(error, ServiceNotRunning))
            finally:
                self._client = None
            await asyncio.sleep(SEARCH_SECONDS)

    async def ask(self, command: Command, seconds: float = 30.0) -> Any:
        """The result of a command. Raises IpcError: ServiceNotRunning, or CommandFailed with a sentence."""
        if self._client is None:
            raise ServiceNotRunning("the service is not connected")
        with understood():
            return await self._client.call(command, seconds)

    async def _follow(self) -> None:
        """From a connection to its end. Raises IpcError."""
        async with AsyncIPCClient(self.instance.id, home=self.instance.home) as client:
            facts = await _facts(client)
            await self._learn_the_past(client)
            self._client = client
            beat = asyncio.create_task(self._beat(client))
            try:
                async for told in client.events():
                    if told.name == "snapshot":
                        self.picture.connected(told.data, facts)
                    else:
                        self.picture.told(told)
                    if told.name == ConfigChanged.name:
                        self.picture.facts = await _facts(client)
            finally:
                beat.cancel()
        raise ServiceNotRunning("the service has closed the connection")

    async def _learn_the_past(self, client: AsyncIPCClient) -> None:
        """The end of the log stands for what happened before we looked; who may not read it begins with nothing."""
        with contextlib.suppress(CommandFailed):
            past = await client.call(GetLog(level="INFO", limit=10))
            assert isinstance(past, GetLog.Result)
            self.picture.remember(past.lines)

    async def _beat(self, client: AsyncIPCClient) -> None:
        """A ping now and then: what is open may be frozen all the same. It ends with the connection."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await client.call(Ping())
            except TimeoutError:
                self.picture.silent()
            except IpcError:
                return  # the events end, too
            else:
                self.picture.answered()


async def _facts(client: AsyncIPCClient) -> dict[str, Any]:
    return (await client.call(GetStatus())).model_dump(mode="json")
