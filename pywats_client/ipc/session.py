"""What a client says and hears, without the socket: one logic for the blocking and the asyncio client."""

import itertools
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pywats_client.errors import CommandFailed, ProtocolMismatch
from pywats_client.ipc.protocol import PROTOCOL_VERSION


@dataclass(frozen=True)
class Told:
    """An event: its name on the wire, its number in this subscription, and its data."""

    name: str
    seq: int
    data: dict[str, Any]


class Session:
    """Numbers requests, and sorts what comes back into answers and events."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._answers: dict[str, dict[str, Any] | None] = {}
        """by the id of the request; None: not here yet"""
        self.hello: dict[str, Any] = {}
        self.events: deque[Told] = deque()

    def greeted(self, text: str | bytes) -> None:
        """Take the service's hello. Raises ProtocolMismatch."""
        hello = _decoded(text)
        version = str(hello.get("protocol_version", "1.0"))
        if version.partition(".")[0] != PROTOCOL_VERSION.partition(".")[0]:
            raise ProtocolMismatch(f"the service speaks protocol {version}, this client {PROTOCOL_VERSION}")
        self.hello = hello

    def request(self, command: str, args: Mapping[str, Any]) -> tuple[str, str]:
        """A new request: its id, and the text to send."""
        request_id = str(next(self._numbers))
        self._answers[request_id] = None
        frame = {"command": command, "request_id": request_id, "protocol_version": PROTOCOL_VERSION, "args": args}
        return request_id, json.dumps(frame, default=str)

    def heard(self, text: str | bytes) -> str:
        """Take a message; the id of the request that it answers, empty for an event. Raises ProtocolMismatch.

        An answer that nobody waits for any more is dropped.
        """
        frame = _decoded(text)
        if "event" in frame:
            self.events.append(Told(frame["event"], frame.get("seq", 0), frame.get("data") or {}))
            return ""
        request_id = str(frame.get("request_id", ""))
        if request_id in self._answers:
            self._answers[request_id] = frame
        return request_id

    def has_answer(self, request_id: str) -> bool:
        """Whether the answer has come."""
        return self._answers.get(request_id) is not None

    def forget(self, request_id: str) -> None:
        """Nobody waits for that answer any more."""
        self._answers.pop(request_id, None)

    def answer(self, request_id: str) -> dict[str, Any]:
        """The data of an answer that has come. Raises CommandFailed."""
        frame = self._answers.pop(request_id) or {}
        if not frame.get("success"):
            raise CommandFailed(frame.get("code") or "failed", frame.get("error") or "the service gave no reason")
        return frame.get("data") or {}


def _decoded(text: str | bytes) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        frame = None
    if not isinstance(frame, dict):
        raise ProtocolMismatch("the service sent something that is not a frame of the protocol")
    return frame
