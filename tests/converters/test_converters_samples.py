"""Each format's samples, in tests/samples/<format>: an input, and beside it `.expected.json` with the facts in it."""

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywats_client.converters.base import Context, Source, Station
from pywats_client.converters.registry import check_arguments, load, resolve
from pywats_client.converters.results import Finish
from pywats_client.errors import ConversionError

SAMPLES = Path(__file__).parents[1] / "samples"
EXPECTED = sorted(SAMPLES.glob("*/*.expected.json"))


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("expected", EXPECTED, ids=[f"{file.parent.name}/{file.stem}" for file in EXPECTED])
def test_a_sample_gives_the_facts_that_are_in_it(expected: Path) -> None:
    facts = json.loads(expected.read_text())
    source = Source(expected.with_name(expected.name.removesuffix(".expected.json")))
    reports, error = converted(expected.parent.name, source, facts.get("arguments", {}))
    assert error == facts.get("error", [])
    assert len(reports) == len(facts.get("reports", []))
    for report, wanted in zip(reports, facts.get("reports", []), strict=True):
        assert header(report, wanted["header"]) == wanted["header"]
        assert list(steps(report.get("root", {}))) == wanted["steps"]
        assert {info["description"]: info["text"] for info in report.get("miscInfos", [])} == wanted.get("misc", {})
        assert report.get("root", {}).get("reportText") == wanted.get("note")
        for key, value in wanted.get("holds", {}).items():
            assert report[key] == value


def converted(name: str, source: Source, arguments: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    reports = []
    converter = load(resolve(name, source.path.parent)[0])
    station = Station("Station-1", "Lab", "Test")
    context = Context(station, check_arguments(converter, arguments), logging.getLogger())
    # Fields that a sample lacks come from the configuration; here they only make the report complete.
    finish = Finish(station, {"process_code": 99, "part_number": "?", "revision": "?", "operator": "?"})
    try:
        for _, content, _ in finish.reports(converter().convert(source, context), source, b"seed"):
            reports.append(json.loads(content))
    except ConversionError as error:
        return reports, str(error).splitlines()
    return reports, []


def header(report: dict[str, Any], wanted: str) -> str:
    """The fields of the unit; those that were filled from the configuration are shown as empty."""
    code = None if report["processCode"] == 99 else report["processCode"]
    user = (report.get("uut") or report["uur"])["user"]
    start = "*" if wanted.endswith("*") else report["start"]
    shown = [report["sn"], report["pn"], report["rev"], code, user, report["result"], start]
    return " ".join("" if text == "?" else str(text) for text in shown)


def steps(step: dict[str, Any], above: str = "") -> Iterator[str]:
    """A line a step: its place, values with limits, status, and report text."""
    for child in step.get("steps") or []:
        words = []
        for number in child.get("numericMeas") or []:
            limits = [number.get("lowLimit"), number.get("highLimit")]
            words += [number.get("value"), number.get("unit", ""), number["compOp"]]
            words += [limit for limit in limits if limit is not None]
        for text in child.get("stringMeas") or []:
            words += [repr(text["value"]), text["compOp"], repr(text["limit"]) if "limit" in text else ""]
        words += [child["status"], f"[{child['reportText']}]" if child.get("reportText") else ""]
        yield f"{above}{child['name']}: " + " ".join(str(word) for word in words if word != "")
        yield from steps(child, f"{above}{child['name']}/")
