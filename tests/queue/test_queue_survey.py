"""A look from outside: complete, true, and without a trace."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pywats_client.queue import owner
from pywats_client.queue.folder import Damaged
from pywats_client.queue.name import QueueName, State
from pywats_client.queue.owner import Owner, owner_of
from pywats_client.queue.survey import Survey, arrival, find, reports, survey
from tests.fakes.queue import QueueRun, some_id

LINUX = pytest.mark.skipif(not owner.LOCKS.exists(), reason="the system does not list its locks")


@pytest.fixture
def run(tmp_path: Path) -> QueueRun:
    return QueueRun(tmp_path).start()


def fill(run: QueueRun) -> None:
    """One report of each state, by number: delivered, failed, rejected, being sent, discarded, waiting."""
    for number in range(6):
        run.put(number, b"%d" % number)
    run.folder.complete(run.claim(), run.now)
    run.folder.fail(run.claim(), "busy", run.now)
    run.folder.reject(run.claim(), "no", run.now)
    run.claim()
    run.folder.discard(some_id(4))


def name_of(run: QueueRun, number: int) -> QueueName:
    return next(name for name in run.on_disk() if name.id == some_id(number))


def traces(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in [folder, *folder.rglob("*")]}


def test_every_report_is_counted_in_its_state(run: QueueRun) -> None:
    fill(run)
    seen = survey(run.path)
    assert {state: seen.counts[state] for state in State} == dict.fromkeys(State, 1)
    assert (seen.undelivered, seen.undelivered_bytes, seen.is_sound) == (4, 4, True)
    assert seen.oldest == name_of(run, 1)
    assert seen.rejected == [name_of(run, 2)]


def test_a_look_leaves_no_trace(run: QueueRun) -> None:
    fill(run)
    (run.path / "x.queued").write_bytes(b"{}")
    before = traces(run.path)
    survey(run.path)
    list(reports(run.path, tuple(State)))
    find(run.path, some_id(1), tuple(State))
    assert traces(run.path) == before
    assert not (run.path / ".lock").exists()


def tear(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flip(file: Path) -> None:
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])


def grow(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b" ")


def empty(file: Path) -> None:
    file.write_bytes(b"")


def become_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def become_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("damage", [tear, flip, grow, empty, become_folder, become_pipe])
def test_a_damaged_report_is_named_and_the_others_are_whole(run: QueueRun, damage: Callable[[Path], None]) -> None:
    run.put_all((0, b"a good one"), (1, b"a damaged one"))
    name = name_of(run, 1)
    damage(run.file(name))
    seen = survey(run.path)
    assert [found.name for found in seen.damaged] == [name]
    assert not seen.is_sound
    assert seen.counts[State.QUEUED] == 2
    with pytest.raises(Damaged):
        run.folder.read(name)


def test_a_name_that_promises_more_than_memory_holds_is_damaged(run: QueueRun) -> None:
    run.put(1)
    name = QueueName.parse(str(name_of(run, 1)).replace("_2-", f"_{10**18}-"))
    assert name
    run.file(name_of(run, 1)).rename(run.path / str(name))
    with pytest.raises(Damaged):
        run.folder.read(name)


def test_a_pipe_under_the_name_of_an_empty_report_is_not_waited_for(run: QueueRun) -> None:
    run.put(1, b"")
    become_pipe(run.file(name_of(run, 1)))
    with pytest.raises(Damaged):
        run.folder.read(name_of(run, 1))


def test_what_cannot_be_read_is_told_apart_from_what_is_damaged(run: QueueRun) -> None:
    run.put(1)
    file = run.file(name_of(run, 1))
    file.unlink()
    file.symlink_to(file.name)
    seen = survey(run.path)
    assert [found.name.id for found in seen.unreadable] == [some_id(1)]
    assert (seen.damaged, seen.is_sound) == ([], False)


def test_a_report_that_moves_on_while_we_look_is_neither_missing_nor_double(run: QueueRun) -> None:
    for number in range(4):
        run.put(number, b"%d" % number)
    look = reports(run.path)
    found = [next(look)]
    claimed = [run.claim() for _ in range(3)]
    run.folder.complete(claimed[1], run.now)
    run.folder.fail(claimed[2], "busy", run.now)
    found += look
    assert {(each.name.id, each.name.state) for each in found} == {
        (some_id(0), State.QUEUED),  # as it was when it was read
        (some_id(2), State.ERROR),
        (some_id(3), State.QUEUED),
    }
    assert len(found) == 3


def test_a_report_delivered_between_two_listings_is_counted_once(
    run: QueueRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        run.put(number)
    listdir = os.listdir

    def listdir_and_deliver(path: Path) -> list[str]:
        texts = listdir(path)
        if path == run.path and (name := run.folder.claim(run.now)):
            run.folder.complete(name, run.now)
        return texts

    monkeypatch.setattr(os, "listdir", listdir_and_deliver)
    seen = survey(run.path)
    assert seen.undelivered + seen.counts[State.COMPLETED] == 3


def test_nothing_is_missing_or_double_beside_a_busy_service(run: QueueRun) -> None:
    for number in range(100):
        run.put(number)
    seen: list[Survey] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            seen.append(survey(run.path))

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(3):
        names = [run.claim() for _ in range(60)]
        for name in names[:20]:
            run.folder.complete(name, run.now)
        for name in names[20:]:
            run.folder.release(name, run.now)
    is_over.set()
    looking.join()
    for each in (*seen, survey(run.path)):
        assert each.undelivered + each.counts[State.COMPLETED] == 100
        assert each.is_sound
        assert each.doubled == []


@LINUX
def test_what_is_being_sent_is_orphaned_only_while_nobody_owns_the_folder(run: QueueRun) -> None:
    run.put(1)
    claimed = run.claim()
    run.folder.acquire()
    assert survey(run.path).owner == Owner(True, os.getpid())
    assert survey(run.path).orphaned == []
    run.folder.close()
    assert survey(run.path).owner == Owner(False)
    assert survey(run.path).orphaned == [claimed]


def test_a_report_that_a_crash_left_half_sent_before_is_marked(run: QueueRun) -> None:
    run.put(1)
    run.claim()
    run.again()
    assert [(name.id, name.orphaned) for name in survey(run.path).marked] == [(some_id(1), 1)]


def test_where_the_system_lists_no_locks_the_owner_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "LOCKS", tmp_path / "none")
    assert owner_of(tmp_path) == Owner(None)


def test_two_that_wait_under_one_id_are_named_and_one_under_way_is_none_of_them(run: QueueRun) -> None:
    run.put(1, b"old")
    run.claim()
    run.put(1, b"newer")
    assert survey(run.path).doubled == []
    waiting = next(name for name in run.on_disk() if name.state is State.QUEUED)
    copy = f"{waiting.stem}.1.error"
    (run.path / copy).write_bytes(b"newer")
    seen = survey(run.path)
    assert sorted(map(str, seen.doubled)) == sorted([str(waiting), copy])
    assert seen.undelivered == 3


def test_two_under_one_id_are_not_blamed_where_one_is_set_aside_just_now(
    run: QueueRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.put(1, b"old")
    old = name_of(run, 1)
    (run.path / f"{old.stem}.1.error").write_bytes(b"old")
    listdir, listings = os.listdir, []

    def listdir_and_set_aside(path: Path) -> list[str]:
        listings.append(path)
        if len(listings) == 2:
            (run.path / str(old)).unlink()
        return listdir(path)

    monkeypatch.setattr(os, "listdir", listdir_and_set_aside)
    assert survey(run.path).doubled == []


def test_everything_else_is_sorted_by_what_becomes_of_it(run: QueueRun) -> None:
    fill(run)
    staged = run.folder.stage(some_id(9), b"{}")
    run.folder.write(staged)
    (run.path / "theirs.queued").write_bytes(b"{}")
    for name in ("notes.txt", ".hidden", "x.reason", f"{name_of(run, 5).stem}.0.completed"):
        (run.path / name).write_bytes(b"")
    os.mkfifo(run.path / "pipe.queued")
    seen = survey(run.path)
    assert seen.temporary == [staged.path.name]
    assert seen.foreign == ["theirs.queued"]
    assert len(seen.unknown) == 5
    assert "pipe.queued" in seen.unknown
    assert seen.is_sound


def test_an_empty_folder_is_sound_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    seen = survey(tmp_path)
    assert (seen.undelivered, seen.oldest, seen.is_sound) == (0, None, True)
    with pytest.raises(FileNotFoundError):
        survey(tmp_path / "gone")


def test_reports_come_in_the_order_of_their_arrival(run: QueueRun) -> None:
    for number in (3, 1, 2):
        run.put(number)
    assert [found.name.id for found in reports(run.path)] == [some_id(3), some_id(1), some_id(2)]


def test_the_arrival_is_read_from_the_name(run: QueueRun) -> None:
    run.put(1)
    assert arrival(name_of(run, 1)) == run.clock.moment
