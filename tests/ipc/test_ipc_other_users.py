"""Other users of the machine, in processes of their own: the kernel and the server keep them out, or let a group in."""

import grp
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trio
from ipc_parts import KEYS, Service, bearer, handshake, is_served, text_frame

from pywats_client.ipc import unix_socket
from pywats_client.ipc.address import find
from pywats_client.ipc.endpoint import Endpoint
from pywats_client.ipc.protocol import Scope
from pywats_client.paths import Instance

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")

STRANGER, STRANGERS, MEMBERS = 65_533, 65_533, 65_534
AS_ANOTHER = """
import os, socket, sys
path, group, user, handshake, frame = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *map(bytes.fromhex, sys.argv[4:])
os.setgroups([]), os.setgid(group), os.setuid(user)
client, heard = socket.socket(socket.AF_UNIX), b""
try:
    client.connect(path)
    client.sendall(handshake)
    while b'"scope"' not in heard and (data := client.recv(65536)):
        heard += data
        if b"101 " in heard:
            client.sendall(frame)
            frame = b""
except PermissionError:
    heard = b"may not enter"
sys.stdout.buffer.write(heard)
"""
CONNECT = text_frame(b'{"command": "connect", "request_id": "1", "protocol_version": "2.0"}')
STOP = text_frame(b'{"command": "stop", "request_id": "2", "protocol_version": "2.0"}')


async def heard_by(path: str | Path, group: int, *headers: bytes) -> str:
    """What the server says to a stranger of that group."""
    said = [handshake(*headers).hex(), (STOP + CONNECT).hex()]
    command = [sys.executable, "-c", AS_ANOTHER, str(path), str(group), str(STRANGER), *said]
    return (await trio.run_process(command, capture_stdout=True)).stdout.decode("latin-1")


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that everybody may look into: what is shut below it is shut by us."""
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.trio
async def test_another_user_may_not_even_connect(home: Path) -> None:
    with unix_socket.listening(Instance.find(home=home, environ={})) as (listener, path, _):
        path.parent.parent.chmod(0o755)
        async with Service(listener).running() as service:
            assert await heard_by(path, STRANGERS) == "may not enter"
            path.parent.chmod(0o755)
            assert await heard_by(path, STRANGERS) == "may not enter"
            assert await is_served(service)


@pytest.mark.trio
async def test_another_user_that_the_kernel_lets_in_is_refused_unless_it_shows_a_key(home: Path) -> None:
    with unix_socket.listening(Instance.find(home=home, environ={})) as (listener, path, _):
        path.parent.chmod(0o755)
        path.chmod(0o666)
        async with Service(listener).running() as service:
            assert await heard_by(path, STRANGERS) == "HTTP/1.1 403 \r\ncontent-length: 0\r\n\r\n"
            assert " 401 " in await heard_by(path, STRANGERS, bearer("0" * 64))
            assert " 403 " in await heard_by(path, STRANGERS, bearer(KEYS[Scope.ADMIN]), b"Origin: null")
            assert service.commands == []
            assert '"scope":"view"' in await heard_by(path, STRANGERS, bearer(KEYS[Scope.VIEW]))
            assert service.commands == []
            assert '"scope":"admin"' in await heard_by(path, STRANGERS, bearer(KEYS[Scope.ADMIN]))
            assert [command.name for command in service.commands] == ["stop"]


@pytest.mark.trio
async def test_the_group_may_operate_and_sees_nothing_of_the_instance(home: Path) -> None:
    instance = Instance.find(home=home, environ={})
    instance.queue.mkdir(parents=True)
    group = grp.getgrgid(MEMBERS).gr_name
    with unix_socket.listening(instance, group) as (listener, path, fault):
        assert fault == ""
        async with Service(listener, is_for_group=True).running() as service:
            assert '"scope":"operate"' in await heard_by(path, MEMBERS)
            assert '"scope":"admin"' in await heard_by(path, MEMBERS, bearer(KEYS[Scope.ADMIN]))
            assert await heard_by(path, STRANGERS) == "may not enter"
            assert [command.name for command in service.commands] == ["stop", "stop"]
            assert await is_served(service)
        modes = [stat.S_IMODE(place.stat().st_mode) for place in (instance.data, path.parent, path)]
        assert modes == [0o700, 0o750, 0o660]
        assert {path.parent.stat().st_gid, path.stat().st_gid} == {MEMBERS}
        assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert not path.parent.exists()


FIND = """
import json, os, sys
from pathlib import Path
from pywats_client.errors import IpcError
from pywats_client.ipc.address import find
from pywats_client.paths import Instance
os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[3]))
try:
    print(find(Instance.find(home=Path(sys.argv[1]), environ={})).endpoint.path)
except IpcError as error:
    print(error.exit_code.name, error)
"""


@pytest.mark.trio
async def test_members_find_the_socket_and_others_are_told_that_it_is_not_for_them(home: Path) -> None:
    instance = Instance.find(home=home, environ={})

    async def found_by(group: int) -> str:
        command = [sys.executable, "-c", FIND, str(home), str(group), str(STRANGER)]
        return (await trio.run_process(command, capture_stdout=True)).stdout.decode().strip()

    with unix_socket.listening(instance, grp.getgrgid(MEMBERS).gr_name) as (_, path, _):
        for file in (instance.endpoint, path.with_name(instance.endpoint.name)):
            Endpoint("default", str(home), 1, "", "", path=str(path)).write(file, 0o644)
        assert await found_by(MEMBERS) == str(path)
        assert (await found_by(STRANGERS)).startswith("REFUSED this user may not enter")
        assert find(instance).endpoint.path == str(path)
