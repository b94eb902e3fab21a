"""`pywats-client queue …`: look at the reports that wait, and decide by hand about those that failed."""

import typer

from pywats_client.cli.queue.change import discard, retry
from pywats_client.cli.queue.check import check
from pywats_client.cli.queue.export import export
from pywats_client.cli.queue.listing import list_reports
from pywats_client.cli.queue.show import show

app = typer.Typer(
    help="Look at the queue of an instance, check it, and decide about reports that failed.", no_args_is_help=True
)
app.command("list")(list_reports)
for command in (check, show, export, retry, discard):
    app.command()(command)
