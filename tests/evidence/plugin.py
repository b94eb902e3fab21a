"""Collects what tests marked with `case` have shown; `--evidence` writes it down.

@pytest.mark.case("F17", "the server never answers", injected="the proxy holds the reply", promised="…")
def test_…(evidence):
    evidence(runs=20, figure=f"{passed} of {tried} states valid")
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from tests.evidence import Row, save

Evidence = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--evidence", action="store_true", help="write down what the marked cases have shown")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "case(id, case, *, injected, promised): what a test gives evidence of")
    config.pluginmanager.register(_Collector(config), "evidence-collector")


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Iterator[Evidence]:
    """Call it with `runs` (how many times the case was run in this test) and `figure` (what was reached)."""
    figures: dict[str, int | str] = {}

    def note(*, runs: int | None = None, figure: str | None = None) -> None:
        given = {"runs": runs, "figure": figure}
        figures.update({key: value for key, value in given.items() if value is not None})

    yield note
    request.node.user_properties.append(("evidence", figures))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The marks travel with the test's report, from whatever process runs it."""
    for mark in item.iter_markers("case"):
        item.user_properties.append(("case", asdict(Row(*mark.args, **mark.kwargs))))


class _Collector:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._rows: list[Row] = []
        self._passed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Rows are those of tests that have run and passed; what they noted is complete after their teardown."""
        if report.when == "call" and report.passed:
            self._passed.add(report.nodeid)
        if report.when != "teardown" or report.nodeid not in self._passed:
            return
        noted: list[tuple[str, Any]] = report.user_properties
        figures: dict[str, Any] = next((value for key, value in noted if key == "evidence"), {})
        self._rows += [Row(**{**value, **figures}) for key, value in noted if key == "case"]

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        is_controller = not hasattr(self._config, "workerinput")
        if self._config.getoption("--evidence") and is_controller and exitstatus == 0:
            save("suite", self._rows)
