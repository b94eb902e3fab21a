"""Who may enter: refuses a request before anything of it is read but its headers."""

import math

import trio
from starlette.responses import Response as HttpResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pywats_client.ipc.answering import Client
from pywats_client.ipc.protocol import Code
from pywats_client.rest.answers import over_http, refusal
from pywats_client.rest.served import PATIENCE, STRANGER_SECONDS, Served

OPEN = "/health/"
"""What asks for no key: probes of a service manager have none, and learn little."""
OWN_HOSTS = (b"127.0.0.1", b"localhost", b"[::1]")
CLIENT = "pywats.client"
"""Where in the scope of a request the application finds who sent it."""

Headers = dict[bytes, bytes]


class Guard:
    """Lets in who shows a key, and no page of a browser."""

    def __init__(self, app: ASGIApp, served: Served) -> None:
        self._app, self._served = app, served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or websocket, as ASGI has it."""
        headers = dict(scope["headers"])
        denied = self._denied(scope, headers)
        if denied is None:
            client = self._client(headers)
            if client or (scope["path"].startswith(OPEN) and scope["type"] == "http"):
                patience: trio.CancelScope = scope["state"][PATIENCE]
                patience.deadline = math.inf if client else trio.current_time() + STRANGER_SECONDS
                await self._app({**scope, CLIENT: client}, receive, send)
                return
            why = "show a key of this instance: `Authorization: Bearer KEY`"
            denied = over_http(refusal(Code.FORBIDDEN, why), 401, {"WWW-Authenticate": "Bearer"})
        await denied(scope, receive, send)

    def _denied(self, scope: Scope, headers: Headers) -> HttpResponse | None:
        if scope["http_version"] not in ("1.0", "1.1"):
            # Without a body: a client that opens no window for one could keep it waiting for ever.
            return HttpResponse(status_code=505)
        if b"origin" in headers:
            why = "requests of pages in a browser are refused"
            return over_http(refusal(Code.FORBIDDEN, why))
        if self._served.is_local and _without_port(headers.get(b"host", b"")) not in OWN_HOSTS:
            why = "the name in the header Host is not one of this machine's loopback: 127.0.0.1, localhost or [::1]"
            return over_http(refusal(Code.FORBIDDEN, why), 421)
        return None

    def _client(self, headers: Headers) -> Client | None:
        kind, _, key = headers.get(b"authorization", b"").decode("ascii", "replace").partition(" ")
        found = self._served.keys.scope_of(key.strip()) if kind.lower() == "bearer" else None
        return Client(0, found) if found else None


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.lower().rpartition(b":")
    return name if colon and port.isdigit() else host.lower()
