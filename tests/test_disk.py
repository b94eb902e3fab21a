import errno
import os
import threading
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywats_client.disk import Disk, digest, files_of, fit_name, free_bytes, free_name, is_on_network, lock
from tests.fakes.disk import CuttingSteps, FailingSteps, PowerCut, RecordedSteps, nth

OLD = 1_600_000_000_123_456_789
LATIN = os.fsdecode(b"\xe4.csv")
LONG = "ü" * 125 + ".csv"


class OtherFileSystem(CuttingSteps):
    """Every rename from one folder to another fails, as across file systems; but not of what was copied before."""

    def before(self, step: str, path: Path, *args: object) -> None:
        super().before(step, path, *args)
        is_copy = path.name.startswith(".")
        if step == "rename" and isinstance(args[1], Path) and args[1].parent != path.parent and not is_copy:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path))


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def temporaries(folder: Path) -> list[Path]:
    return list(folder.rglob("*.tmp"))


def a_file(path: Path, content: bytes = b"content") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o640)
    os.utime(path, ns=(OLD, OLD))
    return path


def a_folder(path: Path) -> Path:
    """With what folders of real testers hold, and what must not be followed."""
    for name in ("a.csv", "empty", LATIN, "below/b.csv", "below/deeper/c.csv"):
        a_file(path / name, os.fsencode(name) * 100)
    (path / "nothing").mkdir()
    (path / "link").symlink_to("a.csv")
    (path / "round").symlink_to(".")
    (path / "broken").symlink_to("nowhere")
    os.mkfifo(path / "pipe")
    os.utime(path, ns=(OLD, OLD))
    return path


def contents(path: Path) -> dict[bytes, bytes]:
    return {os.fsencode(file.relative_to(path)): file.read_bytes() for file in files_of(path)}


# --- writing


def test_a_file_is_written_and_synced(tmp_path: Path) -> None:
    steps = RecordedSteps()
    Disk(steps).write(tmp_path / "a", b"x" * 100_000)
    assert (tmp_path / "a").read_bytes() == b"x" * 100_000
    assert steps.kinds() == ["write", "fsync"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    with pytest.raises(OSError, match="symbolic"):
        Disk().write(tmp_path / "a", b"x")
    assert not (tmp_path / "b").exists()


@pytest.mark.case(
    "F11", "a write or sync fails", injected="EIO once", promised="the file is removed, never synced again"
)
@pytest.mark.parametrize("step", ["write", "fsync"])
def test_a_file_that_could_not_be_written_is_abandoned_and_not_synced_again(tmp_path: Path, step: str) -> None:
    steps = FailingSteps()
    steps.fail(lambda _, kind, path: kind == step, errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        Disk(steps).write(tmp_path / "a", b"x")
    assert not (tmp_path / "a").exists()
    assert len(steps.failed) == 1
    assert "fsync" not in steps.kinds()


@pytest.mark.parametrize("backup", [False, True])
def test_a_replacement_is_whole_or_not_at_all_at_every_step(tmp_path: Path, backup: bool) -> None:
    for cut in range(50):
        file = a_file(tmp_path / str(cut) / "config.json", b"old")
        done = True
        try:
            Disk(CuttingSteps(cut)).replace(file, b"new", backup=backup)
        except PowerCut:
            done = False
        assert file.read_bytes() in ({b"new"} if done else {b"old", b"new"})
        kept = file.with_name("config.json.bak")
        assert not kept.exists() or kept.read_bytes() == b"old"
        assert kept.exists() or not (backup and file.read_bytes() == b"new")
        Disk().replace(file, b"again", backup=backup)
        assert visible(file.parent) == ["config.json", "config.json.bak"] if backup else ["config.json"]
        assert not temporaries(file.parent)
        if done:
            break
    assert cut == (12 if backup else 6)


@pytest.mark.case(
    "F10",
    "no space while the configuration is saved",
    injected="ENOSPC once, at each step",
    promised="the old file stays whole",
)
@pytest.mark.parametrize("step", range(12))
def test_a_full_disk_leaves_the_old_file_and_nothing_half(tmp_path: Path, step: int) -> None:
    file = a_file(tmp_path / "config.json", b"old")
    steps = FailingSteps()
    steps.fail(nth(step))
    with pytest.raises(OSError, match="No space"):
        Disk(steps).replace(file, b"new", backup=True)
    assert file.read_bytes() == b"new" if step > 9 else file.read_bytes() == b"old"
    assert not temporaries(tmp_path)


def test_the_backup_is_what_was_there_before(tmp_path: Path) -> None:
    file = tmp_path / "c"
    for content in (b"1", b"2", b"3"):
        Disk().replace(file, content, backup=True)
    assert (file.read_bytes(), file.with_name("c.bak").read_bytes()) == (b"3", b"2")


@given(passed=st.integers(0, 7 * 10**15))
def test_a_transition_carries_its_moment(tmp_path_factory: pytest.TempPathFactory, passed: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=passed)
    old = a_file(tmp_path_factory.mktemp("stamp") / "a")
    Disk().stamp_and_rename(old, old.with_name("b"), moment)
    assert abs(old.with_name("b").stat().st_mtime_ns - passed * 1000) <= 1000


def test_a_folder_is_made_with_those_above_it_each_name_synced(tmp_path: Path) -> None:
    steps = RecordedSteps()
    Disk(steps).make_folder(tmp_path / "a" / "b")
    assert steps.log == [
        ("mkdir", tmp_path / "a"),
        ("open", tmp_path),
        ("fsync", tmp_path),
        ("mkdir", tmp_path / "a" / "b"),
        ("open", tmp_path / "a"),
        ("fsync", tmp_path / "a"),
    ]
    Disk(steps).make_folder(tmp_path / "a" / "b")
    assert steps.count == 6


# --- removing


@pytest.mark.case(
    "F11", "a folder's name cannot be synced", injected="EIO from fsync", promised="it is taken back and made anew"
)
def test_a_folder_whose_name_could_not_be_synced_is_taken_back_and_made_anew(tmp_path: Path) -> None:
    steps = FailingSteps()
    steps.fail(lambda _, step, path: step == "fsync" and path == tmp_path / "a", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        Disk(steps).make_folder(tmp_path / "a" / "b" / "c")
    assert visible(tmp_path) == ["a"]
    assert visible(tmp_path / "a") == []
    steps.fail(lambda *_: False)
    Disk(steps).make_folder(tmp_path / "a" / "b" / "c")
    assert steps.log[-6:] == [
        (step, path) for path in (tmp_path / "a/b", tmp_path / "a/b/c") for step, path in _made(path)
    ]


def _made(path: Path) -> list[tuple[str, Path]]:
    return [("mkdir", path), ("open", path.parent), ("fsync", path.parent)]


def test_names_that_could_not_be_made_durable_are_tried_again(tmp_path: Path) -> None:
    steps = FailingSteps()
    disk = Disk(steps)
    steps.fail(nth(1), errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        disk.settle_names(tmp_path)
    assert steps.kinds() == []
    disk.settle_names(tmp_path)
    assert ("fsync", tmp_path.parent) in steps.log


def test_a_folder_is_removed_with_all_that_is_in_it_and_no_link_is_followed(tmp_path: Path) -> None:
    outside = a_file(tmp_path / "outside" / "a")
    source = a_folder(tmp_path / "in" / "source")
    (source / "out").symlink_to(outside.parent)
    Disk().remove(source)
    assert list((tmp_path / "in").iterdir()) == []
    assert outside.exists()


def test_what_is_gone_already_is_no_error(tmp_path: Path) -> None:
    Disk().remove(tmp_path / "nothing")


def test_a_folder_whose_removal_is_cut_off_never_looks_smaller_than_it_was(tmp_path: Path) -> None:
    for cut in range(100):
        source = a_folder(tmp_path / str(cut) / "source")
        before = contents(source)
        try:
            Disk(CuttingSteps(cut)).remove(source)
            break
        except PowerCut:
            assert not source.exists() or contents(source) == before
        a_folder(source) if not source.exists() else None
        Disk().remove(source)
        assert list(source.parent.iterdir()) == []
    assert cut > 10


# --- moving


@pytest.fixture(params=["one file system", "two file systems"])
def steps(request: pytest.FixtureRequest) -> CuttingSteps:
    return CuttingSteps() if request.param == "one file system" else OtherFileSystem()


@pytest.mark.parametrize("name", ["a.csv", LATIN, LONG, "x" * 255, "\n\t.csv", ".csv", "a b"])
def test_a_file_moves_with_its_name_bytes_time_and_rights(tmp_path: Path, steps: CuttingSteps, name: str) -> None:
    source = a_file(tmp_path / "in" / name)
    moved = Disk(steps).move(source, tmp_path / "done" / "below")
    assert moved == tmp_path / "done" / "below" / name
    assert moved.read_bytes() == b"content"
    assert (moved.stat().st_mtime_ns, moved.stat().st_mode & 0o777) == (OLD, 0o640)
    assert os.listdir(tmp_path / "in") == []
    assert os.listdir(tmp_path / "done" / "below") == [name]


def test_a_folder_moves_with_all_its_files(tmp_path: Path, steps: CuttingSteps) -> None:
    source = a_folder(tmp_path / "in" / "unit")
    before = contents(source)
    moved = Disk(steps).move(source, tmp_path / "done")
    assert contents(moved) == before
    assert moved.stat().st_mtime_ns == OLD
    assert (moved / "nothing").is_dir()
    assert os.listdir(tmp_path / "in") == []
    assert os.listdir(tmp_path / "done") == ["unit"]


@pytest.mark.parametrize(
    ("name", "numbered"),
    [
        ("a.csv", ["a-1.csv", "a-2.csv"]),
        ("a", ["a-1", "a-2"]),
        (".csv", [".csv-1", ".csv-2"]),
        (LONG, ["ü" * 124 + "-1.csv", "ü" * 124 + "-2.csv"]),
        ("a." + "x" * 253, ["a." + "x" * 250 + "-1", "a." + "x" * 250 + "-2"]),
    ],
)
def test_a_name_that_is_taken_gets_a_number(
    tmp_path: Path, steps: CuttingSteps, name: str, numbered: list[str]
) -> None:
    for content in (b"0", b"1", b"2"):
        Disk(steps).move(a_file(tmp_path / "in" / name, content), tmp_path / "done")
    done = {path.name: path.read_bytes() for path in (tmp_path / "done").iterdir()}
    assert done == dict(zip([name, *numbered], [b"0", b"1", b"2"], strict=True))


def test_a_broken_link_with_the_name_is_not_overwritten(tmp_path: Path, steps: CuttingSteps) -> None:
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "a.csv").symlink_to("nowhere")
    assert Disk(steps).move(a_file(tmp_path / "in" / "a.csv"), tmp_path / "done").name == "a-1.csv"


def test_many_threads_moving_files_of_one_name_lose_none(tmp_path: Path) -> None:
    class Slow(OtherFileSystem):
        def before(self, step: str, path: Path, *args: object) -> None:
            time.sleep(0.0005)
            super().before(step, path, *args)

    disk = Disk(Slow())
    sources = [a_file(tmp_path / str(number) / "a.csv", b"%d" % number) for number in range(12)]
    threads = [threading.Thread(target=disk.move, args=(source, tmp_path / "done")) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.read_bytes() for path in (tmp_path / "done").iterdir()) == sorted(
        b"%d" % number for number in range(12)
    )


Bring = Callable[..., Path]


@pytest.mark.case(
    "F14",
    "a crash while a source moves to another disk",
    injected="cut off at each step",
    promised="the whole source is here or there",
)
@pytest.mark.parametrize("make", [a_file, a_folder])
@pytest.mark.parametrize("bring", [Disk.move, Disk.archive])
def test_a_crash_at_any_step_leaves_the_whole_source_here_or_there(
    tmp_path: Path, bring: Bring, make: Callable[[Path], Path]
) -> None:
    for cut in range(200):
        root = tmp_path / str(cut)
        source = make(root / "in" / "unit")
        before = contents(source)
        try:
            bring(Disk(OtherFileSystem(cut)), source, root / "done")
            break
        except PowerCut:
            pass
        brought = [root / "done" / name for name in visible(root / "done")] if (root / "done").exists() else []
        if source.exists():
            assert contents(source) == before
            bring(Disk(OtherFileSystem()), source, root / "done")
        else:
            assert len(brought) == 1
        for path in brought:
            assert _contents_of(path, before) == before
        assert not temporaries(root / "done")
    assert cut > 5


def _contents_of(brought: Path, wanted: dict[bytes, bytes]) -> dict[bytes, bytes]:
    if brought.suffix != ".zip":
        return contents(brought)
    with zipfile.ZipFile(brought) as archive:
        return dict(zip(wanted, (archive.read(name) for name in archive.namelist()), strict=True))


@pytest.mark.case(
    "F10",
    "no space while a source moves to another disk",
    injected="ENOSPC once, at each step",
    promised="the source stays whole, nothing half is seen",
)
@pytest.mark.parametrize("make", [a_file, a_folder])
@pytest.mark.parametrize("bring", [Disk.move, Disk.archive])
def test_a_full_disk_at_any_step_leaves_the_source_and_nothing_half(
    tmp_path: Path, bring: Bring, make: Callable[[Path], Path]
) -> None:
    class Full(FailingSteps, OtherFileSystem):
        def before(self, step: str, path: Path, *args: object) -> None:
            OtherFileSystem.before(self, step, path, *args)
            FailingSteps.before(self, step, path, *args)

    for step in range(200):
        root = tmp_path / str(step)
        source = make(root / "in" / "unit")
        before = contents(source)
        (root / "done").mkdir()
        steps = Full()
        steps.fail(nth(step))
        try:
            bring(Disk(steps), source, root / "done")
        except OSError as error:
            assert error.errno == errno.ENOSPC
        if not steps.failed:
            break
        for name in visible(root / "done"):
            assert _contents_of(root / "done" / name, before) == before
        assert visible(root / "done") or contents(source) == before
        assert not source.exists() or contents(source) == before
        assert not temporaries(root / "done")
    assert step > 5


@pytest.mark.case(
    "F14", "a copy to another disk differs", injected="bits flipped below the copy", promised="the source stays"
)
@pytest.mark.parametrize("make", [a_file, a_folder])
@pytest.mark.parametrize("bring", [Disk.move, Disk.archive])
def test_a_copy_that_differs_is_not_believed(tmp_path: Path, bring: Bring, make: Callable[[Path], Path]) -> None:
    class Flipping(OtherFileSystem):
        def before(self, step: str, path: Path, *args: object) -> None:
            super().before(step, path, *args)
            if step == "fsync" and path.name != "done" and path.is_file():
                os.pwrite(args[0], b"\xff" * 8, 34)  # type: ignore[arg-type]

    source = make(tmp_path / "in" / "unit")
    if source.is_file():
        source.write_bytes(b"x" * 100)
    before = contents(source)
    with pytest.raises(OSError, match="differs"):
        bring(Disk(Flipping()), source, tmp_path / "done")
    assert contents(source) == before
    assert os.listdir(tmp_path / "done") == []


def test_a_source_that_grows_while_it_is_archived_is_kept(tmp_path: Path) -> None:
    source = a_file(tmp_path / "in" / "a.csv")

    class Growing(RecordedSteps):
        def before(self, step: str, path: Path, *args: object) -> None:
            if step == "fsync" and path.suffix == ".tmp":
                source.write_bytes(b"content and more")

    with pytest.raises(OSError, match="differs"):
        Disk(Growing()).archive(source, tmp_path / "done")
    assert source.read_bytes() == b"content and more"


@pytest.mark.parametrize("bring", [Disk.move, Disk.archive])
@pytest.mark.parametrize("make", [a_file, a_folder])
def test_what_a_crash_has_left_half_made_can_be_cleared_up(
    tmp_path: Path, make: Callable[[Path], Path], bring: Bring
) -> None:
    done = tmp_path / "done"
    for cut in range(50):
        source = make(tmp_path / str(cut) / "unit.csv")
        steps = OtherFileSystem()
        steps.cut_after(cut)
        try:
            bring(Disk(steps), source, done, Path("line 2"))
            break
        except PowerCut:
            Disk().remove_unfinished(done)
            assert [path for path in done.rglob("*") if path.name.startswith(".")] == []
    assert 5 < cut < 50
    assert [path.name for path in done.iterdir()] == ["line 2"]


@pytest.mark.case(
    "F13",
    "the watch folder vanishes while a source is put away",
    injected="renamed before the move",
    promised="it is not made anew: it may be a disk that was taken out",
)
@pytest.mark.parametrize("bring", [Disk.move, Disk.archive])
def test_a_folder_that_vanished_with_its_source_is_not_made_anew(tmp_path: Path, bring: Bring) -> None:
    source = a_file(tmp_path / "in/unit.csv")
    (tmp_path / "in").rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        bring(Disk(), source, tmp_path / "in/Done", Path("line 2"))
    assert [path.name for path in tmp_path.iterdir()] == ["away"]


@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("bring", [Disk.move, Disk.archive])
def test_a_source_that_must_stay_in_the_last_moment_stays(tmp_path: Path, bring: Bring, calls: int) -> None:
    asked: list[bool] = []

    def check() -> None:
        asked.append(True)
        if len(asked) == calls + (bring is Disk.move):  # which asks once more, before it tries to rename
            raise ValueError("somebody writes to it")

    source = a_file(tmp_path / "in" / "a.csv")
    with pytest.raises(ValueError, match="somebody"):
        bring(Disk(OtherFileSystem()), source, tmp_path / "done", check=check)
    assert source.read_bytes() == b"content"
    assert len(os.listdir(tmp_path / "done")) == calls - 1


@pytest.mark.parametrize("bring", [Disk.move, Disk.archive])
def test_a_source_is_removed_only_after_what_was_made_of_it_is_durable(tmp_path: Path, bring: Bring) -> None:
    steps = OtherFileSystem()
    source = a_file(tmp_path / "in" / "a.csv")
    bring(Disk(steps), source, tmp_path / "done")
    assert steps.kinds()[-3:] == ["rename", "fsync", "unlink"]
    assert [path for _, path in steps.log[-2:]] == [tmp_path / "done", source]


def test_a_removal_that_a_crash_has_stopped_is_finished(tmp_path: Path) -> None:
    for cut in range(2, 50):
        source = a_folder(tmp_path / str(cut) / "unit")
        try:
            Disk(CuttingSteps(cut)).remove(source)
        except PowerCut:
            (source.parent / ".of-another-program.tmp").mkdir()
            Disk().finish_removals(source.parent)
            assert os.listdir(source.parent) == [".of-another-program.tmp"]
            continue
        break
    assert cut > 5


def test_a_folder_whose_maker_was_killed_is_durable_before_a_source_is_removed_for_it(tmp_path: Path) -> None:
    steps = OtherFileSystem()
    (tmp_path / "done").mkdir()
    disk = Disk(steps)
    disk.move(a_file(tmp_path / "in" / "a.csv"), tmp_path / "done")
    fsyncs = [path for step, path in steps.log if step == "fsync"]
    assert tmp_path in fsyncs
    disk.move(a_file(tmp_path / "in" / "b.csv"), tmp_path / "done")
    assert [path for step, path in steps.log if step == "fsync"].count(tmp_path) == 1


# --- archiving


def test_an_archive_holds_what_the_source_held(tmp_path: Path) -> None:
    source = a_folder(tmp_path / "in" / "unit")
    before = contents(source)
    made = Disk().archive(source, tmp_path / "archive")
    assert made.name == "unit.zip"
    assert os.listdir(tmp_path / "in") == []
    with zipfile.ZipFile(made) as archive:
        assert archive.testzip() is None
        names = {os.fsencode(name).replace(b"\\xe4", b"\xe4").removeprefix(b"unit/") for name in archive.namelist()}
        assert names == set(before)
        assert archive.read("unit/below/b.csv") == before[b"below/b.csv"]


def test_an_archive_that_a_crash_has_stopped_leaves_nothing_though_it_is_made_on_another_day(tmp_path: Path) -> None:
    met = 0
    for cut in range(100):
        archive, source = tmp_path / str(cut), a_file(tmp_path / "in" / "a.csv")
        try:
            Disk(CuttingSteps(cut)).archive(source, archive, Path("monday"))
            break
        except PowerCut:
            met += bool(temporaries(archive))
        made = Disk().archive(source, archive, Path("tuesday"))
        assert made == archive / "tuesday" / "a.csv.zip"
        assert not temporaries(archive)
    assert met > 2


def test_archives_of_one_name_get_numbers(tmp_path: Path) -> None:
    for content in (b"0", b"1"):
        Disk().archive(a_file(tmp_path / "in" / "a.csv", content), tmp_path / "archive")
    assert visible(tmp_path / "archive") == ["a.csv-1.zip", "a.csv.zip"]


@pytest.mark.parametrize("name", [LATIN, LONG, "x" * 255, "\n.csv"])
def test_odd_names_are_archived(tmp_path: Path, name: str) -> None:
    made = Disk().archive(a_file(tmp_path / "in" / name), tmp_path / "archive")
    with zipfile.ZipFile(made) as archive:
        assert [archive.read(entry) for entry in archive.namelist()] == [b"content"]


# --- names, digests, room


@given(name=st.text("aü€𝄞", min_size=80, max_size=300), suffix=st.sampled_from(["", ".tmp", ".reason", "-12.csv"]))
def test_a_name_is_shortened_to_what_fits_and_no_character_is_cut(name: str, suffix: str) -> None:
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return
    fitted = fit_name(name, suffix)
    assert len(fitted.encode()) <= 254
    assert fitted.endswith(suffix)
    assert name.startswith(fitted.removesuffix(suffix))
    assert len(fitted.encode()) > 250 or fitted == name + suffix
    assert len(encoded) + len(suffix) > 254 or fitted == name + suffix


@given(st.binary(min_size=1, max_size=255))
def test_bytes_that_are_no_text_are_shortened_too(name: bytes) -> None:
    assert len(os.fsencode(fit_name(os.fsdecode(name), ".reason"))) <= 254


def test_a_free_name_is_taken_as_it_is(tmp_path: Path) -> None:
    assert free_name(tmp_path, "a.csv") == tmp_path / "a.csv"


def test_a_digest_tells_content_and_names_below_apart_and_nothing_else(tmp_path: Path) -> None:
    one, same, other, renamed = (a_folder(tmp_path / name) for name in "abcd")
    (other / "a.csv").write_bytes(b"x")
    (renamed / "a.csv").rename(renamed / "z.csv")
    os.utime(same / "a.csv")
    digests = [digest(folder) for folder in (one, same, other, renamed)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_room_is_told_in_bytes(tmp_path: Path) -> None:
    free, total = free_bytes(tmp_path)
    assert 0 < free <= total


def test_a_local_folder_is_not_on_a_network(tmp_path: Path) -> None:
    assert not is_on_network(tmp_path)


def test_a_network_share_is_known_by_its_longest_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = "dev / ext4 rw 0 0\nnas:/x /mnt/my\\040nas nfs4 rw 0 0\ndev /mnt/my\\040nas/local xfs rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda *_: mounts)
    assert is_on_network(Path("/mnt/my nas/queue"))
    assert not is_on_network(Path("/mnt/my nas/local/queue"))
    assert not is_on_network(Path("/mnt/my nas2"))


def test_a_lock_on_a_folder_has_one_holder(tmp_path: Path) -> None:
    held = lock(tmp_path)
    with pytest.raises(BlockingIOError):
        lock(tmp_path)
    os.close(held)
    os.close(lock(tmp_path))
