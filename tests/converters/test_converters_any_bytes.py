"""Whatever a file holds, a built-in format makes reports of it or says what is wrong: never another exception."""

import json
from pathlib import Path

import pytest
from formats_read import converted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pywats_client.converters.base import Source
from pywats_client.converters.registry import built_in_names, load, resolve

SAMPLES = Path(__file__).parents[1] / "samples"
WORDS = ["serial", "step", "value", "low", "status", "A1", "3.3", "3,3", "nan", "-", "P", "x", '"', "\r", "\n", "\r\n"]
TABLES = st.lists(st.sampled_from([*WORDS, ",", ";", "\t", "\x00", "é", "\n", ","]), max_size=60).map("".join)
VALUES = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), st.lists, max_leaves=5)
KEYS = st.sampled_from(["type", "pn", "sn", "result", "start", "uut", "root", "id", "x"])
REPORTS = st.dictionaries(KEYS, VALUES | st.sampled_from(["T", "R", "P"]), max_size=9).map(json.dumps)
SIX = {"serial_number": "S", "part_number": "P", "revision": "1", "process_code": 1, "operator": "O"}
ARGUMENTS = {
    "csv": [
        {},
        {"has_header": False, "columns": {"step": 2}, "serial_number": "S"},
        {"mode": "unit_per_row", "measurements": [{"column": 1}], "preamble_lines": 1},
    ],
    "wats_json": [{}],
}
CASES = [(name, arguments) for name in built_in_names() for arguments in ARGUMENTS.get(name, [{}, SIX])]


def own_samples(name: str) -> list[tuple[str, bytes]]:
    """The format's own samples, the smaller ones; the name of a file may say something, too."""
    files = sorted(file for file in (SAMPLES / name).glob("*") if file.is_file())
    inputs = [file for file in files if not file.name.endswith((".expected.json", ".shared.json"))]
    return [(file.name, file.read_bytes()) for file in inputs if file.stat().st_size < 50_000]


@st.composite
def damaged(draw: st.DrawFn, samples: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """A sample that was cut off, or in which bytes are others, missing, doubled or of another place."""
    name, content = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 4))):
        size = len(content)
        start = draw(st.integers(0, size))
        end = min(size, start + draw(st.sampled_from([0, 1, 2, 8, 100, size])))
        taken = draw(st.integers(0, size))
        new = draw(st.binary(max_size=4) | st.just(content[taken : taken + 30]))
        content = content[:start] + new + content[end:]
    return name, content


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=[f"{name}-{len(arguments)}" for name, arguments in CASES])
def test_any_bytes(tmp_path: Path, name: str, arguments: dict[str, object]) -> None:
    samples = own_samples(name)
    anything = st.binary(max_size=200) | TABLES.map(str.encode) | REPORTS.map(str.encode)
    named = st.tuples(st.just("source"), anything)

    @settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
    @given(file=st.one_of(damaged(samples), damaged(samples), named) if samples else named)
    def any_bytes(file: tuple[str, bytes]) -> None:
        source = Source(tmp_path / file[0])
        source.path.write_bytes(file[1])
        assert 0 <= load(resolve(name, tmp_path)[0])().matches(source) <= 1
        reports, error = converted(name, source, arguments)
        assert reports or error
        assert all(error)

    any_bytes()
