"""Promises of the STDF reader that samples alone do not show."""

import bz2
import gzip
import math
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from formats_read import converted, steps
from hypothesis import given, settings
from hypothesis import strategies as st
from stdf_samples import FILES, LIMITS, SAMPLES, one_part
from stdf_writer import Writer

from pywats_client.converters.base import Source
from pywats_client.converters.formats.stdf import Stdf
from pywats_client.converters.process import Workers
from pywats_client.converters.reading.stdf.records import StdfFile, shortest
from pywats_client.converters.setup import Delivered, Job, Setup
from pywats_client.errors import ConversionError

ARGUMENTS = {"process_code": 10, "revision": "1", "operator": "?", "part_number": "?"}


@pytest.fixture(params=["<", ">"])
def writer(request: pytest.FixtureRequest) -> Writer:
    return Writer(request.param)


def read(tmp_path: Path, content: bytes, **arguments: Any) -> tuple[list[dict[str, Any]], list[str]]:
    source = tmp_path / "lot.stdf"
    source.write_bytes(content)
    return converted("stdf", Source(source), {**ARGUMENTS, **arguments})


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith((".gz", ".bz2"))])
def test_the_samples_are_what_the_writer_writes(name: str) -> None:
    assert (SAMPLES / name).read_bytes() == FILES[name]


def test_the_packed_samples_hold_what_the_writer_writes() -> None:
    assert gzip.decompress((SAMPLES / "wafer.stdf.gz").read_bytes()) == gzip.decompress(FILES["wafer.stdf.gz"])
    assert bz2.decompress((SAMPLES / "packed.stdf.bz2").read_bytes()) == FILES["padded.stdf"]


def test_both_byte_orders_say_the_same(tmp_path: Path) -> None:
    first, second = (read(tmp_path, one_part(Writer(order).mir()).mrr().content) for order in "<>")
    assert first == second
    assert list(steps(first[0][0]["root"])) == ["Vcc: 1.5 V GTLT 1.0 2.0 P [test 1]"]


@pytest.mark.parametrize(
    ("parm", "op"),
    [(0x00, "GTLT"), (0x40, "GELT"), (0x80, "GTLE"), (0xC0, "GELE")],
    ids=["none", "low", "high", "both"],
)
def test_a_flag_for_each_limit_says_whether_it_passes_itself(
    tmp_path: Path, writer: Writer, parm: int, op: str
) -> None:
    content = writer.mir().pir().ptr(1, 1.5, *LIMITS, 1.0, 2.0, parm=parm).prr("1").mrr().content
    reports, _ = read(tmp_path, content)
    assert reports[0]["root"]["steps"][0]["numericMeas"][0]["compOp"] == op


def test_limits_of_the_first_record_hold_for_those_without_and_others_for_their_own_record(
    tmp_path: Path, writer: Writer
) -> None:
    writer.mir().pir().ptr(1, 1.5, *LIMITS, 1.0, 2.0, "V", text="Vcc")
    writer.ptr(1, 1.5, *LIMITS, 0.0, 3.0, "V").ptr(1, 1.5).ptr(1, 1.5, 0x1E, 0, 0, 0, 0.0, 4.0)
    reports, _ = read(tmp_path, writer.ptr(1, 1.5, 0x4E).ptr(1, 1.5, 0xCE).prr("1").mrr().content)
    assert list(steps(reports[0]["root"])) == [
        "Vcc: 1.5 V GTLT 1.0 2.0 P [test 1]",
        "Vcc: 1.5 V GTLT 0.0 3.0 P [test 1]",
        "Vcc: 1.5 V GTLT 1.0 2.0 P [test 1]",
        "Vcc: 1.5 V GTLT 1.0 4.0 P [test 1]",
        "Vcc: 1.5 V LT 2.0 P [test 1]",
        "Vcc: 1.5 V LOG P [test 1]",
    ]


def test_the_limits_may_come_after_the_first_parts_of_other_sites_have_ended(tmp_path: Path, writer: Writer) -> None:
    writer.mir().pir(0).pir(1).ptr(1, 1.5, *LIMITS, 1.0, 2.0, site=1).ptr(1, 2.5, flags=0x80).prr("1")
    reports, _ = read(tmp_path, writer.prr("2", site=1).mrr().content)
    assert [list(steps(report["root"])) for report in reports] == [
        ["Test 1: 2.5 GTLT 1.0 2.0 F [test 1]"],
        ["Test 1: 1.5 GTLT 1.0 2.0 P [test 1]"],
    ]


@given(st.floats(width=32), st.integers(-128, 127))
@settings(max_examples=200, deadline=None)
def test_numbers_are_those_of_the_file_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, value: float, scale: int
) -> None:
    content = Writer(">").mir().pir().ptr(1, value, 0xCE, scale, scale, scale, 0, 0, "V").prr("1").mrr().content
    reports, error = read(tmp_path_factory.getbasetemp(), content)
    assert error == []
    measured = reports[0]["root"]["steps"][0]["numericMeas"][0]
    if math.isfinite(value):
        assert struct.pack(">f", measured["value"]) == struct.pack(">f", value)
    else:
        assert "value" not in measured


@pytest.mark.parametrize("in_utc", [False, True])
def test_times_are_the_testers_local_time_unless_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_utc: bool
) -> None:
    noon = int(datetime(2023, 7, 1, 12, tzinfo=UTC).timestamp())
    content = one_part(Writer().mir(start=noon)).mrr().content
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Oslo")
        time.tzset()
        reports, _ = read(tmp_path, content, times_in_utc=in_utc)
    time.tzset()
    assert reports[0]["start"] == ("2023-07-01T14:00:00+02:00" if in_utc else "2023-07-01T12:00:00+02:00")


def test_parts_without_an_id_get_what_the_station_chooses(tmp_path: Path, writer: Writer) -> None:
    content = writer.mir().pir().ptr(1, 1.0).prr().pir().ptr(1, 1.0).prr("9").pir().ptr(1, 1.0).prr().mrr().content
    reports, error = read(tmp_path, content, serial_number="{stem}-{lot}-{number}")
    assert error == []
    assert [report["sn"] for report in reports] == ["lot-LOT7-1", "LOT7-9", "lot-LOT7-3"]


def test_a_serial_number_of_which_a_piece_is_missing_is_none(tmp_path: Path, writer: Writer) -> None:
    content = writer.mir().pir().ptr(1, 1.0).prr("8").pir().ptr(1, 1.0).prr().mrr().content
    reports, error = read(tmp_path, content, serial_form="{lot}.{part}")
    assert [report["sn"] for report in reports] == ["LOT7.8"]
    assert "does not say the serial number" in error[1]


def test_program_sections_nest(tmp_path: Path, writer: Writer) -> None:
    writer.mir().pir().record(20, 10, "Cn", "outer").record(20, 10, "Cn", "inner").ptr(1, 1.0).record(20, 20, "")
    writer.ptr(2, 1.0).record(20, 20, "").record(20, 20, "").ptr(3, 1.0)
    reports, _ = read(tmp_path, writer.prr("1").mrr().content)
    assert [line.split(":")[0] for line in steps(reports[0]["root"])] == [
        "outer", "outer/inner", "outer/inner/Test 1", "outer/Test 2", "Test 3"
    ]  # fmt: skip


def test_a_test_over_thousands_of_inputs_is_a_chart_of_as_many_points_as_a_chart_holds(tmp_path: Path) -> None:
    results = [float(place) for place in range(12_000)]
    limits = (0xCC, 0, 0, 0, 0, 0, 0.0, 0.5, [], "A", "V")
    content = Writer().mir().pir().mpr(1, results, *limits, text="Sweep").prr("1").mrr().content
    reports, error = read(tmp_path, content)
    assert error == []
    step = reports[0]["root"]["steps"][0]
    xs, ys = (step["chart"]["series"][0][key].split(";") for key in ("xdata", "ydata"))
    assert (len(xs), xs[1], ys[1]) == (6_000, "1.0", "2.0")
    assert "one in 2 of 12000 points" in step["reportText"]
    assert len(step["numericMeas"]) == 12_000


def test_encoding_of_texts_can_be_set(tmp_path: Path) -> None:
    content = one_part(Writer().mir(operator="東".encode("shift_jis"))).mrr().content  # type: ignore[arg-type]
    reports, _ = read(tmp_path, content, encoding="shift_jis")
    assert reports[0]["uut"]["user"] == "東"


@pytest.mark.parametrize("name", [name for name in FILES if ".st" in name])
def test_it_is_known_by_its_first_bytes(name: str) -> None:
    refused = {"text.stdf", "empty.stdf"}
    assert Stdf().matches(Source(SAMPLES / name)) == (0 if name in refused else 1)


@pytest.mark.parametrize("content", [b"\x1f\x8b", b"BZh9", b"\x1f\x8b\x08\x00" + bytes(20)])
def test_what_only_looks_packed_is_not_stdf(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert Stdf().matches(Source(tmp_path / "x")) == 0
    with pytest.raises(ConversionError, match="not STDF"):
        StdfFile(Source(tmp_path / "x"))


@given(cut=st.integers(0, len(FILES["two_sites.stdf"])))
@settings(max_examples=150, deadline=None)
def test_wherever_it_breaks_off_good_parts_are_delivered(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    content = FILES["two_sites.stdf"]
    whole, _ = read(tmp_path_factory.getbasetemp(), content)
    reports, error = read(tmp_path_factory.getbasetemp(), content[:cut])
    assert [report["sn"] for report in reports] == [report["sn"] for report in whole][: len(reports)]
    assert error or cut == len(content)


def many_parts(size: int) -> Iterator[bytes]:
    """Records of parts on four sites, 50 tests each, until they have so many bytes."""
    tests = range(50)
    number = written = 0
    while written < size:
        w = Writer()
        w.content = b""
        for site in range(4):
            w.pir(site)
        for test in tests:
            for site in range(4):
                w.ptr(test, test + site / 8, *LIMITS, 0.0, 100.0, "V", text=f"Voltage of pin {test}", site=site)
        for site in range(4):
            number += 1
            w.prr(str(number), site=site, tests=50)
        written += len(w.content)
        yield w.content


@pytest.mark.trio
async def test_a_large_file_needs_little_memory(tmp_path: Path, workers: Workers) -> None:
    source = tmp_path / "large.stdf.gz"
    with gzip.open(source, "wb", compresslevel=1) as stream:
        stream.write(Writer().mir().content)
        stream.writelines(many_parts(2_000_000))
        stream.write(Writer().mrr().content[6:])
    delivered = []

    async def deliver(report: Delivered) -> None:
        delivered.append(report.facts.serial_number)

    setup = Setup(
        name="stdf",
        module="pywats_client.converters.formats.stdf",
        station={"name": "S", "location": "L", "purpose": "P"},
        arguments=ARGUMENTS,
    )
    peak = await workers.convert(setup, Job(source=source, id_seed=b"seed"), deliver)
    assert delivered == [f"LOT7-{number}" for number in range(1, len(delivered) + 1)]
    assert peak < 150 << 20


@pytest.mark.parametrize("meant", [-0.9, 0.0125, 1.0, -0.0, 3.4e38, 16777216.0, 0.6616406, math.inf])
def test_a_number_of_four_bytes_is_what_the_tester_meant(meant: float) -> None:
    (stored,) = struct.unpack("f", struct.pack("f", meant))
    assert struct.pack("f", shortest(stored)) == struct.pack("f", meant)
    assert len(repr(shortest(stored))) <= len(repr(meant))


def test_no_number_of_four_bytes_stays_none() -> None:
    assert math.isnan(shortest(math.nan))
