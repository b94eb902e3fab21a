"""The example that sends one report works as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from pywats_client.emulator import Emulator

EXAMPLE = Path(__file__).parents[2] / "examples" / "submit_one_report.py"
TOKEN = "ZXhhbXBsZQ=="


async def run_example(**environ: str) -> subprocess.CompletedProcess[bytes]:
    return await trio.run_process(
        [sys.executable, str(EXAMPLE)],
        env={**os.environ, **environ},
        check=False,
        capture_stdout=True,
        capture_stderr=True,
    )


@pytest.mark.trio
async def test_the_example_sends_its_report(emulator: Emulator) -> None:
    emulator.control.token = TOKEN
    ended = await run_example(PYWATS_SERVER_URL=emulator.url, PYWATS_API_TOKEN=TOKEN)
    assert ended.returncode == 0, ended.stderr
    (header,) = await emulator.received()
    assert f"accepted as {header['uuid']}" in ended.stdout.decode()
    assert header["result"] == "P"


@pytest.mark.trio
async def test_the_example_says_what_is_wrong_with_its_token(emulator: Emulator) -> None:
    emulator.control.token = TOKEN
    ended = await run_example(PYWATS_SERVER_URL=emulator.url, PYWATS_API_TOKEN="d3Jvbmc=")
    assert ended.returncode == 7
    assert b"does not accept the token" in ended.stderr
    assert b"d3Jvbmc=" not in ended.stderr
