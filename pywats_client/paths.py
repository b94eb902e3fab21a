"""Where one instance keeps its configuration, key, queue, logs and endpoint. Names only: nothing is made here."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from platformdirs.unix import Unix
from platformdirs.windows import Windows

from pywats_client.errors import ConfigError

INSTANCE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


@dataclass(frozen=True)
class Instance:
    """One configured service of this machine and the places of what is its own.

    `config` lies in a folder that several instances may share; everything under `data` is this instance's alone,
    and relative done, error and archive folders are taken from there.
    """

    id: str
    home: Path | None
    """What --home or PYWATS_HOME said, if anything."""
    config: Path
    data: Path
    log: Path
    endpoint: Path

    @classmethod
    def find(
        cls,
        instance_id: str = "default",
        home: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        platform: str = sys.platform,
    ) -> Self:
        """The instance of that id: below `home` or PYWATS_HOME, else where systemd or the platform says.

        systemd names its folders in CONFIGURATION_DIRECTORY, STATE_DIRECTORY, LOGS_DIRECTORY and
        RUNTIME_DIRECTORY (systemd.exec(5)). Raises ConfigError for an id that is no instance id.
        """
        if not INSTANCE_ID.fullmatch(instance_id):
            raise ConfigError(
                "instance_id",
                f"expected 1 to 32 letters, digits, `_` or `-`, the first a letter or digit; found {instance_id!r}",
            )
        home = home or (Path(environ["PYWATS_HOME"]) if environ.get("PYWATS_HOME") else None)
        if home:
            home = Path(os.path.abspath(home.expanduser()))  # noqa: PTH100 -- resolve() would follow links
            config, data = home, home / "instances"
            logs = runtime = data
        else:
            config, data = _user_folders(platform)
            config = _systemd_folder(environ, "CONFIGURATION") or config
            data = _systemd_folder(environ, "STATE") or data
            logs = _systemd_folder(environ, "LOGS") or data
            runtime = _systemd_folder(environ, "RUNTIME") or data
        return cls(
            id=instance_id,
            home=home,
            config=config / f"config_{instance_id}.json",
            data=data / instance_id,
            log=logs / instance_id / "service.log",
            endpoint=runtime / instance_id / "endpoint.json",
        )

    @property
    def converters_config(self) -> Path:
        """A second file for the list of converters, beside the first."""
        return self.config.with_name(f"{self._converters_stem}.json")

    @property
    def converters(self) -> Path:
        """The folder of the user's own converter modules."""
        return self.config.with_name(self._converters_stem)

    @property
    def _converters_stem(self) -> str:
        return "converters" if self.id == "default" else f"converters_{self.id}"

    @property
    def queue(self) -> Path:
        """The folder of the reports that wait for the server."""
        return self.data / "queue"

    @property
    def journal(self) -> Path:
        """The folder of what happened to each file."""
        return self.data / "journal"

    @property
    def token_key(self) -> Path:
        """The key that the stored token is encrypted with; never in the folder of the config file."""
        return self.data / "token.key"

    @property
    def ipc_keys(self) -> Path:
        """The keys that clients show where the socket alone does not tell who they are."""
        return self.data / "ipc_keys.json"


def _user_folders(platform: str) -> tuple[Path, Path]:
    """Folders for configuration and data of the user: XDG's rules (also on macOS, as ever), or those of Windows."""
    if platform == "win32":
        roaming, local = (Windows("pyWATS_Client", appauthor=False, roaming=flag) for flag in (True, False))
        return roaming.user_config_path, local.user_data_path
    unix = Unix("pywats_client", appauthor=False)
    return unix.user_config_path, unix.user_data_path


SYSTEM_RUNTIME = Path("/run/pywats-client")
"""Where services that systemd runs have their endpoints, by the unit's RuntimeDirectory."""


def running_folders(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> tuple[Path, ...]:
    """Where endpoints' files are looked for: the user's own folder for them first, then that of system services."""
    _, data = _user_folders(platform)
    home = Path(environ["PYWATS_HOME"]) / "instances" if environ.get("PYWATS_HOME") else data
    folders = [data / "running", home, data]
    return (*folders, SYSTEM_RUNTIME) if platform != "win32" else tuple(folders)


def _absolute(folder: str | None) -> Path | None:
    """XDG's rule: a relative path is to be ignored."""
    return Path(folder) if folder and Path(folder).is_absolute() else None


def _systemd_folder(environ: Mapping[str, str], kind: str) -> Path | None:
    """The first of the folders that systemd made for the unit."""
    first = environ.get(f"{kind}_DIRECTORY", "").split(":")[0]
    return _absolute(first)
