import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pywats_client.config.describe import describe, markdown_table
from pywats_client.config.model import Config, ConverterConfig, DiskSpace

CONVERTER = {"name": "CSV", "watch_folder": "/in", "module_path": "csv"}


def converter(**keys: Any) -> ConverterConfig:
    return ConverterConfig.model_validate(CONVERTER | keys)


def refused(section: str, **keys: Any) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({section: keys})


def test_defaults_are_those_of_the_documents() -> None:
    config = Config()
    assert (config.service.max_converter_workers, config.service.max_concurrent_uploads) == (10, 5)
    intervals = (config.service.watchdog_interval, config.service.ping_interval, config.service.register_interval)
    assert intervals == (60, 300, 3600)
    assert (config.service.max_queue_size, config.service.keep_completed_days) == (0, 7)
    one = converter()
    assert (one.file_patterns, one.post_action, one.priority) == (("*",), "move", 5)
    assert (one.timeout_seconds, one.memory_limit_mb, one.watch) == (120, 1024, "auto")


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("max_converter_workers", [1, 50], [0, 51, 5.5, "5", True]),
        ("max_concurrent_uploads", [1, 50], [0]),
        ("ping_interval", [1, 2.5], [0, -1, float("inf"), float("nan")]),
        ("settle_seconds", [0], [-1]),
        ("max_queue_size", [0, 10**6], [-1]),
        ("log_level", ["DEBUG", "debug"], ["LOUD", 10]),
        ("log_max_mb", [0.1], [0]),
    ],
)
def test_values_stay_in_their_range_and_type(key: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        Config.model_validate({"service": {key: value}})
    for value in bad:
        refused("service", **{key: value})


@pytest.mark.parametrize("name", ["network", "/data/limits", "/data/out:rw", "~/limits"])
def test_a_path_or_the_network_may_be_allowed_to_a_converter_in_isolation(name: str) -> None:
    assert converter(isolation="bwrap", isolation_allow=[name]).isolation_allow == (name,)
    assert (converter().isolation, converter().isolation_allow) == ("limits", ())


@pytest.mark.parametrize("name", ["", "/", "/:rw", "internet", "data/limits", "network:rw", ":rw", "/a\0b"])
def test_nothing_else_may_be_allowed(name: str) -> None:
    with pytest.raises(ValidationError, match="expected `network`, or a path such as /data/limits"):
        converter(isolation_allow=[name])


def test_unknown_keys_are_refused() -> None:
    refused("service", workers=1)
    with pytest.raises(ValidationError):
        converter(alarm_threshold=0.5)


def test_a_station_without_a_name_is_the_host() -> None:
    assert Config().station.name == socket.gethostname()
    assert Config.model_validate({"station": {"name": ""}}).station.name == socket.gethostname()


def test_a_server_address_is_a_web_address_without_a_slash_at_its_end() -> None:
    assert Config.model_validate({"server": {"url": "https://a.wats.com/"}}).server.url == "https://a.wats.com"
    refused("server", url="company.wats.com")
    refused("server", url="file:///etc/passwd")


def test_empty_means_no_proxy_and_no_ca_file() -> None:
    server = Config.model_validate({"server": {"proxy": "", "ca_file": ""}}).server
    assert server.proxy is None
    assert server.ca_file is None
    assert Config.model_validate({"server": {"ca_file": "~/ca.pem"}}).server.ca_file == Path.home() / "ca.pem"


def test_zip_is_another_word_for_archive() -> None:
    assert converter(post_action="zip").post_action == "archive"


def test_result_folders_lie_in_the_watched_folder_unless_said_otherwise(tmp_path: Path) -> None:
    folders = converter(error_folder="errors", archive_folder="~/old").folders(tmp_path)
    assert folders.done == Path("/in/Done")
    assert folders.error == tmp_path / "errors"
    assert folders.archive == Path.home() / "old"


def test_a_drive_path_is_a_fault_of_the_converter_on_linux_only() -> None:
    windows = converter(watch_folder="C:/TestData/CSV")
    assert "C:/TestData/CSV" in (windows.folder_fault("posix") or "")
    assert windows.folder_fault("nt") is None
    assert converter(done_folder="\\\\server\\share").folder_fault("posix")
    assert converter().folder_fault("posix") is None


def test_report_defaults_hold_only_what_is_set() -> None:
    assert converter(process_code=10, operator="ann").report_defaults == {"process_code": 10, "operator": "ann"}


def test_the_least_free_space_is_the_smaller_of_a_gib_and_a_twentieth() -> None:
    assert DiskSpace().min_free_bytes(1000) == 50
    assert DiskSpace().min_free_bytes(10**12) == 1 << 30
    assert DiskSpace(min_free_mb=2.0).min_free_bytes(10**12) == 2_000_000


def test_the_configuration_does_not_change_under_its_readers() -> None:
    with pytest.raises(ValidationError):
        Config().service.max_queue_size = 1


def test_every_key_has_its_help_type_and_default() -> None:
    keys = list(describe())
    assert {"server.url", "service.ping_interval", "converters", "converters[].priority"} <= {key.path for key in keys}
    for key in keys:
        assert key.help.endswith("."), key
        assert key.type, key
        assert key.default == "required" or json.loads(key.default) is not Ellipsis


def test_the_table_has_a_row_for_each_key_and_does_not_depend_on_the_machine() -> None:
    table = markdown_table()
    assert len(table.splitlines()) == 2 + len(list(describe()))
    assert re.search(r"\| `station.name` \| text of up to 100 characters \| `\"\"` \|", table)
