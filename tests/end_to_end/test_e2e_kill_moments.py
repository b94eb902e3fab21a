"""kill -9 at the moments that matter in the life of one report, each hit for certain."""

import json
import os
import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.end_to_end.processes import Nest, gone, is_there
from tests.end_to_end.station import TOKEN, Station, names_in, wsjf
from tests.torture.counting_server import CountingServer, Mood
from tests.torture.moments import MOMENTS, STORED, STORED_WORDS, Moment

INJECTED = "SIGKILL, by the disk itself around that step, or once the server has stored the report"
GOES_ON = "the next start goes on from what is on the disk; the report is delivered, under one id"


@pytest.fixture
def nest(tmp_path: Path) -> Iterator[Nest]:
    nest = Nest({"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYWATS_API_TOKEN": TOKEN})
    yield nest
    nest.close()


@pytest.fixture
async def counting(nursery: trio.Nursery) -> CountingServer:
    server = CountingServer(random.Random(1), Mood(0.0))
    await nursery.start(server.keep_listening)
    return server


def station_with_one_source(folder: Path, server: CountingServer) -> Station:
    station = Station(folder, server.url)
    watched = station.add_converter("in", "wats_json", "*.json")
    station.configure(settle_seconds=0)
    (watched / "a.json").write_text(json.dumps([wsjf(folder.name)]))
    return station


async def finish(nest: Nest, station: Station) -> None:
    """Run the service until the report is delivered and its source put away."""
    pid = nest.start(station)
    done = station.folder / "in" / "Done"
    await station.until(lambda: station.is_at_rest(1) and names_in(done) == ["a.json"])
    assert station.stray_files() == []
    os.kill(pid, signal.SIGTERM)
    await gone(pid)


@pytest.mark.trio
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(moment, marks=pytest.mark.case(case, moment.words, injected=INJECTED, promised=GOES_ON), id=case)
        for case, moment in MOMENTS.items()
    ],
)
async def test_a_kill_at_any_moment_of_a_report_leaves_it_delivered_once(
    moment: Moment, tmp_path: Path, counting: CountingServer, nest: Nest
) -> None:
    station = station_with_one_source(tmp_path / "station", counting)
    pid = nest.start(station, moment.form, moment.side)
    await station.until(lambda: not is_there(pid))
    await gone(pid)
    assert re.search(moment.form, (station.home / "steps").read_text()), (station.home / "stderr").read_text()
    await finish(nest, station)
    assert [len(ids) for ids in counting.stored.values()] == [1]


@pytest.mark.trio
@pytest.mark.case(STORED, STORED_WORDS, injected=INJECTED, promised=GOES_ON)
async def test_a_kill_before_the_reply_is_read_sends_the_report_once_more_under_its_id(
    tmp_path: Path, counting: CountingServer, nest: Nest
) -> None:
    counting.silent.add("station")
    station = station_with_one_source(tmp_path / "station", counting)
    pid = nest.start(station)
    await station.until(lambda: "station" in counting.stored)
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    assert station.counts() == {"processing": 1}
    counting.silent.clear()
    await finish(nest, station)
    assert counting.extra_posts() == 1
    assert len(counting.stored["station"]) == 1
