"""A form is made from a JSON schema, knows what was changed, and says what of it means nothing."""

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from pywats_client.config.model import Config, ConverterConfig
from pywats_client.converters.formats.csv import Csv
from pywats_tui.forms.field import MASK, Field
from pywats_tui.forms.form import Form
from pywats_tui.forms.schema import fields
from pywats_tui.forms.twin import words_of


class Inner(BaseModel, use_attribute_docstrings=True):
    depth: int = 3
    """How deep."""
    label: str | None = None


class Arguments(BaseModel, use_attribute_docstrings=True):
    """All that a converter may ask for."""

    name: str = ""
    """A text."""
    count: int = 1
    ratio: float = 0.5
    is_strict: bool = False
    mode: Literal["fast", "slow"] = "fast"
    level: Literal[1, 2, 3] = 2
    maybe: Literal["a", "b"] | None = None
    words: list[str] = []
    numbers: tuple[float, ...] = ()
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    column: str | int | None = None
    nested: Inner = Inner(depth=7)
    tables: list[Inner] = []
    password: str = ""


SCHEMA = Arguments.model_json_schema()
DEFAULTS = Arguments().model_dump(mode="json")


def form(values: dict[str, Any] | None = None) -> Form:
    return Form("converters[C].arguments", fields(SCHEMA), DEFAULTS if values is None else values)


def test_every_leaf_is_a_field_with_its_help_and_a_nested_section_lies_behind_a_dot() -> None:
    found = form().fields
    assert list(found) == [
        *("name", "count", "ratio", "is_strict", "mode", "level", "maybe", "words", "numbers", "names", "counts"),
        *("column", "nested.depth", "nested.label", "tables", "password"),
    ]
    assert found["name"].help == "A text."
    assert found["nested.depth"].help == "How deep."
    assert found["is_strict"].options == ("yes", "no")
    assert found["maybe"].options == ("(none)", "a", "b")
    assert found["password"].is_secret


def test_what_is_not_set_shows_its_default() -> None:
    texts = form({}).texts
    assert (texts["count"], texts["is_strict"], texts["mode"], texts["nested.depth"]) == ("1", "no", "fast", "7")


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("name", "12", "12"),
        ("name", '"\\t"', "\t"),
        ("count", "-4", -4),
        ("ratio", "2.5", 2.5),
        ("ratio", "3", 3),
        ("is_strict", "yes", True),
        ("mode", "slow", "slow"),
        ("level", "3", 3),
        ("maybe", "(none)", None),
        ("words", "a, b c", ["a", "b c"]),
        ("words", '["a, b"]', ["a, b"]),
        ("words", "", []),
        ("numbers", "1, 2.5", [1, 2.5]),
        ("names", "gut=P, schlecht=F", {"gut": "P", "schlecht": "F"}),
        ("names", '{"a, b": "="}', {"a, b": "="}),
        ("counts", "a=1", {"a": 1}),
        ("column", "4", 4),
        ("column", "serial", "serial"),
        ("column", '""', ""),
        ("column", "", None),
        ("nested.depth", "5", 5),
        ("nested.label", "", None),
        ("tables", '[{"depth": 1}]', [{"depth": 1}]),
    ],
)
def test_a_text_means_a_value_of_the_fields_type_and_the_value_is_shown_as_a_text_that_means_it(
    key: str, text: str, value: Any
) -> None:
    field = form().fields[key]
    assert field.value(text) == value
    assert field.value(field.text(value)) == value
    assert field.text(value).isprintable()


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("count", "1.5", "expected a whole number; found 1.5"),
        ("count", "", "expected a whole number; found nothing"),
        ("count", "true", "expected a whole number; found true"),
        ("ratio", "1,5", "expected a number, with a point; found 1,5"),
        ("ratio", "1e999", "expected a number, with a point; found 1e999"),
        ("mode", "middle", "expected one of fast, slow; found middle"),
        ("numbers", "1, x", "expected a number, with a point; found x"),
        ("names", "gut", "expected key=value, with commas between several; found gut"),
        ("words", "[1", "expected a list in JSON, such as [1, 2]"),
    ],
)
def test_a_text_that_means_nothing_is_a_fault_beside_its_field_and_no_change(
    key: str, text: str, sentence: str
) -> None:
    filled = form()
    filled.typed(key, text)
    assert filled.changes() == {}
    assert filled.faults == {key: sentence}
    filled.typed(key, text + "!")
    assert filled.faults == {}


def test_a_field_is_dirty_until_its_old_text_stands_there_again() -> None:
    filled = form()
    filled.typed("count", "2")
    filled.typed("name", "x")
    assert filled.dirty == {"count", "name"}
    assert filled.changes() == {"converters[C].arguments.name": "x", "converters[C].arguments.count": 2}
    filled.typed("count", "1")
    assert filled.dirty == {"name"}
    filled.revert()
    assert not filled.dirty
    assert filled.texts["name"] == ""


def test_another_configuration_refreshes_what_is_not_dirty_and_leaves_what_is() -> None:
    filled = form()
    filled.typed("count", "2")
    filled.refresh({**DEFAULTS, "count": 9, "name": "new"})
    assert (filled.texts["count"], filled.texts["name"]) == ("2", "new")
    filled.revert()
    assert filled.texts["count"] == "9"


def test_a_fault_of_the_service_stands_at_the_field_that_holds_its_key() -> None:
    filled = form()
    root = filled.root
    filled.told({f"{root}.words[1]": "a", f"{root}.nested.depth": "b", root: "c", "server.url": "d"})
    assert filled.faults == {"words": "a", "nested.depth": "b", "": "c"}


def test_a_secret_is_written_and_never_shown() -> None:
    filled = form({**DEFAULTS, "password": MASK})
    assert filled.texts["password"] == ""
    assert filled.stored == {"password"}
    filled.typed("password", "hush")
    changes = filled.changes()
    assert changes == {"converters[C].arguments.password": "hush"}
    assert list(words_of(changes, set(changes))) == [("config", "set", "converters[C].arguments.password", MASK)]
    filled.saved(changes)
    assert not filled.dirty
    assert "hush" not in str(filled.texts)


def test_a_masked_value_is_never_sent_back() -> None:
    filled = Form("server", [Field("proxy")], {"proxy": f"http://{MASK}@proxy:1"})
    filled.typed("proxy", f"http://{MASK}@proxy:2")
    assert filled.changes() == {}
    assert "write all of it" in filled.faults["proxy"]


def test_a_change_is_told_as_the_command_that_makes_it() -> None:
    told = {"service.log_level": "DEBUG", "disk.min_free_mb": None, "converters[C].arguments.column": "4"}
    assert list(words_of({**told, "station.shift_starts": ["06:00"]}, ())) == [
        ("config", "set", "service.log_level", "DEBUG"),
        ("config", "unset", "disk.min_free_mb"),
        ("config", "set", "converters[C].arguments.column", '"4"'),
        ("config", "set", "station.shift_starts", '["06:00"]'),
    ]


def test_no_value_of_the_configuration_is_dirty_only_by_being_shown() -> None:
    converter = ConverterConfig(name="C", watch_folder="in", module_path="csv", arguments={"a": [1], "b": "x,y"})
    for model, value in ((Config, Config()), (ConverterConfig, converter), (Csv.Arguments, Csv.Arguments())):
        values = json.loads(value.model_dump_json())
        filled = Form("x", fields(model.model_json_schema(), without=("converters",)), values)
        assert filled.fields
        for key, field in filled.fields.items():
            if field.is_secret:
                continue
            shown: Any = values
            for part in key.split("."):
                shown = shown[part]
            assert field.value(filled.texts[key]) == shown, key
