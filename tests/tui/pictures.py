"""`make pictures`: the README's pictures of the dashboard, of a station that is always the same."""

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from shown_parts import CASES, one, report
from tui_parts import Seen, dashboard, instance_in, service

from pywats_client.ipc.commands.queue import GetReport
from pywats_client.paths import Instance
from pywats_tui.screens.report import ReportPage

FOLDER = Path(__file__).parents[2] / "examples" / "pictures"
SIZE = (100, 28)
FROM_ELSEWHERE = re.compile(r"@font-face \{.*?\}|<!--.*?-->", re.DOTALL)
"""What names other hosts: who reads the README asks none of them."""
LOOKS = 30
"""So many in a row show the same: what was told last is painted, and bars that come and go have gone."""
DIFFERS = (
    (re.compile(r"\d\d:\d\d:\d\d"), "10:49:36"),
    (re.compile(r"\d\d-\d\d&#160;\d\d:\d\d"), "01-30&#160;10:49"),
    (re.compile(r"terminal-\d+"), "terminal"),
)
"""What is another at each run, and in another time zone."""


async def _glance(seen: Seen) -> None:
    await seen.sees("acme", "Leakage", "fixtures.py does not load", "p Pause/resume", "? Help")


async def _report(seen: Seen) -> None:
    await seen.sees("acme")
    seen.app.note(f"pywats-client queue show {report(3).id}")
    await seen.app.push_screen(ReportPage(report(3).id))
    await seen.sees(
        "Supply voltage", "Firmware", "rejected (after 340 ms)", "$ pywats-client queue show", "esc Back", "? Help"
    )


SHOWN: dict[str, Callable[[Seen], Awaitable[None]]] = {"dashboard.svg": _glance, "report.svg": _report}


def pictures() -> Iterator[tuple[str, str]]:
    """Name and SVG of each."""
    with tempfile.TemporaryDirectory(prefix="pywats-") as folder:
        instance = instance_in(Path(folder))
        snapshot, answers = CASES["normal"]
        with service(instance, snapshot(), {**answers, GetReport: one}):
            for name, show in SHOWN.items():
                yield name, asyncio.run(_picture(instance, show))


async def _picture(instance: Instance, show: Callable[[Seen], Awaitable[None]]) -> str:
    async with dashboard(instance, SIZE) as seen:
        await show(seen)
        looks = [_drawn(seen)]

        def is_at_rest() -> bool:
            looks.append(_drawn(seen))
            return len(looks) > LOOKS and len(set(looks[-LOOKS:])) == 1

        await seen.until(is_at_rest)
    return looks[-1]


def _drawn(seen: Seen) -> str:
    svg = FROM_ELSEWHERE.sub("", seen.app.export_screenshot(title="pywats-client tui"))
    for pattern, mask in DIFFERS:
        svg = pattern.sub(mask, svg)
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, svg in pictures():
        (FOLDER / name).write_text(svg, "utf-8")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
