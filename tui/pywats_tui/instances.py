"""The services of this machine: those that run, as they answer, and those that are only configured."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pywats_client.errors import IpcError
from pywats_client.ipc.async_client import AsyncIPCClient
from pywats_client.ipc.commands.base import Command
from pywats_client.ipc.commands.service import GetStatus, Ping
from pywats_client.ipc.endpoint import Endpoint, running_instances
from pywats_client.paths import INSTANCE_ID, Instance
from pywats_tui.feed import understood

PATIENCE_SECONDS = 2.0
"""A service that has frozen does not keep the others from being shown."""
BACK_SECONDS, LOOK_SECONDS = 30.0, 0.25
"""How long a restart may take, and how often it is looked for."""


@dataclass(frozen=True)
class Known:
    """One instance. Of one that does not run there is no endpoint, of one that does not answer no status."""

    instance: Instance
    endpoint: Endpoint | None = None
    status: GetStatus.Result | None = None
    fault: str = ""

    @property
    def key(self) -> str:
        """What tells it from all others of this machine."""
        return f"{self.instance.id} {self.instance.home or ''}"

    @property
    def state(self) -> str:
        """A sign and a word."""
        if self.endpoint is None:
            return "■ stopped"
        if self.status is None:
            return "! no answer"
        if self.status.paused:
            return "▬ paused"
        return f"► {self.status.status.lower()}"


async def ask(instance: Instance, command: Command, seconds: float = 30.0) -> Any:
    """The result of a command to any instance. Raises IpcError."""
    async with AsyncIPCClient(instance.id, home=instance.home, timeout=min(seconds, 5.0)) as client:
        with understood():
            return await client.call(command, seconds)


async def ask_to_end(instance: Instance, command: Command) -> None:
    """Send Stop or Restart, and return when the service has gone. Raises IpcError."""
    async with AsyncIPCClient(instance.id, home=instance.home) as client:
        events = client.events()
        await anext(events)
        await client.call(command)
        async for _ in events:
            pass  # what it tells until its end is for others


async def back(instance: Instance) -> None:
    """Return when the service answers, or after a time in which it should have."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BACK_SECONDS):
            while not await _is_there(instance):  # noqa: ASYNC110 -- another process: nothing here could set an event
                await asyncio.sleep(LOOK_SECONDS)


async def _is_there(instance: Instance) -> bool:
    try:
        await ask(instance, Ping())
    except IpcError:
        return False
    return True


async def known_instances(shown: Instance) -> list[Known]:
    """All of them, by id: what runs for this user and the system, and what is configured beside the one shown."""
    environ = dict(os.environ) | ({"PYWATS_HOME": str(shown.home)} if shown.home else {})
    running = await asyncio.to_thread(running_instances, environ)
    found = {known.key: known for known in await asyncio.gather(*map(_asked, running))}
    for instance in [*_configured(environ), shown]:
        found.setdefault(Known(instance).key, Known(instance))
    return sorted(found.values(), key=lambda known: known.key.casefold())


async def _asked(endpoint: Endpoint) -> Known:
    instance = Instance.find(endpoint.instance_id, Path(endpoint.home) if endpoint.home else None)
    try:
        return Known(instance, endpoint, await ask(instance, GetStatus(), PATIENCE_SECONDS))
    except IpcError as error:
        return Known(instance, endpoint, fault=str(error))


def _configured(environ: Mapping[str, str]) -> list[Instance]:
    """What the usual place has configurations for."""
    some = Instance.find(environ=environ)
    ids = [file.stem.removeprefix("config_") for file in some.config.parent.glob("config_*.json")]
    return [Instance.find(found, some.home, environ) for found in ids if INSTANCE_ID.fullmatch(found)]
