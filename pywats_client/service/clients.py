"""One WATS client an upload slot, all with the server settings in force and one TLS context."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import trio

from pywats_client.config.model import Server
from pywats_client.config.token import server_token
from pywats_client.errors import Refused
from pywats_client.paths import Instance
from pywats_client.service.settings import Settings
from pywats_client.wats.client import WatsClient, ssl_context


class Clients:
    """Hands a client to whoever asks the server something, and takes it back for the next one.

    `make` is called as WatsClient is, `make_context` as ssl_context is.
    """

    def __init__(
        self,
        instance: Instance,
        settings: Settings,
        environ: Mapping[str, str],
        make: Callable[..., WatsClient] = WatsClient,
        make_context: Callable[[Path | None], ssl.SSLContext | None] = ssl_context,
    ) -> None:
        self._instance, self._settings, self._environ = instance, settings, environ
        self._make_client, self._make_context = make, make_context
        self._server: Server | None = None
        self._tls: ssl.SSLContext | None = None
        self._idle: list[WatsClient] = []

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[WatsClient]:
        """A client for one request. Raises Refused where no server or no token is known."""
        server = self._settings.config.server
        if server != self._server:
            await self.aclose()
            self._server, self._tls = server, self._make_context(server.ca_file)
        client = self._idle.pop() if self._idle else self._make(server)
        is_good = True
        try:
            yield client
        except Refused:
            is_good = False  # the next one reads the token anew: it may come from a file
            raise
        finally:
            if is_good and server == self._server:
                self._idle.append(client)
            else:
                await _close(client)

    def _make(self, server: Server) -> WatsClient:
        if not server.url:
            raise Refused("no server is configured")
        token = server_token(self._instance, self._settings.config, self._environ)
        if token is None:
            raise Refused("no token is known for the server")
        return self._make_client(
            server.url,
            token.reveal(),
            timeout_seconds=server.timeout_seconds,
            ssl_context=self._tls,
            proxy=server.proxy,
        )

    async def aclose(self) -> None:
        """Close what is idle."""
        self._server = None
        while self._idle:
            await _close(self._idle.pop())


async def _close(client: WatsClient) -> None:
    with trio.CancelScope(shield=True, deadline=trio.current_time() + 1.0):
        await client.aclose()
