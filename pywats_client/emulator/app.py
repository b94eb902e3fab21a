"""The calls of a WATS server that a station uses, and the pages beside them, as an ASGI application."""

import hmac
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pywats_client.emulator import pages
from pywats_client.emulator.control import Control, Orders
from pywats_client.emulator.store import COLUMNS, Store
from pywats_client.emulator.validation import OPERATIONS, REPAIR_OPERATIONS, TEST_OPERATIONS, fault_lines, read_json

VERSION = "2026.1.5.0"
LARGEST_REPORT = 64 * 1024 * 1024
LARGEST_TOP = 10_000
PAGE_ROWS = 500
PAGE_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}

CONDITION = re.compile(r"\s*(\w+)\s+eq\s+(?:'((?:[^']|'')*)'|([\w.:+-]+))\s*(?:$|(and)\b)", re.IGNORECASE)

log = logging.getLogger(__name__)


class Gate:
    """Before every call: its latency and its token. Paths of calls are not case sensitive."""

    def __init__(self, app: ASGIApp, control: Control) -> None:
        self._app, self._control = app, control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] == "http" and scope["path"].lower().startswith("/api/"):
            scope["path"] = scope["path"].lower()
            await trio.sleep(self._control.latency_ms / 1000)
            if not self._may_enter(scope):
                refusal = PlainTextResponse("The token is not valid here.", 401, {"WWW-Authenticate": "Basic"})
                return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)

    def _may_enter(self, scope: Scope) -> bool:
        if not self._control.token:
            return True
        shown = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(shown, b"Basic " + self._control.token.encode())


class BrokenReply(Response):
    """A reply that promises more than it brings, and then the connection closes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sent, as ASGI has it."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class Calls:
    """One method a call."""

    def __init__(self, store: Store, control: Control, go_offline: Callable[[float], Awaitable[None]]) -> None:
        self._store, self._control, self._go_offline = store, control, go_offline
        self.client_status: dict[str, Any] | None = None

    async def take_report(self, request: Request) -> Response:
        """POST /api/Report/WSJF."""
        body = await request.body()
        if (ordered := self._control.next_answer()) is not None:
            headers = {"Retry-After": ordered.retry_after} if ordered.retry_after is not None else {}
            return PlainTextResponse(ordered.text, ordered.status, headers)
        if "json" not in request.headers.get("content-type", "").lower():
            return PlainTextResponse("A report comes as application/json.", 415)
        if len(body) > LARGEST_REPORT:
            return PlainTextResponse(f"A report may have {LARGEST_REPORT:,} bytes.", 413)
        try:
            report = read_json(body)
        except ValueError as error:
            return PlainTextResponse(f"report: no JSON: {error}", 400)
        if lines := fault_lines(report):
            return PlainTextResponse("\n".join(lines), 400)
        number = await self._store.put(report, OPERATIONS[report["processCode"]], len(body))
        if self._control.next_is_dropped():
            return BrokenReply()
        report_id = report["id"].lower()
        return JSONResponse({"ID": report_id, "uuid": report_id, "Report_ID": number})

    async def tell_version(self, request: Request) -> Response:
        """GET /api/App/Version."""
        return PlainTextResponse(VERSION)

    async def tell_processes(self, request: Request) -> Response:
        """GET /api/App/Processes, both kinds unless told otherwise."""
        kinds = {"includetestoperations": TEST_OPERATIONS, "includerepairoperations": REPAIR_OPERATIONS}
        asked = {name.lower(): value.lower() for name, value in request.query_params.items()}
        chosen = [known for name, known in kinds.items() if asked.get(name) != "false"]
        return JSONResponse([_process(code, name) for known in chosen for code, name in known.items()])

    async def take_client_status(self, request: Request) -> Response:
        """PUT /api/Client/Update."""
        try:
            status = read_json(await request.body())
        except ValueError as error:
            return PlainTextResponse(f"no JSON: {error}", 400)
        if not isinstance(status, dict):
            return PlainTextResponse("one JSON object is expected", 400)
        self.client_status = status
        return JSONResponse({})

    async def give_report(self, request: Request) -> Response:
        """GET /api/Report/Wsjf/{id}."""
        found = await self._store.report(request.path_params["report_id"])
        return JSONResponse(found[1]) if found else PlainTextResponse("There is no report of this id.", 404)

    async def query_headers(self, request: Request) -> Response:
        """GET /api/Report/Query/Header, with `$top`, and a `$filter` of `eq` joined by `and`."""
        try:
            top = int(request.query_params.get("$top", LARGEST_TOP))
            conditions = read_filter(request.query_params.get("$filter", ""))
        except ValueError as error:
            return PlainTextResponse(f"The query is not understood: {error}", 400)
        return JSONResponse(await self._store.headers(conditions, max(0, min(top, LARGEST_TOP))))

    async def show_control(self, request: Request) -> Response:
        """GET /control."""
        return JSONResponse(self._control.shown())

    async def take_orders(self, request: Request) -> Response:
        """POST /control; only as JSON, which no page of another site can send."""
        if not request.headers.get("content-type", "").lower().startswith("application/json"):
            return PlainTextResponse("Orders come as application/json.", 415)
        try:
            orders = Orders.model_validate_json(await request.body())
        except ValidationError as error:
            lines = (f"{'.'.join(map(str, fault['loc'])) or 'orders'}: {fault['msg']}" for fault in error.errors())
            return PlainTextResponse("\n".join(lines), 400)
        self._control.obey(orders)
        later = None if orders.offline is None else BackgroundTask(self._go_offline, orders.offline)
        return JSONResponse(self._control.shown(), background=later)

    async def show_reports(self, request: Request) -> Response:
        """GET /: the page of the reports received."""
        rows = await self._store.headers({}, PAGE_ROWS)
        return HTMLResponse(pages.overview(rows, await self._store.count()), headers=PAGE_POLICY)

    async def show_report(self, request: Request) -> Response:
        """GET /report/{id}: the page of one report."""
        found = await self._store.report(request.path_params["report_id"])
        if found is None:
            return HTMLResponse(pages.missing(), 404, PAGE_POLICY)
        return HTMLResponse(pages.report(*found), headers=PAGE_POLICY)


def make_app(calls: Calls, control: Control) -> ASGIApp:
    """The whole server as an ASGI application."""
    routes = [
        Route("/api/report/wsjf", calls.take_report, methods=["POST"]),
        Route("/api/report/wsjf/{report_id}", calls.give_report),
        Route("/api/report/query/header", calls.query_headers),
        Route("/api/app/version", calls.tell_version),
        Route("/api/app/processes", calls.tell_processes),
        Route("/api/client/update", calls.take_client_status, methods=["PUT"]),
        Route("/control", calls.show_control),
        Route("/control", calls.take_orders, methods=["POST"]),
        Route("/", calls.show_reports),
        Route("/report/{report_id}", calls.show_report),
    ]
    return Gate(Starlette(routes=routes, exception_handlers={Exception: _log_fault}), control)


def read_filter(text: str) -> dict[str, str | int]:
    """The conditions of an OData filter: column and value. ValueError for anything but `eq` and `and`."""
    columns = {name.lower(): name for name in COLUMNS}
    conditions: dict[str, str | int] = {}
    place = 0
    while place < len(text):
        condition = CONDITION.match(text, place)
        if condition is None:
            raise ValueError(f"at {text[place:]!r}; known are conditions such as serialNumber eq '1', joined by and")
        name, quoted, bare, joint = condition.groups()
        if name.lower() not in columns:
            raise ValueError(f"there is no {name}; known are {', '.join(COLUMNS)}")
        number = bare is not None and bare.lstrip("+-").isdigit()
        conditions[columns[name.lower()]] = int(bare) if number else bare or quoted.replace("''", "'")
        place = condition.end()
        if joint and place == len(text):
            raise ValueError("it ends in and")
    return conditions


async def _log_fault(request: Request, error: Exception) -> Response:
    log.error("the emulator failed to serve %s %s", request.method, request.url.path, exc_info=error)
    return PlainTextResponse("The emulator failed; its log says why.", 500)


def _process(code: int, name: str) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "isTestOperation": code in TEST_OPERATIONS,
        "isRepairOperation": code in REPAIR_OPERATIONS,
        "isWipOperation": False,
    }
