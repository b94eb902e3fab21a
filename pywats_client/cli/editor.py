"""`pywats-client config edit`: a copy is edited, checked, and only then put in place."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import typer

from pywats_client.cli.output import say
from pywats_client.config.file import Files, as_json, check_content, current
from pywats_client.disk import Disk
from pywats_client.errors import ConfigError, PywatsError
from pywats_client.paths import Instance

EDITORS = ("sensible-editor", "nano", "vim", "vi", "notepad")
"""What is tried where neither VISUAL nor EDITOR names one."""


def edit_file(instance: Instance) -> None:
    """Let a person edit the configuration until it is valid, or given up; the file is untouched until then.

    Raises ConfigError where it stays invalid, PywatsError where the editor fails or the file changed meanwhile.
    """
    disk = Disk()
    files = current(instance, os.environ, disk)
    copy = Path(tempfile.mkdtemp(prefix="pywats-client-"), instance.config.name)
    original = files.main.content or as_json(files.main.data)
    disk.write(copy, original)
    try:
        _edit_until_valid(files, copy)
        _install(files, copy, disk)
    finally:
        if copy.read_bytes() in (original, _content(files.main.file)):  # else a person's work would be lost
            shutil.rmtree(copy.parent)


def _edit_until_valid(files: Files, copy: Path) -> None:
    while True:
        _open_editor(copy)
        faults = check_content(files, copy.read_bytes())
        if not faults:
            return
        say("\n".join(map(str, faults)))
        if not sys.stdin.isatty() or not typer.confirm("Edit again?", default=True, err=True):
            raise ConfigError("", f"the configuration is as before; what you wrote is in {copy}")


def _install(files: Files, copy: Path, disk: Disk) -> None:
    file, content = files.main.file, copy.read_bytes()
    there = _content(file)
    if there != files.main.content:
        raise PywatsError(f"{file} was changed by somebody else meanwhile; what you wrote is in {copy}")
    if content == there:
        say("nothing is changed")
        return
    disk.make_folder(file.parent)
    disk.replace(file, content, backup=True)


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _open_editor(file: Path) -> None:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    command = command or next((name for name in EDITORS if shutil.which(name)), None)
    if not command:
        raise PywatsError("no editor is found: set VISUAL or EDITOR")
    try:
        code = subprocess.run([*shlex.split(command), file], check=False).returncode
    except OSError as error:
        raise PywatsError(f"the editor `{command}` cannot be started: {error.strerror}") from error
    if code:
        raise PywatsError(f"the editor `{command}` ended with code {code}; the configuration is as before")
