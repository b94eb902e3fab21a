"""`x.queued` of another program: taken over once it is settled, and treated as any other."""

import os
from pathlib import Path

import pytest

from pywats_client.queue.name import State
from tests.fakes.disk import FailingSteps, PowerCut
from tests.fakes.queue import QueueRun


@pytest.fixture
def run(tmp_path: Path) -> QueueRun:
    return QueueRun(tmp_path).start()


def look_and_adopt(run: QueueRun, times: int = 2) -> int:
    unsettled = 0
    for _ in range(times):
        run.look()
        unsettled = run.folder.adopt_settled(run.now)
    return unsettled


def test_a_settled_file_gets_a_full_name_and_is_sent(run: QueueRun) -> None:
    (run.path / "x.queued").write_bytes(b"{}")
    assert look_and_adopt(run) == 0
    assert not (run.path / "x.queued").exists()
    assert run.in_memory() == run.in_listing()
    assert run.folder.read(run.claim()) == b"{}"


def test_its_bytes_are_synced_before_it_is_renamed(run: QueueRun) -> None:
    (run.path / "x.queued").write_bytes(b"{}")
    run.look()
    run.folder.adopt_settled(run.now)
    run.steps.log.clear()
    run.folder.adopt_settled(run.now)
    assert run.steps.kinds() == ["fsync", "utime", "rename"]


def test_a_file_that_still_grows_is_left(run: QueueRun) -> None:
    path = run.path / "x.queued"
    for size in range(3):
        path.write_bytes(b"{" * size)
        assert look_and_adopt(run, times=1) == 1
    os.utime(path, ns=(1, 1))
    assert look_and_adopt(run, times=1) == 1
    assert look_and_adopt(run, times=1) == 0
    assert len(run.on_disk()) == 1


def test_a_file_that_is_still_open_for_writing_is_left(run: QueueRun) -> None:
    with (run.path / "x.queued").open("wb") as file:
        file.write(b"{")
        file.flush()
        assert look_and_adopt(run, times=4) == 1
        file.write(b"}")
    look_and_adopt(run)
    assert run.folder.read(run.claim()) == b"{}"


def test_what_is_too_large_for_a_report_is_left(run: QueueRun) -> None:
    with (run.path / "x.queued").open("wb") as file:
        file.truncate(50_000_001)
    assert look_and_adopt(run, times=3) == 0
    assert run.on_disk() == []


def test_many_are_taken_over_in_several_looks(run: QueueRun) -> None:
    for number in range(120):
        (run.path / f"{number}.queued").write_bytes(b"%d" % number)
    run.look()
    left = [run.folder.adopt_settled(run.now) for _ in range(2)]
    assert left == [120, 70]
    while run.folder.adopt_settled(run.now):
        run.look()
    run.look()
    assert len(run.on_disk()) == 120


@pytest.mark.parametrize("name", ["a b.queued", "\n.queued", "ä" * 100 + ".queued", os.fsdecode(b"\xff\xfe.queued")])
def test_odd_names_are_taken_over(run: QueueRun, name: str) -> None:
    (run.path / name).write_bytes(b"{}")
    look_and_adopt(run)
    assert [name.state for name in run.on_disk()] == [State.QUEUED]


def test_the_same_bytes_twice_are_sent_once(run: QueueRun) -> None:
    for name in ("x.queued", "y.queued"):
        (run.path / name).write_bytes(b"{}")
    look_and_adopt(run)
    assert sorted(name.state for name in run.on_disk()) == [State.DISCARDED, State.QUEUED]
    assert len(run.claim_all()) == 1


def test_bytes_that_were_delivered_are_not_sent_again(run: QueueRun) -> None:
    (run.path / "x.queued").write_bytes(b"{}")
    look_and_adopt(run)
    run.claim_all()
    run = run.again()
    (run.path / "x.queued").write_bytes(b"{}")
    look_and_adopt(run)
    assert run.folder.claim(run.now) is None
    assert sorted(name.state for name in run.on_disk()) == [State.COMPLETED, State.DISCARDED]


def test_bytes_that_were_rejected_are_tried_again(run: QueueRun) -> None:
    (run.path / "x.queued").write_bytes(b"{}")
    look_and_adopt(run)
    run.folder.reject(run.claim(), "bad", run.now)
    (run.path / "x.queued").write_bytes(b"{}")
    look_and_adopt(run)
    assert len(run.claim_all()) == 1


def test_a_crash_at_any_step_leaves_it_to_the_next_look(tmp_path: Path) -> None:
    for cut in range(10):
        path = tmp_path / str(cut)
        path.mkdir()
        run = QueueRun(path).start()
        (path / "x.queued").write_bytes(b"{}")
        look_and_adopt(run, times=1)
        run.steps.cut_after(cut)
        try:
            look_and_adopt(run, times=1)
            break
        except PowerCut:
            run = run.again()
        look_and_adopt(run)
        assert len(run.claim_all()) == 1
    assert cut == 4


def test_a_crash_at_any_step_does_not_bring_back_what_was_delivered(tmp_path: Path) -> None:
    for cut in range(10):
        path = tmp_path / str(cut)
        path.mkdir()
        run = QueueRun(path).start()
        (path / "x.queued").write_bytes(b"{}")
        look_and_adopt(run)
        run.claim_all()
        (path / "x.queued").write_bytes(b"{}")
        look_and_adopt(run, times=1)
        run.steps.cut_after(cut)
        try:
            look_and_adopt(run, times=1)
            break
        except PowerCut:
            run = run.again()
        look_and_adopt(run)
        assert run.claim_all() == []
    assert cut == 7


@pytest.mark.parametrize("step", ["open", "fsync", "rename"])
def test_one_that_cannot_be_taken_over_is_tried_again(tmp_path: Path, step: str) -> None:
    steps = FailingSteps()
    run = QueueRun(tmp_path, steps=steps).start()
    (tmp_path / "x.queued").write_bytes(b"{}")
    steps.fail(lambda _, kind, path: kind == step and path.name == "x.queued")
    assert look_and_adopt(run) == 0
    assert steps.failed
    assert run.on_disk() == []
    steps.fail(lambda *_: False)
    look_and_adopt(run)
    assert len(run.claim_all()) == 1


def test_what_is_no_regular_file_is_left_and_keeps_nobody_waiting(run: QueueRun) -> None:
    (run.path / "folder.queued").mkdir()
    (run.path / "link.queued").symlink_to("/etc/hostname")
    (run.path / "broken.queued").symlink_to("nowhere")
    os.mkfifo(run.path / "pipe.queued")
    assert look_and_adopt(run, times=3) == 0
    assert run.on_disk() == []


def test_one_that_vanishes_again_is_forgotten(run: QueueRun) -> None:
    (run.path / "x.queued").write_bytes(b"{}")
    run.look()
    (run.path / "x.queued").unlink()
    assert run.folder.adopt_settled(run.now) == 0
    assert look_and_adopt(run) == 0
