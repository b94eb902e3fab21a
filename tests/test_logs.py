import json
import logging
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywats_client import logs

log = logging.getLogger("pywats_client.test")


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "logs" / "service.log"
    logs.set_up(file, "INFO")
    yield file
    logs.set_up(None, "NOTSET", console=False)


def lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_each_line_of_the_file_is_one_json_object(log_file: Path) -> None:
    log.info("a µ and\na second line", extra={"converter": "CSV"})
    log.warning("next")
    first, second = lines(log_file)
    assert first["message"] == "a µ and\na second line"
    assert (first["level"], first["logger"], first["converter"]) == ("INFO", "pywats_client.test", "CSV")
    assert first["time"].endswith("+00:00")
    assert second["message"] == "next"


def test_the_console_is_readable_and_no_text_can_pass_for_a_line_of_it(
    log_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(log_file, "INFO")
    log.info("name\n12:00:00 ERROR forged \x1b[31mred")
    shown = capsys.readouterr().err
    assert "INFO    name\n    12:00:00 ERROR forged \\x1b[31mred" in shown
    assert "\x1b" not in shown + log_file.read_text()


def test_a_secret_is_struck_out_of_messages_fields_and_exceptions(
    log_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(log_file, "INFO")
    logs.strike_out("hunter2-secret")
    try:
        raise ValueError("bad token hunter2-secret")
    except ValueError:
        log.exception("with %s", "hunter2-secret", extra={"header": "Basic hunter2-secret"})
    everything = log_file.read_text() + capsys.readouterr().err
    assert "hunter2-secret" not in everything
    assert lines(log_file)[0]["header"] == "Basic ***"
    assert "bad token ***" in lines(log_file)[0]["exception"]


def test_an_empty_secret_changes_nothing(log_file: Path) -> None:
    logs.strike_out("")
    log.info("plain")
    assert lines(log_file)[0]["message"] == "plain"


def test_the_level_holds_for_our_loggers_and_libraries_only_warn(log_file: Path) -> None:
    log.debug("too little")
    logging.getLogger("httpx").info("each request")
    logging.getLogger("httpx").warning("trouble")
    assert [line["message"] for line in lines(log_file)] == ["trouble"]


def test_the_file_is_for_its_owner_alone(log_file: Path) -> None:
    assert stat.S_IMODE(log_file.stat().st_mode) == 0o600


def test_the_file_is_rotated_and_so_many_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "service.log"
    logs.set_up(file, "INFO", max_mb=0.001, backups=2, console=False)
    for number in range(100):
        log.info("line %d", number)
    logs.set_up(None, "NOTSET", console=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["service.log", "service.log.1", "service.log.2"]
    assert lines(file)[-1]["message"] == "line 99"
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_setting_up_again_replaces_what_was_set(log_file: Path) -> None:
    logs.set_up(log_file, "INFO")
    logs.set_up(log_file, "INFO")
    log.info("once")
    assert len(lines(log_file)) == 1


def test_a_disk_that_takes_nothing_costs_lines_and_never_raises(tmp_path: Path) -> None:
    file = tmp_path / "service.log"
    logs.set_up(file, "INFO", console=False)
    log.info("before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 10, limits[1]))
    try:
        for _ in range(3):
            log.info("there is no room for this line")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.info("after")
    logs.set_up(None, "NOTSET", console=False)
    whole = [json.loads(line)["message"] for line in file.read_text().splitlines() if line.endswith("}")]
    assert whole == ["before", "after", "3 lines of the log were lost: the disk did not take them"]


def test_a_mistake_in_a_log_call_is_not_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = logs.LogFile(tmp_path / "service.log", max_mb=1, backups=1)
    handler.handle(logging.LogRecord("x", logging.INFO, "", 0, "%d", ("no number",), None))
    handler.close()
    assert "Logging error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9.csv", "caf\\xe9.csv"),
        (os.fsdecode(b"\xff"), "\\xff"),
        ("a\nb\t\x1b[0m", "a\\x0ab\\x09\\x1b[0m"),
        ("prøve µ.csv", "prøve µ.csv"),
        (Path("/in/x"), "/in/x"),
        ("right\u202eleft", "right\\u202eleft"),
    ],
)
def test_names_show_what_is_not_utf_8_and_control_characters(name: bytes | str | Path, shown: str) -> None:
    assert logs.show_name(name) == shown
