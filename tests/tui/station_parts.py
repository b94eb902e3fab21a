"""A real service as a process of its own, for screens that change what it does."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import trio

from tests.end_to_end.station import Process, Station

NOWHERE = "http://127.0.0.1:9"
"""No server answers there: what these tests need is all on this machine."""


def station_in(folder: Path) -> Station:
    """One whose converter `csv` takes tables."""
    station = Station(folder, NOWHERE)
    station.add_converter("csv", "csv", "*.csv")
    return station


@contextlib.contextmanager
def running(station: Station) -> Iterator[None]:
    """The service is there when the block begins, and ends with it."""
    process = station.start("service")
    try:
        trio.run(_ready, station, process)
        yield
        assert trio.run(process.stop) == 0, process.stderr
        assert "Traceback" not in process.stderr + station.log()
    finally:
        trio.run(process.destroy)


async def _ready(station: Station, process: Process) -> None:
    await station.until(lambda: f"Running (process {process.pid})" in process.stderr)
