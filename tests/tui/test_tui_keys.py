"""The last row: the keys that do something now, each to be clicked."""

from pathlib import Path

import pytest
from tui_parts import NARROW, WIDE, Seen, dashboard, instance_in, run, service

from pywats_client.ipc.commands.service import Pause
from pywats_client.paths import Instance
from pywats_tui.screens.help import Help
from pywats_tui.screens.queue import Queue
from pywats_tui.widgets.palette import Palette


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return instance_in(tmp_path)


def row(seen: Seen) -> str:
    return seen.text.splitlines()[-1]


async def open_queue(seen: Seen) -> None:
    await seen.sees("acme")
    await seen.press("2")
    await seen.until(lambda: isinstance(seen.app.screen, Queue) and "enter Open" in row(seen))


def test_a_click_on_a_key_is_the_same_as_the_key(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme", "p Pause/resume")
            await seen.click("Pause/resume")
            await seen.until(lambda: [each for each in running.commands if isinstance(each, Pause)])
            await open_queue(seen)
            await seen.click("/ Search")
            await seen.sees("search: enter finds")
            await seen.press("escape")
            await seen.click("? Help")
            await seen.until(lambda: isinstance(seen.app.screen, Help))

    with service(instance) as running:
        run(look())


def test_keys_for_which_there_is_no_room_are_left_out_and_help_never(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance, NARROW) as seen:
            await open_queue(seen)
            assert row(seen).startswith(" enter Open  ←→ State  / Search  space Select  a All ")
            assert row(seen).endswith(" ? Help")
            assert "s Sort" not in row(seen)
            await seen.resize(*WIDE)
            await seen.until(lambda: all(word in row(seen) for word in (" s Sort ", " q Quit ", " ? Help")))

    with service(instance):
        run(look())


def test_while_a_text_is_typed_no_key_is_shown_that_would_only_be_written(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance, WIDE) as seen:
            await open_queue(seen)
            await seen.press("slash")
            await seen.until(lambda: "/ Search" not in row(seen) and "Help" not in row(seen))
            assert "Quit" not in row(seen)
            await seen.press("slash", "question_mark", "enter")
            await seen.until(lambda: "/ Search" in row(seen) and "? Help" in row(seen))
            await seen.sees("search '/?'")

    with service(instance):
        run(look())


def test_ctrl_q_quits_also_out_of_a_question(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("Start it?")
            await seen.press("ctrl+q")
            await seen.until(lambda: not seen.app.is_running)

    run(look())


def test_the_palette_needs_no_font_with_pictures(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            await seen.press("ctrl+p")
            await seen.until(lambda: isinstance(seen.app.screen, Palette))
            await seen.sees("Search for commands")
            assert max(seen.text) < "\N{CJK UNIFIED IDEOGRAPH-4E00}"

    with service(instance):
        run(look())
