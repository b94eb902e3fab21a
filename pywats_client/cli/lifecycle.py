"""`pywats-client start`, `stop`, `restart`, `pause`, `resume` and `reload`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pywats_client.cli.asking import SOON, asking, endpoint_of
from pywats_client.cli.known import command, known_instance
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_answer, say
from pywats_client.errors import AlreadyRunning, IpcError, PywatsError
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.ipc.client import IPCClient

MORE_SECONDS = 60.0
"""What a stop or a start may take beside the grace for uploads."""

Work = Literal["uploads", "intake", "all"]
What = Annotated[Work, typer.Argument(help="What is to rest.")]
Which = Annotated[Work, typer.Argument(help="What is to go on.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Return when it has ended, or as soon as it is asked to.")]


def start(instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Start the service in the background, and return when it is ready."""
    from pywats_client.cli import background
    from pywats_client.cli.unit import refuse_if_owned

    instance = Instance.find(instance_id, home)
    if endpoint := endpoint_of(instance):
        raise AlreadyRunning(f"instance {instance.id!r}", endpoint.pid)
    refuse_if_owned(instance, "start")
    known_instance(instance_id, home)
    pid = background.start(instance)
    _tell(instance_id, "Running", pid, as_json)
    if not as_json:
        say(f"`{command('status', instance_id, home)}` shows how it is; its log is {instance.log}")


def stop(instance_id: InstanceId = "default", home: Home = None, wait: Wait = True, as_json: AsJson = False) -> None:
    """Stop the service, and return when it has ended; running uploads get `service.grace_seconds`."""
    from pywats_client.cli.background import is_alive, wait_until

    with asking(instance_id, home, SOON) as client:
        pid, patience = client.get_status().pid, _grace(client) + MORE_SECONDS
        client.stop()
    if wait and not wait_until(lambda: not is_alive(pid), patience):
        raise PywatsError(f"the service (process {pid}) was asked to stop, and has not ended within {patience:.0f} s")
    _tell(instance_id, "Stopped" if wait else "StopPending", pid, as_json)


def restart(instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Start the service anew, in its process, and return when it is ready; queued work goes on.

    With a configuration that cannot be used the service is left running, and the exit code is 78.
    """
    from pywats_client.cli.background import is_alive, wait_until

    with asking(instance_id, home) as client:
        pid, grace = client.get_status().pid, _grace(client)
        client.restart()
    asked = time.monotonic()
    wait_until(lambda: not is_alive(pid) or _is_younger(instance_id, home, asked), grace + MORE_SECONDS)
    if not _is_younger(instance_id, home, asked):
        log = Instance.find(instance_id, home).log
        raise PywatsError(f"the service (process {pid}) has not come back; the log is {log}")
    _tell(instance_id, "Running", pid, as_json)


def _grace(client: "IPCClient") -> float:
    return float(client.get_config()["service"]["grace_seconds"])


def _is_younger(instance_id: str, home: Path | None, moment: float) -> bool:
    """Whether the service that answers now has begun after that moment."""
    try:
        with asking(instance_id, home, SOON) as client:
            return bool(client.get_status().uptime_seconds < time.monotonic() - moment)
    except IpcError:
        return False


def _tell(instance_id: str, status: str, pid: int, as_json: bool) -> None:
    if as_json:
        print_answer({"instance_id": instance_id, "status": status, "pid": pid})
    else:
        print(f"{instance_id}: {status} (process {pid})")


def pause(what: What = "all", instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Let uploads, the intake of sources, or both rest until `resume`; also over restarts."""
    _change_pause("pause", what, instance_id, home, as_json)


def resume(
    what: Which = "all", instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False
) -> None:
    """End a pause."""
    _change_pause("resume", what, instance_id, home, as_json)


def _change_pause(verb: str, what: str, instance_id: str, home: Path | None, as_json: bool) -> None:
    with asking(instance_id, home) as client:
        paused = client.request(verb, what=what)["paused"]
    if as_json:
        print_answer({"instance_id": instance_id, "paused": paused})
    else:
        print(f"paused: {', '.join(paused)}" if paused else "nothing is paused")


def reload(instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Let the service load its configuration files now."""
    with asking(instance_id, home) as client:
        sections = client.request("reload")["sections"]
    if as_json:
        print_answer({"instance_id": instance_id, "sections": sections})
    else:
        print(f"in force anew: {', '.join(sections)}" if sections else "nothing has changed")
