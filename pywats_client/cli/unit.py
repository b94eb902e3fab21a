"""Which unit of systemd runs an instance."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pywats_client.errors import ExitCode, PywatsError
from pywats_client.paths import Instance

SYSTEM_FOLDERS = tuple(map(Path, ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")))
SYSTEM_RUNTIME = Path("/run/systemd/units")
"""Holds a link `invocation:<unit>` while the unit is active."""


class OwnedByUnit(PywatsError):
    """A service manager starts and stops this instance."""

    exit_code = ExitCode.REFUSED


class Unit(NamedTuple):
    """A unit, and how its manager is called."""

    name: str
    manager: str


def unit_of(instance: Instance, environ: Mapping[str, str] = os.environ) -> Unit | None:
    """The unit that owns the instance: it has a file of that name, is enabled, or is active.

    An instance in a home of its own belongs to none.
    """
    if instance.home:
        return None
    name = f"pywats-client@{instance.id}.service"
    user = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/"), ".config")) / "systemd/user"
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or "/nonexistent") / "systemd/units"
    for manager, folders, active in (
        ("systemctl", SYSTEM_FOLDERS, SYSTEM_RUNTIME),
        ("systemctl --user", (user, Path("/etc/systemd/user")), runtime),
    ):
        places = [active / f"invocation:{name}", *(folder / name for folder in folders)]
        places += [wanted / name for folder in folders for wanted in folder.glob("*.wants")]
        if any(map(os.path.lexists, places)):
            return Unit(name, manager)
    return None


def refuse_if_owned(instance: Instance, verb: str) -> None:
    """Raises OwnedByUnit with the command that does it."""
    if unit := unit_of(instance):
        raise OwnedByUnit(
            f"the unit {unit.name} owns instance {instance.id!r}: `{unit.manager} {verb} {unit.name}` {verb}s it"
        )
