"""How the service is, for people and programs. `status` must be quick: nothing here needs typer."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pywats_client.cli.asking import SOON, asking, following
from pywats_client.cli.known import command
from pywats_client.cli.output import painted, print_answer, print_line, safe, wrapped
from pywats_client.cli.words import ago, duration, several, size, widest
from pywats_client.errors import ExitCode, ServiceNotRunning

if TYPE_CHECKING:
    from pywats_client.ipc.client import IPCClient

INDENT = 12
"""Width of the column of names."""
COLOURS = {"Running": "green", "Waiting": "yellow", "Paused": "yellow", "Error": "red", "Disabled": "dim"}
"""Of states of the service and of converters."""
NOT_ASKED = "not asked yet"
"""`ipc.events.NOT_ASKED`, without what that module loads: nobody knows yet how the server is, which is no fault."""
SHOWN_EVENTS = frozenset(
    {
        "config_changed", "config_rejected", "connection_changed", "converter_changed", "converter_removed",
        "counters_changed", "health_changed", "part_failed", "service_state_changed",
    }
)  # fmt: skip
"""What changes the status. Figures come twice a second at most, the others are rare."""


def show_status(instance_id: str, home: Path | None, *, watch: bool, as_json: bool) -> ExitCode:
    """Print the status; 0, or 8 where a part is not well. Raises ServiceNotRunning."""
    try:
        with asking(instance_id, home, SOON) as client:
            if watch:
                _watch(client, home, as_json)
            current = client.get_status()
    except ServiceNotRunning:
        if as_json:
            (print_line if watch else print_answer)({"status": "Stopped", "instance_id": instance_id})
        raise
    if as_json:
        print_answer(current)
    else:
        print("\n".join(lines(current, home)))
    return ExitCode.DEGRADED if faults(current) else ExitCode.DONE


def _watch(client: "IPCClient", home: Path | None, as_json: bool) -> None:
    """Until the service has stopped, which is raised, or Ctrl-C."""
    told = following(client)
    next(told)  # from here on nothing is missed
    _show(client.get_status(), home, as_json)
    for event in told:
        if event.name in SHOWN_EVENTS:
            _show(client.get_status(), home, as_json)


def _show(current: Mapping[str, Any], home: Path | None, as_json: bool) -> None:
    """Over what was shown before, where that can be."""
    if as_json:
        print_line(current)
    elif sys.stdout.isatty():
        from shutil import get_terminal_size

        shown = list(lines(current, home))[: get_terminal_size().lines - 1]
        print("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in shown) + "\x1b[J", end="", flush=True)
    else:
        print("\n".join(lines(current, home)) + "\n", flush=True)


def lines(current: Mapping[str, Any], home: Path | None) -> Iterator[str]:
    """A status for people: the whole in few lines, what is wrong, what to do next, and the converters."""
    state, up = current["status"], duration(current["uptime_seconds"])
    yield f"{current['instance_id']}: {painted(state, COLOURS.get(state, ''))} (up {up}, process {current['pid']})"
    for name, text in _facts(current).items():
        yield from wrapped(text, INDENT, name)
    for title, notes in (("not well", faults(current)), ("next", _hints(current, home))):
        if notes:
            yield painted(title, "red" if title == "not well" else "bold")
            for name, text in notes.items():
                yield from wrapped(f"{name}: {text}", 4, "  ")
    yield from _converter_lines(current["converters"])


def _facts(current: Mapping[str, Any]) -> dict[str, str]:
    queue, oldest, last = current["queue"], current["oldest_waiting_seconds"], current["last_delivered"]
    server = NOT_ASKED if current["connection_reason"] == NOT_ASKED else current["connection"]
    waiting = [f"{queue[state]:,} {word}" for state, word in _QUEUE_WORDS.items() if queue[state]]
    facts = {
        "server": f"{server}  {current['server_url']}",
        "queue": (", ".join(waiting) or "empty") + (f"; the oldest waits for {duration(oldest)}" if oldest else ""),
        "delivered": several(queue["delivered"], "report") + (f"; the last {ago(last)}" if last else ""),
        "last minute": (
            f"{current['conversions_last_minute']:,} converted, {current['uploads_last_minute']:,} uploaded"
        ),
    }
    if address := current.get("rest"):
        facts["http"] = address
    if disk := current.get("disk"):
        days = disk["days_left"]
        facts["disk"] = f"{size(disk['free_bytes'])} free" + (f", enough for {days:.1f} days" if days else "")
    return facts


_QUEUE_WORDS = {"queued": "waiting", "processing": "uploading", "error": "to be tried again", "rejected": "rejected"}


def _converter_lines(converters: list[Mapping[str, Any]]) -> Iterator[str]:
    if converters:
        yield painted("converters", "bold")
    wide = widest(safe(item["name"]) for item in converters)
    for item in converters:
        counts = f"{item['pending_count']:,} waiting, {item['converted']:,} converted, {item['failed']:,} failed"
        state = painted(f"{item['state']:<8}", COLOURS.get(item["state"], ""))
        yield f"  {safe(item['name']):<{wide}}  {state}  {counts}"
        if item["last_error"]:
            yield from wrapped(f"last: {_first(item['last_error'])}", 6, "    ")


def faults(current: Mapping[str, Any]) -> dict[str, str]:
    """What is not as it should be, and why; a pause was asked for, and is none."""
    found = {}
    if current["connection"] in ("offline", "refused") and current["connection_reason"] != NOT_ASKED:
        found["server"] = current["connection_reason"] or current["connection"]
    if current["config_fault"]:
        found["configuration"] = _first(current["config_fault"])
    for converter in current["converters"]:
        if converter["state"] in ("Error", "Waiting") and converter["reason"] and not converter["paused"]:
            found[f"converter {converter['name']}"] = _first(converter["reason"])
    for part in current["components"]:
        if part["state"] != "running":
            found.setdefault(part["name"], _first(part["reason"]) or part["state"])
    return found | {what: _first(why) for what, why in current["degraded"].items() if what not in found}


def _hints(current: Mapping[str, Any], home: Path | None) -> dict[str, str]:
    """What to do next."""

    def run(verb: str) -> str:
        return f"`{command(verb, current['instance_id'], home)}`"

    hints = {}
    if current["connection"] == "refused":
        hints[run("login")] = "stores another address or token"
    if current["config_fault"]:
        hints[run("config validate")] = "shows every fault with its line"
    if current["queue"]["rejected"]:
        hints[run("queue list --state rejected")] = "shows what the server did not take, and why"
    if any(converter["in_error_folder"] for converter in current["converters"]):
        hints[run("sources list")] = "shows the sources that could not be converted"
    if current["paused"]:
        hints[run("resume")] = f"goes on; paused: {' and '.join(current['paused'])}"
    return hints


def _first(text: str) -> str:
    return text.partition("\n")[0]
