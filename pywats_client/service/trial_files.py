"""Which files a client may have converted on trial.

A worker reads them with the rights of the service's user, who may read more than the client: so only what everybody
on this machine may read, and what lies in the folders of converters, which clients see anyway.
"""

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pywats_client.config.model import Config
from pywats_client.disk import files_of
from pywats_client.errors import CommandFailed
from pywats_client.ipc.protocol import Code
from pywats_client.paths import Instance

MOST_FILES = 10_000
"""In a folder that is tried."""
_SECRET_NAMES = re.compile(
    r"\.?(?:config_.+\.json|converters(?:_.+)?\.json|token\.key|ipc_keys\.json)(?:\..*)?", re.IGNORECASE
)
"""Configurations and keys of any instance, wherever its home is, with what is written or kept beside them."""
_KERNEL_PLACES = ("/proc", "/sys", "/dev", "/run/credentials")
_KERNEL_SYSTEMS = {
    *("proc", "sysfs", "devtmpfs", "devpts", "debugfs", "tracefs", "securityfs", "configfs", "cgroup", "cgroup2"),
    *("bpf", "pstore", "efivarfs", "mqueue", "ramfs", "fuse.lxcfs", "binfmt_misc", "nsfs", "selinuxfs", "autofs"),
}
"""File systems whose files are the kernel's, or a service manager's secrets; they may be mounted anywhere."""


@dataclass(frozen=True)
class Trials:
    """What is open for a trial, with the configuration in force."""

    folders: Collection[Path]
    """of converters, without links"""
    closed: Collection[Path]
    """folders out of which nothing may be read"""
    secrets: Collection[Path]
    """our own, also where another name leads to them"""

    @classmethod
    def of(cls, config: Config, instance: Instance, environ: Mapping[str, str]) -> "Trials":
        """Links in the folders are resolved, so this blocks for a moment."""
        folders = {
            _real(folder)
            for converter in config.converters
            if not converter.folder_fault()
            for folder in converter.folders(instance.data)
        }
        credentials = environ.get("CREDENTIALS_DIRECTORY")
        closed = [*map(Path, _KERNEL_PLACES), *([_real(Path(credentials))] if credentials else [])]
        return cls(folders, closed, list(_secrets(instance)))

    def opened(self, source: Path) -> Path:
        """The path without links of a file or folder that may be tried; blocks. Raises CommandFailed.

        No pipe or device, which could wait for ever.
        """
        if not source.is_absolute():
            raise CommandFailed(Code.INVALID, f"path: expected an absolute path; found {os.fspath(source)!r}")
        try:
            mode, real = source.stat().st_mode, _real(source)
        except (OSError, ValueError) as error:
            raise CommandFailed(Code.NOT_FOUND, f"{os.fspath(source)!r} cannot be read: {error}") from error
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or not os.access(real, os.R_OK):
            raise CommandFailed(Code.INVALID, f"{source} is no file that the service's user can read")
        kernels = _kernel_devices()
        for count, file in enumerate(files_of(real)):
            if count == MOST_FILES:
                raise CommandFailed(Code.INVALID, f"{source} holds more than {MOST_FILES:,} files")
            self._require_open(_real(file), kernels)
        return real

    def _require_open(self, file: Path, kernels: Collection[int]) -> None:
        status = file.stat()
        if any(file.is_relative_to(folder) for folder in self.closed) or status.st_dev in kernels:
            raise CommandFailed(Code.FORBIDDEN, f"{file} is no file on a disk")
        if _SECRET_NAMES.fullmatch(file.name) or any(map(file.samefile, filter(Path.exists, self.secrets))):
            raise CommandFailed(Code.FORBIDDEN, f"{file} holds secrets of a service")
        is_private = os.name != "nt" and not status.st_mode & stat.S_IROTH
        if is_private and not any(file.is_relative_to(folder) for folder in self.folders):
            raise CommandFailed(
                Code.FORBIDDEN,
                f"{file} is not for everybody to read, and lies in no folder of a converter; "
                "`pywats-client convert` reads it with your own rights",
            )


def _secrets(instance: Instance) -> Iterator[Path]:
    for file in (instance.config, instance.converters_config):
        yield from (file, file.with_name(f"{file.name}.bak"))
    yield from (instance.token_key, instance.ipc_keys)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _kernel_devices() -> set[int]:
    """The devices of such file systems: see proc_pid_mountinfo(5). Empty where that cannot be asked."""
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return set()
    devices = set()
    for line in lines:
        before, _, after = line.partition(" - ")
        if after.split(" ", 1)[0] in _KERNEL_SYSTEMS:
            major, _, minor = before.split(" ")[2].partition(":")
            devices.add(os.makedev(int(major), int(minor)))
    return devices
