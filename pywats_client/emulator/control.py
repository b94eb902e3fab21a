"""How the emulator misbehaves on demand, so that clients can be seen to cope."""

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Orders(BaseModel):
    """The body of `POST /control`: what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    status: int | None = Field(default=None, ge=200, le=599)
    """answer posted reports with this status instead; 200: as usual again"""
    times: int | None = Field(default=None, ge=1)
    """how many posts get `status`; left out: all until told otherwise"""
    text: str = ""
    """the body of those answers"""
    retry_after: str | int | None = None
    """the `Retry-After` of those answers, as it is"""
    drop: int | None = Field(default=None, ge=0)
    """so many of the next posts are stored, and their connection breaks before the reply is whole"""
    latency_ms: float | None = Field(default=None, ge=0)
    """every call waits so long before it is served"""
    fail_rate: float | None = Field(default=None, ge=0, le=1)
    """this share of the posts is answered 503, evenly spread"""
    token: str | None = None
    """the token that every call must bring from now on; empty: none"""
    offline: float | None = Field(default=None, ge=0)
    """close the listener and every connection, and listen again after so many seconds"""


@dataclass
class Ordered:
    """What posts are answered instead of being taken; `left` so many of them, None: until told otherwise."""

    status: int
    text: str = ""
    retry_after: str | None = None
    left: int | None = None


class Control:
    """The orders in force."""

    def __init__(self, *, token: str | None = None, latency_ms: float = 0.0, fail_rate: float = 0.0) -> None:
        self.token = token
        self.latency_ms = latency_ms
        self.fail_rate = fail_rate
        self.drop = 0
        self._ordered: Ordered | None = None
        self._failures_due = 0.0

    def answer(
        self, status: int, *, times: int | None = None, text: str = "", retry_after: str | int | None = None
    ) -> None:
        """Answer the next `times` posts of reports (None: all until told otherwise) with `status`."""
        wish = None if retry_after is None else str(retry_after)
        self._ordered = Ordered(status, text, wish, times)

    def answer_normally(self) -> None:
        """Take reports again."""
        self._ordered = None

    def obey(self, orders: Orders) -> None:
        """Put in force what `orders` name, but for `offline`, which is the listener's affair."""
        if orders.status == 200:
            self.answer_normally()
        elif orders.status is not None:
            self.answer(orders.status, times=orders.times, text=orders.text, retry_after=orders.retry_after)
        for name in ("drop", "latency_ms", "fail_rate", "token"):
            if (value := getattr(orders, name)) is not None:
                setattr(self, name, value)

    def shown(self) -> dict[str, Any]:
        """The orders in force, without the token itself."""
        return {
            "answer": asdict(self._ordered) if self._ordered else None,
            "drop": self.drop,
            "latency_ms": self.latency_ms,
            "fail_rate": self.fail_rate,
            "token": bool(self.token),
        }

    def next_answer(self) -> Ordered | None:
        """What the post that has just arrived is answered, or None: it is served honestly."""
        if (ordered := self._ordered) is not None:
            if ordered.left is not None:
                ordered.left -= 1
            if ordered.left == 0:
                self._ordered = None
            return ordered
        self._failures_due += self.fail_rate
        if self._failures_due < 1:
            return None
        self._failures_due -= 1
        return Ordered(503, "The emulator fails now and then, as told.")

    def next_is_dropped(self) -> bool:
        """Whether the reply to the present post breaks off."""
        if self.drop == 0:
            return False
        self.drop -= 1
        return True
