"""What may be on a disk after a power cut: a model of a file system that promises no more than it must.

- The content of a file that was not synced may be missing, torn at 512 bytes, or zeros, in part or in full length.
- A change of a name is atomic, and may be lost until its folder is synced; of a rename that is the folder it goes to.
- Changes of different names and of different files may be lost in any order; those of one are lost from the last on.
- What an fsync has covered stays.
"""

import itertools
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.recording import Step

SECTOR = 512
MADE_NS = 1_790_000_000 * 10**9
"""The time of files that nothing has stamped."""


@dataclass(eq=False)
class Node:
    """A file or a folder, whatever its name. `kept` and `kept_ns` are what a sync has covered."""

    is_folder: bool = False
    mode: int = 0o600
    data: bytes = b""
    kept: bytes = b""
    modified_ns: int = MADE_NS
    kept_ns: int = MADE_NS

    def sync(self) -> None:
        self.kept, self.kept_ns = self.data, self.modified_ns

    def contents(self) -> list[bytes]:
        """What may be read after a power cut."""
        if self.data == self.kept:
            return [self.data]
        size = len(self.data)
        torn = [self.data[:cut] for cut in range(0, size, SECTOR)]
        return list(dict.fromkeys([self.data, self.kept, *torn, *(part.ljust(size, b"\0") for part in torn)]))


Slot = tuple[Node, str]
"""A name in a folder."""


@dataclass(eq=False)
class Change:
    """A file or folder gets a name (`old` is None), another name, or none (`new` is None)."""

    node: Node
    old: Slot | None
    new: Slot | None
    needs: list["Change"] = field(default_factory=list)
    """earlier ones of this file or these names: without them, this one cannot be"""
    is_durable: bool = False

    @property
    def slots(self) -> set[Slot]:
        return {slot for slot in (self.old, self.new) if slot}

    def settle(self) -> None:
        """From now on it is kept."""
        if not self.is_durable:
            self.is_durable = True
            for earlier in self.needs:
                earlier.settle()


Entry = tuple[str, int, bytes | None, int]
"""Path, mode, content (None: a folder), time of change in ns."""
State = tuple[Entry, ...]
"""All that is on a disk."""


class Volume:
    """A folder with all below it, as a running system sees it, and as a power cut may leave it."""

    def __init__(self, home: Path) -> None:
        self._home, self._root = home, Node(is_folder=True)
        self._base: dict[Slot, Node] = {}
        self._changes: list[Change] = []
        for path in sorted(home.rglob("*")):
            status = path.stat()
            data = b"" if path.is_dir() else path.read_bytes()
            node = Node(path.is_dir(), status.st_mode & 0o777, data, data, status.st_mtime_ns, status.st_mtime_ns)
            self._base[self._slot(path, self._base)] = node
        self._now = dict(self._base)

    def _slot(self, path: Path, names: dict[Slot, Node]) -> Slot:
        folder = self._root
        *above, name = path.relative_to(self._home).parts
        for part in above:
            folder = names[folder, part]
        return folder, name

    def _find(self, path: Path) -> Node | None:
        if path == self._home:
            return self._root
        try:
            return self._now.get(self._slot(path, self._now))
        except (KeyError, ValueError):
            return None

    def take(self, step: Step) -> None:
        """Follow a step that has succeeded. Files that were not made step by step are not known, and ignored."""
        if node := self._find(step.path):
            self._change(node, step)
            return
        match step.kind, step.args:
            case "open", (flags, mode) if flags & os.O_CREAT:
                self._name(Node(mode=mode), None, step.path)
            case "mkdir", (*mode,):
                self._name(Node(is_folder=True, mode=mode[0] if mode else 0o700), None, step.path)
            case "given", (content, modified_ns):
                node = Node(data=content, kept=content, modified_ns=modified_ns, kept_ns=modified_ns)
                self._name(node, None, step.path)
                self._changes[-1].settle()

    def _change(self, node: Node, step: Step) -> None:
        match step.kind, step.args:
            case "open", (flags, *_) if flags & os.O_TRUNC:
                node.data = b""
            case "write", (data,):
                node.data += data
            case "fsync", ():
                node.sync()
                self._sync_names(node)
            case "utime", (nanoseconds,):
                node.modified_ns = nanoseconds
            case "rename", (new,):
                self._name(node, step.path, Path(new))
            case "unlink" | "rmdir", ():
                self._name(node, step.path, None)

    def _name(self, node: Node, old: Path | None, new: Path | None) -> None:
        change = Change(node, old and self._slot(old, self._now), new and self._slot(new, self._now))
        for earlier in self._changes:
            if earlier.node is node or earlier.slots & change.slots:
                change.needs.append(earlier)
        self._changes.append(change)
        _apply(change, self._now)

    def _sync_names(self, folder: Node) -> None:
        for change in self._changes:
            place = change.new or change.old
            if place and place[0] is folder:
                change.settle()

    def states(self, window: int) -> Iterator[State]:
        """Everything that may be left, where of the changes that are not synced any of the last `window` are lost."""
        for kept in self._subsets(window):
            names = dict(self._base)
            for change in kept:
                _apply(change, names)
            yield from self._with_contents(dict(self._walk(self._root, "", names)))

    def _subsets(self, window: int) -> set[tuple[Change, ...]]:
        loose = [change for change in self._changes if not change.is_durable]
        last = loose[max(0, len(loose) - window) :]
        found = set()
        for fates in itertools.product((True, False), repeat=len(last)):
            lost = {change for change, is_kept in zip(last, fates, strict=True) if not is_kept}
            kept: list[Change] = []
            for change in self._changes:
                if change not in lost and (change.is_durable or self._can_be(change, kept)):
                    kept.append(change)
            found.add(tuple(kept))
        return found

    def _can_be(self, change: Change, kept: list[Change]) -> bool:
        """Whether what it needs is kept, the folders that hold its names included."""
        folders = {folder for folder, _ in change.slots}
        makes = [earlier for earlier in self._changes if earlier.node in folders and earlier.old is None]
        return all(earlier in kept for earlier in (*change.needs, *makes))

    def _walk(self, folder: Node, prefix: str, names: dict[Slot, Node]) -> Iterator[tuple[str, Node]]:
        for (place, name), node in names.items():
            if place is folder:
                yield prefix + name, node
                if node.is_folder:
                    yield from self._walk(node, f"{prefix}{name}/", names)

    def _with_contents(self, nodes: dict[str, Node]) -> Iterator[State]:
        paths = sorted(nodes)
        for contents in itertools.product(*(nodes[path].contents() for path in paths)):
            for is_stamped in (True, False):
                yield tuple(
                    (path, node.mode, None, 0)
                    if node.is_folder
                    else (path, node.mode, content, node.modified_ns if is_stamped else node.kept_ns)
                    for path, content in zip(paths, contents, strict=True)
                    for node in [nodes[path]]
                )


def _apply(change: Change, names: dict[Slot, Node]) -> None:
    if change.old and names.get(change.old) is change.node:
        del names[change.old]
    elif change.old:
        return
    if change.new:
        names[change.new] = change.node


def lay_out(state: Iterable[Entry], home: Path) -> None:
    """Make a folder hold this, and nothing else."""
    clear(home)
    for path, mode, content, modified_ns in state:
        place = home / path
        if content is None:
            place.mkdir(mode)
            continue
        place.write_bytes(content)
        place.chmod(mode)
        os.utime(place, ns=(modified_ns, modified_ns))


def clear(folder: Path) -> None:
    """Remove what is in a folder."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
