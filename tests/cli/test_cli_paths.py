import json
from pathlib import Path

from typer.testing import CliRunner

from pywats_client.cli.main import app
from pywats_client.paths import Instance

PLACES = (
    *("config", "converters_config", "converters", "queue", "journal", "log", "endpoint", "token_key", "ipc_keys"),
    "data",
)


def test_paths_say_where_everything_of_an_instance_is(tmp_path: Path) -> None:
    arguments = ["paths", "--instance-id", "a", "--home", str(tmp_path)]
    printed = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    instance = Instance.find("a", home=tmp_path, environ={})
    assert printed == {place: str(getattr(instance, place)) for place in PLACES}
    lines = CliRunner().invoke(app, arguments).stdout.splitlines()
    assert {line.split()[0]: line.split()[1] for line in lines} == printed


def test_paths_are_told_for_an_instance_that_is_not_there_yet_and_nothing_is_made(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["paths"], env={"PYWATS_HOME": str(tmp_path)}).exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_an_id_that_is_no_instance_id_is_refused() -> None:
    result = CliRunner().invoke(app, ["paths", "--instance-id", "../etc"])
    assert result.exit_code == 78
    assert "1 to 32 letters" in result.stderr
