"""Who may enter: the keys of an instance, and what each allows."""

import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pywats_client.disk import Disk
from pywats_client.ipc.protocol import Scope

SHORTEST = 32
"""Characters of a key: what is shorter could be guessed."""


class Keys:
    """One key a scope, in a file that only the service's user can read."""

    def __init__(self, keys: Mapping[Scope, str]) -> None:
        self._keys = dict(keys)

    def __repr__(self) -> str:
        return f"Keys({', '.join(self._keys)})"

    @classmethod
    def load_or_make(cls, file: Path, disk: Disk) -> Self:
        """The keys of the file; new ones where it is not there. Raises OSError, or ValueError for a damaged file."""
        try:
            found = json.loads(file.read_bytes())
        except FileNotFoundError:
            made = {scope: secrets.token_hex(32) for scope in Scope}
            disk.make_folder(file.parent)
            disk.replace(file, json.dumps(made, indent=1).encode() + b"\n")
            return cls(made)
        if not isinstance(found, dict) or not all(_is_key(key) for key in found.values()):
            raise ValueError(f"expected an object with a key of {SHORTEST} characters or more for each scope")
        return cls({Scope(scope): key for scope, key in found.items()})

    def scope_of(self, shown: str) -> Scope | None:
        """What a key allows; None where it is none of ours. Takes as long for a wrong one as for a right one."""
        found = None
        for scope, key in self._keys.items():
            if hmac.compare_digest(shown.encode(), key.encode()):
                found = scope
        return found

    def __getitem__(self, scope: Scope) -> str:
        return self._keys[scope]


def _is_key(key: object) -> bool:
    return isinstance(key, str) and len(key) >= SHORTEST
