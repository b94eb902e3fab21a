"""Delivered reports: kept by day, known again, and removed after some days; nothing else is ever removed."""

import uuid
from pathlib import Path

import pytest

from pywats_client.queue.folder import Put
from pywats_client.queue.name import QueueName, State
from tests.fakes.queue import QueueRun, some_id


@pytest.fixture
def run(tmp_path: Path) -> QueueRun:
    return QueueRun(tmp_path).start()


def deliver(run: QueueRun, number: int) -> None:
    run.put(number)
    assert run.claim_all() == [some_id(number)]


def expire(run: QueueRun, days: float = 7) -> list[uuid.UUID]:
    removed = run.folder.sweep_expired(days)
    run.folder.forget_completed(removed)
    return [name.id for name in removed]


def test_delivered_reports_lie_in_the_folder_of_their_day(run: QueueRun) -> None:
    deliver(run, 1)
    run.clock.step(days=1)
    deliver(run, 2)
    found = {path.parent.name: QueueName.parse(path.name) for path in run.path.glob("completed/*/*")}
    assert {day: name and name.id for day, name in found.items()} == {
        "2026-11-22": some_id(1),
        "2026-11-23": some_id(2),
    }


def test_a_report_expires_once_it_is_older_than_the_days_and_not_before(run: QueueRun) -> None:
    deliver(run, 1)
    run.clock.step(days=7, seconds=-10)
    assert expire(run) == []
    assert run.states(1) == [State.COMPLETED]
    run.clock.step(seconds=20)
    assert expire(run) == [some_id(1)]
    assert list(run.path.glob("completed/*")) == []


def test_the_days_may_be_a_part_of_one_or_none(run: QueueRun) -> None:
    deliver(run, 1)
    run.clock.step(hours=11)
    deliver(run, 2)
    run.clock.step(hours=2)
    assert expire(run, 0.5) == [some_id(1)]
    assert expire(run, 0) == [some_id(2)]


def test_age_counts_from_delivery_not_from_arrival(run: QueueRun) -> None:
    run.put(1)
    run.clock.step(days=30)
    assert run.claim_all() == [some_id(1)]
    run.clock.step(days=6)
    assert expire(run) == []


def test_nothing_that_waits_ever_expires(run: QueueRun) -> None:
    run.put_all((0, b"a"), (1, b"b"), (2, b"c"), (3, b"d"), (4, b"e"))
    run.folder.discard(some_id(4))
    run.claim()
    run.folder.fail(run.claim(), "busy", run.now)
    run.folder.reject(run.claim(), "bad", run.now)
    before = run.on_disk()
    run.clock.step(days=10_000)
    assert expire(run, 0) == []
    assert run.on_disk() == before


@pytest.mark.case("F40", "undelivered reports put among the delivered", injected="by hand", promised="never removed")
@pytest.mark.parametrize("state", [State.QUEUED, State.PROCESSING, State.ERROR, State.REJECTED, State.DISCARDED])
def test_what_hands_put_among_the_delivered_is_not_removed(run: QueueRun, state: State) -> None:
    deliver(run, 1)
    (path,) = run.path.glob("completed/*/*")
    path.rename(path.with_suffix(f".{state}"))
    (path.parent / "notes").write_text("")
    run.clock.step(days=30)
    assert expire(run) == []
    assert len(list(path.parent.iterdir())) == 2
    assert run.again().put(1) is Put.NEW


def test_an_expired_report_is_new_when_it_comes_again(run: QueueRun) -> None:
    deliver(run, 1)
    assert run.put(1) is Put.KNOWN
    run.clock.step(days=8)
    expire(run)
    assert run.put(1) is Put.NEW


@pytest.mark.case(
    "F15", "50 years forwards and back", injected="wall clock stepped", promised="only delivered reports expire"
)
def test_a_clock_stepped_forwards_expires_only_what_is_delivered(run: QueueRun) -> None:
    deliver(run, 1)
    run.put(2)
    run.clock.step(days=365 * 50)
    assert expire(run) == [some_id(1)]
    run.clock.step(days=-365 * 50)
    assert run.claim_all() == [some_id(2)]
    assert expire(run) == []
