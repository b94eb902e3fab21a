"""Converters that were installed from an index, each in a folder of its own among those of the instance."""

import io
import json
import lzma
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pywats_client.converters.index import IndexFault, Listed, Tampered

MANIFEST = ".installed.json"
"""In the folder of each: what was installed, and from where."""
MAX_FILES = 1000
MAX_BYTES = 200_000_000


class Installed(NamedTuple):
    """One of them."""

    name: str
    version: str
    sha256: str
    origin: str
    """the index that it came from"""
    module_path: str
    """as the configuration names it"""


def installed(converters: Path) -> list[Installed]:
    """Those in the folder of an instance's converters, by name. Raises IndexFault."""
    return [_read(manifest) for manifest in _manifests(converters).values()]


def _manifests(converters: Path) -> dict[str, Path]:
    return {manifest.parent.name: manifest for manifest in sorted(converters.glob(f"[!.]*/{MANIFEST}"))}


def _read(manifest: Path) -> Installed:
    try:
        return Installed(**json.loads(manifest.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as fault:
        raise IndexFault(f"{manifest} cannot be read: {fault}; install {manifest.parent.name} again") from None


def find(converters: Path, name: str) -> Installed:
    """The one of that name. Raises IndexFault."""
    manifests = _manifests(converters)
    if name not in manifests:
        raise IndexFault(f"no converter {name!r} is installed; there are {', '.join(manifests) or 'none'}")
    return _read(manifests[name])


def install(converters: Path, listed: Listed, archive: bytes, origin: str) -> Installed:
    """Unpack a checked archive; what was installed under that name before is replaced, whole or not at all.

    Raises IndexFault where a folder of that name is there that was not installed, Tampered for an archive that would
    write elsewhere or is larger than it may be.
    """
    place = converters / listed.name
    if place.exists() and not (place / MANIFEST).exists():
        raise IndexFault(f"{place} is there already and was not installed: it stays as it is")
    converters.mkdir(parents=True, exist_ok=True)
    fresh = converters / f".{listed.name}.tmp"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        _unpack(archive, fresh)
        made = Installed(listed.name, listed.version, listed.sha256, origin, _module_path(fresh, listed.name))
        (fresh / MANIFEST).write_text(json.dumps(made._asdict(), indent=2) + "\n", "utf-8")
        _replace(place, fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return made


def _module_path(folder: Path, name: str) -> str:
    if not (folder / f"{name}.py").is_file():
        raise IndexFault(f"the archive of {name} holds no {name}.py")
    return f"{name}/{name}.py"


def _replace(place: Path, fresh: Path) -> None:
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    try:
        fresh.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def remove(converters: Path, name: str) -> Installed:
    """Remove an installed one. Raises IndexFault where there is none."""
    found = find(converters, name)
    shutil.rmtree(converters / name)
    return found


def _unpack(archive: bytes, folder: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            if len(members) > MAX_FILES or sum(member.file_size for member in members) > MAX_BYTES:
                raise Tampered(f"the archive holds over {MAX_FILES} files or {MAX_BYTES / 1e6:.0f} MB: not installed")
            for member in members:
                target = folder / _inside(member)
                target.parent.mkdir(parents=True, exist_ok=True)
                # Read by its size: what a member says of itself is checked by zipfile, and not believed before.
                target.write_bytes(opened.read(member))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError) as fault:
        raise Tampered(f"the archive cannot be unpacked: {fault}; not installed") from None


def _inside(member: zipfile.ZipInfo) -> PurePosixPath:
    name, path = member.filename, PurePosixPath(member.filename)
    leads_out = path.is_absolute() or not path.parts or ".." in path.parts or "\\" in name or ":" in name
    if leads_out or stat.S_ISLNK(member.external_attr >> 16):
        raise Tampered(f"the archive holds {name!r}, which leads out of its folder: not installed")
    if path.parts[0] == MANIFEST:
        raise Tampered(f"the archive holds a file {MANIFEST} of its own: not installed")
    return path
