"""`pywats-client emulator`: a WATS-compatible server on this machine, in the foreground."""

from pathlib import Path
from typing import Annotated

import typer


def emulator(
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.", min=0, max=65_535)] = 8080,
    data: Annotated[Path | None, typer.Option(help="Keep the reports in this folder; otherwise in memory.")] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="PYWATS_EMULATOR_TOKEN",
            help="Demand this token. Better given by the environment: other users can see command lines.",
        ),
    ] = None,
    latency_ms: Annotated[float, typer.Option(help="Let every call wait so many milliseconds.", min=0)] = 0.0,
    fail_rate: Annotated[
        float, typer.Option(help="Answer this share of the reports (0 to 1) with 503.", min=0, max=1)
    ] = 0.0,
) -> None:
    """Run a WATS-compatible server on this machine, with a page of the reports it received."""
    import signal

    import trio

    from pywats_client.emulator import open_emulator

    async def run() -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with open_emulator(port, data, token=token, latency_ms=latency_ms, fail_rate=fail_rate) as server:
                typer.echo(f"The reports received are shown at {server.url}/")
                typer.echo(f"Set server.url to {server.url}, and end with Ctrl-C.")
                async for _ in signals:
                    return

    trio.run(run)
