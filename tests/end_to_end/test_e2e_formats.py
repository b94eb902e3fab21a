"""Files of every format, dropped into one folder: known by their content, converted, and taken by a server."""

import json
import shutil
from pathlib import Path

import pytest

from pywats_client.emulator import Emulator
from tests.end_to_end.station import Station, names_in, serials

SAMPLES = Path(__file__).parents[1] / "samples"
UNSAID = {"part_number": "PN-1", "revision": "A", "operator": "Kari"}


def good_samples() -> list[tuple[str, Path]]:
    """Of each format those that need no arguments and hold nothing bad; the codes in them may be any server's."""
    found = []
    for file in sorted(SAMPLES.glob("*/*.expected.json")):
        facts = json.loads(file.read_text("utf-8"))
        source = file.with_name(file.name.removesuffix(".expected.json"))
        is_good = facts.get("reports") and not facts.get("error") and facts.get("is_known", True)
        is_plain = is_good and not facts.get("arguments") and source.is_file()
        if is_plain and not source.with_suffix("").is_dir():
            found.append((file.parent.name, source))
    return found


@pytest.mark.trio
async def test_files_of_every_format_are_known_and_what_no_format_knows_is_told(
    station: Station, server: Emulator
) -> None:
    """What is refused is refused for a process code that this server does not have, and for nothing else."""
    samples = good_samples()
    watched = station.add_converter("all", "auto", "*", arguments={"formats": {}}, **UNSAID)
    for name, source in samples:
        shutil.copy(source, watched / f"{name}-{source.name}")
    (watched / "nothing").write_bytes(b"\x01\x02\x03")
    async with station.running():
        await station.until(
            lambda: (
                len(names_in(watched / "Done") + names_in(watched / "Error")) == len(samples) + 2
                and station.counts().keys() <= {"completed", "rejected"}
            )
        )
    error = {name for name in names_in(watched / "Error") if not name.endswith(".reason")}
    assert error == {"nothing"}
    assert "no format is sure enough of nothing: none knows it" in (watched / "Error" / "nothing.reason").read_text()
    refused = [file.read_text() for file in station.instance.queue.glob("*.reason")]
    assert [text for text in refused if "process" not in text.lower()] == []
    assert {name for name, _ in samples} >= {"wats_json", "wats_xml", "junit", "atml"}


@pytest.mark.trio
async def test_a_source_with_a_bad_unit_delivers_the_good_ones_and_is_found_in_the_error_folder(
    station: Station, server: Emulator
) -> None:
    arguments = {"mode": "unit_per_row", "measurements": [{"column": "Vcc", "low": 3, "high": 4}]}
    watched = station.add_converter("lot", "csv", "*.csv", arguments=arguments, **UNSAID)
    (watched / "lot.csv").write_text("Serial,Vcc\nA1,3.1\nA2,x\nA3,3.3\n")
    async with station.running():
        await station.until(lambda: station.is_at_rest(2) and len(names_in(watched / "Error")) == 2)
    assert await serials(server) == ["A1", "A3"]
    assert "1 of 3 units cannot be converted:\nline 3: 'x' is not a number" in (
        watched / "Error" / "lot.csv.reason"
    ).read_text("utf-8")
