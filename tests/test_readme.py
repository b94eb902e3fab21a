"""The README says what is so."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pywats_client.cli.main import app
from pywats_client.config.describe import markdown_table
from pywats_client.converters import formats_page
from pywats_client.errors import ExitCode
from pywats_client.ipc import schema
from pywats_client.queue.name import State

NOT_OF_THE_SERVICE = {"config", "convert", "demo", "emulator", "formats", "login", "paths", "service", "version"}
FOR_AUTHORS = {f"converters {verb}" for verb in ("new", "test", "search", "install", "update", "remove")}
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


def test_the_table_of_configuration_keys_is_the_one_that_is_printed(readme: str) -> None:
    assert markdown_table().strip() in readme


def test_the_table_of_commands_is_the_one_that_is_printed(readme: str) -> None:
    assert schema.markdown_table() in readme


def test_the_table_of_formats_is_the_one_that_is_printed(readme: str) -> None:
    assert formats_page.table(formats_page.built_in(), "examples/README.md") in readme


def test_the_page_of_formats_is_the_one_that_is_printed() -> None:
    assert (ROOT / "examples" / "README.md").read_text("utf-8") == formats_page.page()


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


def test_every_verb_for_a_running_service_is_in_its_table(readme: str) -> None:
    table = readme.partition("| verb | what it does |")[2].partition("\n\n")[0]
    whole: Any = get_command(app)
    groups = {
        name: command.commands for name, command in whole.commands.items() if name in ("queue", "converters", "sources")
    }
    verbs = {f"{name} {verb}" for name, group in groups.items() for verb, each in group.items() if not each.hidden}
    verbs |= {*whole.commands} - {*groups, *NOT_OF_THE_SERVICE}
    shown = set(re.findall(r"`([a-z ]+)`", "".join(row.split(" | ")[0] for row in table.splitlines())))
    assert shown == verbs - FOR_AUTHORS
