"""A worker in bubblewrap: what its converter sees of the machine. Linux only; the options are those of bwrap(1)."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pywats_client.errors import ConfigError

NETWORK = "network"
WRITABLE = ":rw"
SCRATCH = Path("/dev/shm")  # noqa: S108 -- a file system of the worker's own, of bounded size
"""The only place that is writable without being allowed; TMPDIR. It vanishes with the worker."""
INSTALL = (
    "bubblewrap is not installed, and without it this converter is not run: `sudo apt install bubblewrap` "
    "(Debian, Ubuntu) or `sudo dnf install bubblewrap` (Fedora, Red Hat), or set its isolation to `limits`"
)
NOT_PERMITTED = (
    "bubblewrap does not start here ({fault}): it needs version 0.7 or newer, and unprivileged user namespaces "
    "that the system's administrator permits; this converter is not run without it"
)
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone", "alternatives", "passwd", "group")
_ETC_OF_NETWORK = (
    *("hosts", "resolv.conf", "nsswitch.conf", "host.conf", "gai.conf", "services", "protocols"),
    *("ssl/certs", "ssl/openssl.cnf", "pki/tls/certs", "pki/ca-trust", "ca-certificates"),
)


@dataclass(frozen=True, kw_only=True)
class Isolation:
    """What a converter in bubblewrap sees beside the system's programs, Python and the folder of its module."""

    folder: Path
    """where its sources are; read-only"""
    allow: tuple[str, ...] = ()
    """absolute paths, writable with `:rw` behind them, and `network`"""
    hidden: tuple[Path, ...] = ()
    """not shown even where they lie in a folder that is, unless that folder or they themselves are allowed"""

    def __str__(self) -> str:
        return ", ".join(["bwrap", *(f"allows {name}" for name in self.allow)])

    @property
    def has_network(self) -> bool:
        """Whether it may reach other machines, and services of this one."""
        return NETWORK in self.allow

    @property
    def allowed(self) -> dict[Path, bool]:
        """The paths of `allow`, and whether each is writable."""
        return {Path(name.removesuffix(WRITABLE)): name.endswith(WRITABLE) for name in self.allow if name != NETWORK}

    @property
    def named(self) -> dict[Path, bool]:
        """The sources' folder and what is allowed, also where links of these names lead; whether each is writable."""
        names = {self.folder: False, **self.allowed}
        return {Path(os.path.realpath(path)): is_writable for path, is_writable in names.items()} | names

    @property
    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Changes when a folder is another one than before, which a worker that was started with it cannot see.

        Raises OSError where the sources' folder is not there, ConfigError where an allowed path is not.
        """
        found = [self.folder.stat()]
        for path in self.allowed:
            try:
                found.append(path.stat())
            except OSError as fault:
                raise ConfigError("isolation_allow", f"{path} cannot be shown: {fault.strerror}") from None
        return tuple((status.st_dev, status.st_ino) for status in found)

    def shown(self, module: str) -> tuple[Path, ...]:
        """All that the converter of a module, as `registry.resolve` names it, may read, outermost first."""
        file = Path(module.rpartition(".py")[0] + ".py")
        etc = _ETC + (_ETC_OF_NETWORK if self.has_network else ())
        paths = {Path("/", name) for name in _SYSTEM} | {Path("/etc", name) for name in etc}
        paths |= {*_python(), *self.named} | ({file.parent} if file.is_absolute() else set())
        return tuple(sorted((path for path in paths if path.exists()), key=lambda path: (len(path.parts), path)))


def bubblewrap(command: Sequence[str], isolation: Isolation, module: str, scratch_mb: int) -> list[str]:
    """The command line that runs `command` in namespaces of its own; SCRATCH holds `scratch_mb` at most.

    Raises ConfigError where bubblewrap is not installed.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise ConfigError("isolation", INSTALL)
    shown = isolation.shown(module)
    hidden = list(_hidden(isolation, shown))
    folders = [path for path in hidden if path.is_dir()]
    mounts: dict[Path, list[str]] = {}
    for path in shown:
        mount = _mount(path, is_writable=isolation.named.get(path, False))
        # What lies in a folder that is shown needs no mount of its own; a link there could not carry one.
        around = next((mounts[folder][0] for folder in path.parents if folder in mounts), "")
        if around not in (mount[0], "--symlink") or any(path.is_relative_to(folder) for folder in folders):
            mounts[path] = mount
    for path in hidden:
        mounts[path] = ["--tmpfs", str(path)] if path in folders else ["--ro-bind", os.devnull, str(path)]
    if not any(path.is_relative_to("/tmp") for path in mounts):  # noqa: S108
        mounts[Path("/tmp")] = ["--symlink", str(SCRATCH), "/tmp"]  # noqa: S108
    return [
        *(program, "--unshare-all", *(["--share-net"] if isolation.has_network else [])),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--chdir", "/"),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(scratch_mb << 20), "--tmpfs", str(SCRATCH), "--setenv", "TMPDIR", str(SCRATCH)),
        # What lies in a folder is mounted after it, so that it shows.
        *(word for path in sorted(mounts, key=lambda path: len(path.parts)) for word in mounts[path]),
        *(word for path in (Path("/"), Path("/dev"), *folders) for word in ("--remount-ro", str(path))),
        *("--", *command),
    ]


def _mount(path: Path, *, is_writable: bool) -> list[str]:
    if path.is_symlink() and path.parent == Path("/"):
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--bind" if is_writable else "--ro-bind", str(path), str(path)]


def _hidden(isolation: Isolation, shown: Sequence[Path]) -> Iterator[Path]:
    """What is to be hidden and would be seen, under each name by which it would."""
    for path in {Path(os.path.realpath(path)) for path in isolation.hidden if path.exists()} - {*isolation.named}:
        for folder in shown:
            real = Path(os.path.realpath(folder))
            if path.is_relative_to(real):
                yield folder / path.relative_to(real)


def _python() -> Iterator[Path]:
    """Where this Python and its packages are, its own links included."""
    yield from map(Path, (sys.prefix, sys.base_prefix))
    # What stands before the standard library was put there for this program alone; a worker has the rest.
    library = str(Path(os.__file__).parent)
    yield from map(Path, sys.path[sys.path.index(library) :] if library in sys.path else sys.path)
    program = Path(sys.executable)
    while program.is_symlink():
        program = Path(os.path.normpath(program.parent / program.readlink()))
        yield program.parent
