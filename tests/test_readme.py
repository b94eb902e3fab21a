"""The README says what is so."""

import re
from pathlib import Path

import pytest

from pywats_client.config.describe import markdown_table
from pywats_client.errors import ExitCode
from pywats_client.queue.name import State

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


def test_the_table_of_configuration_keys_is_the_one_that_is_printed(readme: str) -> None:
    assert markdown_table().strip() in readme


def test_every_exit_code_is_listed_with_its_meaning(readme: str) -> None:
    for code in ExitCode:
        assert re.search(rf"^\| {code.value} \| \S", readme, re.MULTILINE), code


def test_every_state_of_a_report_is_explained(readme: str) -> None:
    table = readme.partition("| state | meaning |")[2].partition("\n\n")[0]
    assert all(state in table for state in State)


def test_the_first_converter_is_the_one_in_the_examples(readme: str) -> None:
    shown = re.search(r"```python\n(class FirstConverter.*?)```", readme, re.DOTALL)
    assert shown
    assert shown[1].strip() in (ROOT / "examples" / "first_converter.py").read_text("utf-8")


def test_folders_and_files_that_are_named_exist(readme: str) -> None:
    named = re.findall(r"(?:pywats_client|examples|service|converters)/[\w/]+(?:\.\w+)?", readme)
    places = [ROOT, ROOT / "pywats_client"]
    assert [name for name in named if not any((place / name).exists() for place in places)] == []
