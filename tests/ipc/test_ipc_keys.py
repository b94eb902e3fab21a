"""The keys of an instance, and which function does which command."""

import json
import stat
from pathlib import Path

import pytest
from ipc_parts import KEYS

from pywats_client.disk import Disk
from pywats_client.ipc.commands import Command
from pywats_client.ipc.commands.service import Ping, Stop
from pywats_client.ipc.dispatch import Handlers
from pywats_client.ipc.keys import Keys
from pywats_client.ipc.protocol import Scope


def test_keys_are_made_once_for_their_owner_alone_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "a" / "ipc_keys.json"
    keys = Keys.load_or_make(file, Disk())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len({keys[scope] for scope in Scope}) == 3
    assert all(len(keys[scope]) == 64 for scope in Scope)
    again = Keys.load_or_make(file, Disk())
    assert [again[scope] for scope in Scope] == [keys[scope] for scope in Scope]
    assert repr(keys) == "Keys(view, operate, admin)"


def test_a_key_tells_its_scope_and_nothing_like_it_does() -> None:
    keys = Keys(KEYS)
    assert [keys.scope_of(KEYS[scope]) for scope in Scope] == list(Scope)
    for wrong in ("", KEYS[Scope.VIEW][:-1], KEYS[Scope.VIEW] + "0", KEYS[Scope.VIEW].upper(), "ü", "\0"):
        assert keys.scope_of(wrong) is None


@pytest.mark.parametrize(
    "found", ["", "{", "[]", "null", {"admin": ""}, {"admin": "short"}, {"admin": 5}, {"root": "x" * 64}]
)
def test_a_damaged_file_is_a_fault_and_stays_as_it_is(found: object, tmp_path: Path) -> None:
    file = tmp_path / "ipc_keys.json"
    file.write_text(text := found if isinstance(found, str) else json.dumps(found))
    with pytest.raises(ValueError, match=r"."):
        Keys.load_or_make(file, Disk())
    assert file.read_text() == text


@pytest.mark.trio
async def test_each_command_has_one_handler_whose_annotations_are_its_own() -> None:
    handlers: Handlers[list[str]] = Handlers()

    @handlers.handles(Ping)
    async def ping(command: Ping, parts: list[str]) -> Ping.Result:
        parts.append("pinged")
        return Ping.Result()

    async def of_another(command: Stop, parts: list[str]) -> Ping.Result:
        raise AssertionError

    async def without_annotations(command, parts):  # type: ignore[no-untyped-def]
        raise AssertionError

    with pytest.raises(TypeError, match="ping has two handlers"):
        handlers.handles(Ping)(ping)
    for wrong in (of_another, without_annotations):
        with pytest.raises(TypeError, match="must take a Stop and return its Result"):
            handlers.handles(Stop)(wrong)  # type: ignore[arg-type]
    parts: list[str] = []
    command: Command = Ping()
    assert (await handlers.run(command, parts), parts) == (Ping.Result(), ["pinged"])
    assert (Ping in handlers, Stop in handlers) == (True, False)
    handlers.require([Ping])
    with pytest.raises(TypeError, match=r"commands without a handler: \['stop'\]"):
        handlers.require([Ping, Stop])
    with pytest.raises(TypeError, match=r"handlers without a command: \['ping'\]"):
        handlers.require([])
