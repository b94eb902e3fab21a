"""What comes into a watched folder: half-written, empty, binary, changing, vanishing, and under any name."""

import json
import os
import random
from pathlib import Path

import pytest

from pywats_client.emulator import Emulator
from tests.end_to_end.converters import add_hesitant
from tests.end_to_end.station import Station, names_in, serials, table, wsjf


@pytest.mark.case(
    "F27",
    "a slow writer",
    injected="a file written in three pieces, others meanwhile",
    promised="taken when it is closed, and whole",
)
@pytest.mark.trio
async def test_a_file_is_taken_when_its_writer_has_closed_it_and_whole(station: Station, server: Emulator) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    station.configure(settle_seconds=0)
    text = table("SLOW") + "SLOW,PN-1,A,Current,0.4,0.3,0.5,A\n"
    renamed = watched / "renamed.csv.part"
    renamed.write_text(table("RENAMED"))
    async with station.running():
        with (watched / "slow.csv").open("w") as slow:
            for count, piece in enumerate((text[:20], text[20:130], text[130:])):
                slow.write(piece)
                slow.flush()
                (watched / f"quick-{count}.csv").write_text(table(f"QUICK-{count}"))
                await station.until(lambda count=count: station.is_at_rest(count + 1))  # type: ignore[misc]
                assert "slow.csv" in names_in(watched)
        await station.until(lambda: station.is_at_rest(4))
        assert renamed.exists()
        renamed.rename(watched / "renamed.csv")
        await station.until(lambda: station.is_at_rest(5))
    assert await serials(server) == ["QUICK-0", "QUICK-1", "QUICK-2", "RENAMED", "SLOW"]
    (slow_id,) = [header["uuid"] for header in await server.received() if header["serialNumber"] == "SLOW"]
    report = await server.report(slow_id)
    assert report
    assert [step["name"] for step in report["root"]["steps"]] == ["Supply voltage", "Current"]


@pytest.mark.trio
async def test_a_file_that_is_no_result_goes_to_the_error_folder_with_its_reason(
    station: Station, server: Emulator
) -> None:
    watched = station.add_converter("csv", "csv", "*")
    bad = {
        "binary.csv": random.Random(1).randbytes(100_000),
        "cut-off.csv": table("CUT")[:-30].encode(),
        "empty.csv": b"",
        "zeros.csv": bytes(10_000),
    }
    for name, content in bad.items():
        (watched / name).write_bytes(content)
    (watched / "good.csv").write_text(table("GOOD"))
    async with station.running():
        await station.until(lambda: station.is_at_rest(1) and len(names_in(watched / "Error")) == 2 * len(bad))
    assert await serials(server) == ["GOOD"]
    for name, content in bad.items():
        assert (watched / "Error" / name).read_bytes() == content
        reason = (watched / "Error" / f"{name}.reason").read_text()
        assert "converter: csv" in reason


@pytest.mark.case(
    "F27",
    "rewritten, truncated or deleted after pick-up",
    injected="a hand, while the converter reads",
    promised="no report of what it was before",
)
@pytest.mark.trio
async def test_a_file_that_vanishes_is_forgotten_and_one_that_changes_is_converted_as_it_is_last(
    station: Station, server: Emulator
) -> None:
    watched, go = add_hesitant(station)
    station.configure(max_converter_workers=4)
    for name in ("vanishing", "rewritten", "truncated"):
        (watched / f"{name}.json").write_text(json.dumps([wsjf(f"{name} {number}") for number in range(3)]))
    async with station.running():
        await station.until(lambda: len(station.stray_files()) == 3)
        (watched / "vanishing.json").unlink()
        (watched / "rewritten.json").write_text(json.dumps(wsjf("rewritten at last")))
        os.truncate(watched / "truncated.json", 10)
        go.touch()
        await station.until(lambda: station.is_at_rest(1) and "truncated.json" in names_in(watched / "Error"))
        await station.until(lambda: "vanishing.json is gone" in station.log())
    assert await serials(server) == ["rewritten at last"]
    assert names_in(watched / "Done") == ["rewritten.json"]
    assert station.stray_files() == []


def odd_names(count: int) -> list[bytes]:
    """Names of all kinds that a file may have, all different."""
    chosen = [
        b"line\nbreak",
        b"\x01\x02\x1b[31m\x7f",
        b"\xff\xfe\x80 no utf-8",
        b"tab\tand\rreturn",
        b"-rf",
        b"~",
        b"%s%n{0}",
        b"back\\slash",
        b"'quote\"",
        b"*?[a]",
        b"trailing space ",
        b"UPPER.JSON",
        "größe µ 漢字 🙂".encode(),
        "e\u0301 \u202ereversed".encode(),
        b"x" * 255,
        "漢".encode() * 85,
        b"x.tmp.json",
        b"Done.json",
        b"a" * 250 + b".json",
        b"\xed\xa0\x80 surrogate",
    ]
    source = random.Random(2)
    while len(chosen) < count:
        name = source.randbytes(source.choice((3, 40, 200))).replace(b"/", b"_").replace(b"\0", b"_")
        if not name.startswith(b".") and name not in chosen:
            chosen.append(name)
    return chosen


@pytest.mark.case(
    "F28",
    "odd names, end to end",
    injected="200 names: control characters, 255 bytes, no UTF-8, leading dash, RTL",
    promised="each converted and put away under its name, none breaks a line",
)
@pytest.mark.trio
async def test_two_hundred_odd_names_are_names_like_any_other(station: Station, server: Emulator) -> None:
    watched = os.fsencode(station.add_converter("in", "wats_json", "*"))
    names = odd_names(200)
    bad = set(names[::10])
    for number, name in enumerate(names):
        text = "not JSON\n" if name in bad else json.dumps(wsjf(f"N{number:03}"))
        Path(os.fsdecode(watched + b"/" + name)).write_text(text)
    good = [f"N{number:03}" for number, name in enumerate(names) if name not in bad]
    async with station.running():
        await station.until(lambda: station.is_at_rest(len(good)))
        await station.until(lambda: len(os.listdir(watched + b"/Error")) == 2 * len(bad))
    assert await serials(server) == good
    assert sorted(os.listdir(watched + b"/Done")) == sorted(set(names) - bad)
    in_error = set(os.listdir(watched + b"/Error"))
    assert bad <= in_error
    assert all(name.endswith(b".reason") and len(name) <= 255 for name in in_error - bad)
    assert sorted(os.listdir(watched)) == [b"Done", b"Error"]
    assert len(station.messages()) == station.log().count("\n"), "a name broke a line of the log"
    assert "\x1b" not in station.log()
