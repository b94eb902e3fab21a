import json
import stat
from pathlib import Path
from typing import Any

import pytest

from pywats_client.config.file import as_json, check_file, check_instance, load, save
from pywats_client.disk import Disk
from pywats_client.errors import ConfigError
from pywats_client.paths import Instance

SEED = """{
  "version": "2.0",
  "instance_id": "default",
  "server": {
    "url": "https://company.wats.com",
    "token_encrypted": "..."
  },
  "station": {
    "name": "Station-1",
    "location": "Factory Floor",
    "purpose": "Production"
  },
  "service": {
    "max_converter_workers": 10,
    "watchdog_interval": 60,
    "ping_interval": 300,
    "register_interval": 3600
  },
  "converters": [{
  "name": "CSV Importer",
  "enabled": true,
  "watch_folder": "C:/TestData/CSV",
  "module_path": "~/.pywats/converters/csv_converter.py",
  "file_patterns": ["*.csv"],
  "arguments": {
    "delimiter": ",",
    "has_header": true
  },
  "post_action": "move",
  "done_folder": "C:/TestData/CSV/Done",
  "error_folder": "C:/TestData/CSV/Error"
}]
}
"""


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance.find(home=tmp_path, environ={})


def converter(name: str, **keys: Any) -> dict[str, Any]:
    return {"name": name, "watch_folder": f"/in/{name}", "module_path": "csv", **keys}


def write(file: Path, content: Any) -> None:
    file.write_bytes(content if isinstance(content, bytes) else as_json(content))


def fault(instance: Instance, content: Any, **environ: str) -> str:
    """The message of the one load that must fail, which leaves the file as it was."""
    write(instance.config, content)
    before = instance.config.read_bytes()
    with pytest.raises(ConfigError) as caught:
        load(instance, environ)
    assert instance.config.read_bytes() == before
    assert [path for path in instance.config.parent.iterdir() if path.suffix in (".bak", ".tmp")] == []
    return str(caught.value)


def test_the_example_of_the_seed_document_loads_unchanged(instance: Instance) -> None:
    write(instance.config, SEED.encode())
    config = load(instance, {})
    assert config.station.name == "Station-1"
    assert config.converters[0].arguments == {"delimiter": ",", "has_header": True}
    assert config.converters[0].folder_fault("posix")
    assert instance.config.read_text() == SEED
    assert [path.name for path in instance.config.parent.iterdir()] == ["config_default.json"]


@pytest.mark.parametrize("wrap", [lambda c: [c], lambda c: {"converters": [c]}, lambda c: c])
def test_converters_of_both_files_are_merged(instance: Instance, wrap: Any) -> None:
    write(instance.config, {"converters": [converter("A")]})
    write(instance.converters_config, wrap(converter("B")))
    assert [each.name for each in load(instance, {}).converters] == ["A", "B"]


def test_a_name_in_both_files_is_an_error_that_names_both(instance: Instance) -> None:
    write(instance.converters_config, [converter("B"), converter("A", watch_folder="/other")])
    message = fault(instance, {"converters": [converter("A")]})
    assert f"{instance.converters_config}:8: converters[1].name" in message
    assert f"{instance.config}:4" in message


def test_a_fault_in_the_second_file_has_its_place_there(instance: Instance) -> None:
    write(instance.converters_config, [converter("B", priority=11)])
    message = fault(instance, {"converters": [converter("A")]})
    expected = "converters[0].priority: expected a whole number from 1 to 10; found 11"
    assert message == f"{instance.converters_config}:6: {expected}"


def test_a_fault_says_file_line_key_what_was_expected_and_a_near_name(instance: Instance) -> None:
    text = b"""{
      "service": {
        "ping_interval": 60,
        "max_converter_worker": 5
      }, "converters": [
        {"name": "A", "watch_folder": "/a", "module_path": "csv"},
        {"name": "B",
         "watch_folder": "/b", "module_path": "csv",
         "priority": "high"}
      ]
    }"""
    first, second = fault(instance, text).splitlines()
    assert first == (
        f"{instance.config}:4: service.max_converter_worker: is no key of the configuration; "
        "did you mean max_converter_workers?"
    )
    assert second == (
        f'{instance.config}:9: converters[1].priority: expected a whole number from 1 to 10; found "high"'
    )


def test_a_missing_key_is_told_at_the_line_of_its_section(instance: Instance) -> None:
    message = fault(instance, {"converters": [{"name": "A", "module_path": "csv"}]})
    assert f"{instance.config}:3: converters[0].watch_folder: is missing" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"server": {},}', ["config_default.json:1:", "column 15", "a comma before `}` is one too many"]),
        (b'{\n"a": "C:\\Data"\n}', [":2:", "in a Windows path write `/`"]),
        (b'{"a": 1', [":1:", "column 8"]),
        (b"", ["is empty"]),
        (b"\n\n{\n\xff}", [":4:", "is not UTF-8 text"]),
        (b"[]", ["expected an object"]),
        (b'{"server": 5}', ["server: expected an object"]),
        (b'{"disk": 5}', ["disk: expected an object; found 5"]),
        (b'{"converters": {}}', ["converters: expected a list"]),
        (b'{"disk": {},\n"disk": {}}', [":2: disk: is given twice; the first is on line 1"]),
        (b"[" * 100_000, ["is no JSON that can be used"]),
    ],
)
def test_a_broken_file_is_told_with_its_place(instance: Instance, content: bytes, words: list[str]) -> None:
    message = fault(instance, content)
    assert all(word in message for word in words), message


def test_the_copy_of_the_last_change_is_offered_for_a_broken_file(instance: Instance) -> None:
    save(instance.config, {}, Disk())
    save(instance.config, {"station": {}}, Disk())
    write(instance.config, b"{")
    with pytest.raises(ConfigError, match=r"is in config_default\.json\.bak"):
        load(instance, {})


def test_a_byte_order_mark_is_no_fault(instance: Instance) -> None:
    write(instance.config, b"\xef\xbb\xbf" + as_json({"station": {"name": "S"}}))
    assert load(instance, {}).station.name == "S"


@pytest.mark.parametrize("version", ["1.0", "3.0", "", 2.0])
def test_an_unknown_major_version_is_refused(instance: Instance, version: Any) -> None:
    assert "version: expected" in fault(instance, {"version": version, "server": {}})


def test_a_file_for_another_instance_is_refused(instance: Instance) -> None:
    assert "instance_id: expected 'default'" in fault(instance, {"instance_id": "other"})


def test_a_file_without_instance_id_is_for_the_instance_that_reads_it(tmp_path: Path) -> None:
    instance = Instance.find("line3", home=tmp_path, environ={})
    write(instance.config, {})
    assert load(instance, {}).instance_id == "line3"


@pytest.mark.case("F37", "circular folders", injected="a result folder that is watched", promised="refused")
@pytest.mark.parametrize("key", ["done_folder", "error_folder", "archive_folder"])
def test_a_result_folder_that_a_converter_watches_is_refused(instance: Instance, key: str) -> None:
    content = {"converters": [converter("A", **{key: "/in/B"}), converter("B")]}
    assert f"converters[0].{key}: expected a folder that no converter watches" in fault(instance, content)
    assert "is watched by A" in fault(instance, {"converters": [converter("A", **{key: "/in/A"})]})


def test_a_result_folder_below_another_recursive_watch_is_refused(instance: Instance) -> None:
    content = {"converters": [converter("A"), converter("all", watch_folder="/in", recursive=True)]}
    assert "/in/A/Done is watched by all" in fault(instance, content)


def test_two_recursive_converters_may_share_a_folder_and_its_results(instance: Instance) -> None:
    shared = {"watch_folder": "/in", "recursive": True}
    write(instance.config, {"converters": [converter("A", **shared), converter("B", **shared)]})
    assert len(load(instance, {}).converters) == 2


def test_a_result_folder_reached_by_a_link_is_seen_through(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    content = {
        "converters": [converter("A", done_folder=f"{tmp_path}/link"), converter("B", watch_folder=f"{tmp_path}/in")]
    }
    assert "is watched by B" in fault(instance, content)


def test_the_environment_wins_over_the_file(instance: Instance) -> None:
    write(instance.config, {"server": {"url": "https://file"}})
    config = load(instance, {"PYWATS_SERVER_URL": "https://environment", "PYWATS_LOG_LEVEL": "debug"})
    assert (config.server.url, config.service.log_level) == ("https://environment", "DEBUG")


def test_a_fault_in_the_environment_names_the_variable(instance: Instance) -> None:
    message = fault(instance, {}, PYWATS_LOG_LEVEL="WARN")
    assert message.startswith("PYWATS_LOG_LEVEL: expected one of DEBUG, INFO, WARNING")
    assert message.endswith("did you mean WARNING?")


def test_no_configuration_at_all_says_how_to_make_one(instance: Instance) -> None:
    with pytest.raises(ConfigError, match="pywats-client config init --instance-id default"):
        load(instance, {})


def test_a_container_needs_no_file_when_the_environment_names_the_server(instance: Instance) -> None:
    write(instance.converters_config, [converter("A")])
    config = load(instance, {"PYWATS_SERVER_URL": "https://x"})
    assert (config.server.url, len(config.converters)) == ("https://x", 1)
    assert not instance.config.exists()


def test_a_secret_value_is_not_in_the_message_of_its_fault(instance: Instance) -> None:
    assert "12345678" not in fault(instance, {"server": {"token_encrypted": 12345678}})


def test_a_file_is_saved_for_its_owner_alone_with_the_one_before_it_beside_it(instance: Instance) -> None:
    for name in ("one", "two", "three"):
        save(instance.config, {"station": {"name": name}}, Disk())
    backup = instance.config.with_name("config_default.json.bak")
    assert json.loads(instance.config.read_text())["station"]["name"] == "three"
    assert json.loads(backup.read_text())["station"]["name"] == "two"
    assert stat.S_IMODE(instance.config.stat().st_mode) == stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert len(list(instance.config.parent.iterdir())) == 2


def test_checking_finds_faults_and_writes_nothing(instance: Instance, tmp_path: Path) -> None:
    write(instance.config, {"service_address": "https://old", "log_level": "LOUD"})
    assert [fault.key for fault in check_instance(instance, {})] == ["service.log_level"]
    assert [fault.key for fault in check_file(instance.config)] == ["service.log_level"]
    assert [path.name for path in tmp_path.iterdir()] == ["config_default.json"]


def test_a_file_can_be_checked_whatever_instance_it_is_for(tmp_path: Path) -> None:
    file = tmp_path / "shipped.json"
    write(file, {"instance_id": "line-7"})
    assert check_file(file) == []
    assert check_file(tmp_path / "none.json")[0].why == "there is no such file"
