"""The place of the Unix socket: its modes, what is left over there, and what is in the way."""

import grp
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywats_client.errors import ConfigError
from pywats_client.ipc.unix_socket import (
    LONGEST_SOCKET_PATH,
    listen_unix,
    listening,
    make_own_folder,
    remove_own_folder,
    socket_path,
)
from pywats_client.paths import Instance

OWN_GROUP = grp.getgrgid(os.getegid()).gr_name


def mode(place: Path) -> int:
    return stat.S_IMODE(place.lstat().st_mode)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """As pytest's, but short: what is long here is long by the test's will."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of the test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def long_home(tmp_path: Path) -> Path:
    return tmp_path / ("x" * LONGEST_SOCKET_PATH)


def instance_of(home: Path, name: str = "default") -> Instance:
    return Instance.find(name, home, environ={})


def test_the_socket_carries_the_instances_id_and_is_its_owners_alone(tmp_path: Path) -> None:
    instance = instance_of(tmp_path, "line-1")
    with listening(instance) as (_, path, fault):
        assert (path.parent, path.name, fault) == (instance.endpoint.parent, "pywats_service_line-1.sock", "")
        assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert not path.exists()
    assert path.parent.exists()


def test_an_id_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        instance_of(tmp_path, "../x")


def test_a_folder_that_was_open_is_shut(tmp_path: Path) -> None:
    instance = instance_of(tmp_path)
    instance.data.mkdir(parents=True, mode=0o755)
    with listening(instance):
        assert mode(instance.data) == 0o700


def test_a_group_gets_a_folder_of_its_own_and_nothing_of_the_instances(tmp_path: Path) -> None:
    instance = instance_of(tmp_path)
    with listening(instance, OWN_GROUP) as (_, path, fault):
        assert (fault, path.parent.name) == ("", "default.ipc")
        assert (mode(path), mode(path.parent), mode(instance.data)) == (0o660, 0o750, 0o700)
    assert not path.parent.exists()


def test_a_group_that_is_not_known_is_told_and_the_owner_gets_in_all_the_same(tmp_path: Path) -> None:
    with listening(instance_of(tmp_path), "no-such-group") as (_, path, fault):
        assert fault == (
            "the group no-such-group cannot connect: ipc.group: there is no group 'no-such-group' on this machine"
        )
        assert mode(path) == 0o600
        assert not path.parent.with_name("default.ipc").exists()


@pytest.mark.parametrize("group", ["", OWN_GROUP])
def test_where_the_path_is_too_long_a_short_folder_is_made_and_taken_away(
    group: str, tmp_path: Path, short: Path
) -> None:
    instance = instance_of(long_home(tmp_path))
    with listening(instance, group) as (_, path, _):
        assert path.parent.parent == short
        assert path.parent.name.startswith(f"pywats-{os.getuid()}-")
        assert len(os.fsencode(path.name)) < LONGEST_SOCKET_PATH
        assert mode(path.parent) == (0o750 if group else 0o700)
    assert list(short.iterdir()) == []
    assert not instance.data.with_name("default.ipc").exists()
    assert socket_path(instance, group).parent == path.parent


def test_a_short_folder_with_something_else_in_it_stays(tmp_path: Path, short: Path) -> None:
    with listening(instance_of(long_home(tmp_path))) as (_, path, _):
        path.with_name("other").touch()
    assert [file.name for file in path.parent.iterdir()] == ["other"]


@pytest.mark.parametrize("kind", ["link", "file", "foreign"])
def test_what_is_in_the_way_of_the_folder_is_refused_with_a_sentence_and_left_alone(
    kind: str, tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = instance_of(long_home(tmp_path))
    folder, elsewhere = socket_path(instance).parent, tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    instance.data.mkdir(parents=True)
    match kind:
        case "link":
            folder.symlink_to(elsewhere)
        case "file":
            folder.touch()
        case "foreign":
            folder.mkdir(mode=0o755)
            monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    before = [mode(place) for place in (folder, elsewhere)]
    with pytest.raises(ConfigError, match="must be a folder of the service's own user"):
        make_own_folder(folder)
    if kind != "foreign":
        with pytest.raises(ConfigError), listening(instance):
            raise AssertionError
    remove_own_folder(folder)
    assert [mode(place) for place in (folder, elsewhere)] == before
    assert list(elsewhere.iterdir()) == []


def test_a_socket_that_nobody_answers_on_is_replaced_and_one_that_somebody_does_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s" / "x.sock"
    with listen_unix(path):
        inode = path.stat().st_ino
        with pytest.raises(ConfigError, match="another process listens on"):
            listen_unix(path)
        assert path.stat().st_ino == inode
    assert path.exists()
    with listen_unix(path) as listener, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        listener.accept()[0].close()


def test_a_folder_in_the_sockets_place_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "s" / "x.sock"
    path.mkdir(parents=True)
    with pytest.raises(OSError, match=r"x\.sock"):
        listen_unix(path)
