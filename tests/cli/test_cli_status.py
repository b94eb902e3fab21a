"""`pywats-client status`: what a person over SSH reads, and what it costs."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pywats_client.cli import status_view
from pywats_client.cli.main import Asked, read_status
from pywats_client.cli.output import painted
from pywats_client.cli.unit import unit_of
from pywats_client.cli.words import ago, size
from pywats_client.ipc.events import NOT_ASKED
from pywats_client.paths import Instance

COMMAND = [sys.executable, "-m", "pywats_client", "status"]
SLOW = ("pydantic", "typer", "trio", "httpx", "textual", "rich", "asyncio", "cryptography")
CONVERTER = {
    "name": "csv", "state": "Running", "reason": "", "paused": False, "pending_count": 2, "converted": 10, "failed": 0,
    "in_error_folder": 0, "last_error": "",
}  # fmt: skip
WELL: dict[str, Any] = {
    "instance_id": "default", "status": "Running", "uptime_seconds": 7300.0, "pid": 4711, "paused": [],
    "connection": "online", "connection_reason": "", "server_url": "https://wats.test", "config_fault": "",
    "queue": {"queued": 3, "processing": 1, "error": 0, "rejected": 0, "delivered": 1204},
    "oldest_waiting_seconds": 720.0, "last_delivered": None, "conversions_last_minute": 5, "uploads_last_minute": 4,
    "disk": {"free_bytes": 2_100_000_000, "days_left": None}, "converters": [CONVERTER], "components": [],
    "degraded": {},
}  # fmt: skip


def told(home: Path | None = None, **changes: Any) -> str:
    return "\n".join(status_view.lines(WELL | changes, home))


def test_a_service_that_is_well_is_told_in_few_aligned_lines() -> None:
    assert told().splitlines() == [
        "default: Running (up 2 h, process 4711)",
        "server      online  https://wats.test",
        "queue       3 waiting, 1 uploading; the oldest waits for 12 min",
        "delivered   1,204 reports",
        "last minute 5 converted, 4 uploaded",
        "disk        2.1 GB free",
        "converters",
        "  csv  Running   2 waiting, 10 converted, 0 failed",
    ]


def test_what_is_wrong_is_named_with_what_to_do_next() -> None:
    refused = told(connection="refused", connection_reason="401 Unauthorized")
    assert "`pywats-client login --instance-id two`: stores another" in told(connection="refused", instance_id="two")
    assert "not well\n    server: 401 Unauthorized\nnext\n    `pywats-client login`: stores another" in refused
    rejected = told(Path("/data/my home"), queue=WELL["queue"] | {"rejected": 2})
    assert "`pywats-client queue list --state rejected --home '/data/my home'`" in rejected
    assert "not well" not in rejected
    paused = told(paused=["uploads"], instance_id="two")
    assert "`pywats-client resume --instance-id two`: goes on; paused: uploads" in paused


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"connection": "offline", "connection_reason": "nothing listens"}, {"server": "nothing listens"}),
        ({"config_fault": "file:1: key: why\nmore"}, {"configuration": "file:1: key: why"}),
        ({"degraded": {"disk": "is full"}}, {"disk": "is full"}),
        ({"components": [{"name": "ipc", "state": "error", "reason": ""}]}, {"ipc": "error"}),
        ({"converters": [CONVERTER | {"state": "Error", "reason": "no module"}]}, {"converter csv": "no module"}),
        ({"paused": ["uploads", "intake"], "status": "Paused"}, {}),
        ({"connection": "offline", "connection_reason": NOT_ASKED}, {}),
        ({"converters": [CONVERTER | {"state": "Waiting", "reason": "intake paused", "paused": True}]}, {}),
        ({"converters": [CONVERTER | {"state": "Waiting", "reason": "no folder"}]}, {"converter csv": "no folder"}),
        ({"connection": "busy", "connection_reason": "comes back in 5 s"}, {}),
    ],
)
def test_only_what_needs_somebody_makes_a_service_degraded(changes: dict[str, Any], what: dict[str, str]) -> None:
    assert status_view.faults(WELL | changes) == what


def test_a_server_that_was_not_asked_yet_is_told_so() -> None:
    said = told(connection="offline", connection_reason=NOT_ASKED).splitlines()
    assert (said[1], status_view.NOT_ASKED) == ("server      not asked yet  https://wats.test", NOT_ASKED)


def test_the_address_of_the_http_face_is_told_when_it_is_on() -> None:
    assert "http        http://127.0.0.1:8080" in told(rest="http://127.0.0.1:8080").splitlines()
    assert "http  " not in told(rest="")


def test_sources_in_an_error_folder_are_told_of_also_by_a_service_that_has_just_begun() -> None:
    assert "`pywats-client sources list`" in told(converters=[CONVERTER | {"in_error_folder": 3}])
    assert "sources list" not in told(converters=[CONVERTER])


def test_names_with_control_characters_are_shown_escaped() -> None:
    assert "\x1b" not in told(converters=[CONVERTER | {"last_error": "\x1b[31m.csv: no"}])


def test_status_loads_nothing_that_is_slow(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = ['status', '--json']\nfrom pywats_client.cli.main import main\n"
        f"try:\n    main()\nfinally:\n    print([name for name in {SLOW} if name in sys.modules], file=sys.stderr)"
    )
    environ = {"HOME": str(tmp_path), "PYWATS_SERVER_URL": "http://127.0.0.1:9"}
    result = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.split()) == (
        3,
        ["{", '"schema":', "1,", '"status":', '"Stopped",', '"instance_id":', '"default"', "}"],
    )
    assert "\n[]\n" in result.stderr or result.stderr.startswith("[]\n"), result.stderr


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["status"], Asked()),
        (["status", "--json", "-w", "--instance-id", "x"], Asked("x", None, True, True)),
        (["status", "--home", "/h"], Asked(home=Path("/h"))),
        (["status", "--help"], None),
        (["status", "--home"], None),
        (["status", "--instance-id", "--json"], None),
        (["ping"], None),
        ([], None),
    ],
)
def test_a_plain_status_is_read_without_the_parser_and_any_other_is_left_to_it(
    arguments: list[str], asked: Asked | None
) -> None:
    assert read_status(arguments) == asked


def on_a_terminal(*arguments: str, **environ: str) -> str:
    """What a command prints there."""
    terminal, end = pty.openpty()
    code = f"from pywats_client.cli.output import painted, wrapped; {arguments[0]}"
    whole = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "80", **environ}
    subprocess.run([sys.executable, "-c", code], stdout=end, env=whole, check=True)
    os.close(end)
    said = os.read(terminal, 100_000).decode()
    os.close(terminal)
    return said


def test_colours_are_for_terminals_alone_and_not_with_no_color() -> None:
    assert painted("text", "red") == "text"
    say = "print(painted('text', 'red'))"
    assert on_a_terminal(say) == "\x1b[31mtext\x1b[0m\r\n"
    assert on_a_terminal(say, NO_COLOR="1") == on_a_terminal(say, TERM="dumb") == "text\r\n"


def test_long_lines_are_folded_on_a_terminal_and_whole_in_a_pipe() -> None:
    shown = on_a_terminal("print('\\n'.join(wrapped('word ' * 40, 12, 'server')))").split("\r\n")
    assert max(map(len, shown)) <= 80
    assert shown[0].startswith("server      word")
    assert shown[1].startswith("            word")


def test_figures_are_in_words() -> None:
    assert [size(count) for count in (999, 2_100, 5_000_000, 80_700_000_000)] == [
        "999 B",
        "2.1 kB",
        "5.0 MB",
        "80.7 GB",
    ]
    assert ago("2999-01-01T00:00:00+00:00") == "0 s ago"


def test_a_unit_of_the_user_owns_an_instance_when_it_is_enabled(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    instance = Instance.find("line7", None, environ)
    assert unit_of(instance, environ) is None
    wants = tmp_path / ".config/systemd/user/default.target.wants"
    wants.mkdir(parents=True)
    (wants / "pywats-client@line7.service").symlink_to("/nowhere")
    found = unit_of(instance, environ)
    assert found == ("pywats-client@line7.service", "systemctl --user")
    assert unit_of(Instance.find("line7", tmp_path, environ), environ) is None
