"""`queue retry` and `queue discard` beside a running service, which alone moves its reports: it is asked."""

import json
from typing import Any
from uuid import UUID, uuid5

import pytest

from pywats_client.clock import Clock
from pywats_client.disk import Disk
from pywats_client.emulator import Emulator
from pywats_client.queue.name import QueueName
from tests.end_to_end.station import Process, Station, serials, wsjf

UNKNOWN = "00000000"


def some_id(number: int) -> str:
    return str(uuid5(UUID(int=2), str(number)))


def put_rejected(station: Station, number: int, **report: Any) -> str:
    """A report that a person has to decide about; its id."""
    Disk().make_folder(station.instance.queue)
    content = json.dumps({"id": some_id(number), **report}).encode()
    name = QueueName.of(UUID(some_id(number)), content, Clock().now(), 5)
    (station.instance.queue / f"{name.stem}.0.rejected").write_bytes(content)
    return some_id(number)


def good(serial_number: str) -> dict[str, Any]:
    return wsjf(serial_number, machineName="Bench", location="Lab", purpose="Test")


def printed(process: Process, code: int) -> dict[str, Any]:
    """The JSON that a command has printed."""
    assert process.code == code, process.stderr
    found: dict[str, Any] = json.loads(process.stdout)
    assert found.pop("schema") == 1
    return found


@pytest.mark.trio
async def test_beside_a_service_a_retry_puts_back_what_it_names_and_prints_what_it_prints_without_one(
    station: Station, server: Emulator
) -> None:
    first = put_rejected(station, 1, **good("A1"))
    async with station.running():
        retried = await station.run("queue", "retry", first[:8], UNKNOWN, "--json")
        told = printed(retried, 1)
        assert told == {"reports": [{"id": first, "result": "queued", "why": None}], "not_found": [UNKNOWN]}
        assert f"no undelivered report has an id that begins with {UNKNOWN}" in retried.stderr
        await station.until(lambda: station.is_at_rest(1))
        nothing = await station.run("queue", "retry", "--all")
        assert (nothing.code, nothing.stderr) == (0, "there is nothing to do\n")
    assert await serials(server) == ["A1"]


@pytest.mark.trio
async def test_a_retry_that_waits_tells_what_became_of_each_report(station: Station, server: Emulator) -> None:
    first = put_rejected(station, 1, **good("A1"))
    second = put_rejected(station, 2, pn="only this")
    async with station.running():
        waited = await station.run("queue", "retry", "--all", "--wait", "--json")
        told = {item["id"]: item for item in printed(waited, 6)["reports"]}
        assert told[first] == {"id": first, "result": "completed", "why": None}
        assert told[second]["result"] == "rejected"
        assert told[second]["why"]
        assert station.counts() == {"completed": 1, "rejected": 1}
    assert await serials(server) == ["A1"]


@pytest.mark.trio
async def test_a_retry_cannot_wait_where_no_service_runs(station: Station) -> None:
    put_rejected(station, 1, **good("A1"))
    waited = await station.run("queue", "retry", "--all", "--wait")
    assert waited.code == 3
    assert station.counts() == {"rejected": 1}


@pytest.mark.trio
async def test_who_waits_for_a_service_that_stops_is_told_so(station: Station, server: Emulator) -> None:
    put_rejected(station, 1, **good("A1"))
    async with station.running() as service:
        assert (await station.run("pause", "uploads")).code == 0
        waiting = station.start("queue", "retry", "--all", "--wait")
        await station.until(lambda: "waiting for 1 upload" in waiting.stderr)
        await service.stop()
        assert await waiting.ended() == 5
        assert "the service has stopped; 1 report" in waiting.stderr
    assert station.counts() == {"queued": 1}
    assert await serials(server) == []


@pytest.mark.trio
async def test_beside_a_service_a_report_is_set_aside_and_never_sent(station: Station, server: Emulator) -> None:
    first = put_rejected(station, 1, **good("A1"))
    async with station.running():
        unasked = await station.run("queue", "discard", first)
        assert (unasked.code, station.counts()) == (2, {"rejected": 1})
        done = await station.run("queue", "discard", first[:8], "--yes", "--json")
        assert printed(done, 0) == {
            "reports": [{"id": first, "result": "discarded", "why": None}],
            "not_found": [],
        }
        wrong = await station.run("queue", "discard", "xyz", "--yes")
        assert (wrong.code, "is not the beginning of an id" in wrong.stderr) == (2, True)
        again = await station.run("queue", "retry", first)
        assert (again.code, f"{first} was discarded; `pywats-client queue show" in again.stderr) == (1, True)
    assert station.counts() == {"discarded": 1}
    assert await serials(server) == []


@pytest.mark.trio
async def test_the_service_tells_of_its_queue_what_the_folder_does(station: Station, server: Emulator) -> None:
    ids = [put_rejected(station, number, **good(f"A{number}")) for number in (1, 2)]
    torn = put_rejected(station, 3, **good("A3"))
    next(station.instance.queue.glob(f"*{torn}*")).write_bytes(b"torn")
    looks = (["list"], ["check"], ["show", ids[0]], ["list", "--state", "rejected", "--search", "a2"])
    without = [await station.run("queue", *look, "--json") for look in looks]
    async with station.running():
        beside = [await station.run("queue", *look, "--json") for look in looks]
        exported = await station.run("queue", "export", str(station.folder / "out"), "--json")
        again = await station.run("queue", "export", str(station.folder / "out"))
    assert [process.code for process in without] == [process.code for process in beside] == [0, 1, 0, 0]
    rows = [printed(processes[0], 0)["reports"] for processes in (without, beside)]
    for row in (*rows[0], *rows[1]):
        row["file"] = row["file"].rpartition("/")[2]
    assert rows[0] == rows[1]
    assert [row["fault"] is None for row in rows[0]] == [True, True, False]
    assert json.loads(without[2].stdout) == json.loads(beside[2].stdout)
    assert [row["id"] for row in printed(beside[3], 0)["reports"]] == [ids[1]]
    assert [bool(each["file"]) for each in printed(exported, 1)["reports"]] == [True, True, False]
    assert "0 reports exported, 2 already there, 1 damaged" in again.stdout


@pytest.mark.trio
async def test_who_submits_and_waits_is_told_what_became_of_each_report(station: Station, server: Emulator) -> None:
    file = station.folder / "report.json"
    file.write_text(json.dumps(good("A1")))
    unsent = await station.run("submit", str(file), "--wait")
    assert (unsent.code, station.counts()) == (3, {})
    async with station.running():
        sent = printed(await station.run("submit", str(file), "--wait", "--json"), 0)
        assert [report["result"] for report in sent["reports"]] == ["completed"]
    assert await serials(server) == ["A1"]
