"""A server that answers reports as it was told for the next few of them, and notes what it was asked and has stored."""

import json
from collections import Counter, deque
from collections.abc import Callable
from uuid import UUID

import httpx
import trio

from tests.fakes.server import Recorded, ScriptedServer, accepted, answer

REJECTING = ("400", "409", "413", "415", "422")
REFUSING = ("401", "403", "404", "405", "302", "portal")
BUSY = ("408", "429", "500", "503", "418", "no id", "stored, then 500")
BROKEN = ("reset", "refused", "stored, reply lost")
TIMEOUT = 60.0

_SPECIAL: dict[str, Callable[[Recorded], httpx.Response]] = {
    "portal": answer(200, "<html>log in to the guest network</html>", content_type="text/html"),
    "429": answer(429, "slow down", headers={"retry-after": "30"}),
    "302": answer(302, headers={"location": "https://login.test"}),
    "no id": answer(200, {"warning": "come back"}),
    "stored, then 500": answer(500, "the index is broken"),
}


class MoodyServer(ScriptedServer):
    """The next reports get `answers`, then all are accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.always(self._answer)
        self.expected: Callable[[UUID, bytes], str] = lambda *_: ""
        """looks at each report that comes, and says what is wrong about its coming, if anything"""
        self.answers: deque[str] = deque()
        self.away_until = self.slow_until = 0.0
        self.seconds = 0.0
        """how long an answer takes while it is slow"""
        self.stored: dict[UUID, bytes] = {}
        """what it holds: a report of the same id replaces"""
        self.ever_stored: set[bytes] = set()
        self.busy: Counter[bytes] = Counter()
        """how often it could not serve a report, or did not in time"""
        self.rejected: set[bytes] = set()
        self.faults: list[str] = []
        """what should not have come"""
        self._under_way: set[UUID] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            await self._take_time()
            return await super().handle_async_request(request)
        content = await request.aread()
        report = _id(content)
        fault = "it is under way already" if report in self._under_way else self.expected(report, content)
        if fault:
            self.faults.append(f"{content!r} came: {fault}")
        self._under_way.add(report)
        began = trio.current_time()
        try:
            await self._take_time()
            return await super().handle_async_request(request)
        except trio.Cancelled:
            if trio.current_time() >= began + TIMEOUT:
                self.busy[content] += 1
            raise
        finally:
            self._under_way.discard(report)

    async def _take_time(self) -> None:
        now = trio.current_time()
        if now < self.away_until:
            raise httpx.ConnectError("connection refused")
        await trio.sleep(self.seconds if now < self.slow_until else 0.0)

    def _answer(self, request: Recorded) -> httpx.Response | Exception:
        if request.method != "POST":
            return answer(200, "2026.1.5")(request)
        kind = self.answers.popleft() if self.answers else "accepted"
        report, content = _id(request.content), request.content
        if kind == "accepted" or kind.startswith("stored"):
            self.stored[report] = content
            self.ever_stored.add(content)
        if kind in REJECTING:
            self.rejected.add(content)
        if kind in BUSY:
            self.busy[content] += 1
        return self._reply(kind, request)

    def _reply(self, kind: str, request: Recorded) -> httpx.Response | Exception:
        match kind:
            case "accepted":
                return accepted()(request)
            case "refused":
                return httpx.ConnectError("connection refused")
            case "reset" | "stored, reply lost":
                return httpx.ReadError("connection reset")
        return _SPECIAL[kind](request) if kind in _SPECIAL else answer(int(kind), "a reason")(request)


def _id(content: bytes) -> UUID:
    return UUID(json.loads(content)["id"])
