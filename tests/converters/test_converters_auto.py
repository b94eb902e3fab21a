"""A converter that takes whatever a built-in format knows, and says how sure that is."""

import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from pywats_client.converters.auto import Auto
from pywats_client.converters.base import Context, Source, Station
from pywats_client.converters.registry import check_arguments
from pywats_client.converters.results import each
from pywats_client.errors import ConversionError

TABLE = "Serial;Step;Value;Low;High\nSN-1;Vcc;3,3;3;4\n"
UNSURE = "a;b\n1;2\n"


def converted(tmp_path: Path, content: str, name: str = "unit", **arguments: Any) -> list[Any]:
    file = tmp_path / name
    file.write_text(content)
    context = Context(Station(), check_arguments(Auto, arguments), logging.getLogger("auto"))
    return list(each(Auto().convert(Source(file), context)))


def test_a_file_goes_to_the_format_that_knows_it_with_its_settings(tmp_path: Path) -> None:
    (report,) = converted(tmp_path, TABLE, formats={"csv": {"decimal_comma": True}}, part_number="PN")
    assert (report.serial_number, report.part_number, report.root.steps[0].numeric_measurements[0].value) == (
        "SN-1",
        "PN",
        3.3,
    )


def test_what_no_format_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="no format is sure enough of unit: none knows it"):
        converted(tmp_path, "\x01\x02")


def test_where_a_library_is_missing_a_file_that_nobody_knows_comes_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lxml", None)
    with pytest.raises(
        ConversionError, match=r"lxml, which is not installed, .*: pip install 'pywats-client\[formats\]'"
    ):
        converted(tmp_path, "\x01\x02")


def test_what_no_format_is_sure_of_is_refused_with_the_candidates(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"csv 10%; the argument reject_threshold is 0.2"):
        converted(tmp_path, UNSURE)


def test_below_the_alarm_threshold_the_log_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = "Serial;Colour;Value\nSN-1;red;3\n"
    arguments = {"formats": {"csv": {"columns": {"step": "Colour"}}}}
    converted(tmp_path, table, **arguments)
    assert caplog.messages == []
    converted(tmp_path, table, alarm_threshold=0.8, **arguments)
    assert caplog.messages == ["unit is taken for csv, which is not sure: csv 70%"]


def test_a_setting_that_the_format_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"argument decimal_coma: .* did you mean decimal_comma"):
        converted(tmp_path, TABLE, formats={"csv": {"decimal_coma": True}})
