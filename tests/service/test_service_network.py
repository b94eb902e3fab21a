"""What the network does to an upload, seen from the service: where the report stands, and what the connection says."""

import math
import socket
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from service_parts import Uploads, report_id, until
from trio.testing import MockClock

from pywats_client.ipc.events import ConnectionState
from pywats_client.queue.name import State
from tests.evidence.plugin import Evidence
from tests.fakes import proxy
from tests.fakes.http import HonestServer, Wire
from tests.fakes.network import Handler, MemoryNetwork, put_in_place
from tests.fakes.proxy import Fault, FaultProxy
from tests.fakes.server import ScriptedServer
from tests.fakes.tls import Authority, greeting, speaking

HOUR = 3600.0
MOST_PROBES_AN_HOUR = 200
"""Uploads wait 30 to 60 s after the first few, and so do pings."""


@pytest.fixture
def network(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> MemoryNetwork:
    made = MemoryNetwork(nursery)
    put_in_place(made, monkeypatch)
    return made


def row(fault: Fault, *, charged: bool) -> Any:
    name = fault.__name__.replace("_", " ")
    promised = "one report is charged and tried again after 5 min" if charged else "no report is charged"
    case = "F17" if fault is proxy.holding else "F18" if "trickling" in name else "F19"
    mark = pytest.mark.case(case, f"a queue of reports meets {name}", injected="fault proxy", promised=promised)
    return pytest.param(fault, charged, id=name, marks=mark)


@pytest.mark.parametrize(
    ("fault", "charged"),
    [
        row(proxy.holding, charged=True),
        row(proxy.upload_trickling, charged=True),
        row(proxy.body_trickling, charged=True),
        row(proxy.continues_without_end, charged=True),
        row(proxy.cut_in_the_request, charged=False),
        row(proxy.reply_lost, charged=False),
        row(proxy.cut_in_the_body, charged=False),
        row(proxy.length_too_long, charged=False),
        row(proxy.length_too_short, charged=False),
        row(proxy.garbage, charged=False),
        row(proxy.a_gigabyte, charged=False),
        row(proxy.headers_without_end, charged=False),
        row(proxy.answered_twice, charged=False),
        row(proxy.portal, charged=False),
        row(proxy.redirect, charged=False),
    ],
)
@pytest.mark.trio
async def test_every_report_arrives_under_its_own_id_whatever_befalls_one_of_them(
    network: MemoryNetwork, autojump_clock: MockClock, tmp_path: Path, fault: Fault, charged: bool, evidence: Evidence
) -> None:
    server = HonestServer()
    network.hosts["server"] = server.handle
    network.hosts["wats.test"] = FaultProxy(partial(network.open, "server"), proxy.passing, fault).handle
    uploads = Uploads(tmp_path, ScriptedServer(), url="http://wats.test")
    uploads.put(*range(5))
    began = trio.current_time()
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 5}, every=5)
    attempts = sorted(name.attempt for name in uploads.files(State.COMPLETED))
    assert attempts == [0, 0, 0, 0, int(charged)]
    assert set(server.ids) == {str(report_id(number)) for number in range(5)}
    assert len(server.ids) <= 6
    assert "elsewhere.test" not in network.connections
    evidence(figure=f"5 of 5 on the server after {trio.current_time() - began:.0f} s, {len(server.ids)} posts")


async def hour_without_a_connection(uploads: Uploads, network: MemoryNetwork) -> str:
    """Reports wait uncharged, probes are few; what the connection says."""
    uploads.put(*range(20))
    async with uploads.running(pings=True, looks=False):
        await trio.sleep(HOUR)
    assert uploads.connection.state is ConnectionState.OFFLINE
    assert uploads.states() == {"queued": 20}
    assert {name.attempt for name in uploads.files(State.QUEUED)} == {0}
    assert network.connections["wats.test"] <= MOST_PROBES_AN_HOUR
    return str(uploads.connection.reason)


async def answer_plainly(stream: trio.abc.Stream) -> None:
    await stream.receive_some(65_536)
    await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def handshake(make: Callable[[Authority], ssl.SSLContext]) -> Callable[[Authority], Handler]:
    return lambda authority: greeting(make(authority))


TLS = {
    "an expired certificate": (
        handshake(lambda authority: authority.server_context("wats.test", expired=True)),
        "its certificate has expired: renew it on the server",
    ),
    "a certificate for another name": (
        handshake(lambda authority: authority.server_context("other.test")),
        "its certificate is for another name: check server.url",
    ),
    "an outdated TLS": (
        handshake(lambda authority: authority.old_context("wats.test")),
        "it speaks no TLS version that we do: it must offer TLS 1.2 or newer",
    ),
    "a client certificate demanded": (
        handshake(lambda authority: authority.demanding_context("wats.test")),
        "it demands a client certificate, and we have none to show",
    ),
    "plain HTTP on the TLS port": (
        lambda _: answer_plainly,
        "it answers without TLS: use http:// or another port in server.url",
    ),
}


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        pytest.param(
            *TLS[case],
            id=case,
            marks=pytest.mark.case(
                "F20",
                case,
                injected="trustme, a server in memory, test clock",
                promised="offline with the exact reason; no report charged in an hour, at most 200 connections",
            ),
        )
        for case in TLS
    ],
)
@pytest.mark.trio
async def test_a_faulty_tls_is_offline_with_its_reason_and_charges_no_report(
    network: MemoryNetwork,
    autojump_clock: MockClock,
    tmp_path: Path,
    handler: Callable[[Authority], Handler],
    reason: str,
    evidence: Evidence,
) -> None:
    authority = Authority(tmp_path)
    network.hosts["wats.test"] = handler(authority)
    uploads = Uploads(tmp_path, ScriptedServer(), url="https://wats.test", ca_file=authority.file)
    assert reason in await hour_without_a_connection(uploads, network)
    evidence(figure=f"0 attempts charged, {network.connections['wats.test']} connections in an hour")


@pytest.mark.case(
    "F20",
    "an unknown authority, then its file is configured",
    injected="trustme, a server in memory, test clock",
    promised="offline with the exact reason and cure; with `server.ca_file` every report arrives",
)
@pytest.mark.trio
async def test_an_authority_is_unknown_until_the_ca_file_names_it(
    network: MemoryNetwork, autojump_clock: MockClock, tmp_path: Path
) -> None:
    authority, server = Authority(tmp_path), HonestServer()
    network.hosts["wats.test"] = greeting(authority.server_context("wats.test"))
    uploads = Uploads(tmp_path, ScriptedServer(), url="https://wats.test")
    reason = await hour_without_a_connection(uploads, network)
    assert "from an authority unknown here: name that authority in server.ca_file" in reason
    network.hosts["wats.test"] = speaking(authority.server_context("wats.test"), server.handle)
    uploads = Uploads(tmp_path, ScriptedServer(), url="https://wats.test", ca_file=authority.file)
    async with uploads.running():
        await until(lambda: uploads.states() == {"completed": 20})
    assert len(set(server.ids)) == 20


async def answer_with_an_alert(stream: trio.abc.Stream) -> None:
    """Schannel and others say that this is no TLS."""
    wire = Wire(stream)
    await wire.body(await wire.head())
    await stream.send_all(b"\x15\x03\x01\x00\x02\x02\x46")


async def hang_up(stream: trio.abc.Stream) -> None:
    """OpenSSL says nothing."""
    await stream.receive_some(65_536)


@pytest.mark.case(
    "F20",
    "TLS on the plain port",
    injected="an alert of TLS or nothing in answer, test clock",
    promised="offline with the exact reason; no report charged in an hour, at most 200 connections",
)
@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answer_with_an_alert, "it does not answer in HTTP: where it expects TLS, use https:// in server.url"),
        (hang_up, "Server disconnected without sending a response"),
    ],
)
@pytest.mark.trio
async def test_a_server_that_wants_tls_where_we_speak_plainly_is_offline(
    network: MemoryNetwork, autojump_clock: MockClock, tmp_path: Path, handler: Handler, reason: str
) -> None:
    network.hosts["wats.test"] = handler
    uploads = Uploads(tmp_path, ScriptedServer(), url="http://wats.test")
    assert reason in await hour_without_a_connection(uploads, network)


class Resolver(trio.abc.HostnameResolver):
    """Answers nothing, after a while."""

    def __init__(self, delay: float, error: socket.gaierror) -> None:
        self._delay, self._error, self.asked = delay, error, 0

    async def getaddrinfo(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        await trio.sleep(self._delay)
        raise self._error

    async def getnameinfo(self, *_: Any) -> Any:
        raise self._error


NO_SUCH_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_SERVER_OF_NAMES = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.parametrize(
    ("delay", "error", "reason"),
    [
        (0.1, NO_SUCH_NAME, "its name has no address (Name or service not known): check server.url, and the network"),
        (0.1, NO_SERVER_OF_NAMES, "its name has no address (Temporary failure in name resolution)"),
        (30.0, NO_SUCH_NAME, "nobody answers there"),
        (math.inf, NO_SUCH_NAME, "nobody answers there"),
    ],
    ids=["no such name", "no server of names", "a name that takes 30 s", "a name that is never answered"],
)
@pytest.mark.case(
    "F21",
    "a name that is not known, not known for now, answered after 30 s, or never",
    injected="resolver of the test, test clock",
    promised="offline with the reason; no report charged in an hour, at most 200 questions",
)
@pytest.mark.trio
async def test_a_name_that_leads_nowhere_is_offline_and_charges_no_report(
    autojump_clock: MockClock, tmp_path: Path, delay: float, error: socket.gaierror, reason: str
) -> None:
    resolver = Resolver(delay, error)
    trio.socket.set_custom_hostname_resolver(resolver)
    uploads = Uploads(tmp_path, ScriptedServer(), url="http://wats.test")
    uploads.put(*range(20))
    async with uploads.running(pings=True, looks=False):
        await trio.sleep(HOUR)
    assert uploads.connection.state is ConnectionState.OFFLINE
    assert reason in uploads.connection.reason
    assert uploads.states() == {"queued": 20}
    assert {name.attempt for name in uploads.files(State.QUEUED)} == {0}
    assert resolver.asked <= MOST_PROBES_AN_HOUR
