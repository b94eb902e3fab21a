"""`pywats-client status` and `ping`."""

from typing import Annotated

import typer

from pywats_client.cli.asking import SOON, asking
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_answer
from pywats_client.cli.status_view import show_status

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Stay, and show it again whenever something changes.")]
Count = Annotated[int, typer.Option("--count", "-c", metavar="N", min=1, help="So many times.")]


def status(
    instance_id: InstanceId = "default", home: Home = None, watch: Watch = False, as_json: AsJson = False
) -> None:
    """Show how the service is. Exit code 0: all is well; 8: a part of it is not; 3: it does not run."""
    raise typer.Exit(show_status(instance_id, home, watch=watch, as_json=as_json))


def ping(instance_id: InstanceId = "default", home: Home = None, count: Count = 1, as_json: AsJson = False) -> None:
    """Ask the service whether it is there, and tell how long each answer took."""
    from time import perf_counter

    took = []
    with asking(instance_id, home, SOON) as client:
        for _ in range(count):
            began = perf_counter()
            client.ping()
            took.append(round(1000 * (perf_counter() - began), 3))
            if not as_json:
                print(f"pong from {instance_id}: {took[-1]:.1f} ms", flush=True)
    if as_json:
        print_answer({"instance_id": instance_id, "milliseconds": took})
