"""Which names in a folder are sources."""

import os
import socket
from pathlib import Path

import pytest
from service_parts import odd_names

from pywats_client.service.watch_folder import (
    Listing,
    Rules,
    Signature,
    list_folder,
    signature_of,
)


def rules_of(folder: Path, *patterns: str, **more: object) -> Rules:
    return Rules(folder=folder, patterns=patterns or ("*",), **more)  # type: ignore[arg-type]


def names(rules: Rules) -> list[str]:
    return sorted(list_folder(rules, lambda name: False).sources)


@pytest.mark.parametrize(
    ("pattern", "name", "is_source"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "A.CSV", True),
        ("*.CSV", "a.csv", True),
        ("*.csv", "a.txt", False),
        ("*.csv", "a.csv.bak", False),
        ("*", "README", True),
        ("*.*", "README", True),
        ("r*d?e", "README", True),
        ("*.csv", ".hidden.csv", False),
        ("*", "a.tmp", False),
        ("*.tmp", "a.tmp", False),
        ("*", "a.csv.TMP", False),
        ("*", "a.csv.part", False),
        ("*", "partly", True),
        ("log[12].csv", "LOG2.csv", True),
        ("log[12].csv", "log3.csv", False),
    ],
)
def test_patterns_take_the_names_they_mean(tmp_path: Path, pattern: str, name: str, is_source: bool) -> None:
    (tmp_path / name).write_text("1")
    assert names(rules_of(tmp_path, pattern)) == ([name] if is_source else [])


def test_one_of_several_patterns_is_enough(tmp_path: Path) -> None:
    for name in ("a.csv", "a.xml", "a.txt"):
        (tmp_path / name).write_text("1")
    assert names(rules_of(tmp_path, "*.csv", "*.xml")) == ["a.csv", "a.xml"]


@pytest.mark.case("F28", "odd names, listed", injected="300 generated names", promised="each is a source")
def test_every_name_that_the_file_system_takes_can_be_a_source(tmp_path: Path) -> None:
    made = odd_names()
    for name in made:
        (tmp_path / name).write_text("1")
    assert len(made) >= 300
    assert names(rules_of(tmp_path)) == sorted(made)


@pytest.mark.case(
    "F29",
    "links, pipes, sockets, folders as sources",
    injected="one of each in the watched folder",
    promised="never opened, counted as ignored",
)
def test_links_pipes_and_sockets_are_no_sources_and_are_counted(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("1")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.csv").symlink_to(outside)
    (folder / "nowhere.csv").symlink_to("nowhere")
    (folder / "folder.csv").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.csv")
    (folder / "good.csv").write_text("1")
    (folder / "a folder.csv").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket.csv"))
        listing = list_folder(rules_of(folder), lambda name: False)
    assert list(listing.sources) == ["good.csv"]
    assert listing.ignored == 5


def test_below_a_folder_only_where_that_is_wanted_and_never_in_done_error_and_archive(tmp_path: Path) -> None:
    for place in ("a.csv", "deep/er/b.csv", "Done/c.csv", "Error/d.csv", "deep/Archive/e.csv", ".hidden/f.csv"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("1")
    excluded = frozenset(tmp_path / place for place in ("Done", "Error", "deep/Archive"))
    assert names(rules_of(tmp_path, excluded=excluded)) == ["a.csv"]
    assert names(rules_of(tmp_path, excluded=excluded, recursive=True)) == ["a.csv", "deep/er/b.csv"]


@pytest.mark.case("F29", "a link to a folder", injected="a loop in a recursive folder", promised="not followed")
def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "loop").symlink_to(folder)
    assert names(rules_of(folder, recursive=True)) == []


def test_a_folder_below_that_goes_or_is_closed_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("closed", "gone"):
        (tmp_path / name).mkdir()
    (tmp_path / "a.csv").write_text("1")
    scandir = os.scandir

    def by_name(folder: Path) -> object:
        match folder.name:
            case "closed":
                raise PermissionError(13, "Permission denied")
            case "gone":
                raise FileNotFoundError(2, "No such file or directory")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", by_name)
    listing = list_folder(rules_of(tmp_path, "*.csv", recursive=True), lambda name: False)
    assert list(listing.sources) == ["a.csv"]
    assert listing.ignored == 1


def test_a_folder_is_a_source_once_it_holds_its_marker(tmp_path: Path) -> None:
    (tmp_path / "run1").mkdir()
    (tmp_path / "run1/data").write_text("1")
    rules = rules_of(tmp_path, takes_folders=True, ready_marker="COMPLETE.marker")
    assert names(rules) == []
    (tmp_path / "run1/COMPLETE.marker").write_text("")
    assert names(rules) == ["run1"]


def test_a_folder_is_a_source_once_it_holds_so_many_files_beside_its_marker(tmp_path: Path) -> None:
    (tmp_path / "run1/sub").mkdir(parents=True)
    rules = rules_of(tmp_path, takes_folders=True, ready_marker="m", min_file_count=2)
    for place, is_ready in (("m", False), ("one", False), ("sub/two", True)):
        (tmp_path / "run1" / place).write_text("1")
        assert names(rules) == (["run1"] if is_ready else [])


def test_files_are_no_sources_of_a_converter_of_folders(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    (tmp_path / "Done").mkdir()
    rules = rules_of(tmp_path, takes_folders=True, excluded=frozenset({tmp_path / "Done"}))
    assert list_folder(rules, lambda name: False) == Listing()


def test_a_change_of_any_file_in_a_folder_is_a_change_of_it(tmp_path: Path) -> None:
    (tmp_path / "run/sub").mkdir(parents=True)
    file = tmp_path / "run/sub/data"
    file.write_text("1")
    before = signature_of(tmp_path / "run")
    file.write_text("12")
    bigger = signature_of(tmp_path / "run")
    os.utime(file, ns=(5, 5))
    assert len({before, bigger, signature_of(tmp_path / "run")}) == 3


def test_what_is_in_work_costs_no_look_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    known = list_folder(rules_of(tmp_path), lambda name: True)
    assert known.sources["a.csv"] == Signature(-1, -1, -1)
