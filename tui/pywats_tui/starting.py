"""A service is started the way a person would do it: by the command, in a process of its own."""

import asyncio
import sys

from pywats_client.paths import Instance


async def start(instance: Instance) -> str:
    """Start the service in the background; empty when it is ready, else why it is not."""
    home = ["--home", str(instance.home)] if instance.home else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pywats_client", "start", "--instance-id", instance.id, *home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # what is typed here, and the end of this terminal, are not for it
    )
    _, said = await process.communicate()
    return said.decode("utf-8", "replace").strip().removeprefix("error: ") if process.returncode else ""
