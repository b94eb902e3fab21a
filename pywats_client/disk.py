"""Every file operation that must survive a crash; synchronous, and handed in.

`FileSystem` is the seam to the operating system: each of its methods is one step that happened or did not.
Tests put a file system there that stops, fails or records after the nth step.
"""

import contextlib
import errno
import hashlib
import io
import itertools
import os
import re
import shutil
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

StrPath = str | os.PathLike[str]
"""A path as text where one is made for each report: building a Path costs more than the call it is for."""
NAME_MAX = 255
"""Bytes a file name may have on the file systems in use (POSIX NAME_MAX)."""
REMOVED = ".removed.tmp"
"""The ending, after a leading dot, of a folder that is on its way out."""
_UNFINISHED = re.compile(r"\..*\.[0-9a-f]{8}\.tmp", re.DOTALL)
"""The names under which copies and archives are made."""
SUFFIX_MAX = 64
"""Bytes up to which what follows the last dot of a name is kept when the name gets a number."""

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "ceph"})


class FileSystem:
    """The steps; each is atomic as far as the kernel makes it so."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        """A file descriptor."""
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def write(self, descriptor: int, data: bytes) -> None:
        """All of the bytes."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def fsync(self, descriptor: int) -> None:
        """File or folder to the disk."""
        os.fsync(descriptor)

    def rename(self, old: StrPath, new: StrPath) -> None:
        """One name for another, on one file system; what had the new name is gone."""
        os.rename(old, new)  # noqa: PTH104 -- Path.rename builds a Path for each report

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        os.unlink(path)  # noqa: PTH108 -- as above

    def rmdir(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()

    def utime(self, path: StrPath, nanoseconds: int) -> None:
        """Set the time of the last change, since 1970."""
        os.utime(path, ns=(nanoseconds, nanoseconds))

    def mkdir(self, path: Path, mode: int = 0o700) -> None:
        """Make one folder."""
        path.mkdir(mode)


Check = Callable[[], None]
"""Raises where something must not be done."""


class Disk:
    """What the parts do with files, made of the steps of one file system."""

    def __init__(self, steps: FileSystem | None = None) -> None:
        self.steps = steps or FileSystem()
        # Between finding that a name is free and taking it, no other thread may do the same.
        self._naming = threading.Lock()
        self._settled: set[Path] = set()

    def write(self, path: Path, data: bytes, *, mode: int = 0o600) -> None:
        """Write a new file and sync it. On any failure the file is abandoned: a second fsync could lie."""
        self._write_chunks(path, [data], mode)

    def _write_chunks(self, path: Path, chunks: Iterable[bytes], mode: int) -> None:
        with self._new_file(path, mode) as descriptor:
            for chunk in chunks:
                self.steps.write(descriptor, chunk)

    @contextlib.contextmanager
    def _new_file(self, path: Path, mode: int) -> Iterator[int]:
        descriptor = self.steps.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        try:
            yield descriptor
            self.steps.fsync(descriptor)
        except OSError:
            self._forget(path)
            raise
        finally:
            os.close(descriptor)

    def _forget(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            self.steps.unlink(path)

    def replace(self, path: Path, data: bytes, *, mode: int = 0o600, backup: bool = False) -> None:
        """Give a file new content, whole or not at all; with `backup`, the old stays beside it as `.bak`."""
        if backup and path.exists():
            self.replace(path.with_name(path.name + ".bak"), path.read_bytes(), mode=mode)
        temporary = path.with_name(f".{path.name}.tmp")
        self.write(temporary, data, mode=mode)
        try:
            self.steps.rename(temporary, path)
        except OSError:
            self._forget(temporary)
            raise
        self.sync_folder(path.parent)

    def sync_folder(self, folder: Path) -> None:
        """Names in the folder to the disk. Windows has no such call, and syncs names by itself."""
        if os.name != "nt":
            self.sync(folder)

    def sync(self, path: Path) -> None:
        """What is in a file, or the names in a folder, to the disk."""
        descriptor = self.steps.open(path, os.O_RDONLY)
        try:
            self.steps.fsync(descriptor)
        finally:
            os.close(descriptor)

    def stamp_and_rename(self, old: StrPath, new: StrPath, when: datetime) -> None:
        """A transition: the moment goes into the file's time first, then the name says the new state.

        A file that another user put there keeps its time: the kernel lets only its owner change that.
        """
        with contextlib.suppress(PermissionError):
            self.steps.utime(old, int(when.timestamp() * 1_000_000) * 1_000)
        self.steps.rename(old, new)

    def remove(self, path: Path) -> None:
        """Remove a file or a folder with all that is in it; what is already gone is no error.

        A folder is hidden first: stopped half way, it must not look like a folder that holds less.
        """
        if not path.is_dir() or path.is_symlink():
            with contextlib.suppress(FileNotFoundError):
                self.steps.unlink(path)
            return
        hidden = path
        if not path.name.startswith("."):
            hidden = path.with_name(f".{fit_name(path.name, REMOVED)}")
            self.remove(hidden)
            self.steps.rename(path, hidden)
            self.sync_folder(path.parent)
        self._remove_tree(hidden)

    def finish_removals(self, folder: Path) -> None:
        """Remove the folders in it whose removal a crash has stopped; what can't be removed is left."""
        for path in folder.glob(f".*{REMOVED}"):
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):
                    self._remove_tree(path)

    def remove_unfinished(self, folder: Path) -> None:
        """Remove the copies and archives in it that a crash has left half made; what can't be removed is left."""
        with contextlib.suppress(OSError):
            for name in filter(_UNFINISHED.fullmatch, os.listdir(folder)):
                with contextlib.suppress(OSError):
                    self.remove(folder / name)

    def _remove_tree(self, folder: Path) -> None:
        for child in sorted(folder.iterdir()):
            if child.is_dir() and not child.is_symlink():
                self._remove_tree(child)
            else:
                self.steps.unlink(child)
        self.steps.rmdir(folder)

    def make_folder(self, path: Path, source: Path = Path()) -> None:
        """Make a folder and those above it, each name synced; one that exists is left as it is.

        One whose name could not be synced is taken back: found by the next try, it would pass for durable.
        FileNotFoundError where a folder above `source`, which is to come here, is gone: it may be a disk that was
        taken out, and is not ours to make.
        """
        missing = list(itertools.takewhile(lambda folder: not folder.is_dir(), [path, *path.parents]))
        if gone := [folder for folder in missing if folder in source.parents]:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(gone[-1]))
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                self.steps.mkdir(folder)
            try:
                self.sync_folder(folder.parent)
            except OSError:
                with contextlib.suppress(OSError):
                    self.steps.rmdir(folder)
                raise

    def settle_names(self, folder: Path) -> None:
        """Make durable that a folder is there, once a run: the run that made it may have ended before its sync."""
        for path in (folder, *folder.parents):
            if path in self._settled or not os.access(path.parent, os.R_OK | os.W_OK):
                break
            self.sync_folder(path.parent)
            self._settled.add(path)

    def move(self, source: Path, folder: Path, below: Path = Path(), check: Check = lambda: None) -> Path:
        """Move a file or folder into `folder / below` and return its new path.

        A name that exists there gets a number. Across file systems: copy, sync, verify, then remove. `check` is
        called when all but the last is done; where it raises, the source stays.
        """
        self.make_folder(folder / below, source)
        try:
            check()
            return self._name(source, folder / below, source.name)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        return self._bring(source, folder, below, source.name, self._copy_verified, check)

    def archive(self, source: Path, folder: Path, below: Path = Path(), check: Check = lambda: None) -> Path:
        """Put a file or folder into a zip of its own in `folder / below`, verify it, remove the source; its path.

        `check` as in `move`.
        """
        self.make_folder(folder / below, source)
        return self._bring(source, folder, below, fit_name(source.name, ".zip"), self._zip_verified, check)

    def _name(self, path: Path, folder: Path, name: str) -> Path:
        """Rename to the name in the folder, or to the first number of it that is free."""
        with self._naming:
            target = free_name(folder, name)
            self.steps.rename(path, target)
        return target

    def _bring(
        self,
        source: Path,
        folder: Path,
        below: Path,
        name: str,
        make: Callable[[Path, Path], None],
        check: Check,
    ) -> Path:
        # Made in `folder`, and named by the source's whole path: what a crash leaves is overwritten by the next try,
        # also when `below` is another day; and two sources of one name, brought at the same time, do not meet.
        mark = hashlib.sha256(os.fsencode(source)).hexdigest()[:8]
        self.settle_names(folder / below)
        temporary = folder / f".{fit_name(name, f'.{mark}.tmp')}"
        self.remove(temporary)
        try:
            make(source, temporary)
            check()
            target = self._name(temporary, folder / below, name)
        except BaseException:
            with contextlib.suppress(OSError):
                self.remove(temporary)
            raise
        self.sync_folder(target.parent)
        check()
        self.remove(source)
        return target

    def _copy_verified(self, source: Path, target: Path) -> None:
        self._copy(source, target)
        if digest(source) != digest(target):
            raise OSError(errno.EIO, "the copy differs from what was copied", str(source))

    def _copy(self, source: Path, target: Path) -> None:
        status = source.stat()
        if source.is_dir():
            self.steps.mkdir(target, status.st_mode & 0o777 | 0o700)
            for child in sorted(source.iterdir()):
                # As in `files_of`: links to folders, pipes and devices are no content.
                if child.is_file() or (child.is_dir() and not child.is_symlink()):
                    self._copy(child, target / child.name)
            self.sync_folder(target)
        else:
            with source.open("rb") as file:
                self._write_chunks(target, iter(lambda: file.read(1 << 20), b""), status.st_mode & 0o777)
        self.steps.utime(target, status.st_mtime_ns)

    def _zip_verified(self, source: Path, target: Path) -> None:
        with self._new_file(target, 0o600) as descriptor:
            _zip(source, _Sink(self.steps, descriptor))
        if _digests_in_zip(target) != [_digest_of_file(path) for path in files_of(source)]:
            raise OSError(errno.EIO, "the archive differs from what was put into it", str(source))


class _Sink(io.RawIOBase):
    """A file for the zip module, written step by step."""

    def __init__(self, steps: FileSystem, descriptor: int) -> None:
        self._steps, self._descriptor = steps, descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        content = bytes(data)
        self._steps.write(self._descriptor, content)
        return len(content)


def _zip(source: Path, file: _Sink) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path in files_of(source):
            name = os.fsencode(path.relative_to(source.parent)).decode("utf-8", "backslashreplace")
            archive.write(path, name)


def _digests_in_zip(path: Path) -> list[bytes]:
    """SHA-256 of each file in it; none where it can't be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [_digest_of(archive.open(entry)) for entry in archive.infolist()]
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return []


def _digest_of(file: IO[bytes]) -> bytes:
    whole = hashlib.sha256()
    while chunk := file.read(1 << 20):
        whole.update(chunk)
    return whole.digest()


def _digest_of_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return _digest_of(file)


def files_of(source: Path) -> Iterator[Path]:
    """The file itself, or all regular files below a folder, in the order of their names."""
    if not source.is_dir():
        yield source
        return
    for folder, subfolders, names in os.walk(source):
        subfolders.sort()
        yield from (path for name in sorted(names) if (path := Path(folder, name)).is_file())


def digest(source: Path) -> bytes:
    """SHA-256 over the names and contents of a file, or of all files below a folder."""
    whole = hashlib.sha256()
    for path in files_of(source):
        if path != source:
            whole.update(os.fsencode(path.relative_to(source)) + b"\0")
        whole.update(_digest_of_file(path))
    return whole.digest()


def fit_name(name: str, suffix: str) -> str:
    """`name` + `suffix`, with the stem shortened where a file name would pass 255 bytes (with its dot).

    No character is cut in two: some file systems take UTF-8 only.
    """
    room = NAME_MAX - 1 - len(os.fsencode(suffix))
    encoded = os.fsencode(name)
    if len(encoded) <= room:
        return name + suffix
    while room and encoded[room] & 0xC0 == 0x80:
        room -= 1
    return os.fsdecode(encoded[:room]) + suffix


def free_name(folder: Path, name: str) -> Path:
    """`name` in `folder`, or the first `name-1`, `name-2` … that is not taken."""
    path = folder / name
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 -- names, not paths
    if len(os.fsencode(suffix)) > SUFFIX_MAX:
        stem, suffix = name, ""
    for number in itertools.count(1):
        if not os.path.lexists(path):
            return path
        path = folder / fit_name(stem, f"-{number}{suffix}")
    raise AssertionError("the numbers do not end")


def is_being_written(path: Path) -> bool:
    """Whether somebody has the file open for writing, where the system can tell (local Linux files of ours).

    A read lease is granted only while nobody writes: fcntl(2), F_SETLEASE.
    """
    if sys.platform != "linux":
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


def free_bytes(folder: Path) -> tuple[int, int]:
    """Free bytes for us and size of the file system that holds `folder`."""
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


def is_on_network(path: Path) -> bool:
    """Whether the file system below `path` is a network share (Linux; elsewhere: not known, so no)."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return False
    wanted, best, kind = os.path.realpath(path), "", ""
    for line in mounts:
        _, place, found, *_ = line.split(" ")
        place = place.replace("\\040", " ")
        if len(place) >= len(best) and (wanted + "/").startswith(place.rstrip("/") + "/"):
            best, kind = place, found
    return kind in NETWORK_FILE_SYSTEMS


def lock(path: Path) -> int:
    """Take the kernel's lock on a file or folder and return the descriptor that holds it.

    The lock ends with the process, however it ends. Raises BlockingIOError where another process has it.
    """
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
