"""The screen Sources, against a real service: what could not be converted, why, and what one does about it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tui_parts import PATIENCE, WIDE, Seen, dashboard, instance_in, run

from pywats_client.paths import Instance
from pywats_tui.screens.source import SourcePage
from pywats_tui.screens.sources import Sources

GOOD = "serial number,part number,revision,step,value,low,high,unit\nSN-1,PN-1,A,Vcc,3.31,3.2,3.4,V\n"


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Instance]:
    """A service without a server, with the converters csv and other, and three sources that failed."""
    instance = instance_in(tmp_path / "home")
    converters = []
    for name in ("csv", "other"):
        folder = tmp_path / name
        (folder / "Error").mkdir(parents=True)
        module = "pywats_client.converters.formats.csv"
        converters.append(
            {"name": name, "module_path": module, "watch_folder": str(folder), "file_patterns": ["*.csv"]}
            | {"process_code": 10}
        )
    for number, (converter, source, reason) in enumerate(
        [
            ("csv", "old.csv", "line 3: no serial number\nTraceback (most recent call last):\n  in convert"),
            ("csv", "mended.csv", "the column value is missing"),
            ("other", "new.csv", "[bold]not a table[/bold]"),
        ]
    ):
        error = tmp_path / converter / "Error"
        (error / source).write_text(GOOD)
        note = error / f"{source}.reason"
        note.write_text(reason)
        os.utime(note, (1_700_000_000 + number, 1_700_000_000 + number))
    config = {
        "version": "2.0",
        "instance_id": "default",
        "server": {"url": "http://127.0.0.1:9"},
        "station": {"name": "Station", "location": "Lab", "purpose": "Test"},
        "service": {"settle_seconds": 0.1},
        "converters": converters,
    }
    instance.config.parent.mkdir(parents=True)
    instance.config.write_text(json.dumps(config))
    command = [sys.executable, "-m", "pywats_client", "service", "--home", str(tmp_path / "home")]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYWATS_API_TOKEN": "bm9ib2R5OnNlZXM="}
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, env=environ, stdout=said, stderr=said, start_new_session=True)
    try:
        yield instance
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, (tmp_path / "said").read_text()
    finally:
        process.kill()
        process.wait()


def look(instance: Instance, talk: Callable[[Seen], Any], **options: Any) -> None:
    """Open the screen as soon as the service is there."""

    async def looked() -> None:
        while not instance.endpoint.exists():
            await asyncio.sleep(0.01)
        async with dashboard(instance, WIDE, **options) as seen:
            await seen.sees("127.0.0.1:9")
            await seen.press("3")
            await seen.sees("3 sources  newest first  of all converters")
            await talk(seen)

    run(looked())


def order_of(seen: Seen) -> list[str]:
    rows = [line for line in seen.text.splitlines() if not line.startswith("$")]
    return [name for line in rows for name in ("old.csv", "mended.csv", "new.csv") if name in line]


def test_failed_sources_are_listed_newest_first_found_and_filtered(station: Instance) -> None:
    async def talk(seen: Seen) -> None:
        await seen.sees("[bold]not a table[/bold]", "the column value is missing", "line 3: no serial number")
        assert order_of(seen) == ["new.csv", "mended.csv", "old.csv"]
        assert "Traceback" not in seen.text
        await seen.press("f")
        await seen.sees("2 sources  newest first  of csv", "sources list --converter csv")
        await seen.press("f", "f")
        await seen.sees("3 sources")
        await seen.press("slash", *"SERIAL", "enter")
        await seen.sees("1 source ", "sources list --search SERIAL")
        assert order_of(seen) == ["old.csv"]
        await seen.press("escape")
        await seen.sees("3 sources")

    look(station, talk)


def test_a_source_shows_its_reason_with_traceback_and_the_head_of_the_file(station: Instance) -> None:
    async def talk(seen: Seen) -> None:
        await seen.press("end", "enter")
        await seen.sees("$ pywats-client sources show csv/old.csv")
        await seen.sees(
            "old.csv", "of csv", "no serial number", "Traceback (most", "the whole content", "SN-1,PN-1,A,Vcc"
        )
        await seen.press("p")
        await seen.until(lambda: seen.app.clipboard.endswith("Error/old.csv"))
        await seen.press("c")
        await seen.until(lambda: seen.app.clipboard == "csv/old.csv")
        await seen.press("escape")
        await seen.sees("3 sources")

    look(station, talk)


def test_a_mended_source_is_put_back_and_converted(station: Instance) -> None:
    async def talk(seen: Seen) -> None:
        await seen.press("down", "enter")
        await seen.until(lambda: isinstance(seen.app.screen, SourcePage))
        await seen.sees("the column value is missing")
        await seen.press("r")
        await seen.until(lambda: isinstance(seen.app.screen, Sources))
        await seen.sees("2 sources", "sources retry csv/mended.csv")
        await seen.press("2")
        await seen.sees("1 report ", "mended.csv")

    look(station, talk)


def test_selected_sources_are_set_aside_once_one_has_said_yes(station: Instance, tmp_path: Path) -> None:
    async def talk(seen: Seen) -> None:
        await seen.press("space", "space", "x")
        await seen.sees("Set 2 sources aside?")
        await seen.press("n")
        await seen.sees("2 selected", "3 sources")
        await seen.press("x")
        await seen.sees("Set 2 sources aside?")
        await seen.press("y")
        await seen.sees("1 source ", "sources discard other/new.csv csv/mended.csv --yes")
        assert order_of(seen) == ["old.csv"]
        assert (tmp_path / "other" / "Error" / "discarded" / "new.csv").exists()

    look(station, talk)


def test_where_one_may_only_look_no_source_is_moved(station: Instance, tmp_path: Path) -> None:
    async def talk(seen: Seen) -> None:
        await seen.press("a", "r", "x")
        await seen.sees("3 selected")
        assert (tmp_path / "csv" / "Error" / "old.csv").exists()
        assert "Retry" not in seen.text

    look(station, talk, is_view_only=True)
