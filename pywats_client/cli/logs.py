"""`pywats-client logs`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pywats_client.cli.asking import NoAnswer, asking, following
from pywats_client.cli.known import known_instance
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import painted, print_line, say
from pywats_client.cli.words import local
from pywats_client.errors import PywatsError, ServiceNotRunning
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.ipc.client import IPCClient

COLOURS = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow", "DEBUG": "dim"}

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Stay, and print what comes.")]
LevelOption = Annotated[Level, typer.Option("--level", help="From this level on.")]
Grep = Annotated[str, typer.Option("--grep", metavar="TEXT", help="Only lines with this text, whatever its case.")]
Count = Annotated[int, typer.Option("--lines", "-n", metavar="N", min=1, max=5000, help="At most so many lines.")]
OnlyPath = Annotated[bool, typer.Option("--path", help="Print only where the log's file is.")]
Line = Mapping[str, Any]


def logs(
    instance_id: InstanceId = "default",
    home: Home = None,
    follow: Follow = False,
    level: LevelOption = "INFO",
    grep: Grep = "",
    lines: Count = 50,
    path: OnlyPath = False,
    as_json: AsJson = False,
) -> None:
    """Show the last lines of the log, also of a service that has stopped or hangs; with --follow also those to come."""
    if path:
        print(Instance.find(instance_id, home).log)
        return
    try:
        with asking(instance_id, home) as client:
            wanted = {"level": level, "search": grep, "limit": lines}
            for line in _followed(client, wanted) if follow else client.request("get_log", **wanted)["lines"]:
                _print(line, as_json)
    except (ServiceNotRunning, NoAnswer) as error:
        if follow:
            raise
        for line in _of_the_past(instance_id, home, level, grep, lines):
            _print(line, as_json)
        say(str(error))


def _followed(client: "IPCClient", wanted: dict[str, Any]) -> Iterator[Line]:
    """The last lines, and those that come: none is missing and none is there twice."""
    told = following(client, wanted["level"])
    next(told)  # from here on nothing is missed
    shown = client.request("get_log", **wanted)["lines"]
    yield from shown
    text = wanted["search"].casefold()
    coming = (event.data for event in told if event.name == "log_line")
    yield from not_shown((line for line in coming if text in line["message"].casefold()), shown)


def not_shown(coming: Iterable[Line], shown: Sequence[Line]) -> Iterator[Line]:
    """Those of the lines that come that were not shown: from the first that is newer than all of them on, every one."""
    lines = iter(coming)
    for line in lines:
        is_newer = not shown or line["time"] > shown[-1]["time"]
        if is_newer or line not in shown:
            yield line
        if is_newer:
            break
    yield from lines


def _of_the_past(instance_id: str, home: Path | None, level: str, grep: str, lines: int) -> Iterator[Line]:
    """From the file, where no service tells."""
    from pywats_client.service.log_tail import log_tail

    instance = known_instance(instance_id, home)
    try:
        found = log_tail(instance.log, level, grep, lines)
    except FileNotFoundError:
        raise PywatsError(f"there is no log yet: {instance.log} does not exist") from None
    for line in found:
        yield line.model_dump()


def _print(line: Line, as_json: bool) -> None:
    if as_json:
        print_line(line)
        return
    from pywats_client.logs import show_text

    level = painted(f"{line['level']:<8}", COLOURS.get(line["level"], ""))
    message = show_text(line["message"]).replace("\n", "\n    ")
    print(f"{local(line['time'], fraction=True)}  {level} {message}", flush=True)
