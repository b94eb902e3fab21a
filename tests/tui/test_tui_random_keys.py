"""Whoever leans on the keyboard does no harm to the dashboard."""

import random
from pathlib import Path

import pytest
from tui_parts import NARROW, WIDE, dashboard, instance_in, run, service

from pywats_client.ipc.events import ReportMoved
from pywats_tui.screens import PAGES

KEYS = [
    *"abcdefghijklmnopqrstuvwxyz0123456789",
    *("enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    *("space", "slash", "question_mark", "backspace", "delete", "ctrl+l", "ctrl+p", "ctrl+a", "ctrl+s", "f5"),
    *(page.KEY for page in PAGES),
]
LEAVES = {"q"}
ROUNDS, IN_A_ROUND = 25, 20


@pytest.mark.parametrize("seed", range(4))
def test_two_thousand_keys_leave_it_alive(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    keys = [key for key in KEYS if key not in LEAVES]
    instance = instance_in(tmp_path)

    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            for number in range(ROUNDS):
                await seen.lean_on(dice.choices(keys, k=IN_A_ROUND))
                if number % 10 == 0:
                    await seen.resize(*(NARROW if number % 20 else WIDE))
                running.soon(running.hub.publish, ReportMoved(queue_id=f"{number:032}", before="", after="queued"))
            while len(seen.app.screen_stack) > 1:
                await seen.press("escape")
            await seen.press("1")
            await seen.sees(f"waiting {3 + ROUNDS} ")

    with service(instance) as running:
        run(look())
