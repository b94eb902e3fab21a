import json
from pathlib import Path
from typing import Any

import pytest

from pywats_client.config import edit
from pywats_client.config.file import as_json, load
from pywats_client.errors import ConfigError
from pywats_client.paths import Instance

CONFIG = {
    "station": {"purpose": "Production", "name": "S"},
    "server": {"url": "https://x", "proxy": "http://ann:secret@p:1"},
    "converters": [
        {"name": "CSV", "watch_folder": "/a", "module_path": "csv", "arguments": {"api_key": "k3y"}},
        {"name": "CSV.v2", "module_path": "csv", "watch_folder": "/b"},
    ],
}


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    instance = Instance.find(home=tmp_path, environ={})
    instance.config.write_bytes(as_json(CONFIG))
    instance.converters_config.write_bytes(as_json([{"name": "More", "watch_folder": "/c", "module_path": "csv"}]))
    return instance


def change(instance: Instance, key: str, value: Any) -> None:
    edit.change(instance, {key: value}, {})


def on_disk(instance: Instance) -> Any:
    return json.loads(instance.config.read_text())


def test_one_key_changes_and_everything_else_stays_in_its_order(instance: Instance) -> None:
    change(instance, "service.ping_interval", "120")
    assert list(on_disk(instance)) == ["station", "server", "converters", "service"]
    assert on_disk(instance) == CONFIG | {"service": {"ping_interval": 120}}
    assert list(on_disk(instance)["station"]) == ["purpose", "name"]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("station.name", "007", "007"),
        ("service.ping_interval", "2.5", 2.5),
        ("queue.allow_network", "yes", True),
        ("disk.min_free_mb", "null", None),
        ("converters.CSV.file_patterns", "*.csv, *.txt", ["*.csv", "*.txt"]),
        ("converters.CSV.file_patterns", '["*.csv"]', ["*.csv"]),
        ("converters.CSV.arguments.delimiter", ";", ";"),
        ("converters.CSV.arguments.columns", '{"step": 3}', {"step": 3}),
    ],
)
def test_values_are_read_in_the_type_of_their_key(instance: Instance, key: str, text: str, value: Any) -> None:
    change(instance, key, text)
    got = edit.get(load(instance, {}), key)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("key", "index"),
    [
        ("converters.CSV.priority", 0),
        ("converters.0.priority", 0),
        ("converters[CSV].priority", 0),
        ("converters.CSV.v2.priority", 1),
        ("converters[CSV.v2].priority", 1),
        ("converters[1].priority", 1),
    ],
)
def test_a_converter_is_named_by_its_name_or_its_place(instance: Instance, key: str, index: int) -> None:
    change(instance, key, "1")
    assert [each.get("priority") for each in on_disk(instance)["converters"]][index] == 1


def test_a_converter_of_the_second_file_is_changed_there(instance: Instance) -> None:
    change(instance, "converters.More.priority", "1")
    assert json.loads(instance.converters_config.read_text())[0]["priority"] == 1
    assert on_disk(instance) == CONFIG


def test_a_key_is_taken_out(instance: Instance) -> None:
    change(instance, "station.name", edit.UNSET)
    assert on_disk(instance)["station"] == {"purpose": "Production"}
    with pytest.raises(ConfigError, match=r"service\.ping_interval: is not set"):
        change(instance, "service.ping_interval", edit.UNSET)


def test_a_whole_converter_is_taken_out(instance: Instance) -> None:
    change(instance, "converters.CSV", edit.UNSET)
    assert [each["name"] for each in on_disk(instance)["converters"]] == ["CSV.v2"]


def test_a_bad_value_names_its_key_and_writes_nothing(instance: Instance) -> None:
    before = instance.config.read_bytes()
    with pytest.raises(ConfigError, match=r"converters\[1\]\.priority: expected a whole number from 1 to 10; found 11"):
        change(instance, "converters[CSV.v2].priority", "11")
    with pytest.raises(ConfigError, match=r"service.max_converter_workers: expected a whole number .* found \"many\""):
        change(instance, "service.max_converter_workers", "many")
    assert instance.config.read_bytes() == before
    assert sorted(path.name for path in instance.config.parent.iterdir()) == ["config_default.json", "converters.json"]


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("server.ulr", "server.url"),
        ("ping_interval", "service.ping_interval"),
        ("converters.CSV.priorty", r"converters\[\].priority"),
        ("converters.CVS.priority", "CSV"),
    ],
)
def test_an_unknown_key_comes_with_a_near_one(instance: Instance, key: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"did you mean {near}"):
        change(instance, key, "1")


def test_several_changes_are_made_together_or_not_at_all(instance: Instance) -> None:
    with pytest.raises(ConfigError):
        edit.change(instance, {"station.name": "new", "service.ping_interval": "0"}, {})
    assert on_disk(instance) == CONFIG


def test_getting_shows_what_is_in_force_without_secrets(instance: Instance) -> None:
    config = load(instance, {})
    assert edit.get(config, "service.ping_interval") == 300
    assert edit.get(config, "server.proxy") == "http://********@p:1"
    assert edit.get(config, "converters.CSV.arguments.api_key") == "********"
    with pytest.raises(ConfigError, match="is not set"):
        edit.get(config, "converters.CSV.arguments.none")


def test_the_first_configuration_is_valid_and_its_example_is_off(tmp_path: Path) -> None:
    instance = Instance.find("new", home=tmp_path, environ={})
    edit.create(instance, url="https://x", station_name="S")
    config = load(instance, {})
    assert (config.instance_id, config.server.url) == ("new", "https://x")
    assert [converter.enabled for converter in config.converters] == [False]
    assert [path.name for path in tmp_path.iterdir()] == ["config_new.json"]
