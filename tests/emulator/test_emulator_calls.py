"""The calls of a WATS server, as stations use them."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from pywats_client.emulator import Emulator
from pywats_client.errors import Busy, Refused, ReportRejected, Unreachable
from pywats_client.wats import WatsClient

Report = dict[str, Any]
POST = "/api/Report/WSJF"


def numbered(report: Report, number: int, **changes: object) -> Report:
    """Another report like `report`."""
    return report | {"id": str(uuid4()), "sn": f"SN-{number:03}"} | changes


async def query(http: httpx.AsyncClient, **parameters: str) -> list[str]:
    """The serial numbers that a query finds."""
    reply = await http.get("/api/Report/Query/Header", params={f"${name}": text for name, text in parameters.items()})
    assert reply.status_code == 200, reply.text
    return [header["serialNumber"] for header in reply.json()]


@pytest.mark.trio
async def test_a_good_report_is_taken_and_its_id_told(http: httpx.AsyncClient, report: Report) -> None:
    reply = await http.post(POST, json=report)
    assert reply.status_code == 200
    assert reply.json() == {"ID": report["id"], "uuid": report["id"], "Report_ID": 1}


@pytest.mark.trio
async def test_a_report_is_read_back_as_it_came(http: httpx.AsyncClient, report: Report) -> None:
    await http.post(POST, json=report)
    assert (await http.get(f"/api/Report/Wsjf/{report['id'].upper()}")).json() == report
    assert (await http.get(f"/api/Report/Wsjf/{uuid4()}")).status_code == 404


@pytest.mark.trio
async def test_the_same_id_replaces_and_is_counted(emulator: Emulator, http: httpx.AsyncClient, report: Report) -> None:
    numbers = [(await http.post(POST, json=report | {"rev": rev})).json()["Report_ID"] for rev in "ABC"]
    (header,) = await emulator.received()
    assert (header["receiveCount"], header["revision"]) == (3, "C")
    assert numbers == [1, 1, 1]


@pytest.mark.parametrize("path", ["/api/report/wsjf", "/API/REPORT/WSJF", "/api/Report/WSJF"])
@pytest.mark.trio
async def test_paths_are_not_case_sensitive(http: httpx.AsyncClient, report: Report, path: str) -> None:
    assert (await http.post(path, json=report)).status_code == 200


@pytest.mark.trio
async def test_every_fault_is_a_line_with_the_way_to_its_step(http: httpx.AsyncClient, report: Report) -> None:
    report["root"]["steps"][0]["steps"][0]["numericMeas"][0]["compOp"] = "SOMEHOW"
    del report["sn"]
    reply = await http.post(POST, json=report)
    assert reply.status_code == 400
    assert reply.headers["content-type"].startswith("text/plain")
    lines = reply.text.splitlines()
    assert any(line.startswith("report: sn ") for line in lines)
    assert any(line.startswith("root -> step Power -> step Vcc: ") for line in lines)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"processCode": 11}, "Invalid process code 11"),
        ({"processCode": 500}, "Invalid process code 500"),
        ({"processName": "in-circuit test"}, "Invalid process name in-circuit test"),
    ],
)
@pytest.mark.trio
async def test_a_process_this_server_does_not_know_is_refused(
    emulator: Emulator, http: httpx.AsyncClient, report: Report, changes: Report, line: str
) -> None:
    reply = await http.post(POST, json=report | changes)
    assert (reply.status_code, line in reply.text) == (400, True)
    assert await emulator.received() == []


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b'"text"', b'{"id": NaN}', b"[" * 100_000, b"\xff\xfe\x00", b'[{"id": 1}]']
)
@pytest.mark.trio
async def test_a_body_that_is_no_report_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    reply = await http.post(POST, content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 400
    assert reply.text


@pytest.mark.trio
async def test_a_report_that_is_not_called_json_is_refused(http: httpx.AsyncClient, report: Report) -> None:
    assert (await http.post(POST, content=json.dumps(report))).status_code == 415


@pytest.mark.trio
async def test_version_and_processes_are_told(http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/App/Version")).text.startswith("2026.")
    both = (await http.get("/api/App/Processes")).json()
    repairs = (await http.get("/api/App/Processes", params={"includeTestOperations": "false"})).json()
    assert {(process["code"], process["isRepairOperation"]) for process in both} >= {(10, False), (500, True)}
    assert all(process["isRepairOperation"] for process in repairs)


@pytest.mark.trio
async def test_the_status_of_a_client_is_taken(emulator: Emulator, http: httpx.AsyncClient) -> None:
    assert (await http.put("/api/Client/Update", content=b"[]")).status_code == 400
    assert emulator.client_status is None
    assert (await http.put("/api/Client/Update", json={"name": "ST-1", "pendingTotal": 4})).status_code == 200
    assert emulator.client_status == {"name": "ST-1", "pendingTotal": 4}


@pytest.mark.trio
async def test_headers_are_told_newest_first_and_no_more_than_asked(http: httpx.AsyncClient, report: Report) -> None:
    for number in range(4):
        await http.post(POST, json=numbered(report, number))
    assert await query(http) == ["SN-003", "SN-002", "SN-001", "SN-000"]
    assert await query(http, top="2") == ["SN-003", "SN-002"]
    assert await query(http, top="0") == []


@pytest.mark.trio
async def test_headers_are_filtered(http: httpx.AsyncClient, report: Report) -> None:
    await http.post(POST, json=numbered(report, 1, pn="O'Neill and sons"))
    await http.post(POST, json=numbered(report, 2, processCode=20))
    await http.post(POST, json=numbered(report, 3))
    assert await query(http, filter="serialNumber eq 'SN-003'") == ["SN-003"]
    assert await query(http, filter="partnumber EQ 'O''Neill and sons'") == ["SN-001"]
    assert await query(http, filter="processCode eq 20 and partNumber eq 'PCB-1'") == ["SN-002"]
    assert await query(http, filter="processCode eq 20 and serialNumber eq 'SN-003'") == []
    assert await query(http, filter="result eq 'F'", top="1") == ["SN-003"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"$filter": "serialNumber ne '1'"},
        {"$filter": "serialNumber eq '1' or result eq 'P'"},
        {"$filter": "serialNumber eq '1' result eq 'P'"},
        {"$filter": "serialNumber eq '1' and"},
        {"$filter": "1 = 1; DROP TABLE reports eq 1"},
        {"$filter": "report eq 'x'"},
        {"$top": "many"},
    ],
)
@pytest.mark.trio
async def test_a_query_that_is_not_understood_says_so(http: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    reply = await http.get("/api/Report/Query/Header", params=parameters)
    assert (reply.status_code, "not understood" in reply.text) == (400, True)


@pytest.mark.trio
async def test_without_the_right_token_no_call_is_served(
    emulator: Emulator, http: httpx.AsyncClient, report: Report
) -> None:
    emulator.control.token = "dG9rZW4="
    for header in ({}, {"authorization": "Basic d3Jvbmc="}, {"authorization": "Bearer dG9rZW4="}):
        assert (await http.post(POST, json=report, headers=header)).status_code == 401
        assert (await http.get("/API/app/version", headers=header)).status_code == 401
    right = {"authorization": "Basic dG9rZW4="}
    assert (await http.post(POST, json=report, headers=right)).status_code == 200


@pytest.mark.trio
async def test_what_is_ordered_is_answered_so_often_and_then_no_more(http: httpx.AsyncClient, report: Report) -> None:
    orders = {"status": 503, "times": 2, "text": "later", "retry_after": 5}
    assert (await http.post("/control", json=orders)).status_code == 200
    replies = [await http.post(POST, json=report) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [503, 503, 200]
    assert (replies[1].text, replies[1].headers["retry-after"]) == ("later", "5")


@pytest.mark.trio
async def test_what_is_ordered_without_a_number_holds_until_told_otherwise(
    http: httpx.AsyncClient, report: Report
) -> None:
    await http.post("/control", json={"status": 401})
    assert [(await http.post(POST, json=report)).status_code for _ in range(3)] == [401] * 3
    assert (await http.get("/api/App/Version")).status_code == 200
    await http.post("/control", json={"status": 200})
    assert (await http.post(POST, json=report)).status_code == 200


@pytest.mark.trio
async def test_a_fail_rate_is_spread_evenly(http: httpx.AsyncClient, report: Report) -> None:
    await http.post("/control", json={"fail_rate": 0.5})
    assert [(await http.post(POST, json=report)).status_code for _ in range(6)] == [200, 503] * 3


@pytest.mark.trio
async def test_latency_and_token_can_be_ordered_and_the_token_is_not_shown(http: httpx.AsyncClient) -> None:
    shown = (await http.post("/control", json={"latency_ms": 1, "token": "dG9rZW4="})).text
    assert "dG9rZW4=" not in shown
    assert (await http.get("/control")).json()["latency_ms"] == 1
    assert (await http.get("/api/App/Version")).status_code == 401


@pytest.mark.parametrize(
    "orders", ["", "[]", '{"status": "503"}', '{"stauts": 503}', '{"fail_rate": 2}', '{"drop": -1}']
)
@pytest.mark.trio
async def test_orders_that_are_not_understood_are_refused(http: httpx.AsyncClient, orders: str) -> None:
    before = (await http.get("/control")).json()
    reply = await http.post("/control", content=orders, headers={"content-type": "application/json"})
    assert reply.status_code == 400
    assert (await http.get("/control")).json() == before


@pytest.mark.trio
async def test_a_form_on_another_site_cannot_give_orders(http: httpx.AsyncClient) -> None:
    reply = await http.post("/control", content='{"status": 500}', headers={"content-type": "text/plain"})
    assert reply.status_code == 415
    assert (await http.get("/control")).json()["answer"] is None


@pytest.mark.trio
async def test_our_client_and_the_emulator_understand_each_other(emulator: Emulator, report: Report) -> None:
    body = json.dumps(report).encode()
    async with WatsClient(emulator.url, "dG9rZW4=") as client:
        assert (await client.submit(body)).report_id == report["id"]
        assert (await client.version()).startswith("2026.")
        await client.update_client({"name": "ST-1"})
        with pytest.raises(ReportRejected) as rejected:
            await client.submit(b"{}")
        assert len(rejected.value.lines) > 5
        emulator.control.answer(503, times=1, retry_after=9)
        with pytest.raises(Busy) as busy:
            await client.submit(body)
        assert busy.value.retry_after == 9
        emulator.control.token = "b3RoZXI="
        with pytest.raises(Refused):
            await client.submit(body)
        emulator.control.token = None
        emulator.control.drop = 1
        with pytest.raises(Unreachable):
            await client.submit(body)
        await client.submit(body)
    (header,) = await emulator.received()
    assert header["receiveCount"] == 3
