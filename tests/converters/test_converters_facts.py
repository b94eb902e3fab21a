"""What people know a report by is told with it, and nothing that a worker says can do harm."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from worker_fixtures import HEAD

from pywats_client.converters.base import Source, Station
from pywats_client.converters.results import Finish
from pywats_client.converters.setup import MAX_FACT, Facts
from pywats_client.wsjf import UutReport

NAMESPACE: dict[str, Any] = {}
exec(HEAD, NAMESPACE)


def step(name: str, status: str, *steps: dict[str, Any]) -> dict[str, Any]:
    kind = {"stepType": "SequenceCall", "seqCall": {"path": "p", "name": "n", "version": "1"}, "steps": list(steps)}
    plain = {"stepType": "ET_A"}
    return {"id": 2, "group": "M", "name": name, "status": status, "totTime": 0, **(kind if steps else plain)}


def facts_of(tmp_path: Path, made: object) -> Facts:
    file = tmp_path / "a.csv"
    file.write_text("1")
    finish = Finish(Station("S", "L", "P"), {"process_code": 10, "revision": "1", "operator": "me"})
    (finished,) = finish.reports(made, Source(file), b"seed")
    return Facts.of(list(finished.facts))


def failed(*steps: dict[str, Any], result: str = "F", root: str = "F") -> dict[str, Any]:
    report: dict[str, Any] = NAMESPACE["report"]("SN-1", result=result)
    report["root"].update(status=root, steps=list(steps))
    return report


def test_a_report_is_told_with_its_serial_and_part_number_type_and_result(tmp_path: Path) -> None:
    assert facts_of(tmp_path, NAMESPACE["report"]("SN-1")) == Facts("T", "SN-1", "P1", "P", "")


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ([step("a", "P"), step("b", "F"), step("c", "F")], "b"),
        ([step("a", "P"), step("b", "F", step("c", "P"), step("d", "E"))], "d"),
        ([step("a", "P", step("passed over", "F")), step("b", "T")], "b"),
        ([step("a", "P")], "Main"),
    ],
)
def test_the_first_failing_step_is_the_deepest_of_the_first_that_failed(
    tmp_path: Path, steps: list[dict[str, Any]], name: str
) -> None:
    assert facts_of(tmp_path, failed(*steps)).failing_step == name


def test_a_report_that_passed_has_no_failing_step(tmp_path: Path) -> None:
    assert facts_of(tmp_path, failed(step("a", "F"), result="P")).failing_step == ""


def test_built_reports_are_told_as_written_ones(tmp_path: Path) -> None:
    report = UutReport(serial_number="SN-1", part_number="P1", start=datetime(2026, 1, 30, tzinfo=UTC))
    report.root.numeric("Vcc", 5.0, low=3.2, high=3.4, unit="V")
    assert facts_of(tmp_path, report) == Facts("T", "SN-1", "P1", "F", "Vcc")


@pytest.mark.parametrize("told", [None, 5, "abcde", [], ["T"], ["T"] * 6, {"a": 1}])
def test_facts_of_another_shape_are_none(told: object) -> None:
    assert Facts.of(told) == Facts()


def test_facts_are_ready_to_be_shown_whatever_they_hold() -> None:
    told = Facts.of(["T", "a\nb\x1b[31m", "\ud800", 7, "x" * 1000])
    assert told == Facts("T", "a\\x0ab\\x1b[31m", "\\ud800", "", "x" * MAX_FACT)
