"""Lines of the log as events, for those clients that asked for them."""

import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import trio

from pywats_client.ipc.events import LogLine
from pywats_client.logs import level_name, text_of
from pywats_client.service.hub import Hub


class LogFeed(logging.Handler):
    """Hands each line that somebody wants to the hub's own thread, and from there to nobody else.

    A line that comes of handing on a line goes the same way later, so it never recurses.
    """

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub, self._token = hub, trio.lowlevel.current_trio_token()

    def emit(self, record: logging.LogRecord) -> None:
        """Costs next to nothing while nobody listens."""
        if record.levelno < self._hub.log_level:
            return
        line = LogLine(
            time=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            level=level_name(record.levelno),
            logger=record.name,
            message=text_of(record),
        )
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._hub.publish_line, line)


@contextlib.contextmanager
def log_feed(hub: Hub) -> Iterator[None]:
    """Feed the hub while the block runs."""
    feed = LogFeed(hub)
    root = logging.getLogger()
    root.addHandler(feed)
    try:
        yield
    finally:
        root.removeHandler(feed)
        feed.close()
