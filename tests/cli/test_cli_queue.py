"""`pywats-client queue`: what a person at the station is told, and what the shell is."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pywats_client.cli.main import app
from pywats_client.paths import Instance
from pywats_client.queue import owner
from pywats_client.queue.name import QueueName, State
from tests.fakes.queue import QueueRun, some_id

COMMAND = [sys.executable, "-m", "pywats_client", "queue"]
UUT = {
    "type": "T", "pn": "PN-1", "rev": "A", "processCode": 10, "result": "P", "machineName": "S", "location": "L",
    "purpose": "P", "start": "2026-11-22T08:41:00+00:00", "uut": {"user": "op"},
    "root": {"id": 1, "group": "M", "stepType": "SequenceCall", "name": "Main", "status": "P",
             "seqCall": {"path": "p", "name": "n", "version": "1"}, "steps": [
        {"id": 2, "group": "M", "stepType": "ET_NLT", "name": "Vcc", "status": "P",
         "numericMeas": [{"compOp": "LOG", "value": 3.3, "unit": "V", "status": "P"}]}]},
}  # fmt: skip


def report(number: int, **fields: Any) -> bytes:
    return json.dumps({**UUT, "id": str(some_id(number)), "sn": f"SN-{number}", **fields}).encode()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PYWATS_SERVER_URL", raising=False)
    monkeypatch.setenv("PYWATS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> QueueRun:
    """A queue with report 1 failed, 2 rejected, 3 delivered, 4 and 5 waiting."""
    path = Instance.find("default", home, {}).queue
    path.mkdir(parents=True)
    run = QueueRun(path).start()
    for number in (1, 2, 3, 4, 5):
        run.put(number, report(number))
    run.folder.fail(run.claim(), "the server is busy", run.now)
    run.folder.reject(run.claim(), "no such process code\nand another line", run.now)
    run.folder.complete(run.claim(), run.now)
    return run


def queue(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["queue", *arguments])


def printed(*arguments: str, code: int = 0) -> Any:
    """The JSON that a command prints."""
    result = queue(*arguments, "--json")
    assert result.exit_code == code, result.output
    answer = json.loads(result.stdout)
    assert answer.pop("schema") == 1
    return answer


def id_of(number: int) -> str:
    return str(some_id(number))


def damage(run: QueueRun, number: int) -> None:
    run.file(next(name for name in run.on_disk() if name.id == some_id(number))).write_bytes(b"torn")


def test_a_sound_queue_is_checked_with_exit_0(run: QueueRun) -> None:
    result = queue("check")
    assert result.exit_code == 0
    assert "whole       4 of 4 reports that the server does not have" in result.stdout
    assert "waiting for a person: 1." in result.stdout
    assert max(map(len, result.stdout.splitlines()[2:])) <= 80
    seen = printed("check")
    assert seen["is_sound"]
    assert seen["counts"] == {
        "queued": 2, "processing": 0, "error": 1, "rejected": 1, "completed": 1, "discarded": 0
    }  # fmt: skip
    assert seen["oldest"]["id"] == id_of(1)


def test_a_damaged_report_makes_the_check_fail_and_is_named_with_the_cure(run: QueueRun) -> None:
    damage(run, 4)
    result = queue("check")
    assert result.exit_code == 1
    assert f"{id_of(4)[:8]}  queued, damaged: 4 bytes are there" in result.stdout
    assert "queue discard ID" in " ".join(result.stdout.split())
    seen = printed("check", code=1)
    assert [each["id"] for each in seen["damaged"]] == [id_of(4)]


def test_a_name_with_control_characters_is_shown_escaped(run: QueueRun) -> None:
    (run.path / "bad\x1b[31m\udcff.txt").touch()
    result = queue("check")
    assert "bad\\x1b[31m\\xff.txt" in result.stdout
    assert "\x1b" not in result.stdout
    assert printed("check")["unknown"] == ["bad\\x1b[31m\\xff.txt"]


def test_a_list_shows_who_waits_and_why_the_oldest_first(run: QueueRun) -> None:
    lines = queue("list").stdout.splitlines()
    assert lines[0].split() == ["id", "state", "arrived", "tries", "size", "serial", "part", "number"]
    assert [line.split()[0] for line in lines[1:] if line[0] != " "] == [id_of(n)[:8] for n in (1, 2, 4, 5)]
    assert "next try within 5 min: the server is busy" in lines[2] or "next try is due" in lines[2]
    assert lines[4].strip() == "no such process code"
    assert lines[5].endswith("SN-4           PN-1")
    assert max(map(len, lines)) <= 80


def test_an_empty_queue_is_told_as_empty_and_a_search_in_vain_as_such(home: Path) -> None:
    Instance.find("default", home, {}).queue.mkdir(parents=True)
    assert queue("list").stderr == "the queue is empty\n"
    assert queue("list", "--state", "error").stderr == queue("list", "--search", "x").stderr == "no such reports\n"


def test_a_damaged_report_is_to_be_set_aside_in_its_own_instance(run: QueueRun, home: Path) -> None:
    damage(run, 4)
    said = " ".join(queue("check", "--home", str(home)).stdout.split())
    assert f"`pywats-client queue discard ID --yes --home {home}`" in said


def test_a_list_is_narrowed_by_state_text_and_number(run: QueueRun) -> None:
    assert [each["id"] for each in printed("list", "--state", "error", "--state", "rejected")["reports"]] == [
        id_of(1),
        id_of(2),
    ]
    assert [each["id"] for each in printed("list", "--state", "completed")["reports"]] == [id_of(3)]
    assert [each["id"] for each in printed("list", "--limit", "2")["reports"]] == [id_of(1), id_of(2)]
    assert [each["id"] for each in printed("list", "--search", "sn-5")["reports"]] == [id_of(5)]
    assert [each["id"] for each in printed("list", "--search", "PROCESS CODE")["reports"]] == [id_of(2)]
    assert printed("list", "--search", "nobody") == {"reports": []}
    assert queue("list", "--state", "nonsense").exit_code == 2


def test_a_listed_report_has_the_same_fields_in_every_state(run: QueueRun) -> None:
    damage(run, 5)
    listed = printed("list", "--state", "queued", "--state", "error", "--state", "completed")["reports"]
    assert len({tuple(each) for each in listed}) == 1
    failed, waiting, torn, _ = listed
    assert (failed["attempts"], failed["serial_number"], failed["reason"]) == (1, "SN-1", "the server is busy")
    assert failed["next_try"]
    assert (waiting["next_try"], waiting["fault"]) == (None, None)
    assert "damaged" in torn["fault"]


@pytest.mark.parametrize("content", [b"[]", b"no JSON", b'{"sn": {"x": 1}}', b"[" * 100_000, b'{"root": "x", "sn": 7}'])
def test_content_that_is_no_report_is_listed_and_shown_without_a_traceback(run: QueueRun, content: bytes) -> None:
    run.put(9, content)
    assert queue("list").exit_code == 0
    result = queue("show", id_of(9))
    assert result.exit_code == 0
    assert "has not the shape of a report" in result.stdout


def test_a_report_is_shown_with_its_history_its_reason_and_its_steps(run: QueueRun) -> None:
    failed = queue("show", id_of(1))
    assert failed.exit_code == 0
    assert "failed    1 time" in failed.stdout
    assert "SN-1  PN-1 rev A  test 10  passed" in failed.stdout
    assert "└── Vcc  3.3 V  passed" in failed.stdout
    rejected = queue("show", id_of(2))
    assert "reason:\n  no such process code\n  and another line\n" in rejected.stdout


def test_a_report_is_printed_byte_for_byte(run: QueueRun) -> None:
    assert queue("show", id_of(4), "--json").stdout_bytes == report(4)


def test_a_delivered_report_is_shown_as_long_as_it_is_kept(run: QueueRun) -> None:
    assert "state     completed" in queue("show", id_of(3)).stdout


def test_a_damaged_report_is_shown_as_such_and_never_printed(run: QueueRun) -> None:
    damage(run, 4)
    shown = queue("show", id_of(4))
    assert (shown.exit_code, "NOT as they were queued" in shown.stdout) == (1, True)
    content = queue("show", id_of(4), "--json")
    assert (content.exit_code, content.stdout) == (1, "")
    assert "is damaged" in content.stderr


def test_an_id_may_be_any_beginning_that_fits_one_report(run: QueueRun) -> None:
    for beginning in (id_of(4)[:4], id_of(4)[:13].upper(), id_of(4).replace("-", "")):
        assert id_of(4) in queue("show", beginning).stdout
    for wrong in (id_of(4)[:3], "xyz-1", "", id_of(4) + "0"):
        assert queue("show", wrong).exit_code == 2
    unknown = queue("show", "00000000")
    assert (unknown.exit_code, "begins with 00000000" in unknown.stderr) == (1, True)


def test_a_beginning_that_fits_several_is_usage_and_lists_them(run: QueueRun) -> None:
    twin = id_of(4)[:-1] + ("0" if id_of(4)[-1] != "0" else "1")
    name = QueueName.parse(str(next(name for name in run.on_disk() if name.id == some_id(4))).replace(id_of(4), twin))
    (run.path / str(name)).write_bytes(report(4))
    result = queue("show", id_of(4)[:8])
    assert result.exit_code == 2
    assert id_of(4) in result.stderr
    assert twin in result.stderr
    assert queue("retry", id_of(2), id_of(4)[:8]).exit_code == 2
    assert run.states(2) == [State.REJECTED]


def test_an_export_copies_what_is_whole_and_names_what_is_not(run: QueueRun, tmp_path: Path) -> None:
    damage(run, 5)
    result = queue("export", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "damaged: 4 bytes are there" in result.stderr
    copies = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert copies == {f"{id_of(number)}.json": report(number) for number in (1, 2, 4)}
    assert len(run.on_disk()) == 5


def test_an_export_never_overwrites_and_can_be_repeated(run: QueueRun, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / f"{id_of(4)}.json").write_text("somebody's")
    first = queue("export", str(out), "--state", "queued")
    assert (first.exit_code, first.stdout) == (0, f"{out}: 2 reports exported\n")
    assert (out / f"{id_of(4)}.json").read_text() == "somebody's"
    assert (out / f"{id_of(4)}-1.json").read_bytes() == report(4)
    assert queue("export", str(out), "--state", "queued").stdout == f"{out}: 0 reports exported, 2 already there\n"
    assert len(printed("export", str(out), "--all")["reports"]) == 5


def test_an_export_goes_into_a_folder_and_never_into_the_queue(run: QueueRun, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target in (tmp_path / "file", run.path, run.path / "below"):
        assert queue("export", str(target)).exit_code == 2
    assert queue("export", str(tmp_path / "file" / "below")).exit_code == 1


def test_what_was_exported_can_be_submitted_again(run: QueueRun, home: Path, tmp_path: Path) -> None:
    Instance.find("default", home, {}).config.write_text('{"version": "2.0", "instance_id": "default"}')
    queue("export", str(tmp_path / "out"), "--state", "queued")
    result = CliRunner().invoke(app, ["submit", str(tmp_path / "out" / f"{id_of(4)}.json")])
    assert result.exit_code == 0, result.output


def test_a_retry_puts_back_what_failed_from_attempt_0_without_its_reason(run: QueueRun) -> None:
    result = queue("retry", id_of(1), id_of(2)[:8])
    assert result.exit_code == 0
    assert [name.attempt for name in run.on_disk() if name.state is State.QUEUED] == [0, 0, 0, 0]
    assert not list(run.path.glob("*.reason"))


def test_a_damaged_report_is_not_lined_up_again(run: QueueRun) -> None:
    damage(run, 2)
    result = queue("retry", id_of(2))
    assert result.exit_code == 1
    assert "is damaged" in result.stdout
    assert State.REJECTED in run.states(2)


@pytest.mark.parametrize(("option", "still"), [("--all", []), ("--rejected", [State.ERROR])])
def test_a_retry_of_all_takes_all_that_it_says(run: QueueRun, option: str, still: list[State]) -> None:
    assert queue("retry", option).exit_code == 0
    assert [name.state for name in run.on_disk() if name.state in (State.ERROR, State.REJECTED)] == still
    assert queue("retry", "--rejected").exit_code == 0


def test_what_can_be_done_is_done_and_what_is_not_found_is_named(run: QueueRun) -> None:
    result = queue("retry", "00000000", id_of(2), "11111111")
    assert result.exit_code == 1
    assert "00000000" in result.stderr
    assert "11111111" in result.stderr
    assert run.states(2) == [State.QUEUED]
    told = printed("discard", id_of(4), "22222222", "--yes", code=1)
    assert told == {
        "reports": [{"id": id_of(4), "result": "discarded", "why": None}],
        "not_found": ["22222222"],
    }


def test_a_report_that_waits_anyway_is_no_failure_of_a_retry(run: QueueRun) -> None:
    assert printed("retry", id_of(4))["reports"][0]["result"] == "waits already"


def test_a_retry_says_what_it_is_about(run: QueueRun) -> None:
    for arguments in ([], ["--all", "--rejected"], [id_of(1), "--all"]):
        assert queue("retry", *arguments).exit_code == 2
    assert queue("discard").exit_code == 2


def test_a_discarded_report_is_set_aside_with_its_reason_and_kept(run: QueueRun) -> None:
    assert queue("discard", id_of(2), "--yes").exit_code == 0
    assert run.states(2) == [State.DISCARDED]
    shown = queue("show", id_of(2))
    assert "state     discarded" in shown.stdout
    assert "no such process code" in shown.stdout


def test_nothing_is_discarded_unasked(run: QueueRun) -> None:
    result = queue("discard", id_of(4))
    assert (result.exit_code, "--yes" in result.stderr) == (2, True)
    assert run.states(4) == [State.QUEUED]


@pytest.mark.parametrize(("answer", "code", "after"), [("y", 0, State.DISCARDED), ("n", 1, State.QUEUED)])
def test_on_a_terminal_a_discard_asks(run: QueueRun, answer: str, code: int, after: State) -> None:
    terminal, end = pty.openpty()
    os.write(terminal, f"{answer}\n".encode())
    result = subprocess.run([*COMMAND, "discard", id_of(4)], stdin=end, capture_output=True, timeout=60, check=False)
    assert b"Set 1 report aside" in result.stderr
    assert (result.returncode, run.states(4)) == (code, [after])
    os.close(terminal)
    os.close(end)


def test_while_a_service_runs_changes_are_refused_with_exit_5_and_looks_are_not(run: QueueRun, tmp_path: Path) -> None:
    run.folder.acquire()
    for arguments in (["retry", "--all"], ["retry", "00000000"], ["discard", id_of(4), "--yes"]):
        result = queue(*arguments)
        assert result.exit_code == 5
        assert f"a service (process {os.getpid()}) is using the queue" in result.stderr
        assert "stop the service" in result.stderr
    for arguments in (["check"], ["list"], ["show", id_of(4)], ["export", str(tmp_path / "out")]):
        assert queue(*arguments).exit_code == 0
    run.folder.close()


def test_where_locks_are_not_listed_the_lock_itself_refuses(run: QueueRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "LOCKS", run.path / "none")
    run.folder.acquire()
    assert queue("retry", "--all").exit_code == 5
    run.folder.close()
    assert queue("retry", "--all").exit_code == 0


def test_without_an_instance_the_exit_code_is_4_and_without_a_queue_1(home: Path) -> None:
    assert queue("check").exit_code == 4
    home.mkdir()
    (home / "config_default.json").write_text("{}")
    result = queue("check")
    assert (result.exit_code, "there is no queue yet" in result.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["check"]])
def test_a_reader_that_has_gone_is_no_error_to_tell(run: QueueRun, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run([*COMMAND, *arguments], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writing)
    assert result.stderr == b""
