"""The note beside a report that failed: for people, best effort, read by no code that decides."""

import contextlib
from pathlib import Path

from pywats_client.disk import Disk
from pywats_client.queue.name import QueueName


class Reasons:
    """The notes of one folder, `<stem>.reason`: the last error, or the server's words."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder, self._disk = folder, disk

    def path(self, name: QueueName) -> Path:
        """Where a report's note lies."""
        return self._folder / f"{name.stem}.reason"

    def write(self, name: QueueName, reason: str) -> None:
        """Replace the note."""
        with contextlib.suppress(OSError):
            self.path(name).write_text(reason.rstrip() + "\n", "utf-8", "backslashreplace")

    def remove(self, name: QueueName) -> None:
        """What it says is over."""
        with contextlib.suppress(OSError):
            self._disk.steps.unlink(self.path(name))

    def follow(self, name: QueueName, folder: Path) -> None:
        """Move the note to where its report goes."""
        with contextlib.suppress(OSError):
            self._disk.steps.rename(self.path(name), folder / self.path(name).name)
