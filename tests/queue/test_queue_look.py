"""The listing is the truth: what a look follows, and what moves while it runs."""

from pathlib import Path

import pytest

from pywats_client.queue.name import State
from tests.fakes.disk import FailingSteps
from tests.fakes.queue import QueueRun, some_id


@pytest.fixture
def run(tmp_path: Path) -> QueueRun:
    return QueueRun(tmp_path).start()


def test_a_listing_rebuilds_what_memory_holds(run: QueueRun) -> None:
    run.put_all((0, b"a"), (1, b"b"), (2, b"c"), (3, b"d"))
    run.folder.complete(run.claim(), run.now)
    run.folder.fail(run.claim(), "busy", run.now)
    run.folder.reject(run.claim(), "bad", run.now)
    assert run.in_memory() == run.in_listing() != set()
    assert dict(run.folder.index.counts + run.again().folder.index.counts) == {
        State.ERROR: 2,
        State.REJECTED: 2,
        State.QUEUED: 2,
    }


def test_a_look_without_news_changes_nothing(run: QueueRun) -> None:
    run.put_all((0, b"a"), (1, b"b"))
    held = run.claim()
    before = run.in_memory()
    run.steps.log.clear()
    assert run.look(held.id) == 0
    assert run.in_memory() == before
    assert run.steps.log == []


@pytest.mark.parametrize("when", ["before the listing", "after the listing"])
@pytest.mark.parametrize("call", ["claim", "complete", "fail", "reject", "release", "retry", "discard", "put"])
def test_a_report_that_moves_during_a_listing_is_neither_lost_nor_doubled(run: QueueRun, call: str, when: str) -> None:
    run.put(1)
    name = run.on_disk()[0] if call in {"claim", "discard", "put"} else run.claim()
    if call == "retry":
        run.folder.reject(name, "bad", run.now)

    def act() -> None:
        match call:
            case "claim" | "put":
                run.claim() if call == "claim" else run.put(2)
            case "retry":
                run.folder.retry(name.id, run.now)
            case "discard":
                run.folder.discard(name.id)
            case "fail" | "reject":
                getattr(run.folder, call)(name, "why", run.now)
            case _:
                getattr(run.folder, call)(name, run.now)

    run.folder.begin_look()
    if when == "before the listing":
        act()
    listing = run.folder.names()
    if when == "after the listing":
        act()
    run.folder.finish_look(listing, run.now, [some_id(1)])
    assert run.in_memory() == run.in_listing()
    assert len(run.states(1)) == 1
    assert len(run.on_disk()) == (2 if call == "put" else 1)


def test_a_listing_that_shows_both_names_or_none_of_a_report_that_moves_is_not_believed(run: QueueRun) -> None:
    run.put(1), run.put(2)
    run.folder.begin_look()
    before = set(run.folder.names())
    one, two = run.claim(), run.claim()
    after = set(run.folder.names())
    for listing in (before | after, before & after):
        run.folder.begin_look()
        run.folder.release(one, run.now)
        one = run.claim()
        run.folder.release(two, run.now)
        two = run.claim()
        run.folder.finish_look(listing, run.now, [one.id, two.id])
        assert run.in_memory() == run.in_listing()
    run.folder.complete(one, run.now)
    run.folder.complete(two, run.now)
    assert run.folder.claim(run.now) is None


def test_a_file_taken_away_by_hand_is_forgotten(run: QueueRun) -> None:
    run.put(1), run.put(2)
    for name in run.on_disk():
        if name.id == some_id(1):
            run.file(name).unlink()
    run.look()
    assert run.claim_all() == [some_id(2)]
    assert run.folder.index.counts[State.QUEUED] == 0


def test_a_file_taken_away_without_a_look_is_passed_over(run: QueueRun) -> None:
    run.put(1), run.put(2)
    run.file(next(name for name in run.on_disk() if name.id == some_id(1))).unlink()
    assert run.claim_all() == [some_id(2)]


@pytest.mark.parametrize("call", ["complete", "release", "fail", "reject"])
def test_a_file_taken_away_during_its_upload_is_that_hands_decision(run: QueueRun, call: str) -> None:
    run.put(1)
    name = run.claim()
    run.file(name).unlink()
    getattr(run.folder, call)(name, *(["why"] if call in {"fail", "reject"} else []), run.now)
    assert run.on_disk() == []
    assert run.in_memory() == set()


@pytest.mark.case("F40", "`.error` or `.rejected` renamed to `.queued`", injected="by hand", promised="it is due")
@pytest.mark.parametrize("state", [State.ERROR, State.REJECTED])
def test_a_failed_report_renamed_to_queued_by_hand_is_due(run: QueueRun, state: State) -> None:
    run.put(1)
    (run.folder.fail if state is State.ERROR else run.folder.reject)(run.claim(), "why", run.now)
    (name,) = run.on_disk()
    path = run.file(name)
    path.rename(path.with_suffix(".queued"))
    run.look()
    assert run.in_memory() == run.in_listing()
    assert run.claim_all() == [some_id(1)]


@pytest.mark.case("F40", "a copy of a report", injected="by hand", promised="sent once")
def test_a_copy_of_a_report_made_by_hand_is_not_sent_beside_it(run: QueueRun) -> None:
    run.put(1)
    (name,) = run.on_disk()
    path = run.file(name)
    path.with_name(f"{name.stem}.3.error").write_bytes(path.read_bytes())
    run.look()
    assert len(run.in_memory()) == 1
    assert run.in_memory() == run.in_listing()


def test_two_files_of_one_id_that_say_processing_are_both_put_back(run: QueueRun) -> None:
    run.put(1)
    name = run.claim()
    path = run.file(name)
    path.with_name(str(name).replace("Z_", "Z_", 1).replace(".0.", ".7.")).write_bytes(path.read_bytes())
    assert run.look() == 2
    assert State.PROCESSING not in run.states(1)
    assert run.claim_all() == [some_id(1)]


@pytest.mark.case("F40", "foreign files in the queue", injected="by hand", promised="left alone")
def test_foreign_names_are_left_alone(run: QueueRun) -> None:
    foreign = ["README", "x.error", "x.processing", "a.completed", ".x.queued", "x.queued.part", "notes.reason"]
    for name in foreign:
        (run.path / name).write_bytes(b"{}")
    run.look()
    for _ in range(2):
        assert run.folder.adopt_settled(run.now) == 0
    run = run.again()
    assert run.folder.claim(run.now) is None
    assert sorted(path.name for path in run.path.iterdir()) == sorted(foreign)


def test_a_finished_report_put_beside_the_waiting_ones_is_not_sent(run: QueueRun) -> None:
    run.put(1)
    (name,) = run.on_disk()
    path = run.file(name)
    path.rename(path.with_suffix(".completed"))
    run.look()
    assert run.folder.claim(run.now) is None


def test_a_start_makes_durable_what_it_finds(run: QueueRun) -> None:
    run.put(1)
    run.steps.log.clear()
    run.folder.start(run.now)
    assert run.steps.log[:2] == [("open", run.path), ("fsync", run.path)]


def test_a_start_after_a_crash_of_a_look_takes_up_the_rest(run: QueueRun) -> None:
    for number in range(3):
        run.put(number)
    for _ in range(3):
        run.claim()
    steps = FailingSteps()
    other = QueueRun(run.path, steps=steps, clock=run.clock)
    steps.fail(lambda _, step, path: step == "rename" and len(steps.kinds()) > 4)
    with pytest.raises(OSError, match="No space"):
        other.start()
    assert len(run.again().claim_all()) == 3


def test_the_folder_tells_its_counts(run: QueueRun) -> None:
    assert repr(run.folder) == f"<QueueFolder {run.path.name} empty>"
    run.put(1), run.put(2)
    run.claim()
    assert repr(run.folder) == f"<QueueFolder {run.path.name} queued=1 processing=1>"


def test_the_report_that_has_waited_longest_is_known(run: QueueRun) -> None:
    assert run.folder.index.oldest_waiting() is None
    run.put(1), run.put(2)
    assert run.folder.index.oldest_waiting() == min(name.arrived for name in run.on_disk())
