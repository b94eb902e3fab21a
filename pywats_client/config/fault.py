"""One thing that is wrong with the configuration, and how several of them become one ConfigError."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from pywats_client.errors import ConfigError


class Fault(NamedTuple):
    """What is wrong, and where."""

    file: Path | None
    line: int | None
    key: str
    why: str

    def __str__(self) -> str:
        return str(self.error())

    def error(self) -> ConfigError:
        """The fault as an exception."""
        return ConfigError(self.key, self.why, file=self.file, line=self.line)

    @classmethod
    def of(cls, error: ConfigError) -> "Fault":
        """The fault that an exception tells of."""
        return cls(error.file, error.line, error.key, error.why)


def as_error(faults: Sequence[Fault]) -> ConfigError:
    """One exception for all of them; several are told one a line, each with its place."""
    if len(faults) == 1:
        return faults[0].error()
    return ConfigError("", "\n".join(map(str, faults)))


def suggestion(word: object, known: Iterable[str]) -> str:
    """`; did you mean X?` where one of the known words is near, else nothing."""
    near = difflib.get_close_matches(str(word).lower(), (lower := {each.lower(): each for each in known}), n=1)
    return f"; did you mean {lower[near[0]]}?" if near else ""
