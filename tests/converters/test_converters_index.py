"""Converters from an index are installed whole and unchanged, or not at all."""

import errno
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pywats_client.converters.index import Index, IndexFault, Listed, Tampered
from pywats_client.converters.installed import MANIFEST, find, install, installed, remove
from pywats_client.errors import ExitCode

CODE = "from pywats_client.converters import FileConverter\n"


def archive(**files: str) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    return memory.getvalue()


def listed(content: bytes, **more: Any) -> dict[str, Any]:
    known = {"name": "x", "version": "1.0", "description": "Flying probe", "reads": "*.fp", "file": "x-1.0.zip"}
    return known | {"sha256": hashlib.sha256(content).hexdigest()} | more


def index_at(folder: Path, *entries: dict[str, Any], **archives: bytes) -> Index:
    folder.mkdir(exist_ok=True)
    (folder / "index.json").write_text(json.dumps({"schema": 1, "converters": entries}))
    for name, content in archives.items():
        (folder / name).write_bytes(content)
    return Index(str(folder))


GOOD = archive(**{"x.py": CODE, "more/data.json": "{}"})


def test_an_index_is_searched_by_words_whatever_their_case(tmp_path: Path) -> None:
    index = index_at(tmp_path / "i", listed(GOOD), listed(GOOD, name="y", description="Burn-in oven", reads=""))
    assert [found.name for found in index.search(["PROBE"])] == ["x"]
    assert [found.name for found in index.search([])] == ["x", "y"]
    assert index.search(["probe", "oven"]) == []


def test_a_converter_is_unpacked_beside_the_others_with_what_was_installed(tmp_path: Path) -> None:
    index = index_at(tmp_path / "i", listed(GOOD), **{"x-1.0.zip": GOOD})
    home = tmp_path / "converters"
    made = install(home, index.find("x"), index.archive(index.find("x")), index.place)
    assert (home / made.module_path).read_text() == CODE
    assert (home / "x" / "more" / "data.json").exists()
    assert installed(home) == [made]
    assert remove(home, "x") == made
    assert list(home.iterdir()) == []


def test_an_archive_that_was_changed_is_refused_for_good(tmp_path: Path) -> None:
    index = index_at(tmp_path / "i", listed(GOOD), **{"x-1.0.zip": GOOD + b"x"})
    with pytest.raises(Tampered, match="its checksum is another") as refused:
        index.archive(index.find("x"))
    assert refused.value.exit_code is ExitCode.REFUSED


@pytest.mark.parametrize("name", ["../x.py", "/x.py", "a/../../x.py", "a\\..\\x.py", "C:x.py", ".", MANIFEST])
def test_an_archive_that_leads_out_of_its_folder_leaves_nothing(tmp_path: Path, name: str) -> None:
    bad = archive(**{"x.py": CODE, name: "x"})
    with pytest.raises(Tampered):
        install(tmp_path / "converters", Listed(**listed(bad)), bad, "")
    assert list((tmp_path / "converters").rglob("*")) == []
    assert list(tmp_path.rglob("x.py")) == []


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as opened:
        link = zipfile.ZipInfo("x.py")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, "/etc/passwd")
    with pytest.raises(Tampered, match="leads out of its folder"):
        install(tmp_path / "converters", Listed(**listed(b"")), memory.getvalue(), "")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywats_client.converters.installed.MAX_BYTES", 1_000_000)
    bomb = archive(**{"x.py": "x" * 1_000_001})
    assert len(bomb) < 10_000
    with pytest.raises(Tampered, match="over 1000 files or 1 MB"):
        install(tmp_path / "converters", Listed(**listed(bomb)), bomb, "")


@pytest.mark.parametrize(
    "content", [b"", b"no zip", GOOD[:50], GOOD[:-30]], ids=["empty", "another file", "its beginning", "cut off"]
)
def test_what_is_no_archive_leaves_what_was_there(tmp_path: Path, content: bytes) -> None:
    home = tmp_path / "converters"
    before = install(home, Listed(**listed(GOOD)), GOOD, "")
    with pytest.raises(Tampered, match="cannot be unpacked"):
        install(home, Listed(**listed(content)), content, "")
    assert installed(home) == [before]
    assert (home / "x" / "x.py").read_text() == CODE


def test_an_archive_with_damaged_content_is_refused_although_its_checksum_fits(tmp_path: Path) -> None:
    damaged = bytearray(GOOD)
    at = GOOD.index(b"x.py") + len("x.py")
    damaged[at : at + 4] = b"\xff" * 4
    with pytest.raises(Tampered, match="cannot be unpacked"):
        install(tmp_path, Listed(**listed(bytes(damaged))), bytes(damaged), "")


def test_one_that_was_damaged_keeps_none_of_the_others_from_being_removed(tmp_path: Path) -> None:
    for name in ("x", "y"):
        install(tmp_path, Listed(**listed(GOOD, name=name)), archive(**{f"{name}.py": CODE}), "")
    (tmp_path / "x" / MANIFEST).write_text("{")
    assert remove(tmp_path, "y").name == "y"
    with pytest.raises(IndexFault, match=r"x/\.installed\.json cannot be read: .*; install x again"):
        installed(tmp_path)
    install(tmp_path, Listed(**listed(GOOD)), GOOD, "")
    assert [each.name for each in installed(tmp_path)] == ["x"]


def test_a_folder_is_remembered_so_that_it_is_found_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_at(tmp_path / "i", listed(GOOD))
    monkeypatch.chdir(tmp_path)
    assert Index("i").place == str(tmp_path / "i")


def test_an_archive_without_the_converters_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexFault, match=r"holds no x\.py"):
        install(tmp_path / "converters", Listed(**listed(b"")), archive(**{"y.py": CODE}), "")


def test_a_folder_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.py").write_text("mine")
    with pytest.raises(IndexFault, match="was not installed: it stays as it is"):
        install(tmp_path, Listed(**listed(GOOD)), GOOD, "")
    with pytest.raises(IndexFault, match="no converter 'x' is installed; there are none"):
        find(tmp_path, "x")
    assert (tmp_path / "x" / "mine.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "holds no index of converters"),
        ('{"schema": 2, "converters": []}', "schema"),
        ('{"schema": 1, "converters": [{"name": "../x"}]}', "converters.0.name"),
        ('{"schema": 1, "converters": [{"name": "x", "version": "1", "file": "../x.zip"}]}', "converters.0.file"),
    ],
)
def test_what_is_no_index_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(IndexFault, match=words):
        Index(str(tmp_path))


def test_a_new_version_that_cannot_be_put_in_place_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "converters"
    before = install(home, Listed(**listed(GOOD)), GOOD, "")
    rename = Path.rename

    def full(path: Path, target: Path) -> Path:
        if path.name.endswith(".tmp"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        install(home, Listed(**listed(GOOD, version="2.0")), GOOD, "")
    assert installed(home) == [before]
    assert [path.name for path in home.iterdir()] == ["x"]
