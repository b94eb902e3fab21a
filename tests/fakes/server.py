"""A WATS server that answers by a script, at the edge of httpx: no socket, every request recorded."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import httpx
import trio


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived."""

    method: str
    path: str
    headers: httpx.Headers
    content: bytes

    @property
    def report_id(self) -> str:
        """The id in the report that was posted."""
        return str(json.loads(self.content)["id"])


Step = httpx.Response | Exception | Callable[[Recorded], httpx.Response | Exception]
"""What happens to a request: an answer, a failure of the connection, or a function of the request."""


class ScriptedServer(httpx.AsyncBaseTransport):
    """Follows its script, a step a request; when that has run out, it accepts reports, tells its version and takes
    the client's status. `hold` keeps every request without an answer until `release`.

    `WatsClient(url, token, transport=ScriptedServer(answer(503), accepted()))`
    """

    def __init__(self, *script: Step) -> None:
        self.script: list[Step] = list(script)
        self.requests: list[Recorded] = []
        self.active = 0
        self.most_active = 0
        self._released = trio.Event()
        self._released.set()

    @property
    def reports(self) -> list[Recorded]:
        """The posts of reports alone, whatever they were answered."""
        return [request for request in self.requests if request.path.lower() == "/api/report/wsjf"]

    def always(self, step: Step, times: int = 10_000) -> None:
        """Answer so from now on."""
        self.script = [step] * times

    def hold(self) -> None:
        """Answer nothing until `release`."""
        self._released = trio.Event()

    def release(self) -> None:
        """Go on answering."""
        self._released.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        recorded = Recorded(request.method, request.url.path, request.headers, content)
        self.requests.append(recorded)
        self.active += 1
        self.most_active = max(self.active, self.most_active)
        try:
            await trio.lowlevel.checkpoint()
            await self._released.wait()
            return _play(self.script.pop(0) if self.script else _by_path, recorded)
        finally:
            self.active -= 1


def answer(
    status: int,
    body: object = "",
    *,
    headers: Mapping[str, str] | None = None,
    content_type: str | None = None,
) -> Callable[[Recorded], httpx.Response]:
    """An answer; `body` is text, bytes, or what becomes JSON. May stand in a script any number of times."""

    def make(_: Recorded) -> httpx.Response:
        content, kind = (
            (body, "text/plain") if isinstance(body, str | bytes) else (json.dumps(body), "application/json")
        )
        fields = {"content-type": content_type or kind, **(headers or {})}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
        return httpx.Response(status, headers=raw, stream=_Body([_encoded(content)]))

    return make


def accepted(report_id: str | None = None) -> Callable[[Recorded], httpx.Response]:
    """The answer of a server that took the report in, by default under the report's own id."""

    def make(request: Recorded) -> httpx.Response:
        stored = report_id or _id_of(request.content)
        return answer(200, [{"ID": stored, "uuid": stored, "Report_ID": 1}])(request)

    return make


class _Body(httpx.AsyncByteStream):
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> Any:
        for chunk in self._chunks:
            yield chunk


def _by_path(request: Recorded) -> httpx.Response:
    match request.method, request.path.lower():
        case "POST", "/api/report/wsjf":
            return accepted()(request)
        case "GET", "/api/app/version":
            return answer(200, "2026.1.5")(request)
        case "PUT", "/api/client/update":
            return answer(200, {})(request)
    return answer(404, "no such call")(request)


def _play(step: Step, request: Recorded) -> httpx.Response:
    outcome = step if isinstance(step, httpx.Response | Exception) else step(request)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _encoded(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def _id_of(content: bytes) -> str:
    """The report's id; for bytes that are no report, one made from them."""
    try:
        return str(UUID(json.loads(content)["id"]))
    except (ValueError, KeyError, TypeError):
        return str(uuid5(UUID(int=0), content.hex()))
