"""One owner a folder, by the kernel's lock."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pywats_client.clock import Clock
from pywats_client.disk import Disk
from pywats_client.errors import AlreadyRunning, ExitCode
from pywats_client.queue.folder import QueueFolder

OWNER = """
import sys
from pathlib import Path
from pywats_client.clock import Clock
from pywats_client.disk import Disk
from pywats_client.queue.folder import QueueFolder
QueueFolder(Path(sys.argv[1]), Disk(), Clock()).acquire()
print("owned", flush=True)
sys.stdin.read()
"""


def folder(path: Path) -> QueueFolder:
    return QueueFolder(path, Disk(), Clock())


@pytest.mark.case(
    "F36", "a second owner of the queue", injected="opened twice", promised="refused, the first's process named"
)
def test_a_second_owner_is_refused_and_told_the_firsts_pid(tmp_path: Path) -> None:
    first = folder(tmp_path)
    first.acquire()
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}") as refused:
        folder(tmp_path).acquire()
    assert refused.value.pid == os.getpid()
    assert refused.value.exit_code is ExitCode.ALREADY_RUNNING
    first.close()


def test_a_folder_let_go_has_the_next_owner(tmp_path: Path) -> None:
    first = folder(tmp_path)
    first.acquire()
    first.close()
    first.close()
    second = folder(tmp_path)
    second.acquire()
    assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"
    second.close()


@pytest.mark.case(
    "F36", "a lock file that was left", injected="odd content, a living process's id", promised="no obstacle"
)
@pytest.mark.parametrize("left", ["999999999\n", "1\n", "", "no number", "\xff" * 100])
def test_a_lock_file_that_was_left_is_no_obstacle(tmp_path: Path, left: str) -> None:
    (tmp_path / ".lock").write_text(left, "latin-1")
    owner = folder(tmp_path)
    owner.acquire()
    assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"
    owner.close()


@pytest.mark.case("F36", "the owner is killed", injected="SIGKILL", promised="the lock ends with it")
def test_the_lock_ends_with_a_killed_owner(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == b"owned\n"
            with pytest.raises(AlreadyRunning) as refused:
                folder(tmp_path).acquire()
            assert refused.value.pid == owner.pid
        finally:
            owner.send_signal(signal.SIGKILL)
            owner.wait()
    after = folder(tmp_path)
    after.acquire()
    after.close()


def test_the_lock_is_not_inherited_by_a_child(tmp_path: Path) -> None:
    first = folder(tmp_path)
    first.acquire()
    code = "print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        first.close()
        second = folder(tmp_path)
        second.acquire()
        second.close()
        child.kill()
