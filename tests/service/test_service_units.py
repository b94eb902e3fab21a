"""What a queued report is about is read from the beginning of its file, and never taken from what lies below."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywats_client.queue.name import DEFAULT_PRIORITY, QueueName
from pywats_client.service.units import HEAD_BYTES, Unit, _in_head, _in_whole, unit_in

SUB_UNIT = {"sn": "SUB", "pn": "SUB", "result": "F"}
LONG = [{"name": "x" * HEAD_BYTES}]


def put(folder: Path, content: bytes) -> tuple[str, QueueName]:
    name = QueueName.of(UUID(int=1), content, datetime(2026, 11, 22, tzinfo=UTC), DEFAULT_PRIORITY)
    (folder / str(name)).write_bytes(content)
    return str(folder / str(name)), name


@pytest.mark.parametrize(
    "report",
    [
        {"type": "T", "pn": "P1", "sn": "A1", "processCode": 10, "result": "F", "root": LONG},
        {"subUnits": [SUB_UNIT], "sn": "A1", "root": LONG, "pn": "P1", "result": "F"},
        {"uut": SUB_UNIT, "sn": "A1", "pn": "P1", "result": "F"},
        {"sn": "A1", "pn": "P1", "result": "F"},
    ],
)
def test_what_a_report_is_about_stands_at_its_top_wherever_that_is(tmp_path: Path, report: dict[str, Any]) -> None:
    assert unit_in(*put(tmp_path, json.dumps(report, indent=1).encode())) == Unit("A1", "P1", "F")


def test_texts_are_read_as_json_means_them(tmp_path: Path) -> None:
    report = {"note": 'a "sn": "no", \\', "sn": 'ü"\\ {', "pn": None, "result": "P", "root": LONG}
    assert unit_in(*put(tmp_path, json.dumps(report).encode())) == Unit('ü"\\ {', "", "P")
    report["sn"] = "é"
    assert unit_in(*put(tmp_path, json.dumps(report, ensure_ascii=False).encode())) == Unit("é", "", "P")


def test_only_the_beginning_of_a_report_of_ours_is_read(tmp_path: Path) -> None:
    path, name = put(tmp_path, json.dumps({"sn": "A1", "pn": "P1", "result": "P", "root": LONG * 10}).encode())
    os.truncate(path, HEAD_BYTES)
    assert unit_in(path, name) == Unit("A1", "P1", "P")


def test_what_is_no_report_is_about_nothing(tmp_path: Path) -> None:
    for content in (b"", b"{", b"[]", b"no report", b"\0" * 50, b'{"sn": "A1", ' + b'"a": {' * 100_000):
        assert unit_in(*put(tmp_path, content)) is None
    path, name = put(tmp_path, b"{}")
    Path(path).unlink()
    assert unit_in(path, name) is None
    os.mkfifo(path)
    assert unit_in(path, name) is None
    Path(path).unlink()
    Path(path).mkdir()
    assert unit_in(path, name) is None


texts = st.text(st.sampled_from('a"\\{}[],: \nü'), max_size=5)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.sampled_from(["sn", "pn"]), texts, max_size=2)
keys = st.sampled_from(["sn", "pn", "result", "a", "ü", '"'])


@given(st.dictionaries(keys, values, max_size=6), st.sampled_from([None, 1]), st.booleans())
def test_the_beginning_tells_what_the_whole_does(report: dict[str, Any], indent: int | None, is_ascii: bool) -> None:
    content = json.dumps(report, indent=indent, ensure_ascii=is_ascii).encode()
    if (found := _in_head(content)) is not None:
        assert found == _in_whole(content)
