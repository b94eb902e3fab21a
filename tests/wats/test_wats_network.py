"""The client over real sockets: what servers, networks and certificates can do to it."""

import socket
import ssl
from pathlib import Path

import pytest
import trio

from pywats_client.errors import ConfigError, Refused, Unreachable
from pywats_client.wats import WatsClient, ssl_context
from tests.fakes.network import Handler, listening
from tests.fakes.tls import Authority, greeting

ID = "6f1c1f5e-0f0b-4c0e-9a53-0b6a0e4a9c11"
REPORT = b'{"id": "6f1c1f5e-0f0b-4c0e-9a53-0b6a0e4a9c11"}'
BODY = b'{"ID": "6f1c1f5e-0f0b-4c0e-9a53-0b6a0e4a9c11"}'
ACCEPTED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


async def read_request(stream: trio.abc.Stream) -> None:
    received = b""
    while not received.endswith(REPORT):
        part = await stream.receive_some(65_536)
        if not part:
            raise trio.BrokenResourceError
        received += part


def replying(*replies: bytes, keep: bool = True) -> Handler:
    """Answers the requests of all connections in turn, the last reply for ever; then hangs up unless `keep`."""
    left = list(replies)

    async def handle(stream: trio.abc.Stream) -> None:
        while True:
            await read_request(stream)
            await stream.send_all(left.pop(0) if len(left) > 1 else left[0])
            if not keep:
                return

    return handle


def client_at(port: int, scheme: str = "http", context: ssl.SSLContext | None = None) -> WatsClient:
    return WatsClient(f"{scheme}://127.0.0.1:{port}", "dG9rZW4=", ssl_context=context)


@pytest.fixture(scope="module")
def shared_context() -> ssl.SSLContext:
    return ssl_context()


@pytest.mark.trio
async def test_reports_follow_each_other_over_one_connection(shared_context: ssl.SSLContext) -> None:
    connections = []

    async def handle(stream: trio.abc.Stream) -> None:
        connections.append(stream)
        await replying(ACCEPTED)(stream)

    async with listening(handle) as port, client_at(port, context=shared_context) as client:
        for _ in range(3):
            assert (await client.submit(REPORT)).report_id == ID
    assert len(connections) == 1


@pytest.mark.trio
async def test_a_submit_cancelled_under_way_does_not_spoil_the_next_one(shared_context: ssl.SSLContext) -> None:
    arrived = trio.Event()
    connections = []

    async def handle(stream: trio.abc.Stream) -> None:
        connections.append(stream)
        await read_request(stream)
        if len(connections) == 1:
            arrived.set()
            await trio.sleep_forever()
        await stream.send_all(ACCEPTED)

    async with listening(handle) as port, client_at(port, context=shared_context) as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.submit, REPORT)
            await arrived.wait()
            nursery.cancel_scope.cancel()
        assert (await client.submit(REPORT)).report_id == ID
    assert len(connections) == 2


@pytest.mark.trio
async def test_submits_cancelled_before_they_connect_do_not_spoil_the_next_one(shared_context: ssl.SSLContext) -> None:
    async with listening(replying(ACCEPTED)) as port, client_at(port, context=shared_context) as client:
        for checkpoints in range(20):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(client.submit, REPORT)
                    for _ in range(checkpoints):
                        await trio.lowlevel.checkpoint()
                    scope.cancel()
        assert (await client.submit(REPORT)).report_id == ID


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\xff" * 1000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
    ids=["nothing", "half a header", "half a body", "length", "chunk", "another protocol", "garbage", "endless header"],
)
@pytest.mark.trio
async def test_a_connection_that_breaks_midway_is_unreachable_and_the_report_can_go_again(
    reply: bytes, shared_context: ssl.SSLContext
) -> None:
    async with (
        listening(replying(reply, ACCEPTED, keep=False)) as port,
        client_at(port, context=shared_context) as client,
    ):
        with pytest.raises(Unreachable, match="the outcome is unknown"):
            await client.submit(REPORT)
        assert (await client.submit(REPORT)).report_id == ID


@pytest.mark.trio
async def test_a_connection_reset_is_unreachable(shared_context: ssl.SSLContext) -> None:
    async def reset(stream: trio.abc.Stream) -> None:
        assert isinstance(stream, trio.SocketStream)
        await stream.receive_some(10)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    async with listening(reset) as port, client_at(port, context=shared_context) as client:
        with pytest.raises(Unreachable, match="the outcome is unknown"):
            await client.submit(REPORT + b" " * 3_000_000)


@pytest.mark.trio
async def test_an_endless_reply_is_read_only_as_far_as_an_answer_can_go(shared_context: ssl.SSLContext) -> None:
    sent = 0

    async def pour(stream: trio.abc.Stream) -> None:
        nonlocal sent
        await read_request(stream)
        if sent:
            await stream.send_all(ACCEPTED)
            return
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await stream.send_all(b"x" * 65_536)
            sent += 65_536

    async with listening(pour) as port, client_at(port, context=shared_context) as client:
        with pytest.raises(Refused, match="portal"):
            await client.submit(REPORT)
        assert (await client.submit(REPORT)).report_id == ID
    assert sent < 50_000_000


@pytest.mark.trio
async def test_a_compressed_bomb_is_not_unfolded(shared_context: ssl.SSLContext) -> None:
    bomb = b"\x1f\x8b\x08\x00" + b"\x00" * 60_000
    reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(bomb), bomb)
    async with listening(replying(reply)) as port, client_at(port, context=shared_context) as client:
        with pytest.raises(Refused, match="portal"):
            await client.submit(REPORT)


@pytest.mark.trio
async def test_a_port_where_nobody_listens_is_unreachable(shared_context: ssl.SSLContext) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        async with client_at(port, context=shared_context) as client:
            with pytest.raises(Unreachable, match=f"no connection to 127.0.0.1:{port}: nothing listens there"):
                await client.submit(REPORT)


@pytest.mark.trio
async def test_a_name_without_an_address_is_unreachable(shared_context: ssl.SSLContext) -> None:
    async with WatsClient("http://no-such-host.invalid", "t", ssl_context=shared_context) as client:
        with pytest.raises(Unreachable, match="its name has no address"):
            await client.version()


@pytest.mark.trio
async def test_the_environment_does_not_choose_a_proxy(
    monkeypatch: pytest.MonkeyPatch, shared_context: ssl.SSLContext
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with listening(replying(ACCEPTED)) as port, client_at(port, context=shared_context) as client:
        assert (await client.submit(REPORT)).report_id == ID


@pytest.mark.trio
async def test_a_proxy_is_used_where_one_is_named(shared_context: ssl.SSLContext) -> None:
    async with listening(replying(ACCEPTED)) as port:
        proxy = f"http://127.0.0.1:{port}"
        async with WatsClient("http://wats.invalid", "t", proxy=proxy, ssl_context=shared_context) as client:
            assert (await client.submit(REPORT)).report_id == ID


@pytest.mark.trio
async def test_a_proxy_that_wants_a_login_before_the_tunnel_is_refused(shared_context: ssl.SSLContext) -> None:
    async def demand(stream: trio.abc.Stream) -> None:
        await stream.receive_some(65_536)
        await stream.send_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async with listening(demand) as port:
        proxy = f"http://127.0.0.1:{port}"
        async with WatsClient("https://wats.invalid", "t", proxy=proxy, ssl_context=shared_context) as client:
            with pytest.raises(Refused, match=r"server\.proxy"):
                await client.submit(REPORT)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.mark.trio
async def test_an_authority_named_in_the_ca_file_is_trusted(authority: Authority) -> None:
    context = ssl_context(authority.file)
    async with (
        listening(replying(ACCEPTED), authority.server_context("127.0.0.1")) as port,
        client_at(port, "https", context) as client,
    ):
        assert (await client.submit(REPORT)).report_id == ID


async def why_not(authority: Authority, server: ssl.SSLContext, *, trusted: bool = True) -> str:
    """Why an HTTPS client does not reach such a server."""
    context = ssl_context(authority.file if trusted else None)
    async with listening(greeting(server)) as port, client_at(port, "https", context) as client:
        with pytest.raises(Unreachable) as caught:
            await client.submit(REPORT)
    return str(caught.value)


@pytest.mark.trio
async def test_an_unknown_authority_is_named_as_the_cause(authority: Authority) -> None:
    why = await why_not(authority, authority.server_context("127.0.0.1"), trusted=False)
    assert "from an authority unknown here: name that authority in server.ca_file" in why


@pytest.mark.trio
async def test_an_expired_certificate_is_named_as_the_cause(authority: Authority) -> None:
    assert "its certificate has expired" in await why_not(
        authority, authority.server_context("127.0.0.1", expired=True)
    )


@pytest.mark.trio
async def test_a_certificate_for_another_address_is_named_as_the_cause(authority: Authority) -> None:
    assert "its certificate is for another" in await why_not(authority, authority.server_context("127.0.0.2"))


@pytest.mark.trio
async def test_a_demanded_client_certificate_is_named_as_the_cause(authority: Authority) -> None:
    assert "client certificate" in await why_not(authority, authority.demanding_context("127.0.0.1"))


@pytest.mark.trio
async def test_an_outdated_tls_is_named_as_the_cause(authority: Authority) -> None:
    assert "TLS 1.2 or newer" in await why_not(authority, authority.old_context("127.0.0.1"))


@pytest.mark.trio
async def test_a_port_without_tls_is_named_as_the_cause(authority: Authority) -> None:
    async def answer_plainly(stream: trio.abc.Stream) -> None:
        await stream.receive_some(10)
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    context = ssl_context(authority.file)
    async with listening(answer_plainly) as port, client_at(port, "https", context) as client:
        with pytest.raises(Unreachable, match="answers without TLS"):
            await client.submit(REPORT)


def test_a_ca_file_without_a_certificate_is_a_fault_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(ConfigError, match=r"server\.ca_file"):
            ssl_context(tmp_path / name)
