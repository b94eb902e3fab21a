"""The model of a disk itself: what it must allow, and what no file system does."""

import os
from pathlib import Path

from pywats_client.disk import Disk
from tests.fakes.recording import Recording
from tests.torture.power_cut import Volume

CONTENT = b"x" * 700


def left_by(home: Path, recording: Recording, volume: Volume, window: int = 8) -> set[tuple[tuple[str, bytes], ...]]:
    """What a power cut may leave now: files with their content."""
    for step in recording.trace:
        volume.take(step)
    recording.trace.clear()
    return {
        tuple((path, content) for path, _, content, _ in state if content is not None)
        for state in volume.states(window)
    }


def test_a_file_that_was_not_synced_may_be_missing_torn_or_zeros(tmp_path: Path) -> None:
    volume, steps = Volume(tmp_path), Recording()
    descriptor = steps.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT, 0o600)
    steps.write(descriptor, CONTENT)
    os.close(descriptor)
    zeros = (bytes(700), b"x" * 512 + bytes(188))
    contents = {CONTENT, b"", b"x" * 512, *zeros}
    assert left_by(tmp_path, steps, volume) == {(), *((("a", content),) for content in contents)}


def test_a_synced_file_is_whole_but_its_name_may_be_lost_until_the_folder_is_synced(tmp_path: Path) -> None:
    volume, steps = Volume(tmp_path), Recording()
    Disk(steps).write(tmp_path / "a", CONTENT)
    assert left_by(tmp_path, steps, volume) == {(), (("a", CONTENT),)}
    Disk(steps).sync_folder(tmp_path)
    assert left_by(tmp_path, steps, volume) == {(("a", CONTENT),)}


def test_a_rename_leaves_the_old_name_or_the_new_one_never_both_and_never_none(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_bytes(b"1")
    volume, steps = Volume(tmp_path), Recording()
    steps.rename(tmp_path / "a", tmp_path / "b/a")
    assert left_by(tmp_path, steps, volume) == {(("a", b"1"),), (("b/a", b"1"),)}
    Disk(steps).sync_folder(tmp_path / "b")
    assert left_by(tmp_path, steps, volume) == {(("b/a", b"1"),)}


def test_changes_of_different_files_are_lost_in_any_order(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"")
    volume, steps = Volume(tmp_path), Recording()
    for name in "ab":
        steps.rename(tmp_path / name, tmp_path / name.upper())
    found = {"".join(sorted(path for path, _ in state)) for state in left_by(tmp_path, steps, volume)}
    assert found == {"ab", "Ab", "Ba", "AB"}


def test_changes_of_one_file_are_lost_from_the_last_on(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    volume, steps = Volume(tmp_path), Recording()
    steps.rename(tmp_path / "a", tmp_path / "b")
    steps.rename(tmp_path / "b", tmp_path / "c")
    assert left_by(tmp_path, steps, volume) == {(("a", b""),), (("b", b""),), (("c", b""),)}


def test_what_a_rename_has_replaced_is_there_while_the_rename_may_be_lost(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    volume, steps = Volume(tmp_path), Recording()
    Disk(steps).write(tmp_path / "b", b"new")
    steps.rename(tmp_path / "b", tmp_path / "a")
    found = left_by(tmp_path, steps, volume)
    assert found == {(("a", b"old"),), (("a", b"old"), ("b", b"new")), (("a", b"new"),)}
