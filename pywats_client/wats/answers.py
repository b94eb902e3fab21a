"""What a server's answer means: accepted, or which of our errors. No input or output happens here."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from pywats_client.errors import Busy, Refused, ReportRejected

LONGEST_RETRY_AFTER = 3600.0
"""Seconds; a server that asks for more is asked again after this."""

REJECTING = frozenset({400, 409, 413, 415, 422})
"""A definite no to this report."""

REFUSING = {
    401: "it does not accept the token: get a valid one and store it",
    403: "the token lacks the right to do this: grant it there, or store another",
    404: "there is no WATS server at this address: check server.url",
    405: "there is no WATS server at this address: check server.url",
    407: "the proxy wants a login: check server.proxy",
}
"""A no that no report is to blame for, and its cure."""

MISADDRESSED = ("plain HTTP request was sent to HTTPS", "HTTP request to an HTTPS server", "Invalid Hostname")
"""What web servers say in a 400 that never reached WATS (nginx, Go, IIS): the address is wrong, not the report."""


@dataclass(frozen=True)
class Answer:
    """An answer as it came: `headers` without regard to case, of `body` the beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is marked, never an error."""
        return self.body.decode("utf-8-sig", "replace")

    @property
    def title(self) -> str:
        """The status with its usual name, such as `503 Service Unavailable`."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    @property
    def is_success(self) -> bool:
        """Any 2xx."""
        return 200 <= self.status < 300


def clock_offset(answer: Answer, now: datetime) -> float | None:
    """Seconds by which the server's clock is ahead of `now`, when its answer came; None where it shows no time.

    A `Date` counts whole seconds (RFC 9110, 5.6.7): half a second more is right on average.
    """
    date = _http_date(answer.headers.get("date", ""))
    return None if date is None else (date - now).total_seconds() + 0.5


@dataclass(frozen=True)
class Accepted:
    """The server took the report in, under this id. Taken is not stored: it can still end in quarantine there."""

    report_id: str


def read_submission(answer: Answer, size: int, now: datetime) -> Accepted:
    """What the answer to a report of `size` bytes means; raises ReportRejected, Refused or Busy."""
    if answer.status in REJECTING and not _is_misaddressed(answer):
        raise _rejected(answer, size)
    require_success(answer, now)
    try:
        result = json.loads(answer.text)
    except (ValueError, RecursionError) as error:
        raise _no_wats_there(answer) from error
    report_id = _report_id(result)
    if report_id is None:
        # WATS answers so when it has something to say: no success, yet nothing is wrong with the address.
        raise Busy(f"the server answered {answer.title} without the id of a report: {_excerpt(answer)}")
    return Accepted(report_id)


def read_version(answer: Answer, now: datetime) -> str:
    """The version of the server; raises Refused or Busy."""
    require_success(answer, now)
    version = answer.text.strip().strip('"')
    if not version or "<" in version or len(version) > 100:
        raise _no_wats_there(answer)
    return _printable(version)


def require_success(answer: Answer, now: datetime) -> None:
    """Refused or Busy unless the answer is a 2xx."""
    if answer.is_success:
        return
    if 300 <= answer.status < 400:
        target = _printable(answer.headers.get("location", "").partition("?")[0])[:200]
        raise Refused(
            f"the server answered {answer.title}, to {target or 'nowhere'}: "
            "the token is never sent on to another address; check server.url"
        )
    if answer.status in REFUSING:
        raise Refused(f"the server answered {answer.title}: {REFUSING[answer.status]}")
    if _is_misaddressed(answer):
        raise Refused(f"the server answered {answer.title}: {_excerpt(answer)}; check server.url")
    raise Busy(f"the server answered {answer.title}: {_excerpt(answer)}", retry_after=retry_after(answer, now))


def retry_after(answer: Answer, now: datetime) -> float | None:
    """The seconds the server asks us to wait, at most an hour, by RFC 9110, 10.2.3; None without a sensible wish."""
    wish = answer.headers.get("retry-after", "").strip()
    if wish.isascii() and wish.isdigit():
        return min(float(wish), LONGEST_RETRY_AFTER)
    until = _http_date(wish)
    if until is None:
        return None
    # By the server's own clock where it shows it: ours may be wrong.
    seconds = (until - (_http_date(answer.headers.get("date", "")) or now)).total_seconds()
    return min(seconds, LONGEST_RETRY_AFTER) if seconds >= 0 else None


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _report_id(result: Any) -> str | None:
    """The id in an InsertReportResult, which comes bare or as a list of one, its keys in any case."""
    if isinstance(result, list) and len(result) == 1:
        result = result[0]
    if not isinstance(result, dict):
        return None
    values = {key.lower(): value for key, value in result.items()}
    for key in ("id", "uuid"):
        try:
            report_id = UUID(values.get(key))
        except (ValueError, TypeError, AttributeError):
            continue
        if report_id.int:
            return str(report_id)
    return None


def _rejected(answer: Answer, size: int) -> ReportRejected:
    lines = tuple(_lines(answer))
    what = f"the report, {size:,} bytes, as too large" if answer.status == 413 else "the report"
    first = lines[0] if lines else "it does not say why"
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return ReportRejected(f"the server rejected {what} ({answer.title}): {first}{more}", lines)


def _no_wats_there(answer: Answer) -> Refused:
    kind = _printable(answer.headers.get("content-type", "")) or "no content type"
    return Refused(
        f"the server answered {answer.title}, but not as WATS does ({kind}; {_excerpt(answer)}): "
        "a portal or another server stands at this address; check server.url, and the network"
    )


def _is_misaddressed(answer: Answer) -> bool:
    return answer.status == 400 and any(words in answer.text for words in MISADDRESSED)


def _excerpt(answer: Answer) -> str:
    if answer.text.lstrip().startswith("<"):
        return "a page of HTML"
    return next(_lines(answer), "no text")[:200]


def _lines(answer: Answer) -> Iterator[str]:
    """Every line of the answer's text; of JSON, every value with its place."""
    try:
        parts = list(_values(json.loads(answer.text)))
    except (ValueError, RecursionError):
        parts = [answer.text]
    for part in parts:
        yield from (line for line in map(_printable, part.splitlines()) if line)


def _values(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _values(below, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for below in value:
            yield from _values(below, place)
    elif value is not None:
        yield f"{place}: {value}" if place else str(value)


def _printable(text: str) -> str:
    """Without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in text).strip()
