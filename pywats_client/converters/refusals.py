"""In a worker: whether an error comes from the converter's isolation, and what its user can do about it."""

import errno
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.EADDRNOTAVAIL}
_ALWAYS_SHOWN = ("/proc", "/dev")


def refusal(error: BaseException, isolation: Mapping[str, Any]) -> str:
    """A sentence to put behind the error's own, naming path or network; empty where isolation is not the cause.

    `isolation` says what the converter sees: the paths `shown`, and whether it has a `network`.
    """
    for fault in _with_causes(error):
        if isinstance(fault, OSError) and (sentence := _of(fault, isolation)):
            return f"; {sentence}"
    return ""


def _of(fault: OSError, isolation: Mapping[str, Any]) -> str:
    if not isolation["network"] and (isinstance(fault, socket.gaierror) or fault.errno in _NO_ROUTE):
        return "the isolation of this converter has no network: to allow it, add `network` to isolation_allow"
    if not isinstance(fault.filename, str | bytes):
        return ""
    path = Path(os.path.abspath(os.fsdecode(fault.filename)))  # noqa: PTH100 -- resolve() would follow links
    if fault.errno == errno.EROFS:
        return (
            f"the isolation of this converter keeps {path} from being written, as all but TMPDIR: "
            "to allow it, add its folder with `:rw` behind it to isolation_allow"
        )
    shown = [*_ALWAYS_SHOWN, *isolation["shown"]]
    missing = Path(os.path.realpath(path))  # a link that is shown may lead to what is not
    if fault.errno == errno.ENOENT and not any(missing.is_relative_to(folder) for folder in shown):
        return (
            f"the isolation of this converter does not show {missing}: to allow it, where it is there, add "
            f"`{missing}` to isolation_allow, or its folder (with `:rw` behind it to write there)"
        )
    return ""


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error and id(error) not in seen:
        seen.add(id(error))
        yield error
        following = error.__cause__ or error.__context__
        if following is None:
            return
        error = following
