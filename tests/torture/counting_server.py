"""A WATS server that counts: which report was posted when, stored how often, and answered or not. It has moods."""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

import trio

HOST = "127.0.0.1"
NONE: Counter[str] = Counter()
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Mood:
    """How it serves: seconds a post takes at most, the share that gets a 503, the share stored without a reply."""

    latency: float = 0.02
    fail: float = 0.0
    lose: float = 0.0


@dataclass
class Post:
    """One post of a report. `run`: which life of the service it came from."""

    report_id: str
    serial: str
    run: int
    began: float
    ended: float = float("inf")
    is_stored: bool = False
    is_answered: bool = False
    """whether the client may know that it was stored"""


@dataclass
class CountingServer:
    """`run` is what posts are noted under. Posts of serial numbers in `held` never get an answer, those in `silent`
    are stored, and get none.
    """

    random: random.Random
    mood: Mood = Mood()
    run: int = 0
    held: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    posts: list[Post] = field(default_factory=list)
    stored: dict[str, set[str]] = field(default_factory=dict)
    """the ids that each serial number was stored under"""
    port: int = 0
    _listening: trio.CancelScope = field(default_factory=trio.CancelScope)
    _online: trio.Event = field(default_factory=trio.Event)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def keep_listening(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Serve, and after each absence again on the same port, until cancelled."""
        while True:
            listeners = await trio.open_tcp_listeners(self.port, host=HOST)
            self.port = listeners[0].socket.getsockname()[1]
            task_status.started()
            task_status = trio.TASK_STATUS_IGNORED
            self._online = trio.Event()
            with trio.CancelScope() as self._listening:
                await trio.serve_listeners(self._converse, listeners)
            await self._online.wait()

    async def be_away(self, seconds: float) -> None:
        """Close the listener and every connection for so long."""
        online = self._online
        self._listening.cancel()
        await trio.sleep(seconds)
        online.set()

    def extra_posts(self) -> int:
        """How often a report was stored that had been stored before."""
        counts = Counter(post.report_id for post in self.posts if post.is_stored)
        return sum(counts.values()) - len(counts)

    def lost_replies(self) -> int:
        """How often a report was stored, and its reply lost."""
        return sum(post.is_stored and not post.is_answered for post in self.posts)

    def doubled(self, delivered: Mapping[str, int] = MappingProxyType({}), cut_off: Counter[str] = NONE) -> list[str]:
        """What came more often than it had to, in words.

        `delivered`: the reports marked so, and the run after which they were; `cut_off`: how often a report was
        being sent when the service was killed.
        """
        return [*self._of_two_ids(), *self._sent_in_vain(delivered), *self._stored_too_often(cut_off)]

    def _of_two_ids(self) -> Iterator[str]:
        yield from (f"{serial} came under two ids: {ids}" for serial, ids in self.stored.items() if len(ids) > 1)

    def _sent_in_vain(self, delivered: Mapping[str, int]) -> Iterator[str]:
        answered = set()
        for post in self.posts:
            if (post.run, post.report_id) in answered:
                yield f"{post.serial} was sent again in run {post.run}, though it had been answered"
            if post.run > delivered.get(post.report_id, post.run):
                yield f"{post.serial} was sent again in run {post.run}, though it was marked as delivered"
            if post.is_answered:
                answered.add((post.run, post.report_id))

    def _stored_too_often(self, cut_off: Counter[str]) -> Iterator[str]:
        """A lost reply and a kill are causes for one more post each."""
        posts: dict[str, list[Post]] = {}
        for post in self.posts:
            if post.is_stored:
                posts.setdefault(post.report_id, []).append(post)
        for report_id, stored in posts.items():
            causes = sum(not post.is_answered for post in stored) + cut_off[report_id]
            if len(stored) > 1 + causes:
                yield f"{stored[0].serial} was stored {len(stored)} times, with {causes} causes to send it again"

    async def _converse(self, stream: trio.SocketStream) -> None:
        buffer = bytearray()
        async with stream:
            with suppress(trio.BrokenResourceError):
                while (request := await _receive(stream, buffer)) is not None:
                    line, body = request
                    if not line.startswith(b"POST"):
                        await _reply(stream, 200, '"1.0"')
                    elif not await self._take(stream, body):
                        return

    async def _take(self, stream: trio.SocketStream, body: bytes) -> bool:
        """Serve a post; False where the connection is to break instead of an answer."""
        report = json.loads(body)
        post = Post(report["id"], report["sn"], self.run, trio.current_time())
        self.posts.append(post)
        try:
            await trio.sleep(float("inf") if post.serial in self.held else self.mood.latency * self.random.random())
            if self.random.random() < self.mood.fail:
                await _reply(stream, 503, "busy")
                return True
            post.is_stored = True
            self.stored.setdefault(post.serial, set()).add(post.report_id)
            if post.serial in self.silent:
                await trio.sleep_forever()
            if self.random.random() < self.mood.lose:
                return False
            await _reply(stream, 200, json.dumps({"ID": post.report_id}))
            post.is_answered = True
            return True
        finally:
            post.ended = trio.current_time()


async def _receive(stream: trio.SocketStream, buffer: bytearray) -> tuple[bytes, bytes] | None:
    """The first line and the body of the next request; None where the client has gone."""
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        if not (chunk := await stream.receive_some(65536)):
            return None
        buffer += chunk
    found = _LENGTH.search(buffer, 0, end)
    whole = end + 4 + (int(found[1]) if found else 0)
    while len(buffer) < whole:
        if not (chunk := await stream.receive_some(65536)):
            return None
        buffer += chunk
    line, body = bytes(buffer[:end]).partition(b"\r\n")[0], bytes(buffer[end + 4 : whole])
    del buffer[:whole]
    return line, body


async def _reply(stream: trio.SocketStream, status: int, body: str) -> None:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    await stream.send_all((head + body).encode())
