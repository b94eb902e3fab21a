"""What an author expects of a converter is compared key by key, and said where it is not so."""

import json
from pathlib import Path

import pytest

from pywats_client.converters.expected import Sample, accepted, check, differences, sample, samples, setup_of
from pywats_client.converters.trial import Trial, run
from pywats_client.errors import ConversionError

CONVERTER = """
from datetime import UTC, datetime
from pywats_client.converters import *
from pywats_client.wsjf import UutReport

class Mine(FileConverter):
    class Arguments(Converter.Arguments):
        limit: float = 4.0

    def convert(self, source, context):
        for serial_number in source.read_text().split():
            report = UutReport(serial_number=serial_number, part_number="PN", revision="A", process_code=10,
                               start=source.modified)
            report.numeric("Vcc", float(serial_number), high=context.arguments.limit)
            yield report
"""


@pytest.fixture
def converter(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text(CONVERTER)
    return file


def written(tmp_path: Path, text: str, expected: object = None) -> Sample:
    source = tmp_path / "unit.txt"
    source.write_text(text)
    if expected is not None:
        (tmp_path / "unit.txt.expected.json").write_text(json.dumps(expected))
    return sample(source)


def test_what_stands_in_the_file_must_be_so_and_the_rest_may_be_anything(tmp_path: Path, converter: Path) -> None:
    step = {"numericMeas": [{"value": 3}]}
    expected = {"arguments": {"limit": 2}, "reports": [{"sn": "3", "result": "F", "root": {"steps": [step]}}]}
    assert check(converter, written(tmp_path, "3", expected)) == []


def test_each_difference_is_told_with_its_place(tmp_path: Path, converter: Path) -> None:
    expected = {"reports": [{"sn": "4", "result": "P", "uut": {"user": "me", "x": 1}}, {}]}
    assert check(converter, written(tmp_path, "3", expected)) == [
        "reports: expected 2 items, found 1",
        'reports[0].sn: expected "4", found "3"',
        'reports[0].uut.user: expected "me", found ""',
        "reports[0].uut.x: expected 1, found nothing",
    ]


def test_a_failure_is_expected_by_a_part_of_its_sentence(tmp_path: Path, converter: Path) -> None:
    assert check(converter, written(tmp_path, "x", {"error": "could not convert string to float: 'x'"})) == []
    (line,) = check(converter, written(tmp_path, "3", {"error": "float"}))
    assert line == "error: expected 'float', found none"


def test_where_nothing_is_expected_the_conversion_must_succeed(tmp_path: Path, converter: Path) -> None:
    assert check(converter, written(tmp_path, "3")) == []
    (line,) = check(converter, written(tmp_path, "x"))
    assert line.startswith("error: expected none, found")


def test_what_came_can_be_taken_as_what_is_expected(tmp_path: Path, converter: Path) -> None:
    first = written(tmp_path, "3 5")
    trial = run(setup_of(str(converter), {}), first.source)
    assert trial.seconds > 0
    text = accepted(first, trial)
    assert not {"id", "start", "machineName"} & json.loads(text)["reports"][0].keys()
    assert differences(written(tmp_path, "3 5", json.loads(text)), trial) == []
    assert differences(written(tmp_path, "3 5", json.loads(text)), Trial(reports=trial.reports[:1])) != []


def test_samples_are_all_files_of_a_folder_but_the_expectations(tmp_path: Path) -> None:
    written(tmp_path, "3", {"reports": []})
    (tmp_path / ".hidden").touch()
    (tmp_path / "another.txt").touch()
    assert [item.source.name for item in samples(tmp_path)] == ["another.txt", "unit.txt"]
    assert samples(tmp_path / "nowhere") == []


@pytest.mark.parametrize("content", ["[]", "{"])
def test_an_expectation_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    written(tmp_path, "3", {})
    (tmp_path / "unit.txt.expected.json").write_text(content)
    with pytest.raises(ConversionError, match=r"unit\.txt\.expected\.json"):
        samples(tmp_path)


@pytest.mark.parametrize("expected", [[1], {"reprots": []}, {"arguments": 5}, {"error": 7}, {"reports": {}}])
def test_what_cannot_be_meant_as_expected_is_told_with_its_file(tmp_path: Path, expected: object) -> None:
    with pytest.raises(ConversionError, match=r"unit\.txt\.expected\.json must hold a JSON object with"):
        written(tmp_path, "3", expected)


def test_a_source_that_is_gone_is_an_error_of_the_trial(tmp_path: Path, converter: Path) -> None:
    trial = run(setup_of(str(converter), {}), tmp_path / "gone.txt")
    assert str(trial.error) == f"{tmp_path / 'gone.txt'} cannot be read: No such file or directory"
