"""The client of a WATS server's REST interface. Usable alone: it needs no service and no configuration."""

import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx
import trio

from pywats_client.clock import Clock
from pywats_client.errors import Busy, ConfigError, Refused, Unreachable
from pywats_client.wats.answers import (
    Accepted,
    Answer,
    clock_offset,
    read_submission,
    read_version,
    require_success,
)
from pywats_client.wats.pace import PATIENCE, PORTION, SLOWEST, Pace
from pywats_client.wats.unreachable import reason

CONNECT_SECONDS = 10.0
SLOWEST_UPLOAD = 100_000
"""Bytes a second: a request's time limit grows by its size over this."""
LONGEST_REPLY = 65_536
"""Bytes of a reply that are read; no answer of WATS to these calls comes near."""


def ssl_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """What TLS connections are checked against: the public authorities, this machine's, and those in `ca_file`.

    It costs tens of milliseconds: make it once, and share it between clients.
    ConfigError when `ca_file` cannot be read or holds no certificate.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError("server.ca_file", f"{ca_file} holds no usable certificate ({error})") from error
    return context


class WatsClient:
    """One connection to a WATS server; several tasks may share it, and take turns.

    `url` is the server's address, with or without `/api`; `token` is the Base64 text that the server shows.
    A request may take `timeout_seconds`, and a second more for each 100 kB; one whose bytes move slower than
    1 kB/s for 30 s is given up, see `Pace`. `ssl_context` is best shared between clients, see the function of
    that name. `proxy` is the URL of an HTTP proxy. A `transport` handed in replaces the network.

    Raises ConfigError when an address cannot be one, Refused when the token cannot be one.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_seconds: float = 60.0,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        base = _address("server.url", url)
        self._place = f"{base.host}:{base.port or (443 if base.scheme == 'https' else 80)}"
        self._report_url = httpx.URL(f"{base}/api/Report/WSJF")
        self._version_url = httpx.URL(f"{base}/api/App/Version")
        self._update_url = httpx.URL(f"{base}/api/Client/Update")
        self._headers = [(b"Host", base.netloc), *_headers(token).raw]
        self._timeout_seconds = timeout_seconds
        self._clock = clock or Clock()
        self._connect = _connector(ssl_context, proxy) if transport is None else lambda: transport
        self._transport = self._connect()
        self._turn = trio.Lock()
        self._last_id = ""
        self.clock_offset: float | None = None
        """seconds by which the server's clock was ahead of ours when it told its version; None: it shows no time"""
        # Writing and reading have no limits of their own: httpx counts a whole body as one write.
        self._timeouts = {"connect": min(CONNECT_SECONDS, timeout_seconds), "read": None, "write": None, "pool": None}

    async def submit(self, report: bytes) -> Accepted:
        """Send one report, WSJF as UTF-8, these very bytes; sending it again under the same id replaces it.

        Raises ReportRejected for a definite no, Refused when address, token or a portal is at fault, Busy when
        the server cannot serve it now, Unreachable when there is no answer: then whether it arrived is unknown.
        """
        answer = await self._exchange("POST", self._report_url, report)
        accepted = read_submission(answer, len(report), self._clock.now())
        if accepted.report_id == self._last_id and accepted.report_id.encode() not in report.lower():
            await self._reconnect()
            raise Unreachable(
                f"the answers of the server at {self._place} are out of step, this one was for the report before: "
                "the outcome is unknown, and sending again under the same id is safe"
            )
        self._last_id = accepted.report_id
        return accepted

    async def version(self) -> str:
        """The server's version: also the way to ask whether address and token are right.

        Raises Refused, Busy or Unreachable.
        """
        answer, now = await self._exchange("GET", self._version_url), self._clock.now()
        version = read_version(answer, now)
        self.clock_offset = clock_offset(answer, now)
        return version

    async def update_client(self, status: Mapping[str, Any]) -> None:
        """Tell the server how this client is (`name`, `status`, `pendingTotal`, `converters` …).

        Raises Busy, Unreachable, or Refused: also by servers that do not know this call.
        """
        answer = await self._exchange("PUT", self._update_url, json.dumps(status).encode())
        require_success(answer, self._clock.now())

    async def aclose(self) -> None:
        """Close the connection."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def _exchange(self, method: str, url: httpx.URL, content: bytes = b"") -> Answer:
        headers = self._headers if method == "GET" else [*self._headers, (b"Content-Length", b"%d" % len(content))]
        extensions = {"timeout": self._timeouts}
        pace = Pace()
        request = httpx.Request(method, url, headers=headers, stream=_Body(content, pace), extensions=extensions)
        seconds = self._timeout_seconds + len(content) / SLOWEST_UPLOAD
        async with self._turn:
            answer = None
            try:
                with trio.move_on_after(seconds), pace.scope:
                    response = await self._transport.handle_async_request(request)
                    answer = Answer(response.status_code, response.headers, await _read(response, pace))
            except httpx.ProxyError as error:
                raise _proxy_fault(error) from error
            except httpx.TransportError as error:
                raise self._unreachable(error) from error
            finally:
                # A pool whose request was cancelled can stay dead for ever: anything but an answer costs it.
                if answer is None:
                    await self._reconnect()
        if pace.scope.cancelled_caught:
            raise Busy(f"the server at {self._place} moved less than {SLOWEST} bytes a second for {PATIENCE:.0f} s")
        if answer is None:
            raise Busy(f"the server at {self._place} did not answer within {seconds:.0f} s")
        return answer

    async def _reconnect(self) -> None:
        spent, self._transport = self._transport, self._connect()
        await spent.aclose()

    def _unreachable(self, error: Exception) -> Unreachable:
        why = reason(error)
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return Unreachable(f"no connection to {self._place}: {why}")
        return Unreachable(
            f"the connection to {self._place} broke before the answer ({why}): "
            "the outcome is unknown, and sending again under the same id is safe"
        )


class _Body(httpx.AsyncByteStream):
    """A request's body, portion by portion. httpx's own is a generator, which a failed write leaves unfinished."""

    def __init__(self, content: bytes, pace: Pace) -> None:
        self._content, self._pace = content, pace
        self._sent = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._sent = 0
        return self

    async def __anext__(self) -> bytes:
        portion = self._content[self._sent : self._sent + PORTION]
        if not portion:
            self._pace.rest()
            raise StopAsyncIteration
        # Asked for the next portion, the one before has been written.
        self._pace.begin()
        self._sent += len(portion)
        return portion


async def _read(response: httpx.Response, pace: Pace) -> bytes:
    """The beginning of the reply, as it came: a compressed one could unfold to any size."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    body = bytearray()
    pace.begin()
    with trio.CancelScope() as enough:
        async for chunk in response.stream:
            body += chunk
            pace.moved(len(chunk))
            if len(body) >= LONGEST_REPLY:
                # Leaving the loop would leave httpx's generators unfinished; cancelling ends them from within.
                enough.cancel()
        await response.aclose()
    return bytes(body[:LONGEST_REPLY])


def _address(key: str, url: str) -> httpx.URL:
    text = url.strip().rstrip("/")
    if text.lower().endswith("/api"):
        text = text[:-4].rstrip("/")
    try:
        address = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ConfigError(key, f"is no address ({error}); expected such as https://wats.example.com") from error
    is_plain = address.host and "%" not in address.host and not address.query and not address.userinfo
    if address.scheme not in {"http", "https"} or not is_plain or (address.port or 0) > 65_535:
        raise ConfigError(key, "expected an address such as https://wats.example.com, without login or query")
    return address


def _headers(token: str) -> httpx.Headers:
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise Refused("the token holds characters that no token has: store it anew")
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "pywats-client",
    }
    return httpx.Headers(headers | ({"Authorization": f"Basic {token}"} if token else {}))


def _connector(context: ssl.SSLContext | None, proxy: str | None) -> Callable[[], httpx.AsyncBaseTransport]:
    """Makes transports of one connection each.

    A transport instead of a whole httpx client, because that client's redirects, cookies, environment proxies
    and decoding are all unwanted here, and cost a fifth of the time.
    """
    shared = context or ssl_context()
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    via = None if proxy is None else _proxy(proxy)
    return lambda: httpx.AsyncHTTPTransport(verify=shared, limits=limits, proxy=via)


def _proxy(url: str) -> httpx.Proxy:
    with suppress(httpx.InvalidURL, ValueError):
        proxy = httpx.Proxy(url)
        if proxy.url.scheme in {"http", "https"} and proxy.url.host:
            return proxy
    raise ConfigError("server.proxy", "expected an HTTP proxy's address, such as http://proxy:3128")


def _proxy_fault(error: httpx.ProxyError) -> Refused | Unreachable:
    if str(error).startswith("407"):
        return Refused("the proxy wants a login (407): check server.proxy")
    return Unreachable(f"the proxy does not connect us to the server: {error}")
