"""The command `pywats-client`. `status` is asked often, by scripts too, and goes without what the others need."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pywats_client.cli.app import app

__all__ = ["app", "main"]


class Asked(NamedTuple):
    """What a `status` command line says."""

    instance_id: str = "default"
    home: Path | None = None
    watch: bool = False
    as_json: bool = False


def main() -> None:
    """The entry point."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    asked = read_status(sys.argv[1:])
    if asked is None:
        from pywats_client.cli.app import app

        app()
        return
    from pywats_client.cli.ending import ended
    from pywats_client.cli.status_view import show_status

    sys.exit(ended(lambda: show_status(asked.instance_id, asked.home, watch=asked.watch, as_json=asked.as_json)))


def read_status(arguments: Sequence[str]) -> Asked | None:
    """What a plain `status` command line asks for; None for any other, and for one that the parser must look at."""
    if not arguments or arguments[0] != "status":
        return None
    asked, rest = Asked(), list(arguments[1:])
    while rest:
        match rest:
            case ["--json", *rest]:
                asked = asked._replace(as_json=True)
            case ["--watch" | "-w", *rest]:
                asked = asked._replace(watch=True)
            case ["--instance-id", value, *rest] if not value.startswith("-"):
                asked = asked._replace(instance_id=value)
            case ["--home", value, *rest] if not value.startswith("-"):
                asked = asked._replace(home=Path(value))
            case _:
                return None
    return asked


def __getattr__(name: str) -> Any:
    """The whole command line, late: it takes four times as long to load as `status` takes to answer."""
    if name != "app":
        raise AttributeError(name)
    from pywats_client.cli.app import app

    return app
