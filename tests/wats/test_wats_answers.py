"""What each answer of a server means for the report that was sent, and for those that wait."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from pywats_client.clock import Clock
from pywats_client.errors import Busy, Refused, ReportRejected, WatsError
from pywats_client.wats import WatsClient
from tests.fakes.server import ScriptedServer, Step, accepted, answer

ID = "6f1c1f5e-0f0b-4c0e-9a53-0b6a0e4a9c11"
REPORT = json.dumps({"id": ID}).encode()
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class StoppedClock(Clock):
    def now(self) -> datetime:
        return NOW


def client_of(*script: Step) -> WatsClient:
    return WatsClient("https://wats.test", "dG9rZW4=", transport=ScriptedServer(*script), clock=StoppedClock())


async def failure(step: Step) -> WatsError:
    with pytest.raises(WatsError) as caught:
        await client_of(step).submit(REPORT)
    return caught.value


@pytest.mark.case(
    "F22",
    "200, 201, 202 with the id of the report, in all shapes known",
    injected="scripted server",
    promised="accepted",
)
@pytest.mark.parametrize(
    "body",
    [
        {"ID": ID, "uuid": ID, "Report_ID": 7},
        [{"ID": ID, "uuid": ID, "Report_ID": 7}],
        {"id": ID},
        {"Uuid": ID.upper(), "report_id": 7},
        {"ID": None, "uuid": ID},
        {"ID": 12, "uuid": ID},
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.trio
async def test_a_success_of_the_documented_shape_is_accepted(status: int, body: object) -> None:
    assert (await client_of(answer(status, body)).submit(REPORT)).report_id == ID


@pytest.mark.trio
async def test_a_byte_order_mark_before_the_answer_does_no_harm() -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"ID": ID}).encode()
    assert (await client_of(answer(200, body)).submit(REPORT)).report_id == ID


@pytest.mark.case(
    "F22",
    "200, 202, 204 with HTML, nothing, text, half of a JSON",
    injected="scripted server",
    promised="refused: no success, and no report is condemned",
)
@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (200, "<html><body>Please log in</body></html>", "text/html"),
        (200, "<html>", "application/json"),
        (200, "", "application/json"),
        (204, "", "text/plain"),
        (200, "welcome", "text/plain"),
        (200, b"\x1f\x8b\x08\x00\xff\xfe", "application/json"),
        (200, b"[" * 60_000, "application/json"),
        (202, '{"ID": "' + ID, "application/json"),
    ],
)
@pytest.mark.trio
async def test_a_success_that_is_not_json_is_a_portal_and_condemns_no_report(
    status: int, body: str | bytes, content_type: str
) -> None:
    error = await failure(answer(status, body, content_type=content_type))
    assert isinstance(error, Refused)
    assert "server.url" in str(error)


@pytest.mark.case(
    "F22",
    "200 with JSON that names no report: an error, quarantine",
    injected="scripted server",
    promised="busy for that report, the server's words kept",
)
@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "taken",
        None,
        {"error": "the database is full"},
        {"message": "the report is in quarantine", "id": 12},
        {"ID": "00000000-0000-0000-0000-000000000000"},
        {"ID": "seven"},
        [{"ID": ID}, {"ID": ID}],
    ],
)
@pytest.mark.trio
async def test_a_success_in_json_without_a_report_id_is_tried_again(body: object) -> None:
    assert isinstance(await failure(answer(200, json.dumps(body), content_type="application/json")), Busy)


@pytest.mark.trio
async def test_the_words_of_a_success_without_a_report_id_are_kept() -> None:
    assert "the report is in quarantine" in str(await failure(answer(200, {"message": "the report is in quarantine"})))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 507, 599])
@pytest.mark.trio
async def test_a_server_that_cannot_serve_now_is_busy(status: int) -> None:
    error = await failure(answer(status, "come back later"))
    assert isinstance(error, Busy)
    assert str(status) in str(error)
    assert "come back later" in str(error)


@pytest.mark.parametrize("status", [402, 406, 410, 418, 423, 451, 499, 600])
@pytest.mark.trio
async def test_an_answer_nobody_documented_is_busy_for_that_report(status: int) -> None:
    assert isinstance(await failure(answer(status)), Busy)


@pytest.mark.case(
    "F24",
    "401, 403, 404, 405, 407",
    injected="scripted server",
    promised="refused, with the cure",
)
@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (401, "get a valid one"),
        (403, "grant it there"),
        (404, "check server.url"),
        (405, "check server.url"),
        (407, "check server.proxy"),
    ],
)
@pytest.mark.trio
async def test_a_wrong_address_or_token_is_refused_and_names_the_cure(status: int, cure: str) -> None:
    error = await failure(answer(status))
    assert isinstance(error, Refused)
    assert cure in str(error)


@pytest.mark.case(
    "F24",
    "300 to 308, to another host",
    injected="scripted server",
    promised="refused, one request, the token does not follow",
)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.trio
async def test_a_redirect_is_refused_and_the_token_does_not_follow_it(status: int) -> None:
    server = ScriptedServer(answer(status, headers={"location": "https://elsewhere.test/login?secret=1"}))
    with pytest.raises(Refused) as caught:
        await WatsClient("https://wats.test", "dG9rZW4=", transport=server).submit(REPORT)
    assert "https://elsewhere.test/login" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.case(
    "F23",
    "400, 409, 413, 415, 422",
    injected="scripted server",
    promised="rejected, every line of the answer kept",
)
@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
@pytest.mark.trio
async def test_a_definite_no_rejects_the_report_with_every_line_of_the_answer(status: int) -> None:
    error = await failure(answer(status, "root -> step A: no such unit\r\n\r\nroot: invalid process code\n"))
    assert isinstance(error, ReportRejected)
    assert error.lines == ("root -> step A: no such unit", "root: invalid process code")
    assert "root -> step A: no such unit (and 1 more)" in str(error)


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("one\ntwo", ("one", "two")),
        ({"Message": "one\ntwo"}, ("Message: one", "two")),
        (
            {"errors": {"pn": ["too long", "odd"]}, "status": 400},
            ("errors.pn: too long", "errors.pn: odd", "status: 400"),
        ),
        ([{"error": "one"}, None], ("error: one",)),
    ],
)
@pytest.mark.trio
async def test_faults_told_in_json_are_kept_line_by_line(body: object, lines: tuple[str, ...]) -> None:
    error = await failure(answer(400, json.dumps(body), content_type="application/json"))
    assert isinstance(error, ReportRejected)
    assert error.lines == lines


@pytest.mark.trio
async def test_a_rejection_without_a_word_says_so() -> None:
    error = await failure(answer(400))
    assert isinstance(error, ReportRejected)
    assert error.lines == ()
    assert "does not say why" in str(error)


@pytest.mark.case(
    "F23",
    "413",
    injected="scripted server",
    promised="rejected, with the size of the report",
)
@pytest.mark.trio
async def test_a_report_too_large_is_rejected_with_its_size() -> None:
    with pytest.raises(ReportRejected, match="1,234,567 bytes"):
        await client_of(answer(413, "limit is 1 MB")).submit(b"x" * 1_234_567)


@pytest.mark.parametrize(
    "page",
    [
        "<html><h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port</html>",
        "Client sent an HTTP request to an HTTPS server.\n",
        "<h2>Bad Request - Invalid Hostname</h2>",
    ],
)
@pytest.mark.trio
async def test_a_400_from_a_web_server_that_wats_never_saw_condemns_no_report(page: str) -> None:
    assert isinstance(await failure(answer(400, page)), Refused)


@pytest.mark.trio
async def test_words_of_the_server_cannot_move_the_cursor_of_a_terminal() -> None:
    error = await failure(answer(400, "bad\x1b[2Jname\x07"))
    assert isinstance(error, ReportRejected)
    assert error.lines == ("bad [2Jname",)


@pytest.mark.case(
    "F25",
    "Retry-After in every form",
    injected="scripted server",
    promised="read as seconds or a date, an hour at most; nonsense is no wish",
)
@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ("5", 5.0),
        (" 30 ", 30.0),
        ("0", 0.0),
        ("1000000000", 3600.0),
        ("9" * 6000, 3600.0),
        ("Sun, 22 Nov 2026 12:00:40 GMT", 40.0),
        ("Sun, 22 Nov 2026 12:00:40 -0000", 40.0),
        ("Mon, 22 Nov 2126 12:00:40 GMT", 3600.0),
        ("Sun, 22 Nov 2026 11:59:00 GMT", None),
        ("Sun, 99 Nov 99999 99:99:99 GMT", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
@pytest.mark.trio
async def test_retry_after_is_heeded_up_to_an_hour_and_nonsense_is_ignored(wish: str, seconds: float | None) -> None:
    error = await failure(answer(503, headers={"retry-after": wish}))
    assert isinstance(error, Busy)
    assert error.retry_after == seconds


@pytest.mark.trio
async def test_a_date_in_retry_after_is_read_by_the_clock_of_the_server() -> None:
    theirs = NOW + timedelta(days=3)
    headers = {
        "date": theirs.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "retry-after": (theirs + timedelta(seconds=20)).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    error = await failure(answer(429, headers=headers))
    assert isinstance(error, Busy)
    assert error.retry_after == 20.0


@pytest.mark.trio
async def test_no_retry_after_is_no_wish() -> None:
    error = await failure(answer(503))
    assert isinstance(error, Busy)
    assert error.retry_after is None


@pytest.mark.trio
async def test_after_any_answer_the_next_report_goes_out() -> None:
    client = client_of(answer(401), answer(400, "no"), answer(503), answer(200, "portal"), accepted())
    for expected in (Refused, ReportRejected, Busy, Refused):
        with pytest.raises(expected):
            await client.submit(REPORT)
    assert (await client.submit(REPORT)).report_id == ID
