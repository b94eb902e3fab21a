"""What it costs to ask: the package and the session load no models and no network library."""

import subprocess
import sys

import pytest

from pywats_client import ipc
from pywats_client.errors import CommandFailed, ProtocolMismatch
from pywats_client.ipc.session import Session


def loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("statement", "none_of"),
    [
        ("import pywats_client.ipc", {"websockets", "pydantic", "trio", "asyncio", "platformdirs"}),
        ("from pywats_client.ipc import IPCClient", {"pydantic", "trio", "asyncio", "httpx"}),
        ("from pywats_client.ipc import AsyncIPCClient", {"pydantic", "trio", "httpx"}),
        ("from pywats_client.ipc.endpoint import running_instances", {"websockets", "pydantic", "trio", "asyncio"}),
    ],
)
def test_clients_load_only_what_they_need(statement: str, none_of: set[str]) -> None:
    assert loaded(statement) & none_of == set()


def test_the_package_has_the_two_clients_and_nothing_else() -> None:
    assert (ipc.IPCClient.__name__, ipc.AsyncIPCClient.__name__) == ("IPCClient", "AsyncIPCClient")
    with pytest.raises(AttributeError):
        ipc.QtClient  # noqa: B018


@pytest.mark.parametrize("version", ["1.0", "3.1", "", None])
def test_a_service_of_another_protocol_is_told_with_both_versions(version: str | None) -> None:
    hello = "{}" if version is None else f'{{"protocol_version": "{version}"}}'
    with pytest.raises(ProtocolMismatch, match=f"speaks protocol {version or ''}.*, this client 2"):
        Session().greeted(hello)


@pytest.mark.parametrize("text", ["", "[1]", "null", b"\xff", "[" * 100_000])
def test_what_is_no_frame_is_a_mismatch(text: str) -> None:
    with pytest.raises(ProtocolMismatch, match="not a frame"):
        Session().heard(text)


def test_answers_are_told_from_events_and_those_that_nobody_waits_for_are_dropped() -> None:
    session = Session()
    first, second = (session.request("ping", {})[0] for _ in range(2))
    assert (first, second) == ("1", "2")
    assert session.heard('{"event": "health_changed", "seq": 1, "data": {}}') == ""
    assert session.events[0].name == "health_changed"
    session.forget(first)
    for answered in (first, second, "77"):
        session.heard(f'{{"success": false, "request_id": "{answered}"}}')
    assert [session.has_answer(name) for name in (first, second, "77")] == [False, True, False]
    with pytest.raises(CommandFailed, match="gave no reason") as failed:
        session.answer(second)
    assert failed.value.code == "failed"
