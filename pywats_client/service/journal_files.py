"""The journal on disk: one file a day, one line an event; days that are over are packed to a twelfth.

History is expendable, so what is appended is not synced: a power cut costs the last lines.
"""

import gzip
import itertools
import os
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Self

from pywats_client.service.journal_lines import Moment, from_line, to_line

SLICE_BYTES = 65_536
"""Some 400 lines: parsing them takes 2 ms."""
MOST_LINE = 8_000_000
"""What is longer is no line of ours."""
PACKED = ".gz"
LEVEL = 1
"""Of packing: twice as fast as the usual one, for a fifth more space."""
_FORM = re.compile(r"(\d{4}-\d{2}-\d{2})\.jsonl(?:\.gz)?")
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


@dataclass
class Slice:
    """Some lines of a day, the newest first; `begin` is where the next slice ends, `damaged` counts lines."""

    begin: int
    moments: list[Moment] = field(default_factory=list)
    damaged: int = 0


class Day:
    """The lines of a day, to be read from the end. All methods block, and raise OSError."""

    def __init__(self, file: Path) -> None:
        self._stream: IO[bytes] = _unpacked(file) if file.suffix == PACKED else file.open("rb")
        self.size = self._stream.seek(0, os.SEEK_END)
        """bytes, unpacked"""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.close()

    def read_back(self, end: int) -> Slice:
        """The last whole lines before `end`, some of them."""
        size = SLICE_BYTES
        while True:
            begin = self._stream.seek(max(0, end - size))
            block = self._stream.read(end - begin)
            cut = block.find(b"\n", 0, len(block) - 1) + 1 if begin else 0
            if cut or not begin or size >= MOST_LINE:
                break
            size *= 2
        found = Slice(begin + cut)
        for line in _lines(block[cut:]):
            if moment := from_line(line):
                found.moments.append(moment)
            else:
                found.damaged += 1
        return found


class JournalFiles:
    """The days in one folder. All methods block, and raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tidied_on: date | None = None

    def append(self, moments: Sequence[Moment]) -> None:
        """Write lines behind those of their day.

        A line that a full disk or a crash has cut off is ended first, so that it costs only itself.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for day, of_day in itertools.groupby(moments, key=_day):
            self._append(self._folder / f"{day}.jsonl", "".join(map(to_line, of_day)).encode())

    def _append(self, file: Path, content: bytes) -> None:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | _FLAGS, 0o600)
        try:
            end = os.lseek(descriptor, 0, os.SEEK_END)
            if end and (os.lseek(descriptor, end - 1, os.SEEK_SET), os.read(descriptor, 1))[1] != b"\n":
                content = b"\n" + content
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)

    def tidy(self, today: date, keep_days: float) -> None:
        """Once a day: remove the days that ended so long ago, and pack the others. What fails waits for the next day.

        Not while days are read.
        """
        if today == self._tidied_on:
            return
        self._tidied_on = today
        for day, file in self._days():
            with suppress(OSError):
                if today - day > timedelta(days=keep_days):
                    file.unlink()
                elif day < today and file.suffix != PACKED:
                    _pack(file)

    def sizes(self) -> list[tuple[Path, int]]:
        """The files that are there now, newest first, and where their lines end now; no more come to a packed one."""
        return [(file, sys.maxsize if file.suffix == PACKED else file.stat().st_size) for _, file in self._days()]

    def _days(self) -> list[tuple[date, Path]]:
        """Other names are left alone. What is packed of a day is older than what is not."""
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        found = ((day, name) for name in names if (day := _day_of(name)))
        newest_first = sorted(found, key=lambda item: (item[0], item[1][-len(PACKED) :] != PACKED), reverse=True)
        return [(day, self._folder / name) for day, name in newest_first]


def _pack(file: Path) -> None:
    """Behind what is packed of that day already, as after a clock was set back; whole or not at all."""
    packed = file.with_name(file.name + PACKED)
    temporary = file.with_name(f".{packed.name}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS, 0o600)
        with open(descriptor, "wb") as target, file.open("rb") as lines:  # noqa: PTH123 -- a descriptor
            with suppress(FileNotFoundError), packed.open("rb") as before:
                shutil.copyfileobj(before, target)
            with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=LEVEL) as stream:
                shutil.copyfileobj(lines, stream, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
        temporary.replace(packed)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    file.unlink()


def _unpacked(file: Path) -> IO[bytes]:
    """In a file without a name. What is damaged is read up to there."""
    stream = tempfile.TemporaryFile(dir=file.parent)  # noqa: SIM115 -- the day closes it
    try:
        with gzip.open(file) as packed, suppress(EOFError, zlib.error, gzip.BadGzipFile):
            shutil.copyfileobj(packed, stream)
    except OSError:
        stream.close()
        raise
    return stream


def _day(moment: Moment) -> date:
    return moment[0].date()


def _lines(block: bytes) -> Iterator[bytes]:
    return (line for line in reversed(block.split(b"\n")) if line)


def _day_of(name: str) -> date | None:
    match = _FORM.fullmatch(name)
    with suppress(ValueError):
        return date.fromisoformat(match[1]) if match else None
    return None
