"""A proxy between the client and an honest server does what networks do; the next report goes out all the same."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from pywats_client.errors import Busy, Refused, ReportRejected, Unreachable, WatsError
from pywats_client.wats import WatsClient, ssl_context
from pywats_client.wats.client import LONGEST_REPLY
from tests.evidence.plugin import Evidence
from tests.fakes import proxy
from tests.fakes.http import HonestServer
from tests.fakes.network import MemoryNetwork, listening, put_in_place
from tests.fakes.proxy import Fault, FaultProxy

ID = "6f1c1f5e-0f0b-4c0e-9a53-0b6a0e4a9c11"
REPORT = json.dumps({"id": ID, "sn": "x" * 200}).encode()
LARGE = json.dumps({"id": ID, "sn": "x" * 8_000_000}).encode()
CONTEXT = ssl_context()
LONGEST_HEAD = 200_000
"""httpcore reads on while a head is shorter than 100 KiB, 64 KiB at a time."""

AGAIN = "the exception is ours, the next report goes out, one sent again arrives under the same id"


@dataclass(frozen=True)
class Case:
    """What the client makes of a fault; `stored`: whether the server has the report nevertheless."""

    fault: Fault
    error: type[WatsError] | None
    words: str
    stored: bool
    seconds: float = 0.0

    def __str__(self) -> str:
        return self.fault.__name__.replace("_", " ")


def case(id: str, promised: str, *arguments: Any, **keys: Any) -> Any:  # noqa: A002
    """A row of the table, which is a row of the evidence too."""
    made = Case(*arguments, **keys)
    mark = pytest.mark.case(id, str(made), injected="fault proxy", promised=promised)
    return pytest.param(made, id=str(made), marks=mark)


DEADLINE = "cut at the deadline of the request, the slot is free"
CUT = "cut when less than 1 kB/s moved for 30 s, the slot is free"
NO_MORE = f"{AGAIN}; no more than the beginning is read"

IN_MEMORY = [
    case("F17", DEADLINE, proxy.holding, Busy, "within 60 s", stored=True, seconds=60),
    case("F18", CUT, proxy.upload_trickling, Busy, "less than 1000 bytes a second", stored=False, seconds=30),
    case("F18", CUT, proxy.body_trickling, Busy, "less than 1000 bytes a second", stored=True, seconds=30),
    case("F18", DEADLINE, proxy.head_trickling, Busy, "within 60 s", stored=True, seconds=60),
    case("F19", DEADLINE, proxy.continues_without_end, Busy, "within 60 s", stored=True, seconds=60),
    case("F19", AGAIN, proxy.cut_in_the_request, Unreachable, "the outcome is unknown", stored=False),
    case("F19", AGAIN, proxy.reply_lost, Unreachable, "the outcome is unknown", stored=True),
    case("F19", AGAIN, proxy.cut_in_the_head, Unreachable, "the outcome is unknown", stored=True),
    case("F19", AGAIN, proxy.cut_in_the_body, Unreachable, "the outcome is unknown", stored=True),
    case("F19", AGAIN, proxy.length_too_long, Unreachable, "the outcome is unknown", stored=True),
    case("F19", AGAIN, proxy.length_too_short, Refused, "not as WATS does", stored=True),
    case("F19", AGAIN, proxy.garbage, Unreachable, "the outcome is unknown", stored=True),
    case("F19", NO_MORE, proxy.a_gigabyte, Refused, "not as WATS does", stored=True),
    case("F19", NO_MORE, proxy.gzip_bomb, Refused, "not as WATS does", stored=True),
    case("F19", NO_MORE, proxy.brotli_bomb, Refused, "not as WATS does", stored=True),
    case("F19", NO_MORE, proxy.header_without_end, Unreachable, "the outcome is unknown", stored=True),
    case("F19", NO_MORE, proxy.headers_without_end, Unreachable, "the outcome is unknown", stored=True),
    case("F21", "HTML with 200 is no success", proxy.portal, Refused, "a page of HTML", stored=False),
    case("F24", "the token does not follow", proxy.redirect, Refused, "never sent on", stored=False),
    case("F19", "accepted", proxy.old_http, None, "", stored=True),
    case("F19", "accepted", proxy.hung_up_after_the_reply, None, "", stored=True),
]


@contextmanager
def failing(case: Case) -> Iterator[None]:
    """The block raises what the case says, and nothing where it says nothing."""
    if case.error is None:
        yield
    else:
        with pytest.raises(case.error, match=case.words):
            yield


@pytest.mark.parametrize("case", IN_MEMORY)
@pytest.mark.trio
async def test_what_the_network_does_is_an_error_of_ours_and_the_next_report_goes_out(
    case: Case, nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, evidence: Evidence
) -> None:
    network, server = MemoryNetwork(nursery), HonestServer()
    put_in_place(network, monkeypatch)
    network.hosts["server"] = server.handle
    network.hosts["wats.test"] = FaultProxy(partial(network.open, "server"), case.fault).handle
    async with WatsClient("http://wats.test", "dG9rZW4=", ssl_context=CONTEXT) as client:
        began = trio.current_time()
        with failing(case):
            await client.submit(REPORT)
        assert trio.current_time() - began == pytest.approx(case.seconds, abs=1)
        assert len(server.ids) == case.stored
        assert network.received <= (LONGEST_HEAD if "head" in str(case) else 2 * LONGEST_REPLY)
        await wait_all_tasks_blocked()
        assert (await client.submit(REPORT)).report_id == ID
    assert set(server.ids) == {ID}
    assert set(network.connections) == {"wats.test", "server"}
    evidence(figure=f"{case.error.__name__ if case.error else 'accepted'}, {network.received:,} bytes read in all")


ON_SOCKETS = [
    case("F19", AGAIN, proxy.reset_in_the_request, Unreachable, "the outcome is unknown", stored=False),
    case("F19", AGAIN, proxy.reset_in_the_reply, Unreachable, "the outcome is unknown", stored=True),
    case("F19", "accepted", proxy.hung_up_after_the_reply, None, "", stored=True),
    case("F23", "rejected", proxy.too_large_before_it_is_read, ReportRejected, "limit is 1 MB", stored=False),
]


@pytest.mark.parametrize("case", ON_SOCKETS)
@pytest.mark.trio
async def test_what_sockets_do_is_an_error_of_ours_and_the_next_report_goes_out(case: Case) -> None:
    server = HonestServer()
    async with listening(server.handle) as behind:
        faults = FaultProxy(partial(trio.open_tcp_stream, "127.0.0.1", behind), case.fault)
        async with (
            listening(faults.handle) as port,
            WatsClient(f"http://127.0.0.1:{port}", "dG9rZW4=", ssl_context=CONTEXT) as client,
        ):
            with failing(case):
                await client.submit(LARGE)
            assert len(server.ids) == case.stored
            assert (await client.submit(LARGE)).report_id == ID
    assert set(server.ids) == {ID}


@pytest.mark.case(
    "F19", "one answer too many", injected="fault proxy", promised="it is not taken for the answer to the next report"
)
@pytest.mark.trio
async def test_an_answer_too_many_is_not_taken_for_that_to_the_next_report(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, server = MemoryNetwork(nursery), HonestServer()
    put_in_place(network, monkeypatch)
    network.hosts["server"] = server.handle
    network.hosts["wats.test"] = FaultProxy(partial(network.open, "server"), proxy.answered_twice).handle
    other = str(uuid5(UUID(ID), "other"))
    async with WatsClient("http://wats.test", "dG9rZW4=", ssl_context=CONTEXT) as client:
        await client.submit(REPORT)
        with pytest.raises(Unreachable, match="out of step"):
            await client.submit(REPORT.replace(ID.encode(), other.upper().encode()))
        assert (await client.submit(REPORT.replace(ID.encode(), other.encode()))).report_id == other
    assert server.ids[-1] == other
