"""The single files that must be old or new after a power cut, and never half: configuration, key, exported reports."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pywats_client.cli.queue.export import _export as copy_out
from pywats_client.cli.queue.from_folder import FromFolder
from pywats_client.config import edit
from pywats_client.config.file import load
from pywats_client.config.token import as_token, encrypt, server_token
from pywats_client.disk import Disk
from pywats_client.errors import ConfigError, PywatsError
from pywats_client.paths import Instance
from pywats_client.queue.survey import UNDELIVERED
from tests.fakes.recording import Recording, Unsynced
from tests.torture.scenarios import Past, waiting

CONFIG = {"server": {"url": "https://old.test"}, "station": {"name": "old"}}
FLAT = {"service_address": "https://old.test", "station_name": "old", "api_token": "dG9rZW4="}


def _instance(home: Path) -> Instance:
    return Instance.find(home=home, environ={})


NOTHING = "no configuration"


def _shown(instance: Instance, disk: Disk) -> str:
    """The station and the token in force; the file before can be read, too."""
    try:
        config = load(instance, {}, disk)
    except ConfigError:
        if instance.config.exists():
            raise
        return NOTHING
    for backup in instance.config.parent.glob("*.bak"):
        json.loads(backup.read_bytes())
    token = server_token(instance, config, {})
    return f"{config.station.name} {token.reveal() if token else ''}".strip()


def _save(instance: Instance, disk: Disk) -> None:
    edit.change(instance, {"station.name": "new"}, {}, disk)


def _log_in(instance: Instance, disk: Disk) -> None:
    edit.change(instance, {"server.token_encrypted": encrypt(instance, as_token("dG9rZW4="), disk)}, {}, disk)


def _export(instance: Instance, disk: Disk) -> None:
    disk.make_folder(_exported(instance))
    for detail in FromFolder(instance.queue).details(UNDELIVERED):
        copy_out(disk, detail, _exported(instance))


def _exported(instance: Instance) -> Path:
    return instance.data / "out"


def _shown_of_export(instance: Instance, _: Disk) -> str:
    """Whether each file that is there is a report."""
    contents = [path.read_bytes() for path in _exported(instance).glob("*.json")]
    return "whole" if set(contents) <= set(WAITING.values()) else "torn"


WAITING = waiting("Q1") | waiting("Q2")


@dataclass(frozen=True)
class FileScenario:
    """A change of files below the home folder. `legal` are the values that `shown` may find afterwards."""

    name: str
    before: Mapping[str, object]
    change: Callable[[Instance, Disk], object]
    legal: frozenset[str]
    shown: Callable[[Instance, Disk], str] = _shown
    sources: Mapping[str, str] = field(default_factory=dict)
    can_be_killed: bool = False

    def prepare(self, home: Path) -> None:
        """Make the folder in which all begins."""
        for name, content in self.before.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            Recording().give(home / name, data, 0)
            (home / name).chmod(0o600)

    def devices(self, home: Path) -> list[Path]:
        assert home.is_dir()
        return []

    def record(self, home: Path, recording: Recording, killed_after: int | None = None) -> None:
        """Let it happen."""
        assert killed_after is None
        self.change(_instance(home), Disk(recording))

    def recovery(self, home: Path) -> Callable[[Past], Iterator[str]]:
        """What loads the files that are left, and finds what is not as it must be."""

        def recover(_: Past) -> Iterator[str]:
            instance = _instance(home)
            try:
                found = self.shown(instance, Disk(Unsynced()))
                if found not in self.legal:
                    yield f"the files say {found!r}"
                self.change(instance, Disk(Unsynced()))
            except (PywatsError, ValueError, OSError) as error:
                yield f"the files cannot be used: {error!r}"
            # One that a power cut has left has a fixed name: the next change takes it away.
            yield from (f"a temporary file is left: {path.relative_to(home)}" for path in home.rglob(".*.tmp"))

        return recover


NAME = "config_default.json"
ALL = (
    FileScenario("config save", {NAME: CONFIG}, _save, frozenset({"old", "new"})),
    FileScenario("config save over a backup", {NAME: CONFIG, f"{NAME}.bak": {}}, _save, frozenset({"old", "new"})),
    FileScenario(
        "first config",
        {},
        lambda instance, disk: edit.create(instance, url="https://new.test", station_name="new", disk=disk),
        frozenset({NOTHING, "new"}),
    ),
    FileScenario("token", {NAME: CONFIG}, _log_in, frozenset({"old", "old dG9rZW4="})),
    FileScenario(
        "token over a damaged key",
        {NAME: CONFIG, "instances/default/token.key": b"half"},
        _log_in,
        frozenset({"old", "old dG9rZW4="}),
    ),
    FileScenario(
        "config of an older client",
        {NAME: FLAT},
        lambda instance, disk: load(instance, {}, disk),
        frozenset({"old dG9rZW4="}),
    ),
    FileScenario(
        "queue export",
        {f"instances/default/queue/{name}": content for name, content in WAITING.items()},
        _export,
        frozenset({"whole"}),
        _shown_of_export,
    ),
)
