"""`pywats-client queue show`."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from pywats_client.cli.options import Home, InstanceId
from pywats_client.cli.output import print_pairs, wrapped
from pywats_client.cli.queue.place import looking
from pywats_client.cli.queue.shown import Detail, Row, json_of, since
from pywats_client.cli.words import duration, local, several
from pywats_client.errors import PywatsError

Id = Annotated[str, typer.Argument(metavar="ID", help="The report's id, or its beginning.")]
AsWsjf = Annotated[bool, typer.Option("--json", help="Print the report as it is sent: WSJF.")]


def show(id_: Id, instance_id: InstanceId = "default", home: Home = None, as_json: AsWsjf = False) -> None:
    """Show a report: where it stands, what happened to it, why it failed, and its content.

    Delivered and discarded ones are found as long as they are kept. The exit code is 1 where it is damaged.
    """
    with looking(instance_id, home) as look:
        detail = look.detail(id_)
    if as_json:
        if detail.content is None:
            raise PywatsError(_damaged(detail.row))
        sys.stdout.buffer.write(detail.content + b"\n" * sys.stdout.isatty())
        return
    _print_facts(detail)
    for other in detail.others:
        print(f"also there: {other}")
    _print_history(detail)
    if detail.row.reason:
        _print_reason(detail.row.reason)
    if detail.content is None:
        raise PywatsError(_damaged(detail.row))
    print()
    _print_content(detail.content)


def _damaged(row: Row) -> str:
    return f"{row.file} is {row.fault}" if (row.fault or "").startswith("damaged") else f"{row.file}: {row.fault}"


def _print_facts(detail: Detail) -> None:
    row = detail.row
    facts = {
        "id": row.id,
        "state": row.state,
        "file": row.file,
        "arrived": _moment(row.arrived),
        "changed": _moment(row.changed),
        "size": f"{row.bytes:,} bytes, {'NOT ' if row.fault else ''}as they were queued",
        "priority": str(row.priority),
        "failed": several(row.attempts, "time") if row.attempts else "",
        "left half sent": several(row.orphaned, "time") if row.orphaned else "",
        "next try": f"at the latest {row.next_try:%Y-%m-%d %H:%M:%S} UTC" if row.next_try else "",
        "on the server": detail.server_id,
    }
    print_pairs({name: value for name, value in facts.items() if value})


def _print_history(detail: Detail) -> None:
    if detail.history:
        print("\nhistory:")
    for entry in detail.history:
        when = f"  {local(entry['time'])}  {entry['event']:<11} "
        print("\n".join(wrapped(entry["detail"], len(when), when)))


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({duration(since(moment))} ago)"


def _print_reason(reason: str) -> None:
    from pywats_client.logs import show_name

    print("\nreason:")
    for line in reason.splitlines():
        print(f"  {show_name(line)}".rstrip())


def _print_content(content: bytes) -> None:
    from pydantic import ValidationError

    from pywats_client.cli.report_tree import print_report
    from pywats_client.wsjf import read_report

    report = json_of(content)
    try:
        read_report(report)
    except ValidationError as error:
        print(f"its content has not the shape of a report ({several(error.error_count(), 'fault')}); --json shows it")
        return
    print_report(report)
