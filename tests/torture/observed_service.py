"""`python -m tests.torture.observed_service HOME`: the real service, and how many Trio tasks it has, in HOME/tasks."""

import mmap
import struct
import sys
from pathlib import Path

import trio

from pywats_client.service.client_service import ClientService

_NUMBER = struct.Struct("q")


class TaskCount(trio.abc.Instrument):
    """Keeps the number of tasks in the first eight bytes of a file."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(bytes(mmap.PAGESIZE))
        with file.open("r+b") as opened:
            self._page = mmap.mmap(opened.fileno(), 0)
        self._count = 0

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        self._note(1)

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        self._note(-1)

    def _note(self, change: int) -> None:
        self._count += change
        _NUMBER.pack_into(self._page, 0, self._count)


def tasks(file: Path) -> int:
    """The number of tasks that the file tells now."""
    with file.open("rb") as opened:
        return int(_NUMBER.unpack(opened.read(_NUMBER.size))[0])


def main(home: Path) -> None:
    """As `ClientService.start`, with the instrument."""
    service = ClientService(home=home)
    trio.run(service.run, instruments=[TaskCount(home / "tasks")], restrict_keyboard_interrupt_to_checkpoints=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
