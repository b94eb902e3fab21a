"""Threads and descriptors: their number does not depend on the load."""

from pathlib import Path

import pytest

from pywats_client.emulator import Emulator
from tests.end_to_end.station import MOST_THREADS, Station, table

BURST = 80


@pytest.mark.trio
async def test_threads_stay_at_their_number_and_descriptors_return_to_theirs(
    station: Station, server: Emulator
) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    station.add_converter("deep", "csv", "*.csv", recursive=True)
    station.configure(max_converter_workers=1, max_concurrent_uploads=3)
    server.control.latency_ms = 5
    threads = []

    async with station.running() as process:

        def is_delivered(reports: int) -> bool:
            threads.append(process.status("Threads"))
            return station.is_at_rest(reports)

        drop(watched, "first")
        await station.until(lambda: is_delivered(BURST))
        idle = process.descriptors()
        drop(watched, "second")
        await station.until(lambda: is_delivered(2 * BURST))
        await station.until(lambda: process.descriptors() <= idle)
    assert max(threads) <= MOST_THREADS


def drop(folder: Path, name: str) -> None:
    for number in range(BURST):
        (folder / f"{name}-{number}.csv").write_text(table(f"{name}-{number}"))
