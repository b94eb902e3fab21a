"""The HTTP face as an ASGI application: what is where."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import trio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.responses import Response as HttpResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands import parse
from pywats_client.ipc.commands.service import GetStatus, Subscribe
from pywats_client.ipc.connection import FELL_BEHIND
from pywats_client.ipc.events import ServiceState
from pywats_client.ipc.messages import Response
from pywats_client.ipc.protocol import MAX_IN, Code
from pywats_client.logs import LevelName
from pywats_client.rest.answers import answer, over_http, refusal
from pywats_client.rest.guard import CLIENT, Guard
from pywats_client.rest.health import obstacles
from pywats_client.rest.metrics import CONTENT_TYPE, openmetrics
from pywats_client.rest.openapi import document
from pywats_client.rest.served import ITSELF, Served

BODY_SECONDS = 10.0
"""How long a client may take to send its arguments."""
GOING_AWAY = 1001
CODES = {404: Code.NOT_FOUND, 413: Code.TOO_LARGE}


class Calls:
    """One method a path."""

    def __init__(self, served: Served) -> None:
        self._served = served

    async def status(self, request: Request) -> HttpResponse:
        """GET /api/v1/status: the command get_status."""
        return over_http(await answer(GetStatus.name, b"", request.scope[CLIENT], self._served.dispatch))

    async def command(self, request: Request) -> HttpResponse:
        """POST /api/v1/commands/{name}: any command."""
        body = await _body(request)
        name: str = request.path_params["name"]
        return over_http(await answer(name, body, request.scope[CLIENT], self._served.dispatch))

    async def openapi(self, request: Request) -> HttpResponse:
        """GET /api/v1/openapi.json."""
        return JSONResponse(document())

    async def alive(self, request: Request) -> HttpResponse:
        """GET /health/live."""
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> HttpResponse:
        """GET /health/ready."""
        if reasons := list(obstacles(await self._status())):
            return JSONResponse({"status": "not ready", "reasons": reasons}, 503)
        return JSONResponse({"status": "ready"})

    async def metrics(self, request: Request) -> HttpResponse:
        """GET /metrics."""
        text = openmetrics(await self._status(), self._served.figures)
        return HttpResponse(text, headers={"Content-Type": CONTENT_TYPE})

    async def _status(self) -> GetStatus.Result:
        status = await self._served.dispatch(GetStatus(), ITSELF)
        assert isinstance(status, GetStatus.Result)
        return status

    async def no_handshake(self, request: Request) -> HttpResponse:
        """GET /api/v1/events, but not as a websocket."""
        why = "events come on a websocket: open this address with ws:// or wss://"
        return over_http(refusal(Code.INVALID, why), 426, {"Upgrade": "websocket", "Connection": "Upgrade"})

    async def events(self, websocket: WebSocket) -> None:
        """GET /api/v1/events?log_level=…: the snapshot, and every event since, as `subscribe` has it."""
        try:
            command = parse(Subscribe.name, dict(websocket.query_params))
        except CommandFailed as error:
            await websocket.send_denial_response(over_http(refusal(Code.INVALID, str(error))))
            return
        assert isinstance(command, Subscribe)
        await websocket.accept()
        code = GOING_AWAY
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_gone, websocket, nursery.cancel_scope)
            nursery.start_soon(_cancel_on, self._served.ending, nursery.cancel_scope)
            await self._push(websocket, command.log_level)
            is_stopped = self._served.feed.snapshot.service is ServiceState.STOPPED
            code = GOING_AWAY if is_stopped else FELL_BEHIND
            nursery.cancel_scope.cancel()
        await websocket.close(code, "fell behind; connect again" if code == FELL_BEHIND else "")

    async def _push(self, websocket: WebSocket, log_level: LevelName | None) -> None:
        """Until there are no more events, or the client is too slow for them."""
        feed = self._served.feed
        with feed.subscribed(log_level=log_level) as events:
            result = Subscribe.Result(seq=0, snapshot=feed.snapshot.model_dump(mode="json"))
            await websocket.send_text(Response(success=True, data=result.model_dump(mode="json")).model_dump_json())
            seq = 0
            async for event in events:
                seq += 1
                await websocket.send_text(f'{{"event":"{event.name}","seq":{seq},"data":{event.wire}}}')


def make_app(served: Served) -> ASGIApp:
    """The whole face as an ASGI application."""
    calls = Calls(served)
    routes = [
        Route("/api/v1/status", calls.status),
        Route("/api/v1/commands/{name}", calls.command, methods=["POST"]),
        Route("/api/v1/events", calls.no_handshake),
        WebSocketRoute("/api/v1/events", calls.events),
        Route("/api/v1/openapi.json", calls.openapi),
        Route("/health/live", calls.alive),
        Route("/health/ready", calls.ready),
        Route("/metrics", calls.metrics),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={HTTPException: _framed}), served)


async def _body(request: Request) -> bytes:
    """The body. Raises HTTPException where it is too long, too slow, or ends too early."""
    body = bytearray()
    try:
        with trio.move_on_after(BODY_SECONDS) as patience:
            async with aclosing(request.stream()) as parts:
                async for part in parts:
                    body += part
                    if len(body) > MAX_IN:
                        raise HTTPException(413, f"no more than {MAX_IN:,} bytes of arguments are read")
    except ClientDisconnect:
        raise HTTPException(400, "the body ended too early") from None
    if patience.cancelled_caught:
        raise HTTPException(408, f"the arguments did not come within {BODY_SECONDS:g} s")
    return bytes(body)


async def _framed(request: Request, error: Exception) -> HttpResponse:
    assert isinstance(error, HTTPException)
    headers: Mapping[str, Any] = error.headers or {}
    return over_http(
        refusal(CODES.get(error.status_code, Code.INVALID), error.detail), error.status_code, dict(headers)
    )


async def _cancel_when_gone(websocket: WebSocket, scope: trio.CancelScope) -> None:
    """What a client says here is read and not heard."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
    scope.cancel()


async def _cancel_on(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
