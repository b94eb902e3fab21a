"""Serves the clients of this machine, and tells them where: the endpoint's file exists while this runs."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import trio

from pywats_client.clock import Clock
from pywats_client.config.model import Config, Ipc
from pywats_client.disk import Disk
from pywats_client.errors import ConfigError
from pywats_client.ipc import unix_socket
from pywats_client.ipc.answering import Dispatch
from pywats_client.ipc.commands.base import COMMANDS
from pywats_client.ipc.endpoint import Endpoint, group_folder, listen_tcp, registration
from pywats_client.ipc.events import HealthChanged
from pywats_client.ipc.keys import Keys
from pywats_client.ipc.messages import Hello
from pywats_client.ipc.server import IPCServer
from pywats_client.paths import Instance
from pywats_client.service.hub import Hub
from pywats_client.service.settings import Settings
from pywats_client.service.threads import file_threads

log = logging.getLogger(__name__)

PART = "ipc"
RETRY_SECONDS = 15.0
"""After a fault of the machine: the folder cannot be written, no port is free."""
GOODBYE_SECONDS = 1.0
"""How long clients have to take what they are owed."""


class ControlPlane:
    """Listens as the section `ipc` says, and elsewhere as soon as it says so."""

    def __init__(
        self,
        instance: Instance,
        settings: Settings,
        hub: Hub,
        disk: Disk,
        clock: Clock,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._instance, self._settings, self._hub, self._disk = instance, settings, hub, disk
        self._environ, self._in_thread = environ, file_threads()
        self._server: IPCServer | None = None
        self._is_finishing = False
        self._is_for_group = False
        self.http_address = ""
        """where the HTTP face listens; empty: it does not"""
        self.was_tried = trio.Event()
        """set once clients can connect, or it is known that they cannot for now"""
        self.endpoint = Endpoint(
            instance_id=instance.id,
            home=str(instance.home or ""),
            pid=os.getpid(),
            version=version("pywats-client"),
            started=clock.now().isoformat(timespec="seconds"),
        )

    async def keys(self) -> Keys:
        """The keys of this instance, made where there are none. Raises OSError, or ConfigError for a damaged file."""
        found: Keys = await self._in_thread(self._load_keys)
        return found

    def _load_keys(self) -> Keys:
        try:
            return Keys.load_or_make(self._instance.ipc_keys, self._disk)
        except ValueError as error:
            raise ConfigError(
                "", f"the keys of clients cannot be read; remove the file: {error}", file=self._instance.ipc_keys
            ) from error

    async def serve(self, dispatch: Dispatch) -> None:
        """Serve until `finish`, or until cancelled. A place that cannot be used is told, and tried again."""
        while not self._is_finishing:
            config = self._settings.config
            try:
                keys, no_keys = await self._keys_or_why_not(is_needed=_is_tcp(config.ipc))
                with self._listening(config.ipc) as (listener, fault):
                    self._learn("; ".join(filter(None, (fault, no_keys))))
                    self.was_tried.set()
                    await self._serve_on(listener, config, keys, dispatch)
            except (OSError, ConfigError) as error:
                self._learn(f"no client can connect: {error}")
                self.was_tried.set()
                await self._settings.rest(RETRY_SECONDS, config)

    def finish(self) -> None:
        """Let no more clients in; `serve` returns when the others have heard what there is to hear."""
        self._is_finishing = True
        if self._server:
            self._server.finish()

    def tell_http(self, address: str, port: int) -> None:
        """Write into the endpoint's file where the HTTP face listens; empty and 0: it does not."""
        self.http_address, self.endpoint = address, replace(self.endpoint, http_port=port)
        if self._server:  # else the file is not there, and says so when it is made
            self._write_files()

    async def _keys_or_why_not(self, *, is_needed: bool) -> tuple[Keys | None, str]:
        """Who comes by the Unix socket needs no key: a damaged file must not shut out those who can mend it."""
        try:
            return await self.keys(), ""
        except (OSError, ConfigError) as error:
            if is_needed:
                raise
            return None, f"no key is accepted: {error}"

    async def _serve_on(self, listener: socket.socket, config: Config, keys: Keys | None, dispatch: Dispatch) -> None:
        hello = Hello(
            server_version=self.endpoint.version,
            instance_id=self._instance.id,
            requires_auth=False,
            capabilities=tuple(COMMANDS),
        )
        server = IPCServer(hello, dispatch, self._hub, keys=keys, is_for_group=self._is_for_group)
        self._server = server
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._finish_when_moved, server, config, nursery.cancel_scope)
                if keys is None:
                    nursery.start_soon(self._finish_when_mended, server, nursery.cancel_scope)
                await server.serve([listener])
                nursery.cancel_scope.cancel()
        finally:
            self._server = None

    async def _finish_when_moved(self, server: IPCServer, config: Config, everything: trio.CancelScope) -> None:
        ipc = config.ipc
        while config.ipc == ipc:
            config = await self._settings.changed_from(config)
        log.info("clients are served elsewhere from now on, and must connect again")
        _finish(server, everything)

    async def _finish_when_mended(self, server: IPCServer, everything: trio.CancelScope) -> None:
        """With keys it is served anew."""
        keys: Keys | None = None
        while keys is None:
            await self._settings.rest(RETRY_SECONDS, self._settings.config)
            keys, _ = await self._keys_or_why_not(is_needed=False)
        log.info("the keys of clients can be read again; clients must connect again")
        _finish(server, everything)

    @contextlib.contextmanager
    def _listening(self, ipc: Ipc) -> Iterator[tuple[socket.socket, str]]:
        """A socket, and why it is not for all that it should be for; the files that name it go with it."""
        with contextlib.ExitStack() as undo:
            if _is_tcp(ipc):
                listener, fault = undo.enter_context(listen_tcp(self._instance.id, ipc.port)), ""
                self.endpoint = replace(self.endpoint, path="", port=listener.getsockname()[1])
                self._is_for_group = False
            else:
                listener, path, fault = undo.enter_context(unix_socket.listening(self._instance, ipc.group))
                self.endpoint = replace(self.endpoint, path=str(path), port=0)
                self._is_for_group = bool(ipc.group) and not fault
            undo.callback(self._remove_files)
            self._write_files()
            yield listener, fault

    @property
    def _more_files(self) -> list[Path]:
        """For being found without a home's name, and by the group."""
        file = self._instance.endpoint
        shared = [group_folder(self._instance) / file.name] if self._is_for_group else []
        return [registration(self.endpoint, self._environ), *shared]

    def _write_files(self) -> None:
        """A user without a home goes without the further ones."""
        self._write(self._instance.endpoint)
        for file in self._more_files:
            with contextlib.suppress(OSError):
                self._write(file)

    def _write(self, file: Path) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.endpoint.write(file, 0o644)

    def _remove_files(self) -> None:
        for file in (self._instance.endpoint, *self._more_files):
            with contextlib.suppress(OSError):
                file.unlink()

    def _learn(self, reason: str) -> None:
        if reason != self._hub.snapshot.degraded.get(PART, ""):
            log.log(logging.WARNING if reason else logging.INFO, "%s", reason or "clients can connect again")
            self._hub.publish(HealthChanged(part=PART, reason=reason))


def _is_tcp(ipc: Ipc) -> bool:
    return ipc.tcp or os.name == "nt"


def _finish(server: IPCServer, everything: trio.CancelScope) -> None:
    server.finish()
    everything.deadline = trio.current_time() + GOODBYE_SECONDS
