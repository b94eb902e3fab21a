"""Asks the server whether it is there, and tells it every hour how this client is."""

import logging
import platform
from collections.abc import Callable
from importlib.metadata import version

import trio

from pywats_client.config.model import Config, Server
from pywats_client.errors import Busy, ConfigError, Refused, Unreachable, WatsError
from pywats_client.ipc.events import ConnectionState, Snapshot
from pywats_client.service.clients import Clients
from pywats_client.service.connection import LONGEST_WAIT, Connection
from pywats_client.service.settings import Settings

log = logging.getLogger(__name__)

FIRST_STATUS_SECONDS = 60.0
"""From the start to the first client status: what is known then is worth telling."""


async def keep_connection(connection: Connection, clients: Clients, settings: Settings) -> None:
    """Ping at the start, every `ping_interval`, at new settings, and while the server is away every minute.

    Not before the time that a busy server has named, nor again while it refuses: no ping would end that.
    """
    asked: Server | None = None
    while True:
        await connection.left_alone()
        config = settings.config
        if connection.state is not ConnectionState.REFUSED or config.server != asked:
            asked = config.server
            await _ping(connection, clients, settings)
        interval = config.service.ping_interval
        if connection.state is ConnectionState.OFFLINE:
            interval = min(interval, LONGEST_WAIT)
        await settings.rest(connection.spread(interval), config)


async def _ping(connection: Connection, clients: Clients, settings: Settings) -> None:
    server = settings.config.server
    failure: WatsError | None = None
    offset: float | None = None
    try:
        async with clients.client() as client:
            await client.version()
            offset = client.clock_offset
    except ConfigError as error:
        failure = Refused(str(error))
    except (Busy, Refused, Unreachable) as error:
        failure = error
    if settings.config.server != server:
        return  # what the old server says does not count against the new one
    if failure:
        connection.ping_failed(failure)
    else:
        connection.pinged()
        connection.clock.learn(offset)


async def tell_status(clients: Clients, settings: Settings, snapshot: Callable[[], Snapshot]) -> None:
    """Send the client status, also when the settings change.

    A server that does not know the call is noted once, and never disturbs uploads.
    """
    await trio.sleep(min(FIRST_STATUS_SECONDS, settings.config.service.register_interval))
    noted = False
    while True:
        config = settings.config
        try:
            async with clients.client() as client:
                await client.update_client(client_status(config, snapshot()))
        except (WatsError, ConfigError) as error:
            log.log(logging.DEBUG if noted else logging.INFO, "the client status was not taken: %s", error)
            noted = True
        await settings.rest(config.service.register_interval, config)


def client_status(config: Config, snapshot: Snapshot) -> dict[str, object]:
    """The body of `PUT /api/Client/Update`, in the words of the existing client."""
    waiting = sum(count for state, count in snapshot.reports.items() if state in ("queued", "processing", "error"))
    return {
        "name": config.station.name,
        "location": config.station.location,
        "purpose": config.station.purpose,
        "version": version("pywats-client"),
        "status": "Online",
        "pendingTotal": waiting,
        "computer": {
            "osVersion": platform.platform(),
            "pythonVersion": platform.python_version(),
            "osArchitecture": platform.machine(),
            "computerName": platform.node(),
        },
        "converters": [
            {
                "name": converter.name,
                "state": str(status.state),
                "total": status.converted,
                "error": status.failed,
                "path": converter.watch_folder,
                "filter": ";".join(converter.file_patterns),
                "postProcessAction": converter.post_action,
            }
            for converter in config.converters
            if (status := snapshot.converters.get(converter.name))
        ],
    }
