"""A file system that kills the process at a chosen step: what a power cut leaves of our own doing."""

import contextlib
import os
import re
import signal
from pathlib import Path
from typing import Any

from pywats_client.disk import FileSystem

STEPS = tuple(name for name in vars(FileSystem) if not name.startswith("_"))
"""The names of all steps there are."""


class Killing(FileSystem):
    """Notes each step in the file `trace`, and ends the process by SIGKILL around one: `before` it, or `after`.

    `step` is its number, or the form (a regular expression) of its name and arguments as they are noted.

    A write that is not to happen happens by half: that is how writes are cut off.
    """

    def __init__(self, trace: Path, step: int | str, moment: str) -> None:
        self._trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._step, self._is_after, self._count = step, moment == "after", 0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return _Step(self, name, found) if name in STEPS else found

    def reached(self, name: str, arguments: tuple[Any, ...]) -> bool:
        """Note a step; whether it is the one."""
        self._count += 1
        shown = f"{name} {_shown(arguments)!r}"
        os.write(self._trace, f"{self._count} {shown}\n".encode())
        return self._count == self._step if isinstance(self._step, int) else bool(re.match(self._step, shown))

    @property
    def is_after(self) -> bool:
        """Whether the step itself happens."""
        return self._is_after


class _Step:
    def __init__(self, owner: Killing, name: str, do: Any) -> None:
        self._owner, self._name, self._do = owner, name, do

    def __call__(self, *arguments: Any) -> Any:
        if not self._owner.reached(self._name, arguments):
            return self._do(*arguments)
        if self._owner.is_after:
            self._do(*arguments)
        elif self._name == "write":
            descriptor, data = arguments
            self._do(descriptor, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("the process is no more")


def _shown(arguments: tuple[Any, ...]) -> list[Any]:
    """The first two arguments: paths instead of descriptors, where the system tells, and no data."""
    first, *more = arguments[:2]
    with contextlib.suppress(OSError):
        first = str(Path(f"/proc/self/fd/{first}").readlink()) if isinstance(first, int) else os.fspath(first)
    return [first, *(f"{len(value)} bytes" if isinstance(value, bytes) else value for value in more)]
