"""An index of converters that others have written: a folder or an address with `index.json` and archives beside it.

`{"schema": 1, "converters": [{"name", "version", "description", "reads", "file", "sha256"}]}`: `reads` says which
files it is for, `file` is a zip beside the index, whose checksum stands in the index.
"""

import hashlib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pywats_client.errors import ExitCode, PywatsError

MAX_ARCHIVE_BYTES = 50_000_000
INDEX = "index.json"
_TIMEOUT_SECONDS = 30
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class IndexFault(PywatsError):
    """The index cannot be read, or does not have what is asked for."""


class Tampered(IndexFault):
    """An archive is not the one that the index names: trying again does not help."""

    exit_code = ExitCode.REFUSED


class Away(IndexFault):
    """The index cannot be reached now."""

    exit_code = ExitCode.TEMPORARY


class Listed(BaseModel):
    """One converter of an index."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
    version: Annotated[str, Field(min_length=1, max_length=50)]
    description: str = ""
    reads: str = ""
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*\.zip$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Document(BaseModel):
    schema_version: Annotated[int, Field(alias="schema", ge=1, le=1)]
    converters: tuple[Listed, ...]


class Index:
    """The converters at a place: a folder, `file://`, `https://`, or `http://` on this machine."""

    def __init__(self, place: str) -> None:
        """Read it. Raises IndexFault."""
        self.place = place
        try:
            document = _Document.model_validate_json(self._read(INDEX, MAX_ARCHIVE_BYTES))
        except ValidationError as invalid:
            fault = invalid.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise IndexFault(f"{place} holds no index of converters: {where}: {fault['msg']}") from None
        self.converters = document.converters

    def find(self, name: str) -> Listed:
        """The converter of that name. Raises IndexFault."""
        found = next((listed for listed in self.converters if listed.name == name), None)
        if found is None:
            known = ", ".join(listed.name for listed in self.converters) or "none"
            raise IndexFault(f"{self.place} has no converter {name!r}; it has {known}")
        return found

    def search(self, words: Sequence[str]) -> list[Listed]:
        """Those in whose name, description or files all words stand, whatever their case."""
        wanted = [word.casefold() for word in words]

        def fits(listed: Listed) -> bool:
            text = f"{listed.name} {listed.description} {listed.reads}".casefold()
            return all(word in text for word in wanted)

        return [listed for listed in self.converters if fits(listed)]

    def archive(self, listed: Listed) -> bytes:
        """Its archive, checked. Raises Tampered where it is not the one that the index names."""
        content = self._read(listed.file, MAX_ARCHIVE_BYTES)
        if hashlib.sha256(content).hexdigest() != listed.sha256:
            raise Tampered(
                f"{listed.file} is not the file that the index names: its checksum is another; not installed"
            )
        return content

    def _read(self, name: str, most: int) -> bytes:
        address = urllib.parse.urlsplit(self.place)
        if address.scheme in ("https", "http"):
            return _fetch(f"{self.place.rstrip('/')}/{name}", most)
        folder = urllib.request.url2pathname(address.path) if address.scheme == "file" else self.place
        try:
            with (Path(folder).expanduser() / name).open("rb") as file:
                return _whole(file.read(most + 1), name, most)
        except OSError as fault:
            raise IndexFault(f"the index at {self.place} cannot be read: {fault}") from None


def _fetch(address: str, most: int) -> bytes:
    host = urllib.parse.urlsplit(address).hostname
    if not address.startswith("https://") and host not in _LOOPBACK:
        raise IndexFault(f"{address} is not read over plain http: anybody on the way could change it; use https")
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 -- the scheme was checked
            return _whole(answer.read(most + 1), address, most)
    except urllib.error.HTTPError as refusal:
        raise IndexFault(f"{address} answers {refusal.code} {refusal.reason}") from None
    except (OSError, ValueError) as fault:
        raise Away(f"{address} cannot be reached: {getattr(fault, 'reason', fault)}") from None


def _whole(content: bytes, name: str, most: int) -> bytes:
    if len(content) > most:
        raise IndexFault(f"{name} is larger than {most / 1e6:.0f} MB")
    return content
