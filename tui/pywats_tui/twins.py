"""Every action by its name on the command line."""

import shlex

from pywats_client.paths import Instance


def twin(instance: Instance, *words: str) -> str:
    """The command that does the same: `pywats-client queue retry 1f2e… --instance-id line-2`."""
    where = [] if instance.id == "default" else ["--instance-id", instance.id]
    where += ["--home", str(instance.home)] if instance.home else []
    return shlex.join(["pywats-client", *words, *where])
