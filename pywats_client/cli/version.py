"""`pywats-client version`."""

import platform
from importlib import metadata

from pywats_client.cli.options import AsJson
from pywats_client.cli.output import print_json


def version(as_json: AsJson = False) -> None:
    """Say which version this is."""
    ours = metadata.version("pywats-client")
    if as_json:
        print_json({"version": ours, "python": platform.python_version(), "platform": platform.platform()})
    else:
        print(f"pywats-client {ours}")
