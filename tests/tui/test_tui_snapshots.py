"""Every screen as text, at two sizes, in every state. PYWATS_UPDATE_SNAPSHOTS=1 writes them anew."""

import asyncio
import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shown_parts import CASES
from tui_parts import NARROW, PATIENCE, WIDE, Seen, dashboard, instance_in, run, service, stable

from pywats_tui.page import Page
from pywats_tui.screens import PAGES
from pywats_tui.screens.dashboard import Dashboard

HERE = Path(__file__).with_name("snapshots")
IS_NEW = bool(os.environ.get("PYWATS_UPDATE_SNAPSHOTS"))
ONLY_AT_A_GLANCE = {"refused", "paused"}
"""States in which the other screens look as ever."""
EMPTY_ROWS = re.compile(r"\n{4,}")
PLACE = re.compile(r"/tmp/pywats-\w{8}")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder whose name is always as long: screens show it, and break lines by it."""
    with tempfile.TemporaryDirectory(prefix="pywats-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", [*CASES, "away"])
def test_every_screen_looks_as_it_did(
    state: str, size: tuple[int, int], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYWATS_HOME", str(place))
    instance = instance_in(place)
    file = HERE / f"{state}-{size[0]}x{size[1]}.txt"
    known = _read(file)
    seen_now: dict[str, str] = {}

    async def look() -> None:
        async with dashboard(instance, size, is_view_only=state == "away") as seen:
            await seen.sees("acme" if state in CASES else "stale since")
            for page in [Dashboard] if state in ONLY_AT_A_GLANCE else PAGES:
                await seen.press(page.KEY)
                seen_now[page.TITLE or ""] = await _settled(seen, page, known.get(page.TITLE or "", ""))

    with service(instance, CASES[state].snapshot(), CASES[state].answers) if state in CASES else _nobody():
        run(look())
    if IS_NEW:
        HERE.mkdir(exist_ok=True)
        known = seen_now
        file.write_text("".join(f"═══ {title}\n{text}\n" for title, text in seen_now.items()), "utf-8")
    for title, text in seen_now.items():
        assert text == known.get(title), f"{title} in {file.name} differs; see PYWATS_UPDATE_SNAPSHOTS"


@contextlib.contextmanager
def _nobody() -> Iterator[None]:
    """No service runs."""
    yield


async def _settled(seen: Seen, page: type[Page], expected: str) -> str:
    """The screen as it looks once it looks as expected, or after some time in which it should have."""

    def text() -> str:
        masked = PLACE.sub("/tmp/pywats-station-", stable(seen.text, (str(os.getpid()).rjust(7), "    PID")))
        return EMPTY_ROWS.sub(lambda rows: f"\n({len(rows[0]) - 1} empty rows)\n", masked)

    await seen.until(lambda: isinstance(seen.app.screen, page))
    if IS_NEW:
        return await _at_rest(seen, text)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE / 2):
            await seen.until(lambda: text() == expected)
    return text()


async def _at_rest(seen: Seen, text: Callable[[], str]) -> str:
    """The screen with its keys, once it has been the same for a while, however slow the machine."""
    await seen.until(lambda: "? Help" in text())
    before = ""
    while before != (before := text()):
        await asyncio.wait([asyncio.create_task(asyncio.sleep(2.0))])
    return before


def _read(file: Path) -> dict[str, str]:
    """The texts by the titles of their screens."""
    if not file.exists():
        return {}
    parts = file.read_text("utf-8").split("═══ ")[1:]
    return {title: text.removesuffix("\n") for title, _, text in (part.partition("\n") for part in parts)}
