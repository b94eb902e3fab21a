"""The sources in the error folders of the converters: found by looking, put back, or set aside.

A source is named `<converter>/<path below its error folder>`, and a name means what a look has found: nothing is
opened or moved by a path that a client made up. Links are never followed.
"""

import codecs
import contextlib
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import trio

from pywats_client.config.model import Config, ConverterConfig, Folders
from pywats_client.disk import Disk, files_of, fit_name
from pywats_client.errors import PywatsError
from pywats_client.ipc.commands.sources import FailedSource
from pywats_client.ipc.events import ConverterChanged, Event, FailedSourcesCounted, SourceFailed
from pywats_client.logs import show_name, show_text
from pywats_client.service.hub import Hub, Wake
from pywats_client.service.settings import Settings
from pywats_client.service.threads import InThread

DISCARDED = "discarded"
"""The folder in an error folder for what nobody wants to convert any more."""
LEAST_PAUSE, SHARE_OF_TIME = 1.0, 20.0
"""Seconds between two counts, and how many times as long as one took: full folders must not eat the processor."""
HEAD = 64 * 1024
"""Bytes of a source that are shown."""
REASON = ".reason"
_OTHERS = (".tmp", ".part", REASON)
_NOTE = re.compile(r"^converter: (?P<converter>.*) \(.*\)\ntime: .*\n(?:files: (?P<files>\[.*\])\n)?", re.MULTILINE)
"""What `Conversion.set_aside` writes below the error."""


class CannotMove(PywatsError):
    """A source cannot be put back for now."""


@dataclass(frozen=True)
class Failed:
    """One source in an error folder, as it was found."""

    converter: ConverterConfig
    folders: Folders
    path: Path
    reason: str
    """why it failed, with the converter's traceback; empty where nobody wrote it down"""

    @property
    def below(self) -> Path:
        """Its folder below the error folder, which was its folder below the watched one."""
        return self.path.parent.relative_to(self.folders.error)

    @property
    def id(self) -> str:
        """What clients name it by."""
        return f"{self.converter.name}/{show_name(self.path.relative_to(self.folders.error))}"

    @property
    def note(self) -> Path:
        """Where its reason lies."""
        return note_of(self.path)

    @property
    def companions(self) -> list[Path]:
        """The files and folders that belong to it and are still there."""
        paths = [self.path.with_name(name) for name in _companions(self.reason)]
        return [path for path in paths if _is_file(path) or (path.is_dir() and not path.is_symlink())]

    def facts(self) -> FailedSource:
        """What a list says of it. Raises OSError where it is gone."""
        status = self.path.lstat()
        try:
            failed = self.note.lstat().st_mtime
        except OSError:
            failed = status.st_ctime
        return FailedSource(
            id=self.id,
            converter=self.converter.name,
            name=show_name(self.path.name),
            path=show_name(self.path),
            size=sum(file.lstat().st_size for file in files_of(self.path)),
            failed=datetime.fromtimestamp(failed, UTC).isoformat(),
            reason=show_name(self.reason.partition("\n")[0]),
        )

    def head(self) -> tuple[str, bool]:
        """The beginning of a file, or the names in a folder; and whether that is all. Raises OSError."""
        if self.path.is_dir():
            names = [show_name(file.relative_to(self.path)) for file in files_of(self.path)]
            return "\n".join(names), True
        descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor
            content = file.read(HEAD + 1)
        is_whole = len(content) <= HEAD
        # The last character may be cut in two.
        text = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode(content[:HEAD], final=is_whole)
        return show_text(text.replace("\r\n", "\n")), is_whole

    def retry(self, disk: Disk) -> None:
        """Back into the watched folder, without overwriting anything. Raises CannotMove, or OSError."""
        watched = self.folders.watch
        folder = watched / self.below if self.converter.recursive else watched
        if not watched.is_dir():
            raise CannotMove(f"the watched folder {show_name(watched)} is not there")
        files = [*self.companions, self.path]  # the source last: it is converted with what lies beside it
        taken = [file.name for file in files if os.path.lexists(folder / file.name)]
        if taken and len(files) > 1:
            raise CannotMove(f"{show_name(taken[0])} is in the watched folder already, and its files belong together")
        for file in files:
            disk.move(file, folder)
        disk.remove(self.note)

    def discard(self, disk: Disk) -> None:
        """Into the folder `discarded`, with what belongs to it. Raises OSError."""
        folder = self.folders.error / DISCARDED / self.below
        moved = disk.move(self.path, folder)
        for companion in self.companions:
            disk.move(companion, folder)
        with contextlib.suppress(OSError):
            disk.steps.rename(self.note, note_of(moved))


def note_of(source: Path) -> Path:
    """Where the reason of a source lies."""
    return source.with_name(fit_name(source.name, REASON))


class FailedSources:
    """Looks into the error folders for clients."""

    def __init__(self, settings: Settings, data: Path, in_thread: InThread) -> None:
        """Relative folders lie in `data`."""
        self._settings, self._data, self._in_thread = settings, data, in_thread
        self._one_at_a_time = trio.Lock()
        self._news = Wake()

    async def count_regularly(self, hub: Hub) -> None:
        """Tell how many there are of each converter, whenever that has changed, until cancelled."""
        hub.listeners.append(self._note)
        try:
            while True:
                began = trio.current_time()
                counts = Counter(source.converter.name for source in await self.look())
                for name, status in hub.snapshot.converters.items():
                    if status.in_error_folder != counts[name]:
                        hub.publish(FailedSourcesCounted(converter=name, in_error_folder=counts[name]))
                await trio.sleep(max(LEAST_PAUSE, SHARE_OF_TIME * (trio.current_time() - began)))
                await self._news.heard(self._settings.config.service.rescan_seconds)
        finally:
            hub.listeners.remove(self._note)

    def _note(self, event: Event) -> None:
        if isinstance(event, SourceFailed | ConverterChanged):
            self.look_soon()

    def look_soon(self) -> None:
        """Let them be counted anew."""
        self._news.ring()

    async def look(self) -> list[Failed]:
        """Every source in the error folders. What cannot be listed is left out."""
        async with self._one_at_a_time:
            found: list[Failed] = await self._in_thread(_look, self._settings.config, self._data)
        return found


def _look(config: Config, data: Path) -> list[Failed]:
    converters = [(item, item.folders(data)) for item in config.converters if not item.folder_fault()]
    everything = {folder for _, folders in converters for folder in folders}
    found = []
    for error in dict.fromkeys(folders.error for _, folders in converters):
        owners = [(item, folders) for item, folders in converters if folders.error == error]
        for path, reason in _sources(error, everything - {error} | {error / DISCARDED}):
            found.append(Failed(*_owner(owners, reason), path, reason))
    return found


def _owner(owners: list[tuple[ConverterConfig, Folders]], reason: str) -> tuple[ConverterConfig, Folders]:
    """Whose source it is where converters share an error folder."""
    note = _NOTE.search(reason)
    return next((owner for owner in owners if note and owner[0].name == note["converter"]), owners[0])


def _sources(folder: Path, excluded: set[Path]) -> Iterator[tuple[Path, str]]:
    """Each source with its reason."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        paths = sorted(Path(entry.path) for entry in entries if not _is_other(entry))
        reasons = {path: _reason(note_of(path)) for path in paths}
        companions = {path.with_name(name) for path, reason in reasons.items() for name in _companions(reason)}
        for path in paths:
            if path in companions or path in excluded:
                continue
            if _is_file(path) or reasons[path]:
                yield path, reasons[path]
            elif path.is_dir():
                yield from _sources(path, excluded)


def _is_other(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith(".") or entry.name.lower().endswith(_OTHERS) or entry.is_symlink()


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _reason(note: Path) -> str:
    if not _is_file(note):
        return ""
    try:
        return note.read_text("utf-8", "backslashreplace").rstrip()
    except OSError:
        return ""


def _companions(reason: str) -> list[str]:
    """The names that stand in a reason. Its text is the converter's too: only plain names count."""
    note = _NOTE.search(reason)
    try:
        names = json.loads(note["files"]) if note and note["files"] else []
    except ValueError:
        return []
    return [name for name in names if isinstance(name, str) and _is_plain(name)]


def _is_plain(name: str) -> bool:
    return name not in ("", "..") and "\0" not in name and name == Path(name).name
