"""Reads and writes the configuration files of an instance. A file with a fault is never changed or repaired."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from pywats_client.config.check import refusals, watched_results
from pywats_client.config.document import Document, KeyPath
from pywats_client.config.fault import Fault, as_error
from pywats_client.config.model import Config
from pywats_client.config.token import as_token, encrypt
from pywats_client.config.upgrade import Upgraded, is_flat, upgrade
from pywats_client.disk import Disk
from pywats_client.errors import ConfigError
from pywats_client.paths import Instance

ENVIRONMENT: dict[str, tuple[str, str]] = {
    "PYWATS_SERVER_URL": ("server", "url"),
    "PYWATS_LOG_LEVEL": ("service", "log_level"),
}
"""Variables that win over the file, and the keys they set. Those of the token are in token.py."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Files:
    """The files that together configure one instance."""

    instance: Instance
    main: Document
    more: Document | None = None
    """The second file, with converters only: a list, an object with `converters`, or a single one."""

    @classmethod
    def read(cls, instance: Instance, environ: Mapping[str, str] = os.environ) -> Self:
        """Both as they are; raises ConfigError where one is no JSON, or where there is no configuration at all.

        PYWATS_SERVER_URL alone is a configuration, too: that of a container.
        """
        main, more = Document.read(instance.config), Document.read(instance.converters_config)
        if main is None and not environ.get("PYWATS_SERVER_URL"):
            cure = f"make it with `pywats-client config init --instance-id {instance.id}`"
            raise ConfigError("", f"there is no configuration; {cure}", file=instance.config)
        return cls(instance, main or Document(instance.config, {}), more)

    def check(self, environ: Mapping[str, str] = os.environ) -> tuple[Config | None, list[Fault]]:
        """The configuration, or everything that is wrong with it."""
        if shape := list(self._wrong_shapes()):
            return None, shape
        data = self._merged()
        for variable, (section, key) in ENVIRONMENT.items():
            if value := environ.get(variable):
                data[section] = {**data.get(section, {}), key: value}
        try:
            config = Config.model_validate(data)
        except ValidationError as error:
            return None, [self._fault(path, why, environ) for path, why in refusals(error)]
        faults = [self._fault(path, why, environ) for path, why in self._conflicts(config)]
        return (None, faults) if faults else (config, [])

    def locate(self, path: KeyPath) -> tuple[Document, KeyPath]:
        """The file in which a key of the whole stands, and its path there."""
        match path:
            case ("converters", int(index), *rest) if self.more and index >= self._own_converters:
                return self.more, (*self._item_path(index - self._own_converters), *rest)
            case _:
                return self.main, path

    def with_document(self, document: Document) -> Self:
        """The same files with one of them changed."""
        if document.file == self.instance.converters_config:
            return replace(self, more=document)
        return replace(self, main=document)

    @property
    def converters(self) -> list[Any]:
        """The converters of both files, as they are written."""
        return [*self.main.data.get("converters", []), *self._more_items()]

    @property
    def _own_converters(self) -> int:
        return len(self.main.data.get("converters", []))

    def _more_items(self) -> Any:
        data = self.more.data if self.more else []
        if isinstance(data, dict):
            return data.get("converters", [data])
        return data

    def _item_path(self, index: int) -> KeyPath:
        data = self.more.data if self.more else []
        if isinstance(data, dict):
            return ("converters", index) if "converters" in data else ()
        return (index,)

    def _wrong_shapes(self) -> Iterator[Fault]:
        """Shapes that leave nothing to merge."""
        if not isinstance(self.main.data, dict):
            yield self.main.fault((), "expected an object of sections: {…}")
        else:
            sections = {section for section, _ in ENVIRONMENT.values()}
            for key, value in self.main.data.items():
                if key in sections and not isinstance(value, dict):
                    yield self.main.fault((key,), "expected an object")
            if not isinstance(self.main.data.get("converters", []), list):
                yield self.main.fault(("converters",), "expected a list")
        if self.more and not isinstance(self._more_items(), list):
            yield self.more.fault((), "expected a list of converters")
        elif self.more and isinstance(self.more.data, dict) and "converters" in self.more.data:
            for key in self.more.data.keys() - {"converters"}:
                yield self.more.fault((key,), "expected `converters` only in this file")

    def _merged(self) -> dict[str, Any]:
        data: dict[str, Any] = {"instance_id": self.instance.id, **self.main.data}
        return {**data, "converters": self.converters}

    def _conflicts(self, config: Config) -> Iterator[tuple[KeyPath, str]]:
        """What several keys together make impossible."""
        if config.instance_id != self.instance.id:
            why = f"expected {self.instance.id!r}, as file name and --instance-id say; found {config.instance_id!r}"
            yield ("instance_id",), why
        first: dict[str, int] = {}
        for index, converter in enumerate(config.converters):
            if (one := first.setdefault(converter.name, index)) != index:
                document, path = self.locate(("converters", one, "name"))
                why = f"expected another name; {converter.name!r} is at {document.file}:{document.line(path)}, too"
                yield ("converters", index, "name"), why
        yield from watched_results(config, self.instance.data)

    def _fault(self, path: KeyPath, why: str, environ: Mapping[str, str]) -> Fault:
        for variable, key in ENVIRONMENT.items():
            if path == key and environ.get(variable):
                return Fault(None, None, variable, why)
        document, inner = self.locate(path)
        fault = document.fault(inner, why)
        is_plain_list = document is self.more and isinstance(document.data, list)
        return fault._replace(key=f"converters{fault.key}") if is_plain_list else fault


def load(instance: Instance, environ: Mapping[str, str] = os.environ, disk: Disk | None = None) -> Config:
    """The configuration in force after both files and the environment; an older client's file is upgraded first.

    Raises ConfigError with every fault, one a line: file, line, key, what was expected, and a near name.
    """
    return valid(current(instance, environ, disk or Disk()), environ)


def current(instance: Instance, environ: Mapping[str, str], disk: Disk) -> Files:
    """The files in our shape: what an older client has left is upgraded, once."""
    files = Files.read(instance, environ)
    return _upgrade(files, environ, disk) if is_flat(files.main.data) else files


def valid(files: Files, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration that the files make; raises ConfigError with every fault."""
    config, faults = files.check(environ)
    if config is None:
        raise as_error(faults)
    return config


def check_instance(instance: Instance, environ: Mapping[str, str] = os.environ) -> list[Fault]:
    """Everything that is wrong with an instance's files; nothing is written."""
    try:
        return _check(Files.read(instance, environ), environ)
    except ConfigError as error:
        return [Fault.of(error)]


def check_file(file: Path) -> list[Fault]:
    """Everything that is wrong with one file, whatever instance it is for; nothing is written."""
    try:
        document = Document.read(file)
        if document is None:
            return [Fault(file, None, "", "there is no such file")]
        given = document.data.get("instance_id") if isinstance(document.data, dict) else None
        instance = Instance.find(given if isinstance(given, str) else "default")
        return _check(Files(instance, document), {})
    except ConfigError as error:
        return [Fault.of(error)]


def check_content(files: Files, content: bytes) -> list[Fault]:
    """Everything that would be wrong with other content of the first file."""
    try:
        return _check(files.with_document(Document.parse(files.main.file, content)), {})
    except ConfigError as error:
        return [Fault.of(error)]


def _check(files: Files, environ: Mapping[str, str]) -> list[Fault]:
    if is_flat(files.main.data):
        files = files.with_document(Document(files.main.file, upgrade(files.main.data).data))
    return files.check(environ)[1]


def save(file: Path, data: Any, disk: Disk) -> None:
    """Write a file of the configuration whole or not at all, mode 0600; the one before it stays as `.bak`."""
    disk.make_folder(file.parent)
    disk.replace(file, as_json(data), mode=0o600, backup=True)


def as_json(data: Any) -> bytes:
    """How a file of ours looks."""
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _upgrade(files: Files, environ: Mapping[str, str], disk: Disk) -> Files:
    """The older client's file in our shape, written when it is valid; the old one stays beside it."""
    old = files.main
    new = upgrade(old.data)
    valid(files.with_document(Document(old.file, new.data)), environ)
    if new.token:
        new.data.setdefault("server", {})["token_encrypted"] = encrypt(files.instance, as_token(new.token), disk)
    backup = old.file.with_name(f"{old.file.name}.flat.bak")
    disk.replace(backup, as_json(old.data | ({"api_token": ""} if new.token else {})))
    disk.replace(old.file, as_json(new.data))
    _tell(new, old.file, backup)
    return files.with_document(Document(old.file, new.data, as_json(new.data)))


def _tell(new: Upgraded, file: Path, backup: Path) -> None:
    log.warning("%s was in the shape of an older client and is upgraded; the old file is %s", file, backup)
    if new.token:
        log.warning("the token in it is encrypted now, and left out of %s", backup)
    if new.left_out:
        log.warning("keys of the older client that have no counterpart: %s", ", ".join(new.left_out))
