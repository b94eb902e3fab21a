"""The Unix socket of an instance: its place, and who may enter."""

import contextlib
import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pywats_client.errors import ConfigError
from pywats_client.ipc.endpoint import Endpoint, group_folder
from pywats_client.paths import Instance

LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel takes 107 on Linux and 103 on macOS."""


@contextlib.contextmanager
def listening(instance: Instance, group: str = "") -> Iterator[tuple[socket.socket, Path, str]]:
    """Listen at its place: the listener, the socket's path, and why the group is not let in, where it is not.

    A group that cannot be let in must not shut out the service's own user, who can mend that. Afterwards the socket
    is gone, and so is a folder that was for it alone. Raises ConfigError, or OSError.
    """
    fault, path = "", socket_path(instance, group)
    with contextlib.ExitStack() as undo:
        make_own_folder(instance.endpoint.parent)
        try:
            listener = undo.enter_context(_listening_on(path, instance, group))
        except (ConfigError, OSError) as error:
            if not group:
                raise
            fault, path = f"the group {group} cannot connect: {error}", socket_path(instance)
            listener = undo.enter_context(_listening_on(path, instance))
        yield listener, path, fault


@contextlib.contextmanager
def _listening_on(path: Path, instance: Instance, group: str = "") -> Iterator[socket.socket]:
    with contextlib.ExitStack() as undo:
        for folder in {path.parent, group_folder(instance)} - {instance.endpoint.parent}:
            undo.callback(remove_own_folder, folder)
        if group:
            make_own_folder(group_folder(instance), group)
        listener = undo.enter_context(listen_unix(path, group))
        undo.callback(path.unlink, missing_ok=True)
        yield listener


def socket_path(instance: Instance, group: str = "") -> Path:
    """The Unix socket of an instance: beside the endpoint's file, with `group` in a folder for that alone.

    Where that is too long, in a short folder of its own below the one for temporary files.
    """
    folder = group_folder(instance) if group else instance.endpoint.parent
    path = folder / f"pywats_service_{instance.id}.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    place = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"pywats-{os.getuid()}-{place}" / path.name


def listen_unix(path: Path, group: str = "") -> socket.socket:
    """Listen on a Unix socket that its owner alone may enter, or the members of `group`, too.

    A socket that nobody answers on is left over from a crash, and replaced. Raises ConfigError where the folder
    is another user's, the group is not known, or somebody listens there.
    """
    make_own_folder(path.parent, group)
    if Endpoint("", "", 0, "", "", path=str(path)).is_answering():
        raise ConfigError("instance_id", f"another process listens on {path}")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        old = os.umask(0o177)  # from its first moment on, nobody else may enter
        try:
            listener.bind(os.fspath(path))
        finally:
            os.umask(old)
        if group:
            os.chown(path, -1, _group_id(group))
            path.chmod(0o660)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def make_own_folder(folder: Path, group: str = "") -> None:
    """A folder that this user alone may enter, or the members of `group`, too. Raises ConfigError, or OSError."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise ConfigError("", f"{folder} must be a folder of the service's own user; remove it, or change its owner")
    if group:
        os.chown(folder, -1, _group_id(group))
    folder.chmod(0o750 if group else 0o700)


def remove_own_folder(folder: Path) -> None:
    """Take away a folder that was made for a socket, where it is empty, and this user's."""
    with contextlib.suppress(OSError):
        if folder.lstat().st_uid == os.geteuid():
            folder.rmdir()


def _group_id(group: str) -> int:
    import grp

    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigError("ipc.group", f"there is no group {group!r} on this machine") from None
