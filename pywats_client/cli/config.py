"""`pywats-client config …`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pywats_client.cli.known import command, known_instance
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_json, print_pairs, say
from pywats_client.errors import ExitCode, PywatsError
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.config.fault import Fault

app = typer.Typer(help="Read, change and check the configuration of an instance.", no_args_is_help=True)

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="Such as server.url, converters[0].priority or converters.NAME.priority.")
]


@app.command()
def init(
    server_url: Annotated[str, typer.Option(help="Address of the server, such as https://company.wats.com.")] = "",
    station_name: Annotated[str, typer.Option(help="Name of the station; the host name where none is given.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a configuration; it is kept as .bak.")] = False,
    instance_id: InstanceId = "default",
    home: Home = None,
) -> None:
    """Make a first configuration, with one converter as an example."""
    from pywats_client.config import edit

    instance = Instance.find(instance_id, home)
    if instance.config.exists() and not force:
        raise PywatsError(f"{instance.config} exists; --force replaces it")
    if sys.stdin.isatty() and not server_url:
        server_url = typer.prompt("Address of the server", default="", show_default=False, err=True)
    if sys.stdin.isatty() and not station_name:
        station_name = typer.prompt(
            "Name of the station (empty: the host name)", default="", show_default=False, err=True
        )
    edit.create(instance, url=server_url, station_name=station_name)
    print(instance.config)
    login, edit_it = (command(verb, instance_id, home) for verb in ("login", "config edit"))
    say(f"next: `{login}` stores the token, `{edit_it}` sets up converters")


@app.command()
def show(instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Show the configuration in force, defaults included and secrets masked."""
    from pywats_client.config.file import load
    from pywats_client.config.shown import shown

    values = shown(load(known_instance(instance_id, home)).model_dump(mode="json"))
    if as_json:
        print_json(values)
    else:
        print_pairs(_flat(values))


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """Each single value under its whole key, as text."""
    if isinstance(value, dict) and value:
        below = [_flat(inner, f"{path}.{name}" if path else name) for name, inner in value.items()]
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        below = [_flat(inner, f"{path}[{index}]") for index, inner in enumerate(value)]
    else:
        return {path: _as_text(value)}
    return {key: text for flat in below for key, text in flat.items()}


def _as_text(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@app.command()
def get(key: Key, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Print the value in force of one key, or of a section."""
    from pywats_client.config import edit
    from pywats_client.config.file import load

    value = edit.get(load(known_instance(instance_id, home)), key)
    if as_json or isinstance(value, dict | list):
        print_json(value)
    else:
        print(_as_text(value))


@app.command("set")
def set_key(
    key: Key,
    value: Annotated[str, typer.Argument(help="Text, number, true, false, null; lists and objects as JSON.")],
    instance_id: InstanceId = "default",
    home: Home = None,
) -> None:
    """Change one key; nothing is written unless the whole configuration is valid with it."""
    from pywats_client.config import edit

    if key == "server.token_encrypted":
        login = command("login", instance_id, home)
        raise typer.BadParameter(f"a token on a command line is seen by others; `{login}` stores it")
    edit.change(known_instance(instance_id, home), {key: value}, os.environ)


@app.command()
def unset(key: Key, instance_id: InstanceId = "default", home: Home = None) -> None:
    """Take one key out, so that its default is in force; of converters also a whole entry."""
    from pywats_client.config import edit

    edit.change(known_instance(instance_id, home), {key: edit.UNSET}, os.environ)


@app.command()
def validate(
    file: Annotated[Path | None, typer.Argument(help="A file to check instead of the instance's own.")] = None,
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check the configuration and print everything that is wrong with it, one fault a line."""
    from pywats_client.config.file import check_file, check_instance

    faults = check_file(file) if file else check_instance(known_instance(instance_id, home))
    if as_json:
        print_json({"valid": not faults, "faults": [_as_dict(fault) for fault in faults]})
    elif faults:
        say("\n".join(map(str, faults)))
    else:
        print("the configuration is valid")
    if faults:
        raise typer.Exit(ExitCode.CONFIG)


def _as_dict(fault: "Fault") -> dict[str, Any]:
    return fault._asdict() | {"file": str(fault.file) if fault.file else None}


@app.command()
def schema(
    table: Annotated[bool, typer.Option("--table", help="Print a Markdown table of all keys instead.")] = False,
) -> None:
    """Print the JSON schema of the configuration file, for editors and other programs."""
    from pywats_client.config.describe import markdown_table
    from pywats_client.config.model import Config

    if table:
        print(markdown_table())
    else:
        print_json(Config.model_json_schema())


@app.command()
def edit(instance_id: InstanceId = "default", home: Home = None) -> None:
    """Open the configuration in $VISUAL or $EDITOR; it is put in force only when it is valid."""
    from pywats_client.cli.editor import edit_file

    edit_file(known_instance(instance_id, home))
