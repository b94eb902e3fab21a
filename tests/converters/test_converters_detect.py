"""A format is known by the content of a file, whatever its name, and takes no file of another."""

import json
from pathlib import Path

import pytest

from pywats_client.converters.auto import ranked
from pywats_client.converters.base import Source
from pywats_client.converters.detect import detect, told
from pywats_client.converters.process import Workers

SAMPLES = Path(__file__).parents[1] / "samples"
SHARED = Path(__file__).parents[2].parent / "shared" / "samples"
GOOD = [file for file in sorted(SAMPLES.glob("*/*.expected.json")) if json.loads(file.read_text()).get("reports")]
REAL = sorted(SAMPLES.glob("*/*.shared.json"))
SURE = 0.5


@pytest.mark.parametrize("expected", GOOD, ids=[f"{file.parent.name}/{file.stem}" for file in GOOD])
def test_a_sample_is_known_and_no_other_format_is_as_sure(expected: Path) -> None:
    source = expected.with_name(expected.name.removesuffix(".expected.json"))
    best, second, *_ = ranked(Source(source))
    if json.loads(expected.read_text()).get("is_known", True):
        assert best.format == expected.parent.name, told(ranked(Source(source)))
        assert best.confidence > second.confidence
    else:
        assert best.confidence < SURE  # it looks like anything


@pytest.mark.parametrize("expected", REAL, ids=[f"{file.parent.name}/{file.stem}" for file in REAL])
def test_a_real_file_is_known_and_no_other_format_is_as_sure(expected: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("the real files are not here: there is no ../shared/samples")
    facts = json.loads(expected.read_text())
    best, second, *_ = ranked(Source(SHARED / facts["source"]))
    if facts["count"]:
        assert best.format == expected.parent.name
        assert best.confidence >= SURE
    assert second.confidence < best.confidence or not facts["count"]


@pytest.mark.trio
async def test_one_worker_asks_all_formats(workers: Workers, tmp_path: Path) -> None:
    nameless = tmp_path / "file"
    nameless.write_bytes((SAMPLES / "wats_json" / "test_and_repair.json").read_bytes())
    matches = await detect(workers, nameless)
    assert matches[0].format == "wats_json"
    assert workers.statistics.alive == 1


@pytest.mark.parametrize("content", [b"", b"\x00\x01,\x02,\n" * 9, b"\xff\xfe\xff", b"<a b=','/>", b"[" * 9999, b"{}"])
def test_what_is_of_no_format_is_nobodys(content: bytes, tmp_path: Path) -> None:
    nameless = tmp_path / "file"
    nameless.write_bytes(content)
    assert told(ranked(Source(nameless))) == "none knows it"
