import json
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pywats_client.cli.main import app
from pywats_client.config.describe import describe

CONFIG = {
    "server": {"url": "https://x", "token_encrypted": "gAAAAstored"},
    "converters": [{"name": "CSV", "watch_folder": "/a", "module_path": "csv"}],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("PYWATS_SERVER_URL", "PYWATS_LOG_LEVEL", "VISUAL", "EDITOR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYWATS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def copies(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `config edit` keeps its copy."""
    folder = tmp_path_factory.mktemp("copies")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def file(home: Path) -> Path:
    file = home / "config_default.json"
    file.write_text(json.dumps(CONFIG))
    return file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["config", *arguments])


def test_init_makes_a_configuration_that_is_valid_and_replaces_none(home: Path) -> None:
    made = run("init", "--server-url", "https://a", "--station-name", "S")
    assert made.exit_code == 0
    assert made.stdout.strip() == str(home / "config_default.json")
    assert run("validate").stdout == "the configuration is valid\n"
    again = run("init", "--server-url", "https://b")
    assert again.exit_code == 1
    assert "--force replaces it" in again.stderr
    assert run("init", "--server-url", "https://b", "--force").exit_code == 0
    assert run("get", "server.url").stdout == "https://b\n"
    assert (home / "config_default.json.bak").exists()


def test_what_is_next_and_where_a_token_goes_is_told_for_the_instance_that_was_named(home: Path) -> None:
    made = run("init", "--server-url", "https://wats.test", "--instance-id", "two")
    assert "`pywats-client login --instance-id two` stores the token" in made.stderr
    assert "`pywats-client config edit --instance-id two`" in made.stderr
    refused = run("set", "server.token_encrypted", "x", "--instance-id", "two")
    assert "pywats-client login --instance-id two" in " ".join(refused.stderr.replace("│", "").split())


def test_init_refuses_an_address_that_is_none(home: Path) -> None:
    refused = run("init", "--server-url", "company")
    assert refused.exit_code == 78
    assert "server.url: expected an address" in refused.stderr
    assert list(home.iterdir()) == []


def test_init_asks_on_a_terminal(home: Path) -> None:
    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "pywats_client", "config", "init"]
    process = subprocess.Popen(command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.write(main, b"https://asked\nBench 4\n")
    process.communicate(timeout=30)
    os.close(main)
    os.close(terminal)
    assert run("get", "station.name").stdout == "Bench 4\n"


def test_show_and_get_print_what_is_in_force_without_the_token(file: Path) -> None:
    shown = run("show")
    assert "service.ping_interval           300\n" in shown.stdout
    assert "converters[0].name              CSV\n" in shown.stdout
    as_json = json.loads(run("show", "--json").stdout)
    assert as_json["server"]["token_encrypted"] == "********"
    assert run("get", "server.token_encrypted").stdout == "********\n"
    assert json.loads(run("get", "converters.CSV").stdout)["priority"] == 5
    assert run("get", "service.ping_interval", "--json").stdout == "300\n"
    assert "gAAAAstored" not in shown.stdout


def test_set_and_unset_change_one_key(file: Path) -> None:
    assert run("set", "converters.CSV.priority", "1").exit_code == 0
    assert json.loads(file.read_text())["converters"][0]["priority"] == 1
    assert run("unset", "converters.CSV.priority").exit_code == 0
    assert json.loads(file.read_text()) == CONFIG


def test_a_bad_value_is_refused_with_its_key(file: Path) -> None:
    before = file.read_text()
    refused = run("set", "service.max_converter_workers", "51")
    assert refused.exit_code == 78
    assert "service.max_converter_workers: expected a whole number from 1 to 50; found 51" in refused.stderr
    assert file.read_text() == before


def test_a_token_is_not_taken_from_the_command_line(file: Path) -> None:
    refused = run("set", "server.token_encrypted", "s3cr3t-token")
    assert refused.exit_code == 2
    assert "s3cr3t-token" not in refused.output
    assert "login" in refused.output


def test_validate_prints_every_fault_one_a_line(file: Path) -> None:
    file.write_text('{"service": {"ping_interval": 0,\n"log_level": "x"}, "converters": 5}')
    assert run("validate").exit_code == 78
    file.write_text('{"service": {"ping_interval": 0,\n"log_level": "x"}}')
    result = run("validate")
    assert result.exit_code == 78
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [f"{file}:1", f"{file}:2"]
    faults = json.loads(run("validate", "--json").stdout)
    assert faults["valid"] is False
    assert faults["faults"][1] == {
        "file": str(file),
        "line": 2,
        "key": "service.log_level",
        "why": 'expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL; found "X"',
    }


def test_any_file_can_be_validated(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"instance_id": "line7"}')
    assert run("validate", str(other)).exit_code == 0
    assert run("validate", str(tmp_path / "none")).exit_code == 78


@pytest.mark.parametrize(
    "arguments",
    [["show"], ["get", "server.url"], ["set", "server.url", "x"], ["unset", "server.url"], ["validate"], ["edit"]],
)
def test_an_instance_that_is_not_there_is_told_with_its_own_exit_code(home: Path, arguments: list[str]) -> None:
    result = run(*arguments, "--instance-id", "nope")
    assert result.exit_code == 4
    assert "there is no instance 'nope'" in result.stderr
    assert list(home.iterdir()) == []


def test_schema_is_that_of_the_model_and_the_table_has_every_key(home: Path) -> None:
    schema: dict[str, Any] = json.loads(run("schema").stdout)
    assert schema["properties"]["converters"]["type"] == "array"
    assert "description" in schema["$defs"]["Service"]["properties"]["ping_interval"]
    table = run("schema", "--table").stdout
    assert all(f"| `{key.path}` |" in table for key in describe())


def editor(tmp_path: Path, script: str) -> str:
    program = tmp_path / "editor.py"
    program.write_text(f"import sys\nfile = sys.argv[1]\ntext = open(file).read()\n{script}\n")
    return f"{sys.executable} {program}"


def test_edit_puts_a_valid_copy_in_place(
    file: Path, copies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", editor(tmp_path, 'open(file, "w").write(text.replace("https://x", "https://edited"))'))
    assert run("edit").exit_code == 0
    assert run("get", "server.url").stdout == "https://edited\n"
    assert "https://x" in (file.parent / "config_default.json.bak").read_text()
    assert list(copies.iterdir()) == []


def test_edit_without_a_change_writes_nothing(file: Path, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "true")
    assert run("edit").stderr == "nothing is changed\n"
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert list(copies.iterdir()) == []


def test_edit_leaves_the_file_alone_and_keeps_the_copy_when_that_is_not_valid(
    file: Path, copies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, 'open(file, "w").write("{\\n}}")'))
    before = file.read_text()
    result = run("edit")
    assert result.exit_code == 78
    assert f"{file}:2: column 2: is no JSON here" in result.stderr
    (copy,) = copies.rglob("*.json")
    assert f"what you wrote is in {copy}" in result.stderr
    assert copy.read_text() == "{\n}}"
    assert file.read_text() == before


def test_edit_does_not_overwrite_what_somebody_else_wrote_meanwhile(
    file: Path, copies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f'open({str(file)!r}, "w").write("{{}}")\nopen(file, "a").write("\\n")'
    monkeypatch.setenv("EDITOR", editor(tmp_path, script))
    result = run("edit")
    assert result.exit_code == 1
    assert "changed by somebody else" in result.stderr
    assert file.read_text() == "{}"
    assert len(list(copies.rglob("*.json"))) == 1


def test_an_editor_that_fails_or_is_not_there_is_told(
    file: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "false")
    assert "ended with code 1" in run("edit").stderr
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    assert "cannot be started" in run("edit").stderr
    assert list(copies.iterdir()) == []
