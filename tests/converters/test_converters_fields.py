"""What a report says of its unit: the file first, then its name, then the arguments; nothing is invented."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pywats_client.converters.base import Source
from pywats_client.converters.reading.fields import Fields, FormatArguments, tell
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport


def fields(tmp_path: Path, name: str = "LOT7_SN42.log", more: dict[str, str] | None = None, **arguments: Any) -> Fields:
    folder = tmp_path / "line 3"
    folder.mkdir(exist_ok=True)
    (folder / name).touch()
    return Fields(Source(folder / name), FormatArguments.model_validate(arguments), more)


def test_the_file_wins_over_its_name_and_that_over_the_arguments(tmp_path: Path) -> None:
    filled = fields(tmp_path, name_pattern="(?P<serial_number>SN[0-9]+)", serial_number="X", operator="me")
    assert filled.fill("serial_number", " SN1 ") == "SN1"
    assert filled.fill("serial_number", "") == "SN42"
    assert filled.fill("serial_number", " ") == "SN42"
    assert filled.fill("operator") == "me"
    assert filled.fill("revision") == ""


def test_arguments_hold_placeholders_of_name_folder_pattern_and_properties(tmp_path: Path) -> None:
    arguments = {
        "name_pattern": "^(?P<lot>[^_]+)_",
        "serial_number": "{lot}/{Part ID}",
        "part_number": "{folder}-{stem}",
    }
    filled = fields(tmp_path, more={"Part ID": "7"}, **arguments)
    assert filled.fill("serial_number") == "LOT7/7"
    assert filled.fill("part_number") == "line 3-LOT7_SN42"


def test_a_placeholder_that_is_not_known_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"argument serial_number: there is no \{lot\} here; known are \{name\}"):
        fields(tmp_path, serial_number="{lot}").fill("serial_number")


def test_a_serial_number_that_nobody_says_is_refused_with_the_arguments_name(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"line 7: .*set the argument serial_number"):
        fields(tmp_path).report(part_number="P", line=7)


def test_what_only_the_configuration_may_say_is_left_empty(tmp_path: Path) -> None:
    report = fields(tmp_path).report(serial_number="S")
    assert (report.part_number, report.revision, report.process_code, report.operator) == ("", "", None, None)


def test_the_start_is_the_files_time_where_the_file_says_none(tmp_path: Path) -> None:
    filled = fields(tmp_path)
    assert filled.report(serial_number="S").start == Source(tmp_path / "line 3" / "LOT7_SN42.log").modified
    start = datetime(2026, 1, 30, tzinfo=UTC)
    assert filled.report(serial_number="S", start=start).start == start


@pytest.mark.parametrize("said", ["ICT", "1.5", "-1", "１０"])
def test_a_process_code_is_a_whole_number(tmp_path: Path, said: str) -> None:
    with pytest.raises(ConversionError, match="is not a process code"):
        fields(tmp_path).report(serial_number="S", process_code=said)


def test_the_files_verdict_stands_and_a_contradiction_is_noted(tmp_path: Path) -> None:
    filled = fields(tmp_path, result="F")
    report = filled.report(serial_number="S")
    report.numeric("Vcc", 9, low=1, high=2)
    assert filled.settle(report, "P").result == "P"
    assert report.root.report_text == "The verdict of the unit is P, that of its steps F."
    without = filled.report(serial_number="S")
    assert filled.settle(without, None).result == "F"


def test_a_verdict_that_nobody_says_is_refused_with_the_arguments_name(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="set the argument result"):
        fields(tmp_path).require_result(None)
    assert fields(tmp_path, result="P").require_result(None) == "P"
    assert fields(tmp_path, result="P").require_result("F") == "F"


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="is no regular expression"):
        FormatArguments(name_pattern="(")


def test_a_long_fact_goes_into_the_report_text_and_an_empty_one_nowhere() -> None:
    report = UutReport(serial_number="S", part_number="P", start=datetime(2026, 1, 30, tzinfo=UTC))
    tell(report, "Lot", " 7 ")
    tell(report, "Nothing", None)
    tell(report, "Log", "x" * 101)
    assert [(info.description, info.text) for info in report.misc_infos] == [("Lot", "7")]
    assert report.root.report_text == "Log: " + "x" * 101
