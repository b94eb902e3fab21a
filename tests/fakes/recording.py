"""A file system that records each step with all it was given: what a power cut leaves can be worked out from that."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pywats_client.disk import FileSystem, StrPath
from tests.fakes.disk import PowerCut, RecordedSteps


@dataclass(frozen=True)
class Step:
    """One step of a file system, or a mark: `given` (another program has put a file there, synced), `stored`."""

    kind: str
    path: Path
    args: tuple[Any, ...] = ()


class Recording(RecordedSteps):
    """Takes every step and keeps it in `trace`, whole. `devices` are folders that lie on file systems of their own.

    From the moment of `kill_after` on every step raises PowerCut, as nothing runs in a process that is no more.
    """

    def __init__(self, *devices: Path) -> None:
        super().__init__()
        self.trace: list[Step] = []
        self._devices = devices
        self._last: int | None = None

    def kill_after(self, steps: int | None) -> None:
        """So many more steps from now on; None: all."""
        self._last = None if steps is None else self.count + steps

    def before(self, step: str, path: Path, *args: Any) -> None:
        if self._last is not None and self.count >= self._last:
            raise PowerCut(f"{step} {path}")
        if step == "rename":
            _require_one_device(self._devices, path, Path(args[1]))

    def _record(self, step: str, take: Callable[..., Any], *args: Any) -> Any:
        result = super()._record(step, take, *args)
        self.trace.append(Step(step, self.log[-1][1], args[1:]))
        return result

    def give(self, path: Path, content: bytes, modified_ns: int) -> None:
        """Be another program that puts a file there, and syncs it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(modified_ns, modified_ns))
        self.trace.append(Step("given", path, (content, modified_ns)))

    def mark(self, kind: str, content: bytes) -> None:
        """Note that something outside of the disk has happened here."""
        self.trace.append(Step(kind, Path(), (content,)))


class Unsynced(FileSystem):
    """Takes every step but syncs: for runs after which nothing is asked of the disk. `devices` as above."""

    def __init__(self, *devices: Path) -> None:
        self._devices = devices

    def fsync(self, descriptor: int) -> None:
        """Nothing."""

    def rename(self, old: StrPath, new: StrPath) -> None:
        _require_one_device(self._devices, Path(old), Path(new))
        super().rename(old, new)


def _require_one_device(devices: tuple[Path, ...], old: Path, new: Path) -> None:
    if any(old.is_relative_to(device) != new.is_relative_to(device) for device in devices):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(old))
