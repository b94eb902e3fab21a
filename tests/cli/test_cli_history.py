"""`pywats-client commands`: the protocol, for people and for the README."""

import contextlib
import os
import pty
import subprocess
import sys

from typer.testing import CliRunner

from pywats_client.cli.app import app
from pywats_client.ipc.commands import COMMANDS
from pywats_client.ipc.schema import markdown_table


def test_the_commands_are_a_list_for_people_that_fits_a_narrow_terminal() -> None:
    terminal, end = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "80"}
    said = b""
    with subprocess.Popen([sys.executable, "-m", "pywats_client", "commands"], stdout=end, env=environ):
        os.close(end)
        with contextlib.suppress(OSError):  # Linux: nobody writes there any more
            while more := os.read(terminal, 65_536):
                said += more
    os.close(terminal)
    lines = said.decode().splitlines()
    assert max(map(len, lines)) <= 80
    assert {line.split()[0] for line in lines if line[0] != " "} == set(COMMANDS)
    found = lines.index("discard_reports  ids")
    assert lines[found + 1].strip().startswith("Put reports into the folder `discarded`; they are never sent")


def test_the_commands_are_a_markdown_table_when_that_is_wanted() -> None:
    printed = [CliRunner().invoke(app, ["commands", *more]).stdout for more in (["--markdown"], [])]
    assert printed[0] == markdown_table() + "\n"
    assert "|" not in printed[1]
