"""Where an instance listens, and how that is found."""

import json
import os
import socket
import stat
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from ipc_parts import in_thread

from pywats_client import paths
from pywats_client.errors import ConfigError
from pywats_client.ipc.endpoint import PORTS, Endpoint, first_port, listen_tcp, registration, running_instances
from pywats_client.paths import Instance

SOUND = {"instance_id": "a", "home": "", "pid": 1, "version": "1", "started": "", "path": "/x", "port": 0}


def test_the_port_of_an_instance_is_the_same_in_every_process_and_that_of_the_older_clients() -> None:
    code = "from pywats_client.ipc.endpoint import first_port as f; print(f('default'), f('production'))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [int(port) for port in said] == [first_port("default"), first_port("production")]
    assert first_port("default") != first_port("production")
    assert all(first_port(str(number)) in PORTS for number in range(1000))


def test_a_port_that_is_taken_leads_to_the_next_free_one_and_one_that_was_wished_to_none() -> None:
    with listen_tcp("taken") as first, listen_tcp("taken") as second:
        ports = [listener.getsockname() for listener in (first, second)]
        assert {host for host, _ in ports} == {"127.0.0.1"}
        assert ports[0][1] != ports[1][1]
        assert ports[1][1] in PORTS
        with pytest.raises(ConfigError, match=r"ipc\.port: no port of \d+ to \d+ on loopback is free"):
            listen_tcp("taken", ports[0][1])


def test_the_last_port_is_followed_by_the_first() -> None:
    instance = next(str(number) for number in range(1_000_000) if first_port(str(number)) == PORTS.stop - 1)
    with listen_tcp(instance) as first, listen_tcp(instance) as second:
        assert first.getsockname()[1] == PORTS.stop - 1 or second.getsockname()[1] < PORTS.stop - 1
        assert second.getsockname()[1] in PORTS


def test_what_is_written_is_read_and_no_half_of_it_is_ever_there(tmp_path: Path) -> None:
    file, endpoint = tmp_path / "endpoint.json", Endpoint(**SOUND)
    endpoint.write(file, 0o640)
    assert Endpoint.read(file) == endpoint
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["endpoint.json"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "[" * 100_000, "\0", "{}", '{"path": "/x"}']
    + [json.dumps({**SOUND, **wrong}) for wrong in ({"path": 5}, {"port": "x"}, {"port": 99_999}, {"pid": None})],
)
def test_a_damaged_file_is_as_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "endpoint.json"
    file.write_text(text)
    assert Endpoint.read(file) is None
    assert Endpoint.read(tmp_path) is None
    assert Endpoint.read(tmp_path / "missing") is None


def test_a_newer_services_file_with_more_in_it_is_understood(tmp_path: Path) -> None:
    (tmp_path / "e").write_text(json.dumps({**SOUND, "more": 1}))
    assert Endpoint.read(tmp_path / "e") == Endpoint(**SOUND)


def test_all_running_instances_are_found_without_their_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setattr(paths, "SYSTEM_RUNTIME", tmp_path / "run")
    environ: dict[str, str] = {}
    ids = ["line-1", "line-2"]
    homes = [Instance.find(name, tmp_path / name, environ={}) for name in ids]
    system = Instance.find("system", environ={"RUNTIME_DIRECTORY": str(tmp_path / "run"), "PYWATS_HOME": ""})
    with in_thread(homes[0]), in_thread(homes[1], tcp=True):
        for instance in homes:
            endpoint = Endpoint.read(instance.endpoint)
            assert endpoint
            file = registration(endpoint, environ)
            file.parent.mkdir(parents=True, exist_ok=True)
            endpoint.write(file, 0o600)
        gone = Endpoint(**{**SOUND, "instance_id": "gone", "path": str(tmp_path / "gone.sock")})
        gone.write(file.with_name("gone.json"), 0o600)
        file.with_name("damaged.json").write_text("{")
        assert [found.instance_id for found in running_instances(environ)] == ids
        system.endpoint.parent.mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            Endpoint(**{**SOUND, "instance_id": "system", "path": "", "port": port}).write(system.endpoint, 0o644)
            assert [found.instance_id for found in running_instances(environ)] == [*ids, "system"]
    assert running_instances(environ) == []


def test_two_homes_with_instances_of_one_name_are_registered_apart() -> None:
    places = {registration(Endpoint(**{**SOUND, "home": home}), {}) for home in ("", "/a", "/b")}
    assert len(places) == 3
    assert asdict(Endpoint(**SOUND))["http_port"] == 0
