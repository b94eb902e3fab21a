"""Slow file calls in threads of our own number: watchers must never hold the last one."""

from collections.abc import Callable
from typing import Any, Protocol

import trio

FILE_THREADS = 4
"""Measured: more threads sync no more files a second."""


class InThread(Protocol):
    """Runs a slow file call where it blocks nobody; tests with a jumping clock call it directly."""

    async def __call__(self, call: Callable[..., Any], *args: Any) -> Any:  # noqa: D102
        ...


def file_threads() -> InThread:
    """What the service runs slow file calls with."""
    limiter = trio.CapacityLimiter(FILE_THREADS)

    async def in_thread(call: Callable[..., Any], *args: Any) -> Any:
        return await trio.to_thread.run_sync(call, *args, limiter=limiter)

    return in_thread
