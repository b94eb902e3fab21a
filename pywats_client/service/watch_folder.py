"""A folder -> its settled sources. Events are hints; the listing is the truth.

`list_folder` looks, `Sources` remembers and decides, `watch_folder` waits. Names travel as `str` with surrogate
escapes, so any bytes are a name.
"""

import contextlib
import fnmatch
import math
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import trio

from pywats_client.disk import files_of
from pywats_client.service.hints import Hints
from pywats_client.service.hub import Wake
from pywats_client.service.threads import InThread

POLL_SECONDS = 5.0
"""Between two listings of a folder whose file system tells us nothing."""
SHARE_OF_TIME = 10.0
"""A listing is followed by a rest of so many times its length: a full folder must not eat the processor."""
SHORTEST_REST, LONGEST_OPEN_CHECK = 0.02, 1.0
_NEVER = (".tmp", ".part", ".reason")
"""Endings of what is not finished, and of our notes in error folders, which come back with moved files."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What tells a changed source from an unchanged one; of a folder: of all its files together."""

    size: int
    modified_ns: int
    inode: int


IN_WORK = Signature(-1, -1, -1)
"""Stands for a source that is in work, and was not looked at."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Which names in a folder are sources of one converter."""

    folder: Path
    patterns: tuple[str, ...]
    recursive: bool = False
    excluded: frozenset[Path] = frozenset()
    """done, error and archive folders"""
    takes_folders: bool = False
    ready_marker: str | None = None
    min_file_count: int | None = None
    matches: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole = "|".join(fnmatch.translate("*" if p == "*.*" else p.lower()) for p in self.patterns)
        object.__setattr__(self, "matches", re.compile(whole))

    def accept(self, name: str) -> bool:
        """Whether a name is one of the converter's, whatever its case. Unfinished files never are."""
        lower = name.lower()
        if lower.startswith(".") or lower.endswith(_NEVER):
            return False
        return self.matches.match(lower) is not None


@dataclass
class Listing:
    """What was found: sources by name relative to the folder, and how many things can be none."""

    sources: dict[str, Signature] = field(default_factory=dict)
    ignored: int = 0


def list_folder(rules: Rules, known: Callable[[str], bool]) -> Listing:
    """Look at a folder; what is `known` to be in work already costs no look of its own.

    Symbolic links, FIFOs, sockets, devices and folders below that are closed to us are ignored and counted.
    Raises OSError for the folder itself.
    """
    listing = Listing()
    for entry, name in _walk(rules, rules.folder, "", listing):
        if known(name):
            listing.sources[name] = IN_WORK
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if rules.takes_folders and stat.S_ISDIR(status.st_mode):
            with contextlib.suppress(FileNotFoundError):
                if _is_ready(rules, Path(entry.path)):
                    listing.sources[name] = signature_of(Path(entry.path))
        elif not rules.takes_folders and stat.S_ISREG(status.st_mode):
            listing.sources[name] = Signature(status.st_size, status.st_mtime_ns, status.st_ino)
        elif not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
            listing.ignored += 1
    return listing


def _walk(rules: Rules, folder: Path, prefix: str, listing: Listing) -> Iterator[tuple[os.DirEntry[str], str]]:
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        if prefix:
            return
        raise
    except PermissionError:
        if prefix:
            listing.ignored += 1
            return
        raise
    with entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder and Path(entry.path) in rules.excluded:
                continue
            if rules.accept(entry.name):
                yield entry, prefix + entry.name
            if is_folder and rules.recursive and not rules.takes_folders and not entry.name.startswith("."):
                yield from _walk(rules, Path(entry.path), f"{prefix}{entry.name}/", listing)


def _is_ready(rules: Rules, folder: Path) -> bool:
    names = [str(file.relative_to(folder)) for file in files_of(folder)]
    if rules.ready_marker is not None and rules.ready_marker not in names:
        return False
    count = len(names) - (rules.ready_marker in names)
    return count >= (rules.min_file_count or 0)


def signature_of(path: Path) -> Signature:
    """What a file, or a folder with all files in it, is like now. Raises OSError where it is gone."""
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return Signature(status.st_size, status.st_mtime_ns, status.st_ino)
    files = [file.lstat() for file in files_of(path)]
    modified = max((file.st_mtime_ns for file in files), default=status.st_mtime_ns)
    return Signature(sum(file.st_size for file in files), modified, status.st_ino)


class Phase(Enum):
    """Where a source in a watched folder stands."""

    SETTLING = auto()
    OFFERED = auto()
    """waits for a worker, or has one"""
    HELD = auto()
    """tried, and to be tried again at a later time, or when it changes"""


@dataclass(slots=True)
class Known:
    """What we know of one name."""

    signature: Signature
    phase: Phase
    when: float
    """settling since; held until"""
    seen: float
    """when it was there first"""
    settled: float = 0.0
    """when it was offered last"""
    open_checks: int = 0


class Sources:
    """Remembers the names of one folder, and says which are settled. Times are monotonic seconds."""

    def __init__(self, settle_seconds: float, is_open: Callable[[str], bool]) -> None:
        self.settle_seconds, self._is_open = settle_seconds, is_open
        self.new: list[tuple[str, Signature]] = []
        """what the last comparison has seen for the first time"""
        self._known: dict[str, Known] = {}

    def is_offered(self, name: str) -> bool:
        """Whether a source waits for a worker, or has one."""
        known = self._known.get(name)
        return known is not None and known.phase is Phase.OFFERED

    def update(self, found: dict[str, Signature], now: float) -> list[tuple[str, Signature]]:
        """Compare with a listing; the sources that are settled now, oldest change first."""
        for name in [name for name, known in self._known.items() if name not in found]:
            if self._known[name].phase is not Phase.OFFERED:
                del self._known[name]
        self.new = [(name, signature) for name, signature in found.items() if name not in self._known]
        settled = [(name, signature) for name, signature in found.items() if self._is_settled(name, signature, now)]
        settled.sort(key=lambda item: item[1].modified_ns)
        for name, _ in settled:
            self._known[name].phase, self._known[name].settled = Phase.OFFERED, now
        return settled

    def seen_and_settled(self, name: str) -> tuple[float, float]:
        """When a source that is offered was first seen, and when it was found settled."""
        known = self._known[name]
        return known.seen, known.settled

    def _is_settled(self, name: str, signature: Signature, now: float) -> bool:
        known = self._known.get(name)
        if signature is IN_WORK:
            return False
        if known is None or (known.phase is not Phase.OFFERED and known.signature != signature):
            known = self._known[name] = Known(signature, Phase.SETTLING, now, known.seen if known else now)
        if known.phase is Phase.OFFERED or now < self._ready_at(known):
            return False
        if self._is_open(name):
            known.open_checks += 1
            wait = min(SHORTEST_REST * 2.0**known.open_checks, LONGEST_OPEN_CHECK)
            known.phase, known.when = Phase.HELD, now + wait
            return False
        return True

    def _ready_at(self, known: Known) -> float:
        return known.when + self.settle_seconds if known.phase is Phase.SETTLING else known.when

    def next_look(self) -> float:
        """When something may be settled without any change in the folder; infinity if nothing can."""
        waiting = (self._ready_at(known) for known in self._known.values() if known.phase is not Phase.OFFERED)
        return min(waiting, default=math.inf)

    def hold(self, name: str, signature: Signature, until: float) -> None:
        """The source stays; it is offered again at `until` (infinity: never), or when it has changed."""
        known = self._known.get(name)
        self._known[name] = Known(signature, Phase.HELD, until, known.seen if known else trio.current_time())

    def take_back(self, names: Iterable[str]) -> None:
        """These are offered no more: settled or gone is found out anew."""
        for name in names:
            self._known.pop(name, None)


async def watch_folder(
    rules: Rules,
    sources: Sources,
    offer: Callable[[str, Signature], None],
    tell: Callable[[Listing], None],
    hints: Hints | None,
    wake: Wake,
    rescan_seconds: float,
    in_thread: InThread,
) -> None:
    """Offer each settled source, until cancelled. Without `hints` the folder is polled.

    Raises OSError when the folder cannot be listed: it vanished, or the rights are missing.
    """
    if hints is None:
        rescan_seconds = min(rescan_seconds, POLL_SECONDS)
    inode = rules.folder.stat().st_ino
    with (hints or Hints()).watching(rules.folder, recursive=rules.recursive or rules.takes_folders, wake=wake):
        while True:
            began = trio.current_time()
            listing: Listing = await in_thread(list_folder, rules, sources.is_offered)
            if hints and inode != (inode := rules.folder.stat().st_ino):
                hints.rearm()
            for name, signature in sources.update(listing.sources, trio.current_time()):
                offer(name, signature)
            tell(listing)
            await trio.sleep(max(SHORTEST_REST, SHARE_OF_TIME * (trio.current_time() - began)))
            await wake.heard(max(0.0, min(rescan_seconds, sources.next_look() - trio.current_time())))
