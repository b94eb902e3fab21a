"""The sources that could not be converted, on the command line, beside a service that says what it is told to."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from test_cli_asking import run
from typer.testing import CliRunner

from pywats_client.cli.app import app
from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands import Answer, Command
from pywats_client.ipc.commands.queue import Untouched
from pywats_client.ipc.commands.sources import (
    DiscardSources,
    FailedSource,
    GetFailedSources,
    GetSource,
    RetrySources,
)
from pywats_client.paths import Instance
from tests.ipc.ipc_parts import in_thread


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    found = Instance.find("two", tmp_path, environ={})
    found.config.write_text("{}")
    return found


def source(name: str) -> FailedSource:
    return FailedSource(
        id=f"csv/{name}", converter="csv", name=name, path=f"/watched/Error/{name}", size=1234,
        failed="2026-11-22T10:00:00+00:00", reason="line 3: no serial number",
    )  # fmt: skip


def test_the_list_names_each_with_its_reason_and_says_how_many_it_leaves_out(instance: Instance) -> None:
    found = GetFailedSources.Result(sources=[source("a.csv"), source("b\x1b.csv")], total=1002)
    result = run(instance, "sources list --converter csv --search no", found)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("csv/a.csv  ")
    assert lines[1] == "    line 3: no serial number"
    assert lines[2].startswith("csv/b\\x1b.csv  ")
    assert result.stderr == "… and 1,000 more\n"


def test_an_empty_list_says_so(instance: Instance) -> None:
    result = run(instance, "sources list", GetFailedSources.Result(sources=[], total=0))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no failed sources\n")


def test_one_is_shown_with_its_whole_reason_and_the_beginning_of_the_file(instance: Instance) -> None:
    answer = GetSource.Result(
        source=source("a.csv"), reason="no serial number\nTraceback\n  in f", head="sn;\x1b[31m\nb", is_whole=False
    )
    result = run(instance, "sources show csv/a.csv", answer)
    assert "/watched/Error/a.csv" in result.stdout
    assert "\nreason:\n  no serial number\n  Traceback\n    in f\n" in result.stdout
    assert "\ncontent, the first 64 KiB:\n  sn;\\x1b[31m\n  b\n" in result.stdout


def test_one_that_is_not_there_is_a_sentence(instance: Instance) -> None:
    async def do(command: Command) -> Answer:
        raise CommandFailed("not_found", "no error folder holds csv/x")

    with in_thread(instance, do):
        place = ["--instance-id", "two", "--home", str(instance.home)]
        result = CliRunner().invoke(app, ["sources", "show", "csv/x", *place])
    assert (result.exit_code, result.stderr) == (1, "error: no error folder holds csv/x\n")


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_what_became_of_each_is_told_and_one_that_stays_is_exit_code_1(instance: Instance, verb: str) -> None:
    left = [Untouched(id="csv/b.csv", why="a file of that name is there already", code="conflict")]
    done = "put back" if verb == "retry" else "set aside"
    result = _act(instance, verb, ["csv/a.csv"], left)
    assert (result.exit_code, result.stdout) == (1, f"{done}: csv/a.csv\n")
    assert result.stderr == "error: csv/b.csv: a file of that name is there already\n"
    assert _act(instance, verb, ["csv/a.csv"], []).exit_code == 0
    as_json = json.loads(_act(instance, f"{verb} --json", ["csv/a.csv"], left).stdout)
    assert as_json["schema"] == 1
    assert as_json["untouched"][0]["code"] == "conflict"


def _act(instance: Instance, verb: str, done: list[str], left: list[Untouched]) -> Result:
    answers = RetrySources.Result(retried=done, untouched=left), DiscardSources.Result(discarded=done, untouched=left)
    return run(instance, f"sources {verb} csv/a.csv csv/b.csv {'--yes' if 'discard' in verb else ''}", *answers)


def test_nothing_is_set_aside_unasked(instance: Instance) -> None:
    result = run(instance, "sources discard csv/a.csv")
    assert result.exit_code == 2
    assert "--yes" in result.stderr


@pytest.mark.parametrize("verb", ["retry", "discard --yes", "retry csv/a --converter csv"])
def test_what_is_meant_has_to_be_said(verb: str) -> None:
    result = CliRunner().invoke(app, ["sources", *verb.split()])
    assert result.exit_code == 2


def test_what_scripts_call_them_by_still_works(instance: Instance) -> None:
    assert run(instance, "converters failed", GetFailedSources.Result(sources=[], total=0)).exit_code == 0
    retried = RetrySources.Result(retried=["csv/a"], untouched=[])
    assert run(instance, "converters retry csv/a", retried).stdout == "put back: csv/a\n"
