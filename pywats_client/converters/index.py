"""An index of converters that others have written: a folder or an address with `index.json` and archives beside it.

`{"schema": 1, "converters": [{"name", "version", "description", "reads", "file", "sha256"}]}`: `reads` says which
files it is for, `file` is a zip beside the index, whose checksum stands in the index.
"""

import hashlib
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pywats_client.errors import ExitCode, PywatsError

MAX_ARCHIVE_BYTES = 50_000_000
INDEX = "index.json"
_TIMEOUT_SECONDS = 30
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PASSING = {429, 500, 502, 503, 504}


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
        # An installed converter remembers the place, and is updated from wherever somebody stands then.
        self.place = place if "://" in place else os.path.abspath(os.path.expanduser(place))  # noqa: PTH100, PTH111
        try:
            document = _Document.model_validate_json(self._read(INDEX, MAX_ARCHIVE_BYTES))
        except ValidationError as invalid:
            fault = invalid.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"])) or INDEX
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
        scheme, separator, rest = self.place.partition("://")
        if scheme in ("https", "http"):
            return _fetch(f"{self.place.rstrip('/')}/{name}", most)
        if separator and scheme != "file":
            raise IndexFault(f"{self.place} cannot be read: an index is a folder, or an address with https://")
        file = Path(urllib.request.url2pathname(rest) if separator else self.place) / name
        try:
            with file.open("rb") as opened:
                return _whole(opened.read(most + 1), name, most)
        except OSError as fault:
            raise IndexFault(f"the index at {self.place} cannot be read: {file}: {fault.strerror}") from None


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows an index to another place, unless anybody on the way there could change it."""

    def redirect_request(self, *found: Any) -> urllib.request.Request | None:
        _, answer, *_, address = found
        try:
            _refuse_plain_http(address)
        except IndexFault:
            answer.close()
            raise
        return super().redirect_request(*found)


def _refuse_plain_http(address: str) -> None:
    if not address.startswith("https://") and urllib.parse.urlsplit(address).hostname not in _LOOPBACK:
        raise IndexFault(f"{address} is not read over plain http: anybody on the way could change it; use https")


def _fetch(address: str, most: int) -> bytes:
    try:
        _refuse_plain_http(address)
        with urllib.request.build_opener(_SafeRedirects).open(address, timeout=_TIMEOUT_SECONDS) as answer:
            return _whole(answer.read(most + 1), address, most)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        kind = Away if refusal.code in _PASSING else IndexFault
        raise kind(f"{address} answers {refusal.code} {refusal.reason}") from None
    except (ValueError, http.client.InvalidURL) as fault:
        raise IndexFault(f"{address} is no address: {fault}") from None
    except (OSError, http.client.HTTPException) as fault:
        raise Away(f"{address} cannot be reached: {getattr(fault, 'reason', fault)}") from None


def _whole(content: bytes, name: str, most: int) -> bytes:
    if len(content) > most:
        raise IndexFault(f"{name} is larger than {most / 1e6:.0f} MB")
    return content
