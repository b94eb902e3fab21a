"""`pywats-client trace`, `yield` and `events`: what has happened, and what happens now."""

from typing import Annotated, Any

import typer

from pywats_client.cli.asking import asking, following
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_answer, print_line, safe, say, wrapped
from pywats_client.cli.words import local
from pywats_client.errors import PywatsError

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Stay, and print what comes.")]
Key = Annotated[str, typer.Argument(metavar="NAME|ID", help="A source's name, a serial number, or a report's id.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a Markdown table instead.")]
Units = Annotated[int, typer.Option("--units", metavar="N", min=1, max=10_000, help="The yield of so many last units.")]


def trace(key: Key, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Tell the life of a file or report, step by step, with the time that each took."""
    with asking(instance_id, home) as client:
        lives = client.request("get_trace", key=key)["lives"]
    if as_json:
        print_answer({"lives": lives})
    elif lives:
        print("\n\n".join("\n".join(_life(life)) for life in lives))
    if not lives:
        raise PywatsError(f"the journal knows no file, serial number or report {safe(key)!r}")


def _life(life: dict[str, Any]) -> list[str]:
    title = safe(life["source"]) or "put into the queue by hand"
    shown = [f"{title}  ({safe(life['converter'])})" if life["converter"] else title]
    for entry in life["entries"]:
        after = "" if entry["seconds"] is None else f"+{entry['seconds']:.3f} s"
        when = f"  {local(entry['time'], fraction=True)} {after:>11}  {entry['event']:<11} "
        shown += wrapped(entry["detail"], len(when), when)
    return shown


def first_pass_yield(
    instance_id: InstanceId = "default", home: Home = None, units: Units = 50, as_json: AsJson = False
) -> None:
    """Show the first-pass yield of the last units and of the shift, and the steps that fail most."""
    with asking(instance_id, home) as client:
        answer = client.request("get_yield", units=units)
    if as_json:
        print_answer(answer)
        return
    since = f"since {local(answer['shift_start'])[11:16]}"
    for title, part in ((f"last {units} units", answer["last_units"]), (f"shift {since}", answer["shift"])):
        percent = "-" if part["percent"] is None else f"{part['percent']:.1f} %"
        print(f"{title:<17}  {percent:>8}  {part['passed']:,} of {part['units']:,} passed at first")
    for step in answer["failing_steps"]:
        print(f"  {step['count']:>5} × {safe(step['step'])}")
    for what in ("conversions", "uploads"):
        each = answer[f"{what}_a_minute"]
        rate = sum(each) / max(1, len(each))
        print(f"{what:<17}  {each[-1] if each else 0:>8,}  in this minute; {rate:,.1f} a minute over the hour")
    if not answer["is_loaded"]:
        say("the journal of earlier runs is still being read")


def events(instance_id: InstanceId = "default", home: Home = None, follow: Follow = False) -> None:
    """Print what the service tells, one JSON object a line: its state now, and with --follow what happens."""
    with asking(instance_id, home) as client:
        for told in following(client):
            print_line({"event": told.name, "seq": told.seq, "data": told.data})
            if not follow:
                return


def commands(markdown: Markdown = False, as_json: AsJson = False) -> None:
    """List the commands of the protocol with their arguments; `--json` prints their whole schemas."""
    from pywats_client.ipc.schema import markdown_table, schema

    if as_json:
        print_answer(schema().model_dump(mode="json"))
    elif markdown:
        print(markdown_table())
    else:
        for name, known in schema().commands.items():
            arguments = ", ".join(known["args"].get("properties", ()))
            print("\n".join(wrapped(arguments, len(name) + 2, name)))
            print("\n".join(wrapped(_first_sentence(known["doc"]), 4)))


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split()).partition(". ")[0].removesuffix(".") + "."
