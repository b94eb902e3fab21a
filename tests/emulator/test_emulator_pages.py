"""What a person sees in a browser."""

from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from pywats_client.emulator import Emulator, drawings, pages

Report = dict[str, Any]
HOSTILE = """<script>alert("1")</script>'&"""


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data + " "


async def page_of(http: httpx.AsyncClient, path: str) -> Page:
    reply = await http.get(path)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    return Page(reply.text)


@pytest.mark.trio
async def test_an_empty_server_says_that_nothing_has_arrived(http: httpx.AsyncClient) -> None:
    assert "Nothing has arrived yet" in (await page_of(http, "/")).text


@pytest.mark.trio
async def test_the_list_shows_each_report_with_its_verdict_in_words(http: httpx.AsyncClient, report: Report) -> None:
    await http.post("/api/report/wsjf", json=report)
    text = (await page_of(http, "/")).text
    assert all(word in text for word in ("SN-001", "PCB-1", "In-circuit test", "ST-1", "Failed"))


@pytest.mark.trio
async def test_a_reports_page_shows_its_steps_with_values_limits_and_verdicts(
    http: httpx.AsyncClient, report: Report
) -> None:
    await http.post("/api/report/wsjf", json=report)
    page = await page_of(http, f"/report/{report['id']}")
    assert all(
        word in page.text for word in ("Power", "Vcc", "3.31 V", "3.2 … 3.4", "Icc", "LE 0.5", "Passed", "Failed")
    )
    assert page.tags.count("svg") == 2


@pytest.mark.trio
async def test_a_page_that_is_not_there_says_so(http: httpx.AsyncClient) -> None:
    reply = await http.get("/report/nothing")
    assert (reply.status_code, "no report of this id" in reply.text) == (404, True)


@pytest.mark.trio
async def test_nothing_in_a_report_becomes_markup(emulator: Emulator, http: httpx.AsyncClient, report: Report) -> None:
    def poisoned(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {key: poisoned(below, key) for key, below in value.items()}
        if isinstance(value, list):
            return [poisoned(below, key) for below in value]
        fixed = {"id", "type", "result", "status", "group", "stepType", "compOp", "start", "startUTC"}
        return HOSTILE if isinstance(value, str) and key not in fixed else value

    report["miscInfos"] = [{"description": "a", "text": "b"}]
    report["root"]["steps"][0]["steps"][0] |= {"reportText": "c", "errorMessage": "d"}
    reply = await http.post("/api/report/wsjf", json=poisoned(report))
    assert reply.status_code == 200, reply.text
    for path in ("/", f"/report/{report['id']}"):
        page = await page_of(http, path)
        assert "script" not in page.tags
        assert HOSTILE in page.text


def test_a_repair_shows_its_failures() -> None:
    content = {
        "type": "R",
        "sn": "SN-1",
        "uur": {"user": "kari"},
        "subUnits": [{"sn": "SN-1", "failures": [{"category": "Component", "code": "Cold joint", "comRef": "R7"}]}],
    }
    text = Page(pages.report(header_of(content), content)).text
    assert all(word in text for word in ("Repair of", "kari", "Cold joint", "R7"))


def test_charts_and_attachments_are_shown() -> None:
    chart = {"label": "Gain", "xLabel": "f", "yLabel": "g", "series": [{"xdata": "1;2", "ydata": "3;4"}]}
    steps = [
        {"name": "Sweep", "status": "P", "chart": chart},
        {"name": "Photo", "status": "D", "attachment": {"name": "a.png", "contentType": "image/png", "data": "QUJD"}},
    ]
    content = {"type": "T", "sn": "SN-1", "root": {"name": "Main", "status": "P", "steps": steps}}
    page = Page(pages.report(header_of(content), content))
    assert "polyline" in page.tags
    assert all(word in page.text for word in ("Gain", "a.png", "Done"))


def header_of(content: Report) -> Report:
    return {
        "uuid": "1",
        "processCode": content.get("processCode", 10),
        "processName": "",
        "received": "2026-11-22T12:00:00.000Z",
        "receiveCount": 1,
        "reportSize": 1,
    }


@pytest.mark.parametrize(
    ("operator", "low", "high", "bands"),
    [
        ("GELE", 1, 3, 1),
        ("GTLT", 1, 3, 1),
        ("LTGT", 1, 3, 2),
        ("LE", 1, None, 1),
        ("GT", 1, None, 1),
        ("EQ", 1, None, 1),
        ("NE", 1, None, 2),
        ("gele", 1, 3, 1),
        ("GELE", 3, 1, 0),
        ("ODD", 1, 3, 0),
    ],
)
def test_limits_are_drawn_as_the_operator_means_them(operator: str, low: float, high: float | None, bands: int) -> None:
    assert drawings.limits(operator, 2, low, high, "P").count("<rect") == bands


@pytest.mark.parametrize("value", [None, "2", True, 1e308, float("inf"), float("nan"), 10**400])
def test_what_cannot_be_drawn_is_not_drawn(value: object) -> None:
    assert drawings.limits("GELE", value, -1e308, 1e308, "P") == ""
    assert drawings.limits("LOG", 2, None, None, "P") == ""
    assert drawings.curves([]) == ""
    assert drawings.curves([([1.0, float("inf")], [1.0, 2.0])]) == ""


def test_a_value_outside_is_marked_bad() -> None:
    assert 'class="bad"' in drawings.limits("GELE", 9, 1, 3, "F")
    assert 'class="good"' in drawings.limits("GELE", 2, 1, 3, "P")
