"""Small converters in files, and setups for them."""

import contextlib
import json
import os
import textwrap
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from pywats_client.converters.process import Delivered, Job, Setup, Workers
from pywats_client.converters.registry import resolve

HEAD = """
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from pywats_client.converters import *

def report(serial_number="A1", **more):
    sequence = {"path": "p", "name": "n", "version": "1"}
    root = {"id": 1, "group": "M", "stepType": "SequenceCall", "name": "Main", "status": "P", "seqCall": sequence,
            "steps": [], "totTime": 0}
    return {"type": "T", "pn": "P1", "sn": serial_number, "rev": "1", "processCode": 10, "result": "P",
            "start": "2026-01-30T10:49:36+01:00", "uut": {"user": "me", "execTime": 1}, "root": root, **more}
"""


def write_converter(folder: Path, body: str, *, name: str = "mine.py") -> Path:
    """A module with one converter, whose `convert` has this body."""
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
    code = f"{HEAD}\nclass Mine(FileConverter):\n    name = 'mine'\n    def convert(self, source, context):\n{lines}\n"
    file = folder / name
    file.write_text(code)
    return file


def setup_for(module: Path | str, **more: Any) -> Setup:
    reference, stamp = resolve(str(module), Path("/nowhere"))
    station = {"name": "Station-1", "location": "Lab", "purpose": "Test"}
    return Setup(**{"name": "mine", "module": reference, "module_stamp": stamp, "station": station, **more})


def job_for(source: Path, seed: bytes = b"seed") -> Job:
    return Job(source=source, id_seed=seed)


async def convert(workers: Workers, setup: Setup, source: Path) -> list[dict[str, Any]]:
    """The reports of a source, as they would be stored."""
    return [json.loads(found.content) for found in await deliveries(workers, setup, source)]


async def deliveries(workers: Workers, setup: Setup, source: Path) -> list[Delivered]:
    found: list[Delivered] = []

    async def deliver(report: Delivered) -> None:
        assert isinstance(report.queue_id, uuid.UUID)
        found.append(report)

    await workers.convert(setup, job_for(source), deliver)
    return found


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    with trio.fail_after(30):
        while not condition():
            await trio.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def processes_at(home: Path) -> set[int]:
    """All processes that were started with this HOME, wherever they are now."""
    found = set()
    mark = b"\0HOME=" + os.fsencode(home) + b"\0"
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in b"\0" + (process / "environ").read_bytes() and is_alive(int(process.name)):
                found.add(int(process.name))
    return found
