"""How fast each format is read in a worker process, and how much memory that takes."""

import dataclasses
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import trio

from pywats_client.converters.expected import setup_of
from pywats_client.converters.process import Delivered, Job, Setup, open_workers
from pywats_client.converters.registry import built_in_names
from pywats_client.disk import digest

SAMPLES = Path(__file__).parents[1] / "samples"
SHARED = Path(__file__).parents[2].parent / "shared" / "samples"
SECONDS = 1.0
"""Each file is converted again and again for so long, at least three times."""
UNSAID = {"process_code": 10, "part_number": "P", "revision": "1", "operator": "O"}


class Speed(NamedTuple):
    """Of one file: bytes and reports in it, conversions a second, and the most memory of the worker in MiB."""

    file: str
    size: int
    reports: int
    rate: float
    peak_mib: float


def measured() -> Iterator[tuple[str, Speed]]:
    """Each format with the file that it was measured on: a real one where they are here, else our largest sample."""
    for name in built_in_names():
        source, arguments = _input(name)
        setup = dataclasses.replace(setup_of(name, arguments), defaults=UNSAID)
        yield name, trio.run(partial(speed, setup, source))


def _input(name: str) -> tuple[Path, dict[str, object]]:
    folder = SAMPLES / name
    real = [json.loads(file.read_text()) for file in sorted(folder.glob("*.shared.json"))]
    good = [facts for facts in real if facts["count"] and not facts.get("error")]
    if SHARED.is_dir() and good:
        return SHARED / good[0]["source"], good[0].get("arguments", {})
    own = [(file, json.loads(file.read_text())) for file in folder.glob("*.expected.json")]
    inputs = [
        (file.with_name(file.name.removesuffix(".expected.json")), facts.get("arguments", {}))
        for file, facts in own
        if facts.get("reports") and not facts.get("error")
    ]
    return max(inputs, key=lambda item: (item[0].stat().st_size, item[0].name))


async def speed(setup: Setup, source: Path) -> Speed:
    """Convert a file until it is known how fast that goes."""
    reports = peak = count = 0

    async def deliver(_: Delivered) -> None:
        nonlocal reports
        reports += 1

    async with open_workers(trio.CapacityLimiter(1)) as workers:
        info = await workers.describe(setup)
        companions = await workers.companions(setup, source) if info.has_companions else ()
        job = Job(source=source, companions=companions, id_seed=digest(source))
        await workers.convert(setup, job, deliver)  # what is loaded late is loaded now
        reports, began = 0, time.perf_counter()
        while count < 3 or time.perf_counter() - began < SECONDS:
            peak = await workers.convert(setup, job, deliver)
            count += 1
        rate = count / (time.perf_counter() - began)
    return Speed(source.name, source.stat().st_size, reports // count, rate, peak / 2**20)
