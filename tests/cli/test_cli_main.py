import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pywats_client.cli.main import app

SCRIPT = [str(Path(sys.executable).with_name("pywats-client"))]
MODULE = [sys.executable, "-m", "pywats_client"]


def run(command: list[str], *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    whole: Mapping[str, str] = os.environ | environ
    return subprocess.run([*command, *arguments], env=whole, capture_output=True, text=True, timeout=60, check=False)


def test_the_script_and_the_module_are_the_same() -> None:
    assert run(SCRIPT, "version").stdout == run(MODULE, "version").stdout == "pywats-client 1.4.0\n"


def test_version_as_json() -> None:
    result = CliRunner().invoke(app, ["version", "--json"])
    assert json.loads(result.stdout)["version"] == "1.4.0"


def test_version_loads_nothing_that_is_slow() -> None:
    code = (
        "import sys; from pywats_client.cli.main import app; app(['version'], standalone_mode=False);"
        "print([name for name in ('trio', 'httpx', 'cryptography', 'pywats_client.config.model', 'rich')"
        " if name in sys.modules])"
    )
    assert run([sys.executable, "-c", code]).stdout == "pywats-client 1.4.0\n[]\n"


def test_every_command_and_every_option_has_its_help() -> None:
    whole: Any = get_command(app)
    groups = {"": whole} | {name: whole.commands[name] for name in ("config", "queue", "converters")}
    commands = {f"{name} {each}": command for name, group in groups.items() for each, command in group.commands.items()}
    assert len(commands) >= 40
    for name, command in commands.items():
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, (name, parameter.name)


def test_a_wrong_command_line_is_usage() -> None:
    assert run(SCRIPT, "nonsense").returncode == 2
    assert run(SCRIPT, "version", "--nonsense").returncode == 2


def test_an_error_of_ours_is_a_sentence_and_never_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "config_default.json").write_text("{")
    result = run(SCRIPT, "config", "show", "--home", str(tmp_path))
    assert result.returncode == 78
    assert result.stderr.startswith(f"error: {tmp_path}/config_default.json:1: column 2: ")
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_fault_of_the_file_system_is_a_sentence_too(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    result = run(SCRIPT, "config", "init", "--server-url", "https://x", "--home", str(tmp_path / "home"))
    assert result.returncode == 1
    assert result.stderr.startswith("error: Not a directory: ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["version"], ["config", "schema"]])
def test_a_reader_that_has_gone_is_no_error_to_tell(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    result = subprocess.run(
        [*SCRIPT, *arguments], stdout=writing, stderr=subprocess.PIPE, env=buffered, timeout=60, check=False
    )
    os.close(writing)
    assert result.stderr == b""


def test_no_color_is_respected() -> None:
    colourful = run(SCRIPT, "--help", FORCE_COLOR="1", TERM="xterm")
    assert "\x1b[" in colourful.stdout
    assert "\x1b[3" not in run(SCRIPT, "--help", NO_COLOR="1", FORCE_COLOR="1", TERM="xterm").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_commands(shell: str) -> None:
    variable = "_PYWATS_CLIENT_COMPLETE"
    environ = {variable: f"complete_{shell}", "COMP_WORDS": "pywats-client ver", "COMP_CWORD": "1"}
    environ |= {"_TYPER_COMPLETE_ARGS": "pywats-client ver", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    assert "version" in run(SCRIPT, **environ).stdout
