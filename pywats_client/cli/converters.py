"""`pywats-client converters …`: the configured converters."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pywats_client.cli import sources
from pywats_client.cli.asking import asking
from pywats_client.cli.known import command
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import painted, print_answer, print_pairs, safe, say, wrapped
from pywats_client.cli.status_view import COLOURS
from pywats_client.cli.words import widest
from pywats_client.errors import ExitCode, PywatsError

app = typer.Typer(help="See and steer the converters of a running service.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The converter's configured name.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A file on the service's machine.")]


class NoConverter(PywatsError):
    """No converter of that name is configured."""


@app.command("list")
def list_converters(instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """List the converters with their state and counts."""
    with asking(instance_id, home) as client:
        found = client.request("get_converters")["converters"]
    if as_json:
        print_answer({"converters": found})
        return
    if not found:
        say(f"no converter is configured; `{command('config edit', instance_id, home)}` is the place")
    wide, modules = (widest(safe(item[key]) for item in found) for key in ("name", "module"))
    for item in found:
        state = painted(f"{item['state']:<8}", COLOURS.get(item["state"], ""))
        print(f"{safe(item['name']):<{wide}}  {state}  {safe(item['module']):<{modules}}  {_counts(item)}")
        for why in filter(None, (item["reason"], item["last_error"])):
            print("\n".join(wrapped(why.partition("\n")[0], 4)))


def _counts(item: dict[str, Any]) -> str:
    return f"{item['pending_count']:,} waiting, {item['converted']:,} converted, {item['failed']:,} failed"


@app.command()
def show(name: Name, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Show one converter: folders, patterns, arguments, counts, last sources."""
    with asking(instance_id, home) as client:
        found = client.request("get_converters")["converters"]
    wanted = next((item for item in found if item["name"] == name), None)
    if wanted is None:
        known = ", ".join(item["name"] for item in found) or "none"
        raise NoConverter(f"there is no converter {safe(name)!r}; configured are: {known}")
    if as_json:
        print_answer(wanted)
    else:
        print_pairs({key.replace("_", " "): _text(value) for key, value in wanted.items() if value not in ("", [], {})})


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def enable(name: Name, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Start a converter; the configuration remembers it."""
    _set_enabled("start_converter", name, instance_id, home, as_json)


def disable(name: Name, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Stop a converter; the configuration remembers it, and its files stay where they are."""
    _set_enabled("stop_converter", name, instance_id, home, as_json)


def _set_enabled(verb: str, name: str, instance_id: str, home: Path | None, as_json: bool) -> None:
    with asking(instance_id, home) as client:
        client.request(verb, converter=name)
    is_enabled = verb == "start_converter"
    if as_json:
        print_answer({"name": name, "enabled": is_enabled})
    else:
        print(f"{safe(name)} is {'enabled' if is_enabled else 'disabled'}")


for verb, function in (("enable", enable), ("disable", disable), ("start", enable), ("stop", disable)):
    app.command(verb, hidden=verb in ("start", "stop"))(function)
for verb, older in (("failed", sources.list_sources), ("retry", sources.retry)):
    app.command(verb, hidden=True)(older)


@app.command("try")
def try_file(
    name: Name, file: File, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False
) -> None:
    """Convert a file as the service would, and send nothing. The exit code is 1 where a server would refuse it."""
    with asking(instance_id, home, timeout=600.0) as client:
        answer = client.request("try_file", converter=name, path=str(file.absolute()))
    if as_json:
        print_answer(answer)
    else:
        from pywats_client.cli.report_tree import print_report

        for report in answer["reports"]:
            print_report(report)
    for fault in answer["faults"]:
        say(f"{'error' if fault['fatal'] else 'warning'}: {fault['text']}")
    if answer["error"]:
        say(f"error: {answer['error']}")
    if answer["error"] or any(fault["fatal"] for fault in answer["faults"]):
        raise typer.Exit(ExitCode.FAILED)
