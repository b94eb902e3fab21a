import errno
from pathlib import Path

import pytest

from pywats_client.queue.folder import Damaged, Put
from pywats_client.queue.name import State
from tests.fakes.disk import FailingSteps, PowerCut, nth
from tests.fakes.queue import QueueRun, some_id

THREE = ((0, b"zero"), (1, b"one"), (2, b"two"))


@pytest.fixture
def run(tmp_path: Path) -> QueueRun:
    return QueueRun(tmp_path).start()


def test_a_new_report_is_queued_with_its_bytes(run: QueueRun) -> None:
    assert run.put(1, b"bytes") is Put.NEW
    (name,) = run.on_disk()
    assert name.state is State.QUEUED
    assert run.file(name).read_bytes() == b"bytes"
    assert run.file(name).stat().st_mode & 0o777 == 0o600
    assert run.in_memory() == {str(name)}


def test_a_report_is_synced_before_its_name_is_and_the_name_before_put_returns(run: QueueRun) -> None:
    run.steps.log.clear()
    run.put(1)
    assert run.steps.kinds() == ["write", "fsync", "rename", "fsync"]
    assert run.steps.log[-1] == ("fsync", run.path)


def test_the_reports_of_a_source_cost_one_folder_sync(run: QueueRun) -> None:
    run.steps.log.clear()
    run.put_all(*THREE)
    assert run.steps.kinds() == ["write", "fsync"] * 3 + ["rename"] * 3 + ["fsync"]


def test_nothing_of_a_source_is_seen_before_all_of_it_is_staged(run: QueueRun) -> None:
    staged = [run.folder.stage(some_id(number), content) for number, content in THREE]
    for report in staged:
        run.folder.write(report)
    assert len(list(run.path.glob(".*.tmp"))) == len(THREE)
    run.look()
    assert run.on_disk() == []
    assert run.in_memory() == set()
    run.folder.drop(staged)
    assert list(run.path.iterdir()) == []


@pytest.mark.parametrize("upload", ["waits", "is under way", "is done"])
def test_the_same_bytes_are_known_while_they_wait_and_once_they_are_delivered(run: QueueRun, upload: str) -> None:
    run.put(1)
    if upload != "waits":
        name = run.claim()
        if upload == "is done":
            run.folder.complete(name, run.now)
    before = run.on_disk()
    assert run.put(1) is Put.KNOWN
    assert run.on_disk() == before
    assert not list(run.path.glob(".*.tmp"))


def test_delivered_bytes_are_known_after_a_restart(run: QueueRun) -> None:
    run.put(1)
    run.claim_all()
    assert run.again().put(1) is Put.KNOWN


def test_a_known_report_is_synced_too_as_a_crash_may_have_come_before_that(run: QueueRun) -> None:
    run.put(1)
    run.steps.log.clear()
    run.put(1)
    assert ("fsync", run.path) in run.steps.log


@pytest.mark.parametrize("state", [State.ERROR, State.REJECTED])
def test_the_same_bytes_revive_a_failed_report_from_attempt_0(run: QueueRun, state: State) -> None:
    run.put(1)
    name = run.claim()
    (run.folder.fail if state is State.ERROR else run.folder.reject)(name, "why", run.now)
    assert run.put(1) is Put.REVIVED
    (name,) = run.on_disk()
    assert (name.state, name.attempt) == (State.QUEUED, 0)
    assert not list(run.path.glob("*.reason"))
    assert run.claim_all() == [some_id(1)]


def test_a_damaged_report_is_healed_when_its_source_comes_again(run: QueueRun) -> None:
    run.put(1, b"what was measured")
    name = run.claim()
    run.file(name).write_bytes(b"what")
    with pytest.raises(Damaged):
        run.folder.read(name)
    run.folder.reject(name, "damaged", run.now)
    assert run.put(1, b"what was measured") is Put.REVIVED
    assert run.folder.read(run.claim()) == b"what was measured"


def test_other_bytes_replace_what_waits_and_the_older_is_set_aside(run: QueueRun) -> None:
    run.put(1, b"old")
    assert run.put(1, b"new") is Put.REPLACED
    assert sorted(run.states(1)) == [State.DISCARDED, State.QUEUED]
    assert run.folder.read(run.claim()) == b"new"
    (aside,) = run.path.joinpath("discarded").iterdir()
    assert aside.read_bytes() == b"old"


@pytest.mark.parametrize("state", [State.ERROR, State.REJECTED])
def test_other_bytes_replace_what_failed(run: QueueRun, state: State) -> None:
    run.put(1, b"old")
    (run.folder.fail if state is State.ERROR else run.folder.reject)(run.claim(), "why", run.now)
    assert run.put(1, b"new") is Put.REPLACED
    assert sorted(run.states(1)) == [State.DISCARDED, State.QUEUED]
    assert sorted(path.suffix for path in run.path.joinpath("discarded").iterdir()) == [".discarded", ".reason"]
    assert not list(run.path.glob("*.reason"))


def test_two_reports_of_one_id_are_never_under_way_together(run: QueueRun) -> None:
    run.put(1, b"old")
    old = run.claim()
    assert run.put(1, b"new") is Put.REPLACED
    assert run.folder.claim(run.now) is None
    run.put(2)
    assert run.claim().id == some_id(2)
    run.folder.complete(old, run.now)
    assert run.folder.read(run.claim()) == b"new"


@pytest.mark.parametrize("end", ["fail", "reject", "release"])
def test_an_upload_that_was_replaced_meanwhile_does_not_come_back(run: QueueRun, end: str) -> None:
    run.put(1, b"old")
    old = run.claim()
    run.put(1, b"new")
    getattr(run.folder, end)(old, *(["why"] if end != "release" else []), run.now)
    assert sorted(run.states(1)) == [State.DISCARDED, State.QUEUED]
    assert run.folder.read(run.claim()) == b"new"
    assert run.folder.claim(run.now) is None


@pytest.mark.case(
    "F15",
    "a report is replaced after the clock was set back",
    injected="wall clock stepped",
    promised="the newer one counts",
)
def test_a_clock_set_back_does_not_make_the_newer_report_the_older_one(run: QueueRun) -> None:
    run.put(1, b"old")
    old = run.claim()
    run.clock.step(days=-4000)
    assert run.put(1, b"newer") is Put.REPLACED
    run.folder.fail(old, "busy", run.now)
    assert run.put(1, b"newest") is Put.REPLACED
    assert run.folder.read(run.again().claim()) == b"newest"


def test_a_delivered_report_that_is_converted_otherwise_is_sent_again(run: QueueRun) -> None:
    run.put(1, b"old")
    run.claim_all()
    assert run.put(1, b"new") is Put.NEW
    assert run.claim_all() == [some_id(1)]


def test_going_back_to_what_was_delivered_before_is_sent_again(run: QueueRun) -> None:
    for content in (b"first", b"second"):
        run.put(1, content)
        run.claim_all()
    assert run.put(1, b"second") is Put.KNOWN
    assert run.put(1, b"first") is Put.NEW


@pytest.mark.parametrize("days", [0, -4000])
@pytest.mark.parametrize("content", [b"first", b"second"])
def test_after_a_restart_no_clock_tells_which_of_two_was_delivered_last_so_each_is_sent_again(
    run: QueueRun, days: int, content: bytes
) -> None:
    run.put(1, b"first")
    run.claim_all()
    run.clock.step(days=days)
    run.put(1, b"second")
    run.claim_all()
    run = run.again()
    assert run.put(1, content) is Put.NEW
    run.claim_all()
    assert run.put(1, content) is Put.KNOWN


def test_bytes_delivered_once_replace_other_ones_that_wait(run: QueueRun) -> None:
    run.put(1, b"first")
    run.claim_all()
    run.put(1, b"second")
    assert run.put(1, b"first") is Put.REPLACED
    assert run.folder.read(run.claim()) == b"first"


def test_bytes_under_way_are_put_again_when_other_ones_came_between(run: QueueRun) -> None:
    run.put(1, b"first")
    first = run.claim()
    run.put(1, b"second")
    assert run.put(1, b"first") is Put.REPLACED
    run.folder.complete(first, run.now)
    assert run.folder.read(run.claim()) == b"first"
    assert run.folder.claim(run.now) is None


def test_a_look_that_finds_a_report_before_put_has_returned_does_not_double_it(run: QueueRun) -> None:
    staged = [run.folder.stage(some_id(1), b"{}")]
    puts = run.folder.judge(staged)
    run.folder.commit(staged, puts)
    run.look()
    run.folder.fail(run.claim(), "busy", run.now)
    run.folder.enter(staged, puts, run.now)
    assert run.states(1) == [State.ERROR]
    assert run.in_memory() == run.in_listing()


def test_a_crash_at_any_step_loses_and_doubles_nothing_once_the_source_is_converted_again(tmp_path: Path) -> None:
    for cut in range(100):
        path = tmp_path / str(cut)
        path.mkdir()
        run = QueueRun(path).start()
        run.steps.cut_after(cut)
        try:
            run.put_all(*THREE)
            break
        except PowerCut:
            after = run.again()
        for name in after.on_disk():
            assert after.folder.read(name) in {b"zero", b"one", b"two"}
        assert not list(path.glob(".*.tmp"))
        after.put_all(*THREE)
        assert [after.states(number) for number in range(3)] == [[State.QUEUED]] * 3
        assert sorted(after.claim_all()) == sorted(some_id(number) for number in range(3))
    assert cut == 3 * 3 + 3 + 2


@pytest.mark.case(
    "F10",
    "no space while reports are queued",
    injected="ENOSPC once, at each step",
    promised="no half report, the next try succeeds",
)
@pytest.mark.parametrize("revived", [False, True])
def test_a_full_disk_at_any_step_leaves_no_half_report_and_the_next_try_succeeds(tmp_path: Path, revived: bool) -> None:
    for step in range(100):
        path = tmp_path / str(step)
        path.mkdir()
        first = QueueRun(path).start()
        if revived:
            first.put(1, b"one")
            first.folder.reject(first.claim(), "why", first.now)
        steps = FailingSteps()
        run = first.again(steps)
        steps.fail(nth(step))
        try:
            run.put_all(*THREE)
        except OSError as error:
            assert error.errno == errno.ENOSPC
        if not steps.failed:
            break
        steps.fail(lambda *_: False)
        run.look()
        for name in run.on_disk():
            assert run.file(name).read_bytes() in {b"zero", b"one", b"two"}
        run.put_all(*THREE)
        assert [run.states(number) for number in range(3)] == [[State.QUEUED]] * 3
        assert run.in_memory() == run.in_listing()
    assert step >= 3 * 3 + 3 + 2


@pytest.mark.case(
    "F11", "a report cannot be synced", injected="EIO from fsync", promised="the file is abandoned, another is written"
)
def test_a_file_whose_sync_failed_is_abandoned_and_never_synced_again(tmp_path: Path) -> None:
    steps = FailingSteps()
    steps.fail(lambda _, step, path: step == "fsync" and path.suffix == ".tmp", errno.EIO)
    run = QueueRun(tmp_path, steps=steps).start()
    with pytest.raises(OSError, match="Input/output"):
        run.put(1)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="Input/output"):
        run.put(1)
    first, second = (path for step, path in steps.failed)
    assert first != second


@pytest.mark.case(
    "F11",
    "the queue folder cannot be synced",
    injected="EIO from fsync",
    promised="what was published is taken back, sent once",
)
def test_what_a_failed_commit_has_published_is_taken_back_and_never_sent_beside_the_next_try(tmp_path: Path) -> None:
    steps = FailingSteps()
    run = QueueRun(tmp_path, steps=steps).start()
    stage = run.folder.stage
    staged = [stage(some_id(number), b"{}", place=number) for number in range(2)]
    puts = run.folder.judge(staged)
    steps.fail(lambda _, step, path: step == "fsync" and path == tmp_path, errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        run.folder.commit(staged, puts)
    assert len(run.on_disk()) == 2
    run.folder.withdraw(staged, puts)
    assert run.on_disk() == []
    steps.fail(lambda *_: False)
    run.put_all((0, b"{}"), (1, b"{}"))
    run.look()
    assert len(run.claim_all()) == 2


def test_what_a_look_has_found_meanwhile_is_not_taken_back(run: QueueRun) -> None:
    staged = [run.folder.stage(some_id(1), b"{}")]
    puts = run.folder.judge(staged)
    run.folder.commit(staged, puts)
    run.look()
    run.folder.withdraw(staged, puts)
    assert run.put(1, b"{}") is Put.KNOWN
    assert run.claim_all() == [some_id(1)]


def test_only_temporary_names_of_our_own_form_are_swept(run: QueueRun) -> None:
    staged = run.folder.stage(some_id(1), b"{}")
    run.folder.write(staged)
    foreign = [".x.tmp", "x.tmp", staged.path.name[1:], staged.path.name.removesuffix(".tmp"), "x.part"]
    for name in foreign:
        (run.path / name).write_bytes(b"")
    run.again()
    assert sorted(path.name for path in run.path.iterdir()) == sorted(foreign)


def test_a_torn_and_a_flipped_report_are_refused_alone(run: QueueRun) -> None:
    run.put_all((0, b"a good one"), (1, b"a torn one"), (2, b"flipped"), (3, b"grown"))
    damage = {1: b"a torn", 2: b"flIpped", 3: b"grown more"}
    for name in run.on_disk():
        for number, content in damage.items():
            if name.id == some_id(number):
                run.file(name).write_bytes(content)
    after = run.again()
    for number in range(4):
        name = after.claim()
        assert name.id == some_id(number)
        if number in damage:
            with pytest.raises(Damaged, match=f"{len(damage[number])} bytes"):
                after.folder.read(name)
            after.folder.reject(name, "damaged", after.now)
        else:
            assert after.folder.read(name) == b"a good one"
    assert [after.states(number) for number in damage] == [[State.REJECTED]] * 3


def test_the_reports_of_a_source_keep_their_order(run: QueueRun) -> None:
    run.clock.now = lambda: run.clock.moment  # type: ignore[method-assign]
    run.put_all(*((number, b"%d" % number) for number in range(20)))
    assert run.claim_all() == [some_id(number) for number in range(20)]


def test_arrival_is_the_moment_of_the_put(run: QueueRun) -> None:
    run.put(1)
    (name,) = run.on_disk()
    assert name.arrived == f"{run.clock.moment:%Y%m%dT%H%M%S%f}Z"
