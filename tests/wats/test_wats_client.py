"""What the client sends, how long it waits, and what it never shows."""

import json
import traceback

import httpx
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from pywats_client.errors import Busy, ConfigError, Refused, Unreachable, WatsError
from pywats_client.wats import WatsClient
from pywats_client.wats.pace import SLOWEST
from tests.fakes.server import Recorded, ScriptedServer, Step, accepted, answer

TOKEN = "c2VjcmV0LXRva2Vu"
REPORT = b'{"id": "6f1c1f5e-0f0b-4c0e-9a53-0b6a0e4a9c11",  "pn": "\xc3\xa9"}'


def client_of(server: ScriptedServer, url: str = "https://wats.test", timeout_seconds: float = 60.0) -> WatsClient:
    return WatsClient(url, TOKEN, timeout_seconds=timeout_seconds, transport=server)


@pytest.mark.trio
async def test_the_bytes_of_a_report_are_sent_as_they_are() -> None:
    server = ScriptedServer()
    async with client_of(server) as client:
        await client.submit(REPORT)
    (request,) = server.requests
    assert (request.method, request.path, request.content) == ("POST", "/api/Report/WSJF", REPORT)
    assert request.headers["content-length"] == str(len(REPORT))
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == "wats.test"


@pytest.mark.trio
async def test_the_token_goes_in_as_it_is() -> None:
    server = ScriptedServer()
    await client_of(server).submit(REPORT)
    assert server.requests[0].headers["authorization"] == f"Basic {TOKEN}"


@pytest.mark.trio
async def test_without_a_token_no_login_is_sent() -> None:
    server = ScriptedServer()
    await WatsClient("https://wats.test", "", transport=server).submit(REPORT)
    assert "authorization" not in server.requests[0].headers


@pytest.mark.trio
async def test_the_server_is_asked_not_to_compress_its_answer() -> None:
    server = ScriptedServer()
    await client_of(server).submit(REPORT)
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "url",
    [
        "https://wats.test:8443/wats",
        "https://wats.test:8443/wats/",
        "https://wats.test:8443/wats/api",
        "https://wats.test:8443/wats/API/",
        " https://wats.test:8443/wats//api// ",
    ],
)
@pytest.mark.trio
async def test_the_address_may_end_in_api(url: str) -> None:
    server = ScriptedServer(accepted())
    await client_of(server, url).submit(REPORT)
    assert server.requests[0].path == "/wats/api/Report/WSJF"
    assert server.requests[0].headers["host"] == "wats.test:8443"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "wats.test",
        "ftp://wats.test",
        "https://",
        "https://user:pw@wats.test",
        "https://wats.test/?a",
        "http://[1",
        "http://a:b",
        "http://a:99999",
    ],
)
def test_what_cannot_be_an_address_is_a_fault_of_the_config(url: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.url"):
        WatsClient(url, TOKEN)


@pytest.mark.parametrize("proxy", ["proxy", "socks5://proxy", "http://", "http://proxy:port"])
def test_what_cannot_be_a_proxy_is_a_fault_of_the_config(proxy: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.proxy"):
        WatsClient("https://wats.test", TOKEN, proxy=proxy)


@pytest.mark.parametrize("token", ["two\nlines", "a b", "tøken", "\x00"])
def test_what_cannot_be_a_token_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(Refused) as caught:
        WatsClient("https://wats.test", token)
    assert token not in str(caught.value)


@pytest.mark.parametrize(("body", "version"), [("2026.1.5", "2026.1.5"), ('"25.3.1.0"\n', "25.3.1.0")])
@pytest.mark.trio
async def test_the_version_is_read_bare_or_quoted(body: str, version: str) -> None:
    server = ScriptedServer(answer(200, body))
    assert await client_of(server).version() == version
    assert (server.requests[0].method, server.requests[0].path) == ("GET", "/api/App/Version")


@pytest.mark.parametrize("body", ["<html>log in</html>", "", "words " * 50])
@pytest.mark.trio
async def test_a_portal_is_not_taken_for_a_version(body: str) -> None:
    with pytest.raises(Refused, match="portal"):
        await client_of(ScriptedServer(answer(200, body))).version()


@pytest.mark.parametrize(
    ("status", "error"), [(401, Refused), (404, Refused), (302, Refused), (503, Busy), (400, Busy)]
)
@pytest.mark.trio
async def test_a_server_that_does_not_tell_its_version_is_refused_or_busy(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await client_of(ScriptedServer(answer(status))).version()


@pytest.mark.trio
async def test_the_status_of_the_client_is_put_as_json() -> None:
    server = ScriptedServer()
    await client_of(server).update_client({"name": "Prüfplatz 1", "pendingTotal": 3})
    request = server.requests[0]
    assert (request.method, request.path) == ("PUT", "/api/Client/Update")
    assert json.loads(request.content) == {"name": "Prüfplatz 1", "pendingTotal": 3}


@pytest.mark.trio
async def test_a_server_that_takes_no_client_status_says_so() -> None:
    with pytest.raises(Refused, match="404"):
        await client_of(ScriptedServer(answer(404))).update_client({})


@pytest.mark.case(
    "F17",
    "the server takes a report of 500 kB and never answers",
    injected="scripted server that holds the answer, test clock",
    promised="given up at the deadline: 60 s and a second for each 100 kB",
)
@pytest.mark.trio
async def test_a_server_that_never_answers_is_busy_at_the_deadline(autojump_clock: MockClock) -> None:
    server = ScriptedServer()
    server.hold()
    began = autojump_clock.current_time()
    with pytest.raises(Busy, match="within 65 s"):
        await client_of(server).submit(b"x" * 500_000)
    assert autojump_clock.current_time() - began == 65.0


@pytest.mark.trio
async def test_a_reply_that_never_ends_is_cut_off_at_the_deadline(autojump_clock: MockClock) -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            while True:
                yield b"x" * (SLOWEST + 50)
                await trio.sleep(1)

    def dripping(_: Recorded) -> httpx.Response:
        return httpx.Response(200, stream=Drip())

    began = autojump_clock.current_time()
    with pytest.raises(Busy, match="within 60 s"):
        await client_of(ScriptedServer(dripping)).submit(b"")
    assert autojump_clock.current_time() - began == 60.0


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (httpx.ConnectError("refused"), "no connection to wats.test:443: refused"),
        (httpx.ConnectTimeout(""), "no connection to wats.test:443: nobody answers there"),
        (httpx.ReadError("reset"), r"broke before the answer \(reset\): the outcome is unknown"),
        (httpx.WriteError("reset"), "the outcome is unknown"),
        (httpx.RemoteProtocolError("garbage"), "the outcome is unknown"),
        (httpx.ProxyError("502 Bad Gateway"), "the proxy does not connect us"),
    ],
)
@pytest.mark.trio
async def test_a_connection_that_fails_is_unreachable_and_the_next_report_goes_out(failure: Step, words: str) -> None:
    client = client_of(ScriptedServer(failure))
    with pytest.raises(Unreachable, match=words):
        await client.submit(REPORT)
    await client.submit(REPORT)


class Connections:
    """In place of httpx's own transports: one server after the other, noted when opened and when closed."""

    def __init__(self, *servers: ScriptedServer) -> None:
        self._servers = list(servers)
        self.opened = self.closed = 0

    def __call__(self, **_: object) -> httpx.AsyncBaseTransport:
        self.opened += 1
        server = self._servers.pop(0)
        server.aclose = self._close  # type: ignore[method-assign]
        return server

    async def _close(self) -> None:
        self.closed += 1


@pytest.mark.trio
async def test_an_answer_of_any_kind_keeps_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = Connections(ScriptedServer(answer(503), answer(400), answer(401), accepted()))
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", connections)
    client = WatsClient("https://wats.test", TOKEN)
    for _ in range(3):
        with pytest.raises(WatsError):
            await client.submit(REPORT)
    await client.submit(REPORT)
    assert (connections.opened, connections.closed) == (1, 0)


@pytest.mark.trio
async def test_a_failure_costs_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = Connections(ScriptedServer(httpx.ReadError("reset")), ScriptedServer())
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", connections)
    client = WatsClient("https://wats.test", TOKEN)
    with pytest.raises(Unreachable):
        await client.submit(REPORT)
    await client.submit(REPORT)
    assert (connections.opened, connections.closed) == (2, 1)


@pytest.mark.trio
async def test_a_cancelled_request_costs_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = ScriptedServer()
    silent.hold()
    connections = Connections(silent, ScriptedServer())
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", connections)
    client = WatsClient("https://wats.test", TOKEN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.submit, REPORT)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert (connections.opened, connections.closed) == (2, 1)
    await client.submit(REPORT)


@pytest.mark.trio
async def test_a_proxy_that_wants_a_login_is_refused() -> None:
    failure = httpx.ProxyError("407 Proxy Authentication Required")
    with pytest.raises(Refused, match=r"server\.proxy"):
        await client_of(ScriptedServer(failure)).submit(REPORT)


@pytest.mark.trio
async def test_tasks_that_share_a_client_take_turns() -> None:
    server = ScriptedServer()
    client = client_of(server)
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(client.submit, REPORT)
    assert (len(server.requests), server.most_active) == (5, 1)


@pytest.mark.trio
async def test_the_token_is_in_no_text_about_a_failure() -> None:
    def echo(request: Recorded) -> Exception:
        return httpx.ReadError(f"broken: {request.headers}")

    client = client_of(ScriptedServer(echo, answer(401), answer(500)))
    for _ in range(3):
        try:
            await client.submit(REPORT)
        except (Unreachable, Refused, Busy) as error:
            assert TOKEN not in "".join(traceback.format_exception(error)) + repr(error)
    assert TOKEN not in repr(client)
