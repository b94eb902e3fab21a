import contextlib
import json
import os
import pty
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pywats_client.cli.main import app
from pywats_client.config.file import load
from pywats_client.config.token import server_token
from pywats_client.paths import Instance

TOKEN = "c3RhdGlvbjpzM2NyM3Q="


class Wats(BaseHTTPRequestHandler):
    """Knows one token and its version."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Basic {TOKEN}" and self.path == "/api/App/Version"
        body = b'"2025.3.1"' if known else b"no"
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Wats) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    for variable in ("PYWATS_SERVER_URL", "PYWATS_API_TOKEN", "PYWATS_API_TOKEN_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYWATS_HOME", str(tmp_path))
    return Instance.find()


def login(*arguments: str, token: str = TOKEN) -> Result:
    result = CliRunner().invoke(app, ["login", *arguments], input=token + "\n")
    assert token not in result.output
    return result


def stored_token(instance: Instance) -> str | None:
    token = server_token(instance, load(instance), {})
    return token.reveal() if token else None


def test_login_tries_address_and_token_then_stores_both(instance: Instance, server: str, tmp_path: Path) -> None:
    result = login(server)
    assert result.exit_code == 0
    assert "it is WATS 2025.3.1" in result.stderr
    assert load(instance).server.url == server
    assert stored_token(instance) == TOKEN
    assert all(TOKEN.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_login_keeps_what_else_is_configured_and_takes_the_address_from_there(instance: Instance, server: str) -> None:
    before = {"converters": [], "server": {"timeout_seconds": 5, "url": server}, "station": {"name": "S"}}
    instance.config.write_text(json.dumps(before))
    assert login().exit_code == 0
    after = json.loads(instance.config.read_text())
    assert after["server"].pop("token_encrypted")
    assert after == before


def test_a_token_that_the_server_refuses_is_not_stored(instance: Instance, server: str, tmp_path: Path) -> None:
    result = login(server, token="d3Jvbmc6dG9rZW4=")
    assert result.exit_code == 7
    assert result.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_away_is_a_passing_fault(instance: Instance, tmp_path: Path) -> None:
    result = login("http://127.0.0.1:9")
    assert result.exit_code == 5
    assert list(tmp_path.iterdir()) == []


def test_without_check_the_server_is_not_asked(instance: Instance) -> None:
    assert login("http://127.0.0.1:9", "--no-check").exit_code == 0
    assert stored_token(instance) == TOKEN


def test_an_address_that_is_none_is_refused(instance: Instance) -> None:
    result = login("company.wats.com")
    assert result.exit_code == 78
    assert "server.url: expected an address such as https://company.wats.com" in result.stderr


def test_a_missing_address_is_usage_where_nobody_can_be_asked(instance: Instance) -> None:
    result = login()
    assert result.exit_code == 2
    assert "address is missing" in result.output


def test_an_empty_token_is_refused(instance: Instance) -> None:
    result = CliRunner().invoke(app, ["login", "http://x", "--token-stdin"], input="\n")
    assert result.exit_code == 7
    assert "the token is empty" in result.stderr


def test_on_a_terminal_the_token_is_asked_for_and_not_shown(instance: Instance, server: str) -> None:
    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "pywats_client", "login", server]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    wait_until_typing_is_hidden(main, process)
    os.write(main, TOKEN.encode() + b"\n")
    shown = b""
    while chunk := _read(main):
        shown += chunk
    assert process.wait(30) == 0
    os.close(main)
    assert b"Token (not shown)" in shown
    assert TOKEN.encode() not in shown
    assert stored_token(instance) == TOKEN


def wait_until_typing_is_hidden(terminal: int, process: subprocess.Popen[bytes]) -> None:
    """What is typed before that is thrown away, as at any hidden prompt."""
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            raise AssertionError(f"login ended before it asked: {_read(terminal)!r}")


def _read(terminal: int) -> bytes:
    """What a terminal shows; nothing at its end, which Linux tells as EIO."""
    try:
        return os.read(terminal, 1000)
    except OSError:
        return b""
