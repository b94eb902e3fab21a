"""The sources that a converter with `keep` has converted: they stay, and must not be converted at every look.

Expendable: losing the list costs a conversion each, never a second report.
"""

import json
import logging
from collections.abc import Collection
from pathlib import Path

from pywats_client.disk import Disk
from pywats_client.service.watch_folder import Signature

log = logging.getLogger(__name__)

Entry = tuple[str, int, int]
"""Name, size and time of change."""


class Kept:
    """A JSON line a source; read once, appended to, and shortened at the first look."""

    def __init__(self, file: Path, disk: Disk) -> None:
        self._file, self._disk = file, disk
        self._entries = set(_read(file))
        self._is_shortened = False

    def __contains__(self, source: tuple[str, Signature]) -> bool:
        return _entry(*source) in self._entries

    def add(self, name: str, signature: Signature) -> None:
        """Remember a source."""
        entry = _entry(name, signature)
        self._entries.add(entry)
        try:
            self._disk.make_folder(self._file.parent)
            with self._file.open("a", encoding="ascii") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            log.warning("cannot note that %r was converted: %s", name, error)

    def shorten(self, names: Collection[str]) -> None:
        """Forget, once, the sources that are no longer there; an empty folder may be a share that is away."""
        if self._is_shortened or not names:
            return
        self._is_shortened = True
        here = {entry for entry in self._entries if entry[0] in names}
        if len(here) < len(self._entries):
            self._entries = here
            try:
                self._disk.replace(self._file, "".join(json.dumps(entry) + "\n" for entry in sorted(here)).encode())
            except OSError as error:
                log.warning("cannot shorten the list of converted sources: %s", error)


def _entry(name: str, signature: Signature) -> Entry:
    return name, signature.size, signature.modified_ns


def _read(file: Path) -> list[Entry]:
    entries = []
    try:
        lines = file.read_text("ascii", "replace").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            name, size, modified_ns = json.loads(line)
            entries.append((str(name), int(size), int(modified_ns)))
        except (ValueError, TypeError):
            continue  # a torn last line
    return entries
