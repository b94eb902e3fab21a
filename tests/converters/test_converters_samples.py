"""Each format's samples, in tests/samples/<format>.

A sample of our own is an input with `.expected.json` beside it, which holds all facts of all its reports.
`x.shared.json` names a real file below `../shared/samples` as `source`, and holds what a person has read in that.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from formats_read import UNSAID, converted, counts, header, steps

from pywats_client.converters.base import Source
from pywats_client.emulator.validation import fault_lines

SAMPLES = Path(__file__).parents[1] / "samples"
SHARED = Path(__file__).parents[2].parent / "shared" / "samples"
EXPECTED = sorted(SAMPLES.glob("*/*.expected.json"))
REAL = sorted(SAMPLES.glob("*/*.shared.json"))


def named(files: list[Path]) -> list[str]:
    return [f"{file.parent.name}/{file.stem}" for file in files]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("expected", EXPECTED, ids=named(EXPECTED))
def test_a_sample_gives_the_facts_that_are_in_it(expected: Path) -> None:
    facts = json.loads(expected.read_text())
    source = Source(expected.with_name(expected.name.removesuffix(".expected.json")))
    reports, error = converted(expected.parent.name, source, facts.get("arguments", {}), **UNSAID)
    assert error == facts.get("error", [])
    assert len(reports) == len(facts.get("reports", []))
    for report, wanted in zip(reports, facts.get("reports", []), strict=True):
        assert header(report, wanted["header"]) == wanted["header"]
        assert list(steps(report.get("root", {}))) == wanted["steps"]
        require_facts(report, {"misc": {}, "note": None, **wanted})


@pytest.mark.parametrize("expected", REAL, ids=named(REAL))
def test_a_real_file_gives_the_facts_that_a_person_has_read_in_it(expected: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("the real files are not here: there is no ../shared/samples")
    facts = json.loads(expected.read_text())
    source = Source(SHARED / facts["source"])
    reports, error = converted(expected.parent.name, source, facts.get("arguments", {}), **UNSAID)
    assert error == facts.get("error", [])
    assert len(reports) == facts["count"]
    for wanted in facts.get("reports", []):
        report = reports[wanted["index"]]
        assert header(report, wanted["header"]) == wanted["header"]
        assert counts(report) == wanted["counts"]
        lines = list(steps(report.get("root", {})))
        assert [line for line in wanted["holds_steps"] if line not in lines] == []
        require_facts(report, wanted)
    assert [lines for report in reports if (lines := refused(report))] == []


def require_facts(report: dict[str, Any], wanted: dict[str, Any]) -> None:
    if "misc" in wanted:
        assert {info["description"]: info["text"] for info in report.get("miscInfos", [])} == wanted["misc"]
    if "note" in wanted:
        assert report.get("root", {}).get("reportText") == wanted["note"]
    for key, value in wanted.get("holds", {}).items():
        assert report[key] == value
    for key, value in wanted.get("uut", {}).items():
        assert report["uut"][key] == value


def refused(report: dict[str, Any]) -> list[str]:
    """What a server says of the report, but for the process code, which every server has its own of."""
    return fault_lines({**report, "processCode": 500 if report["type"] == "R" else 10})
