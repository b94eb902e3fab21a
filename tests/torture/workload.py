"""What a busy station does: files for quick, slow, archiving and failing converters, and what must become of them."""

import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.station import Station, files_below, names_in, wsjf

SLOW = """
import time
from pathlib import Path
from pywats_client.converters.formats.wats_json import WatsJson

class Slow(WatsJson):
    name = "Slow"

    def convert(self, source, context):
        for report in super().convert(source, context):
            yield report
            time.sleep(0.05)
            while "stuck" in source.name and not Path(GO).exists():
                time.sleep(3600)
"""
"""Takes its time; of what is called stuck, all of it, until the file GO is there."""

FAILING = """
import os
from pywats_client.converters import FileConverter
from pywats_client.errors import ConversionError

class Failing(FileConverter):
    def convert(self, source, context):
        if source.path.stat().st_size % 2:
            os._exit(3)
        raise ConversionError("this is no format that anybody knows")
"""
"""Fails, and with every second source takes its process with it."""

KINDS = {"in": 10, "slow": 3, "zip": 2, "bad": 1, "torn": 1}
"""The watched folders (torn files come into `in`), and how often a file is for which."""
_STEM = re.compile(r"s\d+")


@dataclass(frozen=True)
class Dropped:
    """A source: where it was dropped, and the serial numbers of its reports; none where it cannot be converted."""

    folder: Path
    name: str
    serials: tuple[str, ...]


class Workload:
    """Drops files for the converters of a station, which it adds; `elsewhere` is best on another disk."""

    def __init__(self, station: Station, chance: random.Random, elsewhere: Path) -> None:
        self._station, self._random = station, chance
        self._go = station.folder / "go"
        (station.folder / "slow.py").write_text(SLOW.replace("GO", repr(str(self._go))))
        (station.folder / "failing.py").write_text(FAILING)
        self._folders = {
            "in": station.add_converter("in", "wats_json", "*.json"),
            "slow": station.add_converter(
                "slow", str(station.folder / "slow.py"), "*.json", done_folder=str(elsewhere / "Done")
            ),
            "zip": station.add_converter("zip", "wats_json", "*.json", post_action="archive"),
            "bad": station.add_converter("bad", str(station.folder / "failing.py"), "*.json"),
        }
        self._folders |= {"torn": self._folders["in"], "stuck": self._folders["slow"]}
        self._done = (elsewhere / "Done", *(folder / "Done" for folder in self._watched()), self._archive)
        self._dropped: dict[str, Dropped] = {}
        self.expected: set[str] = set()
        """the serial numbers of all good reports dropped"""

    @property
    def count(self) -> int:
        """How many files were dropped."""
        return len(self._dropped)

    @property
    def _archive(self) -> Path:
        return self._folders["zip"] / "Archive"

    def _watched(self) -> list[Path]:
        return list(dict.fromkeys(self._folders.values()))

    def drop(self, kind: str | None = None) -> Dropped:
        """One file more, whole at once; one that is `stuck` takes until `let_go`.

        Raises FileNotFoundError while its folder is away.
        """
        kind = kind or self._random.choices(list(KINDS), list(KINDS.values()))[0]
        stem = f"s{len(self._dropped):06}"
        numbers = tuple(f"{stem}-{place}" for place in range(self._random.choice((1, 1, 1, 2, 3))))
        text = json.dumps([wsjf(number, comment="x" * self._random.randrange(2000)) for number in numbers])
        is_good = kind not in ("bad", "torn")
        name = f"{stem}-stuck.json" if kind == "stuck" else f"{stem}.json"
        source = Dropped(self._folders[kind], name, numbers if is_good else ())
        hidden = source.folder / f".{stem}.new"
        hidden.write_text(text if kind != "torn" else text[: len(text) // 2])
        hidden.rename(source.folder / source.name)
        self._dropped[stem] = source
        self.expected.update(source.serials)
        return source

    def let_go(self) -> None:
        """From the next try on, nothing is stuck."""
        self._go.touch()

    def put_back(self) -> int:
        """Good sources from the error folders into the watched ones, as a person would; how many."""
        return sum(self._put_back(folder) for folder in self._watched())

    def _put_back(self, folder: Path) -> int:
        moved = 0
        for name in names_in(folder / "Error"):
            if name.endswith(".json") and self._dropped[_stem(name)].serials:
                (folder / "Error" / name).rename(folder / name)
                moved += 1
        return moved

    def faults(self) -> list[str]:
        """What is not where it must be once everything is delivered: each source in done or error."""
        done = {_stem(path.name) for folder in self._done for path in files_below(folder)}
        failed = {
            _stem(name) for folder in self._watched() for name in names_in(folder / "Error") if name.endswith(".json")
        }
        return [*self._misplaced(done, failed), *self._left(), *self._stray()]

    def _misplaced(self, done: set[str], failed: set[str]) -> Iterator[str]:
        for stem, source in self._dropped.items():
            if (stem in done, stem in failed) != (bool(source.serials), not source.serials):
                places = "done" * (stem in done) + " error" * (stem in failed)
                yield f"{source.name}, dropped into {source.folder.name}, is in: {places or 'nowhere'}"

    def _left(self) -> Iterator[str]:
        for folder in self._watched():
            yield from (f"{name} is still in {folder.name}" for name in names_in(folder) if _STEM.match(name))

    def _stray(self) -> Iterator[str]:
        places = (self._station.folder, *self._done)
        strays = {path for place in places for path in files_below(place) if path.name.endswith((".tmp", ".part"))}
        yield from (f"a temporary file is left: {path}" for path in sorted(strays))


def _stem(name: str) -> str:
    found = _STEM.match(name)
    return found[0] if found else name


def age_failed(queue: Path, seconds: float = 10 * 3600.0) -> None:
    """Let the time pass that failed reports wait, as far as the next start of the service can know."""
    for name in names_in(queue):
        if name.endswith(".error"):
            path = queue / name
            moment = path.stat().st_mtime - seconds
            os.utime(path, (moment, moment))
