"""`pywats-client instances`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pywats_client.cli.known import command
from pywats_client.cli.options import AsJson, Home
from pywats_client.cli.output import painted, print_answer, say
from pywats_client.cli.words import ago, widest
from pywats_client.paths import INSTANCE_ID, Instance

if TYPE_CHECKING:
    from pywats_client.ipc.endpoint import Endpoint


def instances(home: Home = None, as_json: AsJson = False) -> None:
    """List the services that run on this machine, of this user and of the system, and what is configured besides."""
    from pywats_client.ipc.endpoint import running_instances

    environ = dict(os.environ) | ({"PYWATS_HOME": str(home)} if home else {})
    found = [_running(endpoint) for endpoint in running_instances(environ)]
    known = {(item["instance_id"], item["home"]) for item in found}
    found += [item for item in _configured(environ) if (item["instance_id"], item["home"]) not in known]
    if as_json:
        print_answer({"instances": found})
        return
    if not found:
        say(f"there is no instance; `{command('config init', home=home)}` makes the first")
    wide = widest(item["instance_id"] for item in found)
    for item in found:
        print(f"{item['instance_id']:<{wide}}  {_state(item)}")


def _state(item: dict[str, Any]) -> str:
    place = f"  home {item['home']}" if item["home"] else ""
    if not item["is_running"]:
        return painted("not running", "dim") + place
    return f"{painted('running', 'green')}      process {item['pid']}, started {ago(item['started'])}{place}"


def _running(endpoint: "Endpoint") -> dict[str, Any]:
    known = ("instance_id", "home", "pid", "version", "started", "path", "port", "http_port")
    return {"is_running": True, **{name: getattr(endpoint, name) for name in known}}


def _configured(environ: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What the usual place has configurations for."""
    some = Instance.find(environ=environ)
    for file in sorted(some.config.parent.glob("config_*.json")):
        instance_id = file.stem.removeprefix("config_")
        if INSTANCE_ID.fullmatch(instance_id):
            empty = {"pid": None, "version": "", "started": None, "path": "", "port": 0, "http_port": 0}
            yield {"is_running": False, "instance_id": instance_id, "home": _text(some.home), **empty}


def _text(home: Path | None) -> str:
    return str(home) if home else ""
