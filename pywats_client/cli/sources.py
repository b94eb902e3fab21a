"""`pywats-client sources …`: the files that could not be converted: why, and what becomes of them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pywats_client.cli.asking import asking
from pywats_client.cli.known import NotUnderstood, command
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_answer, print_pairs, safe, say, wrapped
from pywats_client.cli.words import ago, local, several, size
from pywats_client.errors import ExitCode

app = typer.Typer(help="See the sources that could not be converted, and decide about them.", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID…", help="Failed sources, as `sources list` names them.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="A failed source, as `sources list` names it.")]
Of = Annotated[str, typer.Option("--converter", metavar="NAME", help="Only failed sources of this converter.")]
Search = Annotated[str, typer.Option("--search", metavar="TEXT", help="Only those with this in name or reason.")]
MOST = 1000


@app.command("list")
def list_sources(
    converter: Of = "", search: Search = "", instance_id: InstanceId = "default", home: Home = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """List the sources that could not be converted, newest first, with the reason."""
    with asking(instance_id, home) as client:
        answer = client.request("get_failed_sources", converter=converter, search=search, limit=MOST)
    if as_json:
        print_answer(answer)
        return
    for source in answer["sources"]:
        print(f"{safe(source['id'])}  {ago(source['failed'])}")
        print("\n".join(wrapped(source["reason"], 4)))
    if not answer["sources"]:
        say("no failed sources")
    elif more := answer["total"] - len(answer["sources"]):
        say(f"… and {more:,} more")


@app.command()
def show(id_: Id, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Show one: the whole reason with the converter's traceback, and the beginning of the file."""
    with asking(instance_id, home) as client:
        answer = client.request("get_source", id=id_)
    if as_json:
        print_answer(answer)
        return
    source = answer["source"]
    facts = {"id": source["id"], "path": source["path"], "size": size(source["size"])}
    print_pairs({**facts, "failed": f"{local(source['failed'])} ({ago(source['failed'])})"})
    print("\nreason:")
    _print_text(answer["reason"] or "(nobody wrote down why)")
    print("\ncontent:" if answer["is_whole"] else "\ncontent, the first 64 KiB:")
    _print_text(answer["head"])


def _print_text(text: str) -> None:
    for line in text.splitlines():
        print(f"  {safe(line)}".rstrip())


@app.command()
def retry(
    ids: Ids = None,
    converter: Of = "",
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Put failed sources back into their watch folder. The exit code is 1 where one could not be."""
    if bool(ids) == bool(converter):
        raise NotUnderstood("name the sources, or give --converter for all of one")
    with asking(instance_id, home) as client:
        answer = client.request("retry_sources", ids=ids or [], converter=converter)
    _finish(answer, answer["retried"], "put back", instance_id, home, as_json=as_json)


@app.command()
def discard(
    ids: Ids = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    instance_id: InstanceId = "default",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Set failed sources aside in the folder `discarded` of their error folder; they are not deleted.

    The exit code is 1 where one could not be.
    """
    if not ids:
        raise NotUnderstood("give the ids of the sources to set aside")
    if not yes and not sys.stdin.isatty():
        raise NotUnderstood("nothing is set aside unasked, and nobody can be asked here; --yes says it is meant")
    with asking(instance_id, home) as client:
        if not yes and not typer.confirm(f"Set {several(len(ids), 'source')} aside, unconverted?", err=True):
            say("nothing was done")
            raise typer.Exit(ExitCode.FAILED)
        answer = client.request("discard_sources", ids=ids)
    _finish(answer, answer["discarded"], "set aside", instance_id, home, as_json=as_json)


def _finish(
    answer: dict[str, Any], done: Sequence[str], word: str, instance_id: str, home: Path | None, *, as_json: bool
) -> None:
    """Tell what came of it, and of each that stays why."""
    untouched = answer["untouched"]
    if as_json:
        print_answer(answer)
    else:
        for source in done:
            print(f"{word}: {safe(source)}")
        if not done and not untouched:
            say("there is nothing to do")
    for left in untouched:
        say(f"error: {safe(left['id'])}: {left['why']}")
    if any(left["code"] == "not_found" for left in untouched):
        say(f"`{command('sources list', instance_id, home)}` lists what there is")
    if untouched:
        raise typer.Exit(ExitCode.FAILED)
