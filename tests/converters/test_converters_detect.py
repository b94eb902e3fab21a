from pathlib import Path

import pytest

from pywats_client.converters.detect import detect
from pywats_client.converters.process import Workers

SAMPLES = Path(__file__).parents[1] / "samples"


@pytest.mark.trio
@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("csv/seed_defaults.csv", "csv"),
        ("csv/unit_per_row.csv", "csv"),
        ("csv/preamble_verdict.tsv", "csv"),
        ("wats_json/test_and_repair.json", "wats_json"),
    ],
)
async def test_a_format_is_known_by_its_content(workers: Workers, sample: str, expected: str, tmp_path: Path) -> None:
    nameless = tmp_path / "file"
    nameless.write_bytes((SAMPLES / sample).read_bytes())
    best, second = await detect(workers, nameless)
    assert best.format == expected
    assert best.confidence > second.confidence == 0


@pytest.mark.trio
@pytest.mark.parametrize("content", [b"", b"\x00\x01,\x02,\n" * 9, b"\xff\xfe\xff", b"<a b=','/>", b"[" * 9999, b"{}"])
async def test_what_is_of_no_format_is_nobodys(workers: Workers, content: bytes, tmp_path: Path) -> None:
    nameless = tmp_path / "file"
    nameless.write_bytes(content)
    assert [match.confidence for match in await detect(workers, nameless)] == [0, 0]
