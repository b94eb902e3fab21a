"""File systems at the edge of `Disk`: one records its steps, one is cut off, one fails. And a clock to set."""

import errno
import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pywats_client.clock import Clock
from pywats_client.disk import FileSystem

STEPS = ("open", "write", "fsync", "rename", "unlink", "rmdir", "utime", "mkdir")


class PowerCut(BaseException):
    """The machine is off. Not an Exception: nothing may handle it."""


class RecordedSteps(FileSystem):
    """Takes every step, and records it as (its name, the path it was about)."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Path]] = []
        self._open: dict[int, Path] = {}
        for step in STEPS:
            setattr(self, step, functools.partial(self._record, step, getattr(super(), step)))

    @property
    def count(self) -> int:
        """Steps taken so far."""
        return len(self.log)

    def kinds(self) -> list[str]:
        """What was done, in order, without opening."""
        return [step for step, _ in self.log if step != "open"]

    def before(self, step: str, path: Path, *args: Any) -> None:
        """Called before each step; what it raises happens instead of the step."""

    def _record(self, step: str, take: Callable[..., Any], *args: Any) -> Any:
        path = self._open[args[0]] if isinstance(args[0], int) else Path(args[0])
        self.before(step, path, *args)
        result = take(*args)
        self.log.append((step, path))
        if step == "open":
            self._open[result] = path
        return result


def _tear(step: str, args: tuple[Any, ...]) -> None:
    """A write that is stopped has written half."""
    if step == "write":
        os.write(args[0], args[1][: len(args[1]) // 2])


class CuttingSteps(RecordedSteps):
    """Takes so many steps, then the power is cut: the step under way and all after it raise PowerCut."""

    def __init__(self, steps: int | None = None) -> None:
        super().__init__()
        self._last: int | None
        self.cut_after(steps)

    def cut_after(self, steps: int | None) -> None:
        """So many more steps from now on; None: no cut."""
        self._last = None if steps is None else self.count + steps

    def before(self, step: str, path: Path, *args: Any) -> None:
        if self._last is not None and self.count >= self._last:
            if self.count == self._last:
                _tear(step, args)
            raise PowerCut(f"{step} {path}")


Fails = Callable[[int, str, Path], bool]
"""Whether a step fails: by its number (from 0), name and path."""


class FailingSteps(RecordedSteps):
    """Raises OSError for the steps that `fail` has picked; `failed` lists them."""

    def __init__(self) -> None:
        super().__init__()
        self.fail(lambda *_: False)

    def fail(self, fails: Fails, code: int = errno.ENOSPC) -> None:
        """From now on, counting steps anew."""
        self.failed: list[tuple[str, Path]] = []
        self._fails, self._code, self._tried = fails, code, 0

    def before(self, step: str, path: Path, *args: Any) -> None:
        number, self._tried = self._tried, self._tried + 1
        if self._fails(number, step, path):
            _tear(step, args)
            self.failed.append((step, path))
            raise OSError(self._code, os.strerror(self._code), str(path))


def nth(wanted: int) -> Fails:
    """The nth step, from 0."""
    return lambda number, *_: number == wanted


class SetClock(Clock):
    """A wall clock that goes a millisecond at each look, and can be stepped."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 8, 41, 43, 123456, UTC)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def step(self, **delta: float) -> None:
        """Forwards or backwards, by the arguments of timedelta."""
        self.moment += timedelta(**delta)
