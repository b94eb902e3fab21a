"""Whose turn it is: order, priority, orphans, and when a failed report is due again."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywats_client.disk import Disk
from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.index import BACKLOG, SUSPECT
from pywats_client.queue.name import State
from tests.fakes.disk import FailingSteps, SetClock
from tests.fakes.queue import QueueRun, some_id

MINUTES, HOURS, DAYS = 60.0, 3600.0, 86_400.0


@pytest.fixture
def run(tmp_path: Path) -> QueueRun:
    return QueueRun(tmp_path).start()


def ids(*numbers: int) -> list[object]:
    return [some_id(number) for number in numbers]


def fail(run: QueueRun, times: int = 1) -> None:
    """Fail the only report so often, each time when it is due."""
    for _ in range(times):
        run.now = max(run.now, run.folder.index.next_due() or 0.0)
        run.folder.fail(run.claim(), "busy", run.now)


# --- order


def test_reports_go_in_the_order_of_their_arrival(run: QueueRun) -> None:
    for number in (3, 1, 2):
        run.put(number)
    assert run.claim_all() == ids(3, 1, 2)


def test_the_order_of_arrival_survives_a_restart(run: QueueRun) -> None:
    for number in (3, 1, 2):
        run.put(number)
    assert run.again().claim_all() == ids(3, 1, 2)


def test_a_report_that_was_put_back_is_first_again(run: QueueRun) -> None:
    for number in range(3):
        run.put(number)
    run.folder.release(run.claim(), run.now)
    assert run.claim_all() == ids(0, 1, 2)


def test_priority_comes_before_arrival_and_10_is_last(run: QueueRun) -> None:
    for number, priority in enumerate((10, 5, 1, 2, 10, 1)):
        run.put(number, priority=priority)
    assert run.again().claim_all() == ids(2, 5, 3, 1, 0, 4)


def test_an_urgent_report_passes_those_that_wait(run: QueueRun) -> None:
    for number in range(3):
        run.put(number)
    run.claim()
    run.put(9, priority=1)
    assert run.claim().id == some_id(9)


def test_while_a_backlog_drains_every_second_report_is_the_newest(run: QueueRun) -> None:
    for number in range(BACKLOG + 5):
        run.put(number)
    first = [run.claim().id for _ in range(5)]
    assert sorted(map(str, first)) == sorted(map(str, ids(0, BACKLOG + 4, 1, BACKLOG + 3, 2)))
    rest = run.claim_all()
    assert rest == ids(*range(3, BACKLOG + 3))


def test_a_fresh_report_passes_a_backlog(run: QueueRun) -> None:
    for number in range(BACKLOG + 5):
        run.put(number)
    run.claim(), run.claim()
    run.put(999)
    assert some_id(999) in {run.claim().id, run.claim().id}


def test_old_reports_that_were_put_back_are_not_taken_for_the_newest(run: QueueRun) -> None:
    for number in range(BACKLOG + 30):
        run.put(number)
    for name in [run.claim() for _ in range(20)]:
        if name.id in ids(*range(10)):
            run.folder.release(name, run.now)
    turns = {run.claim().id for _ in range(6)}
    assert turns == set(ids(0, 1, 2, BACKLOG + 19, BACKLOG + 18, BACKLOG + 17))


def test_a_queue_without_backlog_is_never_turned_round(run: QueueRun) -> None:
    for number in range(BACKLOG):
        run.put(number)
    assert run.claim_all() == ids(*range(BACKLOG))


def test_reports_that_go_to_and_fro_do_not_pile_up_in_memory(run: QueueRun) -> None:
    for number in range(3):
        run.put(number)
    name = run.claim()
    run.put(0, b"other bytes, while the first are under way")
    for _ in range(3000):
        other = run.claim()
        run.folder.release(other, run.now)
    entries = [lane._oldest + lane._newest for lane in run.folder.index._lanes.values()]
    assert len(entries[0]) <= 5 * BACKLOG
    run.folder.complete(name, run.now)
    assert sorted(map(str, run.claim_all())) == sorted(map(str, ids(0, 1, 2)))


def test_a_report_that_cannot_be_claimed_keeps_its_turn(tmp_path: Path) -> None:
    steps = FailingSteps()
    run = QueueRun(tmp_path, steps=steps).start()
    for number in range(2):
        run.put(number)
    for _ in range(3):
        steps.fail(lambda _, step, path: step == "rename")
        with pytest.raises(OSError, match="No space"):
            run.claim()
    steps.fail(lambda *_: False)
    assert run.claim_all() == ids(0, 1)


def test_a_due_report_that_cannot_be_moved_is_due_again(tmp_path: Path) -> None:
    steps = FailingSteps()
    run = QueueRun(tmp_path, steps=steps).start()
    run.put(1)
    fail(run)
    run.now += 5 * MINUTES
    steps.fail(lambda _, step, path: step == "rename")
    with pytest.raises(OSError, match="No space"):
        run.claim()
    steps.fail(lambda *_: False)
    assert run.claim_all() == ids(1)


# --- orphans


def test_an_orphan_is_counted_in_its_name_and_put_back(run: QueueRun) -> None:
    run.put(1)
    for times in range(1, 5):
        run.claim()
        run = run.again()
        (name,) = run.on_disk()
        assert (name.state, name.orphaned, name.attempt) == (State.QUEUED, times, 0)


def test_a_start_tells_how_many_orphans_it_put_back(run: QueueRun) -> None:
    for number in range(3):
        run.put(number)
    run.claim(), run.claim()
    assert run.folder.start(run.now) == 2


def test_a_look_leaves_what_is_held_and_puts_back_what_is_not(run: QueueRun) -> None:
    run.put(1), run.put(2)
    held, lost = run.claim(), run.claim()
    run.clock.step(minutes=40)
    assert run.look(held.id) == 1
    assert run.states(1) == [State.PROCESSING]
    assert run.states(2) == [State.QUEUED]
    run.folder.complete(held, run.now)
    assert run.folder.claim(run.now) is not None
    assert lost.id == some_id(2)


def make_suspect(run: QueueRun, number: int) -> QueueRun:
    run.put(number, priority=1)
    for _ in range(SUSPECT):
        run.claim()
        run = run.again()
    return run


def test_a_report_orphaned_three_times_is_tried_last(run: QueueRun) -> None:
    run = make_suspect(run, 1)
    run.put(2, priority=10)
    assert run.claim_all() == ids(2, 1)


def test_a_report_orphaned_twice_keeps_its_turn(run: QueueRun) -> None:
    run.put(1)
    run.put(2)
    for _ in range(SUSPECT - 1):
        assert run.claim().id == some_id(1)
        run = run.again()
    assert run.claim_all() == ids(1, 2)


def test_a_suspect_is_tried_alone(run: QueueRun) -> None:
    run = make_suspect(run, 1)
    run.put(2)
    other = run.claim()
    assert run.folder.claim(run.now) is None
    run.folder.complete(other, run.now)
    suspect = run.claim()
    assert suspect.id == some_id(1)
    run.put(3)
    assert run.folder.claim(run.now) is None
    run.folder.complete(suspect, run.now)
    assert run.claim().id == some_id(3)


def test_an_answer_clears_a_suspect(run: QueueRun) -> None:
    run = make_suspect(run, 1)
    run.folder.release(run.claim(), run.now)
    (name,) = run.on_disk()
    assert name.orphaned == 0


# --- due again


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [(1, 5 * MINUTES), (2, 10 * MINUTES), (3, 20 * MINUTES), (6, 160 * MINUTES), (7, 4 * HOURS), (40, 4 * HOURS)],
)
def test_the_wait_doubles_from_5_minutes_up_to_4_hours(run: QueueRun, attempt: int, seconds: float) -> None:
    run.put(1)
    fail(run, attempt)
    due = run.folder.index.next_due()
    assert due is not None
    assert 0.9 * seconds <= due - run.now <= seconds
    assert run.folder.claim(due - 1) is None
    name = run.folder.claim(due)
    assert name is not None
    assert name.attempt == attempt


def test_reports_that_failed_together_are_not_tried_together(run: QueueRun) -> None:
    for number in range(50):
        run.put(number)
    for name in [run.claim() for _ in range(50)]:
        run.folder.fail(name, "busy", run.now)
    first, times = run.folder.index.next_due(), set()
    while (due := run.folder.index.next_due()) is not None:
        times.add(round(due))
        run.folder.index.take_due(due)
    assert first is not None
    assert len(times) > 10


def due_in(run: QueueRun) -> float:
    due = run.folder.index.next_due()
    assert due is not None
    return due - run.now


def test_a_restart_does_not_begin_a_wait_anew(run: QueueRun) -> None:
    run.put(1)
    fail(run)
    run.clock.step(minutes=4)
    assert 0 < due_in(run.again()) <= 1 * MINUTES
    run.clock.step(minutes=4)
    assert due_in(run.again()) == 0


def test_the_number_of_attempts_survives_a_restart(run: QueueRun) -> None:
    run.put(1)
    fail(run, 3)
    run = run.again()
    fail(run)
    (name,) = run.on_disk()
    assert (name.state, name.attempt) == (State.ERROR, 4)


@pytest.mark.parametrize("years", [-50, 50])
def test_a_clock_stepped_by_years_while_running_changes_no_wait(run: QueueRun, years: int) -> None:
    run.put(1)
    fail(run)
    before = due_in(run)
    run.clock.step(days=365 * years)
    run.look()
    assert due_in(run) == before
    run.now += 5 * MINUTES
    fail(run)
    assert 9 * MINUTES <= due_in(run) <= 10 * MINUTES


@pytest.mark.case(
    "F15", "a file's time lies in the future at a start", injected="time of the file set", promised="it counts as now"
)
def test_a_time_in_the_future_counts_as_now_after_a_restart(run: QueueRun) -> None:
    run.put(1)
    fail(run)
    run.clock.step(days=-20_000)
    assert 4.5 * MINUTES <= due_in(run.again()) <= 5 * MINUTES


def test_a_clock_stepped_forwards_makes_due_at_once_and_once_only(run: QueueRun) -> None:
    run.put(1)
    fail(run)
    run.clock.step(days=20_000)
    run = run.again()
    assert due_in(run) == 0
    fail(run)
    assert due_in(run) >= 9 * MINUTES


def test_a_report_retried_by_hand_is_due_at_once_and_begins_anew(run: QueueRun) -> None:
    run.put(1)
    fail(run, 5)
    run.folder.retry(some_id(1), run.now)
    fail(run)
    (name,) = run.on_disk()
    assert name.attempt == 1


@given(attempt=st.integers(0, 10**4), age=st.floats(-1e9, 1e9), seed=st.integers())
def test_no_wait_is_longer_than_4_hours_or_negative(
    tmp_path_factory: pytest.TempPathFactory, attempt: int, age: float, seed: int
) -> None:
    run = QueueRun(tmp_path_factory.mktemp("queue"))
    run.put(1)
    (name,) = run.on_disk()
    failed = run.file(name).with_name(str(name.to(State.PROCESSING).to(State.ERROR, attempt=attempt)))
    run.clock.step(seconds=age)
    Disk().stamp_and_rename(run.file(name), failed, run.clock.now())
    clock = SetClock()
    folder = QueueFolder(run.path, Disk(), clock, jitter=random.Random(seed))
    folder.start(0.0)
    due = folder.index.next_due()
    assert due is not None
    assert 0 <= due <= 4 * HOURS
