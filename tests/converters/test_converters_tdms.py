"""Promises of the TDMS converter that samples alone do not show."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats_read import converted
from hypothesis import given, settings
from hypothesis import strategies as st
from nptdms import ChannelObject, RootObject, TdmsWriter
from tdms_samples import FILES, SAMPLES, channel, tdms

from pywats_client.converters.base import Source
from pywats_client.converters.formats.tdms import Tdms
from pywats_client.converters.process import Workers
from pywats_client.converters.setup import Delivered, Job, Setup

ARGUMENTS = {
    "serial_number": "S",
    "part_number": "P",
    "revision": "1",
    "process_code": 10,
    "operator": "O",
    "result": "P",
}


def read(folder: Path, content: bytes, **arguments: Any) -> dict[str, Any]:
    (folder / "run.tdms").write_bytes(content)
    reports, error = converted("tdms", Source(folder / "run.tdms"), {**ARGUMENTS, **arguments})
    assert error == []
    return reports[0]


def plot(report: dict[str, Any]) -> tuple[list[float], list[float]]:
    series = report["root"]["steps"][0]["steps"][0]["chart"]["series"][0]
    return tuple([float(number) for number in series[key].split(";")] for key in ("xdata", "ydata"))  # type: ignore[return-value]


@pytest.mark.parametrize("name", FILES)
def test_the_samples_are_what_the_writer_writes(name: str) -> None:
    assert (SAMPLES / name).read_bytes() == FILES[name]


@given(sizes=st.lists(st.integers(2, 9_000), min_size=1, max_size=6), spike=st.floats(0, 0.999))
@settings(max_examples=25, deadline=None)
def test_a_thinned_chart_keeps_every_extreme_whatever_the_segments(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], spike: float
) -> None:
    values = np.zeros(sum(sizes))
    place = int(spike * len(values))
    values[place] = 9.5
    content = io.BytesIO()
    with TdmsWriter(content) as writer:
        for part in np.split(values, np.cumsum(sizes)[:-1]):
            writer.write_segment([ChannelObject("G", "C", part, {"wf_increment": 0.5})])
    xs, ys = plot(read(tmp_path_factory.getbasetemp(), content.getvalue()))
    assert len(xs) <= 10_000
    assert xs == sorted(set(xs))
    assert (place / 2, 9.5) in zip(xs, ys, strict=True)


def test_the_time_axis_has_no_noise_of_binary_multiplication(tmp_path: Path) -> None:
    xs, _ = plot(read(tmp_path, tdms(channel("C", np.arange(5.0), wf_increment=0.1, wf_start_offset=0.3))))
    assert xs == [0.3, 0.4, 0.5, 0.6, 0.7]


def test_no_number_is_neither_the_lowest_nor_the_highest(tmp_path: Path) -> None:
    values = np.full(20_000, 2.0)
    values[10], values[11], values[12] = np.nan, 1.0, 3.0
    report = read(tmp_path, tdms(channel("C", values)))
    assert {(11.0, 1.0), (12.0, 3.0)} <= set(zip(*plot(report), strict=True))


@pytest.mark.parametrize(("said", "result"), [("ok", "P"), ("NG", "F"), (True, "P"), ("aborted", "T")])
def test_a_property_says_the_verdict(tmp_path: Path, said: object, result: str) -> None:
    content = tdms(RootObject({"Test Result": said}), channel("C", [1.0, 2.0]))
    assert read(tmp_path, content, result="E")["result"] == result


@pytest.mark.parametrize("said", ["0", "1", "done", "3.3 V", ""])
def test_a_property_that_is_no_verdict_leaves_it_to_the_argument(tmp_path: Path, said: str) -> None:
    content = tdms(RootObject({"Result": said}), channel("C", [1.0, 2.0]))
    assert read(tmp_path, content, result="E")["result"] == "E"


def test_the_index_beside_it_goes_with_it_and_is_not_read(tmp_path: Path) -> None:
    source = tmp_path / "run.tdms"
    assert list(Tdms().companions(Source(source))) == []
    index = tmp_path / "run.tdms_index"
    index.write_bytes(FILES["index.tdms"])
    assert list(Tdms().companions(Source(source))) == [index]
    assert read(tmp_path, FILES["station.tdms"])["root"]["steps"][1]["name"] == "Run 1"


@pytest.mark.parametrize("name", FILES)
def test_it_is_known_by_its_tag(name: str) -> None:
    assert Tdms().matches(Source(SAMPLES / name)) == (0 if name in ("index.tdms", "text.tdms", "empty.tdms") else 1)


@pytest.mark.trio
async def test_a_large_file_of_small_pieces_is_read_within_the_limits_of_a_worker(
    tmp_path: Path, workers: Workers
) -> None:
    source = tmp_path / "large.tdms"
    with TdmsWriter(str(source)) as writer:
        for start in range(0, 4_000_000, 100_000):
            writer.write_segment([ChannelObject("G", "C", np.arange(start, start + 100_000, dtype="f8"))])
    content = []

    async def deliver(report: Delivered) -> None:
        content.append(report.content)

    setup = Setup(
        name="tdms",
        module="pywats_client.converters.formats.tdms",
        station={"name": "S", "location": "L", "purpose": "P"},
        arguments=ARGUMENTS,
    )
    peak = await workers.convert(setup, Job(source=source, id_seed=b"seed"), deliver)
    assert b"of each 800 of 4000000 points" in content[0]
    assert peak < 150 << 20
