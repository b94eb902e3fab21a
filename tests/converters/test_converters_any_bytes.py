"""Whatever a file holds, a built-in format makes reports of it or says what is wrong: never another exception."""

import json
import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pywats_client.converters.base import Context, Source, Station
from pywats_client.converters.registry import check_arguments, load, resolve
from pywats_client.converters.results import Finish
from pywats_client.errors import ConversionError

WORDS = ["serial", "step", "value", "low", "status", "A1", "3.3", "3,3", "nan", "-", "P", "x", '"', "\r", "\n", "\r\n"]
TABLES = st.lists(st.sampled_from([*WORDS, ",", ";", "\t", "\x00", "é", "\n", ","]), max_size=60).map("".join)
VALUES = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), st.lists, max_leaves=5)
KEYS = st.sampled_from(["type", "pn", "sn", "result", "start", "uut", "root", "id", "x"])
REPORTS = st.dictionaries(KEYS, VALUES | st.sampled_from(["T", "R", "P"]), max_size=9).map(json.dumps)
ARGUMENTS = [
    {},
    {"has_header": False, "columns": {"step": 2}, "serial_number": "S"},
    {"mode": "unit_per_row", "measurements": [{"column": 1}], "preamble_lines": 1},
]


@pytest.mark.parametrize(("name", "arguments"), [("csv", each) for each in ARGUMENTS] + [("wats_json", {})])
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=200) | TABLES.map(str.encode) | REPORTS.map(str.encode))
def test_any_bytes(tmp_path: Path, name: str, arguments: dict[str, object], content: bytes) -> None:
    file = tmp_path / "source"
    file.write_bytes(content)
    converter = load(resolve(name, tmp_path)[0])
    station = Station("S", "L", "P")
    context = Context(station, check_arguments(converter, arguments), logging.getLogger())
    assert 0 <= converter().matches(Source(file)) <= 1
    try:
        made = converter().convert(Source(file), context)
        for _, report, _ in Finish(station, {"process_code": 1}).reports(made, Source(file), b"seed"):
            json.loads(report)
    except ConversionError as error:
        assert str(error)
