"""Settings change again and again under load: nothing is lost, and no report goes to a server that is not in force."""

import pytest
from whole_service import Life, life

from tests.evidence.plugin import Evidence

RELOADS = 500
HOSTS = ("one.test", "two.test", "three.test")


def reload(lived: Life, number: int) -> str:
    """New settings: the server and slots each time, what becomes of sources every third time; the server's name."""
    host = HOSTS[number % len(HOSTS)]
    lived.world.post_action = "archive" if number % 6 < 3 else "move"
    lived.world.configure(
        f"http://{host}",
        max_concurrent_uploads=1 + number % 4,
        max_converter_workers=1 + number % 3,
        settle_seconds=0,
        rescan_seconds=5 + number % 2,
    )
    lived.world.hints.ring()
    lived.world.pump(0.5)
    return host


@pytest.mark.case(
    "F38",
    "500 hot reloads under load",
    injected="server, slots and converter settings changed each second, uploads and conversions under way",
    promised="nothing lost or doubled, no request begun for a server that is not in force",
)
def test_settings_that_change_under_load_lose_nothing_and_reach_no_wrong_server(evidence: Evidence) -> None:
    with life("archive") as lived:
        server, wrong, across = lived.world.server, 0, 0
        for number in range(RELOADS):
            lived.drop()
            if number % 5 == 0:
                server.hold()  # what is under way now outlasts the next settings
            across += server.active
            host = reload(lived, number)
            begun = len(server.requests)
            lived.drop()
            lived.world.pump(1.0)
            wrong += sum(request.headers["host"] != host for request in server.requests[begun:])
            server.release()
        lived.seconds_until()
        lived.promises.check_end()
    assert wrong == 0
    assert across > RELOADS / 20, "no upload was under way when the settings changed"
    sources = len(lived.promises.sources)
    evidence(runs=RELOADS, figure=f"{sources} of {sources} delivered once, {wrong} requests to a wrong server")
