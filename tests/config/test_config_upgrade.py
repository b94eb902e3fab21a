import json
import logging
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from pywats_client.config.file import as_json, load
from pywats_client.config.token import server_token
from pywats_client.config.upgrade import is_flat, upgrade
from pywats_client.errors import ConfigError
from pywats_client.paths import Instance

TOKEN = "dG9wc2VjcmV0OnRva2Vu"
OLD: dict[str, Any] = {
    "schema_version": "2.0",
    "instance_id": "default",
    "instance_name": "WATS Client",
    "service_address": "https://company.wats.com/",
    "api_token": TOKEN,
    "station_name": "Station-1",
    "location": "Hall 2",
    "purpose": "Production",
    "station_name_source": "config",
    "max_concurrent_uploads": 3,
    "max_queue_size": 10000,
    "log_level": "DEBUG",
    "proxy_mode": "manual",
    "proxy_host": "proxy.local",
    "proxy_port": 3128,
    "proxy_auth": True,
    "proxy_username": "ann",
    "proxy_password": "p@ss",
    "start_minimized": False,
    "converters": [
        {
            "name": "CSV",
            "module_path": "csv",
            "watch_folder": "/in",
            "file_patterns": ["*.csv"],
            "priority": 2,
            "post_action": "zip",
            "max_retries": 3,
        }
    ],
}


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance.find(home=tmp_path, environ={})


def test_the_flat_shape_is_upgraded_once_and_everything_known_is_taken_over(instance: Instance) -> None:
    instance.config.write_bytes(as_json(OLD))
    config = load(instance, {})
    assert config.server.url == "https://company.wats.com"
    assert config.server.proxy == "http://ann:p%40ss@proxy.local:3128"
    assert (config.station.name, config.station.location) == ("Station-1", "Hall 2")
    assert (config.service.max_concurrent_uploads, config.service.max_queue_size) == (3, 10000)
    assert config.service.log_level == "DEBUG"
    assert (config.converters[0].priority, config.converters[0].post_action) == (2, "archive")
    written = instance.config.read_bytes()
    assert load(instance, {}) == config
    assert instance.config.read_bytes() == written


def test_the_old_file_is_kept_without_its_token(instance: Instance) -> None:
    instance.config.write_bytes(as_json(OLD))
    load(instance, {})
    backup = instance.config.with_name("config_default.json.flat.bak")
    assert json.loads(backup.read_text()) == OLD | {"api_token": ""}
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_the_clear_token_is_encrypted_and_nowhere_to_be_read(
    instance: Instance, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    instance.config.write_bytes(as_json(OLD))
    token = server_token(instance, load(instance, {}), {})
    assert token is not None
    assert token.reveal() == TOKEN
    assert all(TOKEN.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert TOKEN not in caplog.text


def test_keys_without_a_counterpart_are_listed(instance: Instance, caplog: pytest.LogCaptureFixture) -> None:
    instance.config.write_bytes(as_json(OLD))
    with caplog.at_level(logging.WARNING):
        load(instance, {})
    assert "no counterpart: instance_name, start_minimized, converters[0].max_retries" in caplog.text


def test_an_old_file_with_a_fault_is_told_and_left_alone(instance: Instance, tmp_path: Path) -> None:
    content = as_json(OLD | {"log_level": "LOUD"})
    instance.config.write_bytes(content)
    with pytest.raises(ConfigError, match="expected one of DEBUG"):
        load(instance, {})
    assert instance.config.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["config_default.json"]


def test_the_active_station_of_a_hub_is_the_station() -> None:
    presets = [{"key": "a", "name": "A"}, {"key": "b", "name": "B", "location": "L", "purpose": "P"}]
    new = upgrade(OLD | {"multi_station_enabled": True, "active_station_key": "b", "station_presets": presets})
    assert new.data["station"] == {"name": "B", "location": "L", "purpose": "P"}
    assert "station_presets[0]" in new.left_out


def test_a_station_named_by_its_host_keeps_the_name_it_had() -> None:
    new = upgrade(OLD | {"station_name": "", "station_name_source": "hostname"})
    assert new.data["station"]["name"] == socket.gethostname().upper()


def test_a_proxy_in_the_nested_form_is_taken_over_when_it_is_on() -> None:
    proxy = {"enabled": True, "host": "p", "port": 1}
    assert upgrade({"proxy": proxy}).data["server"]["proxy"] == "http://p:1"
    assert "server" not in upgrade({"proxy": proxy | {"enabled": False}}).data


def test_folder_converters_keep_their_folder_patterns() -> None:
    entry = {"name": "F", "converter_type": "folder", "folder_patterns": ["UUT*"], "file_patterns": ["*.*"]}
    new = upgrade({"converters": [entry]})
    assert new.data["converters"] == [{"name": "F", "file_patterns": ["UUT*"]}]
    assert new.left_out == ["converters[0].converter_type", "converters[0].file_patterns"]


def test_only_the_older_shape_is_taken_for_it() -> None:
    assert is_flat(OLD)
    assert not is_flat({"version": "2.0", "server": {}})
    assert not is_flat({"converters": []})
    assert not is_flat([])
