"""Starts a part of the service anew when a fault of its own ends it, and says so."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from pywats_client.ipc.events import PartFailed
from pywats_client.service.hub import Hub

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
FAILURES_FORGIVEN, WITHIN_SECONDS = 10, 600.0
"""A vital part raises at so many failures in so long a time; the service manager starts us anew then."""


async def keep_up(
    part: str, hub: Hub, task: Callable[..., Awaitable[None]], *args: Any, is_vital: bool = False
) -> None:
    """Run `task` until it returns or is cancelled; after an exception, again: after 1, 2, 4 … 60 s."""
    with hub.component(part) as component:
        while True:
            try:
                await task(*args)
                return
            except Exception as error:
                component.failed(repr(error), trio.current_time() - WITHIN_SECONDS)
                failures = len(component.failures)
                component.fails_often = failures >= FAILURES_FORGIVEN
                if is_vital and component.fails_often:
                    raise
                pause = min(FIRST_PAUSE * 2.0 ** (failures - 1), LONGEST_PAUSE)
                log.exception("%s failed, and is started anew in %.0f s", part, pause)
                hub.publish(PartFailed(part=part, error=repr(error), failures=failures, delay=pause))
            await trio.sleep(pause)
            component.is_running = True
