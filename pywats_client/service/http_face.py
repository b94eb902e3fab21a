"""Opens the HTTP face when the section `http` says so, closes it when it does not, and tells where it is."""

import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import trio

from pywats_client.config.model import LOOPBACK, Http
from pywats_client.errors import ConfigError
from pywats_client.ipc.answering import Dispatch
from pywats_client.ipc.events import HealthChanged
from pywats_client.rest.figures import Figures
from pywats_client.rest.served import Served
from pywats_client.service.control_plane import GOODBYE_SECONDS, RETRY_SECONDS, ControlPlane
from pywats_client.service.hub import Hub
from pywats_client.service.settings import Settings
from pywats_client.service.threads import InThread

log = logging.getLogger(__name__)

PART = "http"
Serve = Callable[[socket.socket, ssl.SSLContext | None, Served], Awaitable[None]]


class HttpFace:
    """Listens as the section `http` says, and elsewhere as soon as it says so."""

    def __init__(self, plane: ControlPlane, settings: Settings, hub: Hub, in_thread: InThread) -> None:
        self._plane, self._settings, self._hub, self._in_thread = plane, settings, hub, in_thread
        self._is_finishing = False
        self._waiting = trio.CancelScope()
        self.figures = Figures()
        hub.listeners.append(self.figures.note)

    async def serve(self, dispatch: Dispatch) -> None:
        """Serve until `finish`, or until cancelled. What stands in the way is told, and tried again."""
        while not self._is_finishing:
            config = self._settings.config
            try:
                if config.http.enabled:
                    await self._serve(config.http, dispatch)
                else:
                    self._learn("")
                    await self._wait(self._until_moved, config.http)
            except (OSError, ConfigError, ImportError) as error:
                self._learn(f"no HTTP client can connect: {_sentence(error)}")
                await self._wait(self._settings.rest, RETRY_SECONDS, config)

    def finish(self) -> None:
        """Let no more clients in; `serve` returns when the others have heard what there is to hear."""
        self._is_finishing = True
        self._waiting.cancel()

    async def _serve(self, http: Http, dispatch: Dispatch) -> None:
        serve: Serve = await self._in_thread(_load)
        served = Served(
            dispatch=dispatch,
            feed=self._hub,
            keys=await self._plane.keys(),
            figures=self.figures,
            is_local=http.host in LOOPBACK,
            ending=trio.Event(),
        )
        tls = _tls(http)
        with await _bound(http) as listener, self._told(http, listener.getsockname()[1]):
            self._learn("")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._end_when_moved, http, served.ending, nursery.cancel_scope)
                await serve(listener, tls, served)
                nursery.cancel_scope.cancel()

    async def _end_when_moved(self, http: Http, ending: trio.Event, everything: trio.CancelScope) -> None:
        await self._wait(self._until_moved, http)
        ending.set()
        everything.deadline = trio.current_time() + GOODBYE_SECONDS

    async def _until_moved(self, http: Http) -> None:
        while (config := self._settings.config).http == http:
            await self._settings.changed_from(config)

    async def _wait(self, wait: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Wait for something, or for `finish`."""
        with trio.CancelScope() as self._waiting:
            if not self._is_finishing:
                await wait(*args)

    @contextlib.contextmanager
    def _told(self, http: Http, port: int) -> Iterator[None]:
        """The endpoint's file says meanwhile where to connect."""
        host = f"[{http.host}]" if ":" in http.host else http.host
        address = f"{'https' if http.certificate_file else 'http'}://{host}:{port}"
        try:
            self._plane.tell_http(address, port)
            log.info("HTTP clients are served at %s", address)
            yield
        finally:
            self._plane.tell_http("", 0)

    def _learn(self, reason: str) -> None:
        if reason != self._hub.snapshot.degraded.get(PART, ""):
            log.log(logging.WARNING if reason else logging.INFO, "%s", reason or "nothing keeps HTTP clients away")
            self._hub.publish(HealthChanged(part=PART, reason=reason))


def _load() -> Serve:
    """Late: time and memory that a service without this face does not spend. Raises ImportError."""
    from pywats_client.rest.server import serve

    return serve


def _sentence(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"the package {error.name or error} is missing; `pip install 'pywats-client[http]'` installs it"
    return str(error)


def _tls(http: Http) -> ssl.SSLContext | None:
    """Raises ConfigError where the files are not what they should be."""
    if not (http.certificate_file and http.key_file):
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(http.certificate_file, http.key_file, password=lambda: "")  # never asked at a terminal
    except (OSError, ValueError) as error:
        why = f"{http.certificate_file} and {http.key_file} are no certificate with its key: {error}"
        raise ConfigError("http.certificate_file", why) from error
    return context


async def _bound(http: Http) -> socket.socket:
    """Raises ConfigError where the host is not known, or the port taken."""
    try:
        found = await trio.socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = found[0]
        listener = socket.socket(family, kind)
        try:
            if os.name == "posix":  # elsewhere this option lets two processes have one port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except BaseException:
            listener.close()
            raise
        return listener
    except OSError as error:
        why = f"port {http.port} of {http.host} cannot be used ({error.strerror}); another is set by `config set`"
        raise ConfigError("http.port", why) from error
