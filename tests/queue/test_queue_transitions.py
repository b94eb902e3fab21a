"""Every row of the design's state table that the queue itself works: the operation, and a crash around it."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pywats_client.queue.name import QueueName, State
from tests.fakes.disk import CuttingSteps, PowerCut
from tests.fakes.queue import QueueRun, some_id

Act = Callable[[QueueRun, QueueName], object]
Stand = tuple[State, int, int]
"""State, attempt, orphaned"""

GONE: list[Stand] = []


def claimed(run: QueueRun) -> QueueName:
    return run.claim()


def failed(run: QueueRun) -> QueueName:
    run.folder.fail(run.claim(), "busy", run.now)
    return run.on_disk()[0]


def rejected(run: QueueRun) -> QueueName:
    run.folder.reject(run.claim(), "bad", run.now)
    return run.on_disk()[0]


def completed(run: QueueRun) -> QueueName:
    run.folder.complete(run.claim(), run.now)
    run.clock.step(days=8)
    return run.on_disk()[0]


@dataclass(frozen=True)
class Row:
    arrange: Callable[[QueueRun], QueueName]
    act: Act
    before: list[Stand]
    after: list[Stand]
    where: str = "."


def waiting(run: QueueRun) -> QueueName:
    return run.on_disk()[0]


QUEUED, PUT_BACK = [(State.QUEUED, 0, 0)], [(State.QUEUED, 0, 1)]
ERROR, REJECTED = [(State.ERROR, 1, 0)], [(State.REJECTED, 0, 0)]
COMPLETED, DISCARDED = [(State.COMPLETED, 0, 0)], [(State.DISCARDED, 0, 0)]

ROWS = {
    "claimed": Row(waiting, lambda run, _: run.claim(), QUEUED, PUT_BACK),
    "accepted": Row(
        claimed, lambda run, name: run.folder.complete(name, run.now), PUT_BACK, COMPLETED, "completed/2026-11-22"
    ),
    "busy": Row(claimed, lambda run, name: run.folder.fail(name, "busy", run.now), PUT_BACK, ERROR),
    "cancelled": Row(claimed, lambda run, name: run.folder.release(name, run.now), PUT_BACK, QUEUED),
    "refused for good": Row(claimed, lambda run, name: run.folder.reject(name, "bad", run.now), PUT_BACK, REJECTED),
    "error, retried by hand": Row(failed, lambda run, name: run.folder.retry(name.id, run.now), ERROR, QUEUED),
    "rejected, retried by hand": Row(rejected, lambda run, name: run.folder.retry(name.id, run.now), REJECTED, QUEUED),
    "queued, discarded": Row(waiting, lambda run, name: run.folder.discard(name.id), QUEUED, DISCARDED, "discarded"),
    "error, discarded": Row(
        failed, lambda run, name: run.folder.discard(name.id), ERROR, [(State.DISCARDED, 1, 0)], "discarded"
    ),
    "rejected, discarded": Row(
        rejected, lambda run, name: run.folder.discard(name.id), REJECTED, DISCARDED, "discarded"
    ),
    "expired": Row(completed, lambda run, _: run.folder.sweep_expired(7), COMPLETED, GONE),
    "orphan put back": Row(claimed, lambda run, _: run.look(), PUT_BACK, PUT_BACK),
}


def stands(run: QueueRun) -> list[Stand]:
    return [(name.state, name.attempt, name.orphaned) for name in run.on_disk()]


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest) -> Row:
    return ROWS[request.param]


def test_a_transition_stamps_the_moment_and_then_renames(row: Row, tmp_path: Path) -> None:
    run = QueueRun(tmp_path).start()
    run.put(1, b"bytes")
    name = row.arrange(run)
    run.steps.log.clear()
    run.clock.step(hours=1)
    earliest = run.clock.moment
    row.act(run, name)
    if row.after == GONE:
        assert run.steps.kinds() == ["unlink", "rmdir"]
        assert run.on_disk() == []
        return
    (made,) = run.on_disk()
    path = run.file(made)
    assert path.parent == tmp_path / row.where
    assert path.read_bytes() == b"bytes"
    assert run.in_memory() == run.in_listing()
    kinds = [kind for kind, about in run.steps.log if about.name == str(name) and kind != "open"]
    assert kinds == ["utime", "rename"]
    assert earliest.timestamp() <= path.stat().st_mtime <= run.clock.moment.timestamp()


def test_a_crash_at_any_step_leaves_what_the_table_says(row: Row, tmp_path: Path) -> None:
    ends = []
    for cut in range(50):
        path = tmp_path / str(cut)
        path.mkdir()
        run = QueueRun(path, steps=CuttingSteps()).start()
        run.put(1, b"bytes")
        name = row.arrange(run)
        run.steps.cut_after(cut)
        try:
            row.act(run, name)
            done = True
        except PowerCut:
            done = False
        after = run.again()
        ends.append(stands(after))
        assert after.in_memory() == after.in_listing()
        if done:
            break
    assert cut > 0
    assert ends[0] == row.before
    assert ends[-1] == row.after
    switch = ends.index(row.after) if row.after in ends else len(ends)
    assert ends == [row.before] * switch + [row.after] * (len(ends) - switch)


def test_a_failed_report_that_is_due_is_queued_and_claimed_and_a_crash_loses_it_nowhere(tmp_path: Path) -> None:
    ends = []
    for cut in range(5):
        path = tmp_path / str(cut)
        path.mkdir()
        run = QueueRun(path, steps=CuttingSteps()).start()
        run.put(1)
        failed(run)
        run.now += 300
        run.steps.cut_after(cut)
        with pytest.raises(PowerCut) if cut < 4 else contextlib.nullcontext():
            run.claim()
        ends.append(stands(run.again()))
    assert ends == [ERROR] * 2 + [[(State.QUEUED, 1, 0)]] * 2 + [[(State.QUEUED, 1, 1)]]


@pytest.mark.parametrize("call", ["complete", "release", "fail", "reject"])
def test_an_upload_can_only_end_once(call: str, tmp_path: Path) -> None:
    run = QueueRun(tmp_path).start()
    run.put(1)
    name = waiting(run)
    with pytest.raises(ValueError, match="cannot go from queued to"):
        getattr(run.folder, call)(name, *(["why"] if call in {"fail", "reject"} else []), run.now)
    assert stands(run) == QUEUED


def test_what_is_under_way_or_delivered_is_not_discarded_or_retried(tmp_path: Path) -> None:
    run = QueueRun(tmp_path).start()
    run.put(1)
    name = run.claim()
    assert not run.folder.discard(some_id(1))
    assert not run.folder.retry(some_id(1), run.now)
    run.folder.complete(name, run.now)
    assert not run.folder.discard(some_id(1))
    assert not run.folder.retry(some_id(1), run.now)
    assert run.states(1) == [State.COMPLETED]


def test_a_reason_lies_beside_what_failed_until_it_is_over(tmp_path: Path) -> None:
    run = QueueRun(tmp_path).start()
    run.put(1)
    run.folder.reject(run.claim(), "line 1\nline 2 \udcff", run.now)
    (reason,) = tmp_path.glob("*.reason")
    assert reason.read_text() == "line 1\nline 2 \\udcff\n"
    assert reason.stem == waiting(run).stem
    run.folder.retry(some_id(1), run.now)
    assert not reason.exists()
    run.folder.fail(run.claim(), "busy", run.now)
    assert reason.read_text() == "busy\n"
    run.now += 300
    run.folder.complete(run.claim(), run.now)
    assert not reason.exists()


def test_a_reason_that_cannot_be_written_stops_no_transition(tmp_path: Path) -> None:
    run = QueueRun(tmp_path).start()
    run.put(1)
    name = run.claim()
    (tmp_path / f"{name.stem}.reason").mkdir()
    run.folder.reject(name, "why", run.now)
    assert run.states(1) == [State.REJECTED]
    assert run.folder.retry(name.id, run.now)
    run.folder.fail(run.claim(), "busy", run.now)
    assert run.states(1) == [State.ERROR]


def test_a_report_of_another_user_goes_its_way_without_a_stamp(tmp_path: Path) -> None:
    class NotOwner(CuttingSteps):
        def before(self, step: str, path: Path, *args: object) -> None:
            if step == "utime":
                raise PermissionError(1, "Operation not permitted", str(path))

    run = QueueRun(tmp_path, steps=NotOwner()).start()
    run.put(1)
    assert run.claim_all() == [some_id(1)]


@pytest.mark.case(
    "F09",
    "a power cut after a newer report of the same source was delivered",
    injected="the order of syncs and renames, looked at",
    promised="what became of the older one is durable first: it is never sent after the newer",
)
@pytest.mark.parametrize("older", ["delivered before", "under way", "waiting"])
def test_what_became_of_an_older_report_is_durable_before_the_newer_counts_as_delivered(
    tmp_path: Path, older: str
) -> None:
    run = QueueRun(tmp_path).start()
    run.put(1, b"old")
    first = None if older == "waiting" else run.claim()
    if first and older == "delivered before":
        run.folder.complete(first, run.now)
    run.put(1, b"new")
    if first and older == "under way":
        run.folder.complete(first, run.now)
    second = run.claim()
    run.steps.log.clear()
    run.folder.complete(second, run.now)
    synced = [path for step, path in run.steps.log if step == "fsync"]
    assert run.folder.path in synced
    assert run.steps.kinds()[-2:] == ["utime", "rename"]
