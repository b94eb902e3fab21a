"""Who looks on changes nothing: the journal and subscribers, quick or slow, cost no report its turn."""

from pathlib import Path
from uuid import UUID

import httpx
import pytest
import trio
import trio.testing
from service_parts import Uploads, directly, report_id, until
from trio.testing import MockClock

from pywats_client.ipc.events import ReportMoved
from pywats_client.queue.name import State
from pywats_client.service.hub import Hub
from pywats_client.service.journal import Journal
from tests.fakes.server import ScriptedServer, accepted, answer

COUNT = 150


async def uploaded(home: Path, *, onlookers: bool) -> tuple[list[str], dict[str, int], dict[UUID, list[str]]]:
    """The order in which reports of several priorities were posted, where they ended, and what each subscriber heard.

    Some of them fail on the way; one subscriber never reads.
    """
    home.mkdir()
    faults = [answer(503), httpx.ConnectError("no route"), answer(409, "no such unit")]
    script = [step for fault in faults for step in (*[accepted()] * 10, fault)]
    uploads = Uploads(home, ScriptedServer(*script), service={"max_concurrent_uploads": 1})
    heard: dict[UUID, list[str]] = {}
    journal = Journal(home / "journal", uploads.clock)

    async def listen(hub: Hub) -> None:
        with hub.subscribed() as events:
            async for event in events:
                if isinstance(event, ReportMoved):
                    heard.setdefault(event.queue_id, []).append(f"{event.before}-{event.after}")

    async with trio.open_nursery() as nursery:
        if onlookers:
            nursery.start_soon(journal.run, uploads.hub, uploads.settings, directly)
            nursery.start_soon(listen, uploads.hub)
            nursery.start_soon(listen, uploads.hub)
            await trio.testing.wait_all_tasks_blocked()
        with uploads.hub.subscribed(5 if onlookers else 100_000):
            for number in range(COUNT):
                uploads.put(number, priority=number % 3 + 1)
            async with uploads.running(pings=True):
                await until(lambda: uploads.states().get("completed", 0) == COUNT - 1)
        if onlookers:
            await trio.sleep(1)
            for number in range(COUNT):
                assert journal.history(report_id(number))[-1].event in (State.COMPLETED, State.REJECTED)
        nursery.cancel_scope.cancel()
    return uploads.sent(), uploads.states(), heard


@pytest.mark.trio
async def test_subscribers_and_the_journal_change_neither_the_order_nor_the_end_of_an_upload(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    alone, states_alone, _ = await uploaded(tmp_path / "alone", onlookers=False)
    watched, states, heard = await uploaded(tmp_path / "watched", onlookers=True)
    assert watched == alone
    assert states == states_alone == {"completed": COUNT - 1, "rejected": 1}
    assert len(heard) == COUNT
    for moves in heard.values():  # of two subscribers
        assert sorted(moves)[::2] == sorted(moves)[1::2]
