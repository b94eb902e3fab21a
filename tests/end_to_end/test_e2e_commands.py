"""The commands as a person runs them: submit, reports of other programs, the two names of ours, the demo."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from pywats_client.cli.demo.files import Way, demo_files
from pywats_client.emulator import Emulator
from tests.end_to_end.station import PATIENCE, POLL, Process, Station, received, serials, wsjf

PLACE = {"machineName": "Bench", "location": "Lab", "purpose": "Test"}
"""What a converter would fill in."""
OUTCOME = "delivered 23 of 23 good files; {} in the error folder; 1 rejected by the server"


@pytest.fixture(scope="module", autouse=True)
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Process]]:
    """Two demos, which run while the other tests of this file do. The second is disturbed: a file that is to be
    dropped later is there already, and damaged; and somebody tries files of their own, a good one and a bad one.
    """
    folders = [tmp_path_factory.mktemp(name) for name in ("demo", "disturbed")]
    demos = [_demo(folder) for folder in folders]
    deadline = time.monotonic() + PATIENCE
    while not (watched := list(folders[1].glob("pywats-demo-*/csv"))):
        assert time.monotonic() < deadline
        time.sleep(POLL)
    name = next(file.name for file in demo_files() if file.way is Way.WHILE_OFFLINE)
    (watched[0] / name).write_text("damaged by a passer-by\n")
    good = next(file for file in demo_files() if file.folder == "csv" and file.is_good)
    (watched[0] / "my_own.csv").write_text(good.text.replace("B-0", "OWN-"))
    (watched[0] / "my_bad.csv").write_text("no table\n")
    yield demos
    for demo in demos:
        trio.run(demo.destroy)


def _demo(folder: Path) -> Process:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "COLUMNS": "120"}
    return Process([sys.executable, "-m", "pywats_client", "demo"], environ, folder / "output")


@pytest.mark.trio
async def test_submitted_reports_arrive_whether_or_not_the_service_runs(station: Station, server: Emulator) -> None:
    files = {name: station.folder / f"{name}.json" for name in ("before", "during", "faulty")}
    files["before"].write_text(json.dumps([wsjf("B1", **PLACE), wsjf("B2", **PLACE)]))
    files["during"].write_text(json.dumps(wsjf("D", **PLACE)))
    files["faulty"].write_text(json.dumps({"pn": "?"}))
    first = await station.run("submit", str(files["before"]))
    assert first.code == 0, first.stderr
    assert station.counts() == {"queued": 2}
    async with station.running():
        second = await station.run("submit", str(files["during"]), str(files["faulty"]))
        assert second.code == 1
        assert str(files["faulty"]) in second.stderr
        await station.until(lambda: station.is_at_rest(3))
    assert await serials(server) == ["B1", "B2", "D"]
    told = set(re.findall(r"queued as (\S+)", first.stdout + second.stdout))
    assert told == set(await received(server))


@pytest.mark.trio
async def test_a_report_that_another_program_puts_into_the_queue_is_uploaded(
    station: Station, server: Emulator
) -> None:
    station.instance.queue.mkdir(parents=True)
    report = wsjf("X", id="0B7F1B0A-8F0B-4C0E-9A53-0B6A0E4A9C11", **PLACE)
    async with station.running():
        (station.instance.queue / "x.queued").write_text(json.dumps(report))
        await station.until(lambda: station.is_at_rest(1))
        assert not (station.instance.queue / "x.queued").exists()
    assert await received(server) == {report["id"].lower(): "X"}


@pytest.mark.parametrize("arguments", [["--help"], ["service"], ["paths", "--instance-id", "x y"]], ids=" ".join)
def test_the_script_and_the_module_are_the_same_command(arguments: list[str], tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name("pywats-client"))
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "100"}
    processes = [
        subprocess.Popen([*command, *arguments], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for command in ([script], [sys.executable, "-m", "pywats_client"])
    ]
    outcomes = []
    for process in processes:
        with process:
            stdout, stderr = process.communicate(timeout=PATIENCE)
            outcomes.append((process.returncode, _words(stdout), _words(stderr)))
    assert outcomes[0] == outcomes[1]
    assert "Traceback" not in stderr


def _words(text: str) -> list[str]:
    """What a command said, whatever it is called itself."""
    return text.replace("python -m pywats_client", "pywats-client").split()


@pytest.mark.trio
async def test_the_demo_says_how_it_ended_and_its_exit_code_is_0_only_when_all_is_as_told(demos: list[Process]) -> None:
    codes = [await demo.ended() for demo in demos]
    assert codes == [0, 1], [demo.stderr for demo in demos]
    assert [demo.stdout.splitlines()[-1] for demo in demos] == [OUTCOME.format(1), OUTCOME.format(3)]
    assert [demo.stderr for demo in demos] == ["", ""]
