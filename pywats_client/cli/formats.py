"""`pywats-client formats …`: what can be read, built in or by plug-in, and the arguments of each."""

import difflib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pywats_client.cli.known import NotUnderstood
from pywats_client.cli.options import AsJson
from pywats_client.cli.output import print_answer, safe, say, wrapped
from pywats_client.cli.words import widest
from pywats_client.errors import ConversionError, PywatsError

if TYPE_CHECKING:
    from pywats_client.converters.formats_page import Format

app = typer.Typer(help="See which formats can be read, and their arguments.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME…", help="Formats, as `list` shows them; none: all.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Write the page of all built-in formats.")]


class NoFormat(PywatsError):
    """There is no format of that name."""


@app.command("list")
def list_formats(as_json: AsJson = False) -> None:
    """List the formats: what each reads, and where it comes from."""
    formats = _all()
    if as_json:
        print_answer({"formats": [_as_json(each) for each in formats]})
        return
    wide = widest(each.name for each in formats)
    for each in formats:
        told = each.fault or each.about["description"]
        origin = "" if each.origin == "built in" else f" ({each.origin})"
        print("\n".join(wrapped(told + origin, wide + 2, f"{safe(each.name)}  ")))


@app.command()
def describe(names: Names = None, markdown: Markdown = False, as_json: AsJson = False) -> None:
    """Describe formats: where the facts about it come from, its arguments, an entry for the configuration."""
    from pywats_client.converters.formats_page import page

    if markdown:
        if names or as_json:
            raise NotUnderstood("--markdown writes the page of all formats: name none, and leave --json out")
        print(page(), end="")
        return
    chosen = [_one(name) for name in names] if names else _all()
    if as_json:
        print_answer({"formats": [_as_json(each) for each in chosen]})
        return
    for index, each in enumerate(chosen):
        print("\n" if index else "", end="")
        _describe(each)


def _describe(each: "Format") -> None:
    import json

    from pywats_client.converters.describe import arguments
    from pywats_client.converters.formats_page import entry

    print(f"{safe(each.name)} ({each.origin}): {safe(each.about['description'])}")
    if each.fault:
        say(each.fault)
        return
    for paragraph in each.about["documentation"].splitlines():
        print("\n".join(wrapped(paragraph, 0)))
    print("\narguments:")
    for key in arguments(each.about["arguments_schema"]):
        print(f"  {safe(key.path)}: {safe(key.type)}; default {safe(key.default)}")
        if key.help:
            print("\n".join(wrapped(key.help, 6)))
    print(f"\nin the configuration, under converters:\n  {json.dumps(entry(each.name))}")


def _as_json(each: "Format") -> dict[str, Any]:
    return {**each.about, "name": each.name, "origin": each.origin, "fault": each.fault}


def _all() -> "list[Format]":
    from pywats_client.converters.formats_page import built_in

    return [*built_in(), *_plugins()]


def _one(name: str) -> "Format":
    formats = {each.name: each for each in _all()}
    if name not in formats:
        near = difflib.get_close_matches(name, formats, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(formats)}"
        raise NoFormat(f"there is no format {safe(name)!r}; {hint}")
    return formats[name]


def _plugins() -> "list[Format]":
    """Those that installed packages bring along: a stranger's code, so each is asked in a worker."""
    import trio

    from pywats_client.converters.registry import plugins

    found = plugins()
    return trio.run(_ask, found) if found else []


async def _ask(plugins: dict[str, str]) -> "list[Format]":
    import dataclasses
    from pathlib import Path

    import trio

    from pywats_client.converters.formats_page import Format
    from pywats_client.converters.process import Setup, open_workers
    from pywats_client.converters.registry import AUTO, resolve

    formats, anything = [], resolve(AUTO, Path())[0]
    async with open_workers(trio.CapacityLimiter(1)) as workers:
        for name, package in plugins.items():
            try:
                # Asked by the setup of another, because its own may need arguments that nobody has set yet.
                info = await workers.describe(Setup(name=name, module=anything), resolve(name, Path())[0])
                formats.append(Format(name, dataclasses.asdict(info), f"from {package}"))
            except ConversionError as fault:
                nothing = {"description": "", "documentation": "", "arguments_schema": {}}
                formats.append(Format(name, nothing, f"from {package}", str(fault)))
    return formats
