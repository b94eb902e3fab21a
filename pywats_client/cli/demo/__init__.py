"""`pywats-client demo`: see it work, on this machine, without a server of your own."""

from typing import Annotated

import typer


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Go on afterwards, to try things out; Ctrl-C ends it.")] = False,
) -> None:
    """Run a server, a service and 25 files through all that can happen; half a minute at most."""
    import sys
    import tempfile
    from pathlib import Path

    import trio

    from pywats_client.cli.demo.story import Story
    from pywats_client.emulator import open_emulator

    with tempfile.TemporaryDirectory(prefix="pywats-demo-") as folder:
        is_as_told = trio.run(Story(Path(folder), open_emulator).run, keep)
    sys.exit(0 if is_as_told else 1)
