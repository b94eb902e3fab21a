"""Mapping templates of the format csv: where they are found, what wins, and how a bad one is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from pywats_client.config.model import Config, ConverterConfig
from pywats_client.converters.formats.csv import Csv
from pywats_client.converters.registry import check_arguments
from pywats_client.converters.templates import with_template
from pywats_client.errors import ConversionError
from pywats_client.paths import Instance
from pywats_client.service.running import setup_of

TEMPLATE = {"delimiter": ";", "columns": {"step": "Schritt", "value": "Wert"}, "verdicts": {"gut": "P", "neu": "S"}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def write(file: Path, content: object) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def as_converted(arguments: dict[str, Any], folder: Path, module: str = "csv") -> Any:
    """The arguments as the format has them, on the way that they take through service and worker."""
    return check_arguments(Csv, with_template(module, arguments, folder)[0])


def test_a_template_holds_arguments_and_those_given_beside_it_win(home: Path) -> None:
    write(home / "ict.json", TEMPLATE)
    given = {"template": "ict.json", "columns": {"value": 3}, "verdicts": {"neu": "F"}, "decimal_comma": True}
    arguments = as_converted(given, home)
    assert (arguments.delimiter, arguments.decimal_comma) == (";", True)
    assert (arguments.columns.step, arguments.columns.value) == ("Schritt", 3)
    assert arguments.verdicts == {"gut": "P", "neu": "F"}
    assert arguments.template == str(home / "ict.json")
    assert as_converted({}, home) == Csv.Arguments()


def test_it_lies_in_the_converters_folder_or_the_users_or_anywhere(home: Path) -> None:
    users = home / "home" / ".pywats" / "converters"
    write(users / "ict.json", {"delimiter": "|"})
    assert as_converted({"template": "ict.json"}, home).delimiter == "|"
    elsewhere = write(home / "elsewhere" / "ict.json", {"delimiter": "tab"})
    assert as_converted({"template": elsewhere}, home).delimiter == "\t"
    write(home / "ict.json", "\ufeff" + json.dumps({"delimiter": ","}))
    assert as_converted({"template": "ict.json"}, home).delimiter == ","


def test_the_format_reads_one_itself_where_no_service_did(home: Path) -> None:
    file = write(home / "ict.json", TEMPLATE)
    assert check_arguments(Csv, {"template": file}).delimiter == ";"  # type: ignore[attr-defined]


def test_auto_hands_it_on_and_other_converters_may_mean_something_else_by_it(home: Path) -> None:
    write(home / "ict.json", TEMPLATE)
    given = {"formats": {"csv": {"template": "ict.json"}, "junit": {}}}
    arguments, stamp = with_template("auto", given, home)
    assert check_arguments(Csv, arguments["formats"]["csv"]).delimiter == ";"  # type: ignore[attr-defined]
    assert arguments["formats"]["junit"] == {}
    assert stamp
    assert with_template("mine.py", {"template": "gone.json"}, home) == ({"template": "gone.json"}, ())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "the template .*ict.json is not JSON: .*line 1"),
        ("[" * 100_000, "the template .*ict.json is not JSON: "),
        ("[]", "the template .*ict.json must hold an object with arguments"),
        ({"delimeter": ";"}, "the template .*ict.json is not right: argument delimeter: .*did you mean delimiter"),
        ({"columns": {"stepp": 1}}, "the template .*ict.json is not right: argument columns.stepp: "),
        (
            {"template": "other.json"},
            "the template .*ict.json is not right: argument template: a template names no other",
        ),
    ],
)
def test_a_bad_one_is_told_with_its_file(home: Path, content: object, words: str) -> None:
    write(home / "ict.json", content)
    with pytest.raises(ConversionError, match=words):
        as_converted({"template": "ict.json"}, home)


def test_one_that_is_not_there_is_told_with_the_places(home: Path) -> None:
    with pytest.raises(
        ConversionError, match=r"the template gone\.json is not there: no such file in .* nor in .*\.pywats"
    ):
        as_converted({"template": "gone.json"}, home)
    with pytest.raises(ConversionError, match=r"the template .* is not there"):
        as_converted({"template": str(home)}, home)
    with pytest.raises(ConversionError, match="argument template: Input should be a valid string"):
        as_converted({"template": 7}, home)


def test_converters_that_share_one_take_up_its_change(home: Path) -> None:
    instance = Instance.find("default", home)
    file = instance.converters / "ict.json"
    write(file, TEMPLATE)
    converters = [
        ConverterConfig(name=name, module_path="csv", watch_folder="w", arguments={"template": "ict.json"})
        for name in "ab"
    ]
    config = Config(instance_id="default")
    before = [setup_of(config, converter, instance) for converter in converters]
    assert all(setup.module_stamp for setup in before)
    write(file, {**TEMPLATE, "delimiter": "|"})
    after = [setup_of(config, converter, instance) for converter in converters]
    assert before[0] != after[0]
    assert [check_arguments(Csv, setup.arguments).delimiter for setup in after] == ["|", "|"]  # type: ignore[attr-defined]
