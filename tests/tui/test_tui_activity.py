"""The live log, and the life of one file."""

from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseScrollUp
from tui_parts import NARROW, WIDE, Seen, dashboard, instance_in, log_line, run, service

from pywats_client.ipc.commands.queue import HistoryEntry
from pywats_client.ipc.commands.sources import GetLog, GetTrace
from pywats_client.ipc.events import LogLine
from pywats_client.paths import Instance
from pywats_client.service.hub import NO_LEVEL
from pywats_tui.widgets.log_view import MOST_LINES, LogView
from tests.ipc.ipc_parts import Service

PAST = GetLog.Result(lines=[log_line("long ago"), log_line("no room", "WARNING")], file="service.log")


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return instance_in(tmp_path)


def write(running: Service, message: str, level: Any = "INFO") -> None:
    line = log_line(message).model_dump() | {"level": level}
    running.soon(running.hub.publish_line, LogLine.model_validate(line))


async def open_log(seen: Seen) -> LogView:
    await seen.sees("acme")
    await seen.press("6")
    await seen.sees("long ago")
    return seen.app.screen.query_one(LogView)


def test_the_log_is_there_at_once_and_grows_as_it_is_written(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await open_log(seen)
            for number in range(100):
                write(running, f"line {number:03} [b]\x1b")
            await seen.sees(r"line 099 [b]\x1b", "102 lines", "follows")
            assert "line 000" not in seen.text

    with service(instance, answers={GetLog: PAST}) as running:
        run(look())


def test_lines_are_asked_for_only_while_the_screen_is_shown(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            assert running.hub.log_level == NO_LEVEL
            for _ in range(2):
                await seen.press("6")
                await seen.until(lambda: running.hub.log_level < NO_LEVEL)
                await seen.press("1")
                await seen.until(lambda: running.hub.log_level == NO_LEVEL)

    with service(instance) as running:
        run(look())


def test_a_line_that_is_written_while_the_past_is_read_is_shown_once(instance: Instance) -> None:
    def past(_: GetLog) -> GetLog.Result:
        line = LogLine.model_validate(log_line("in both").model_dump())
        running.hub.publish_line(line)
        return GetLog.Result(lines=[log_line("long ago"), log_line("in both")], file="f")

    async def look() -> None:
        async with dashboard(instance) as seen:
            view = await open_log(seen)
            write(running, "the last")
            await seen.sees("the last")
            assert (view.shown, seen.text.count("in both")) == (3, 1)

    with service(instance, answers={GetLog: past}) as running:
        run(look())


def test_l_asks_for_the_next_level_and_after_the_last_for_the_first(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await open_log(seen)
            for level in ("WARNING", "ERROR", "DEBUG", "INFO"):
                await seen.press("l")
                await seen.sees(f"from {level} on", f"$ pywats-client logs --follow --level {level}")
            levels = [command.level for command in running.commands if isinstance(command, GetLog)]
            assert levels[-1] == "INFO"

    with service(instance, answers={GetLog: PAST}) as running:
        run(look())


def test_a_text_filters_what_is_there_and_what_comes(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await open_log(seen)
            await seen.press("slash", *"ROOM", "enter")
            await seen.misses("long ago")
            write(running, "other")
            write(running, "room again")
            await seen.sees("no room", "room again", "with 'ROOM'", "2 lines")
            await seen.press("slash", "escape")
            await seen.sees("with 'ROOM'", "$ pywats-client logs --follow --level INFO --grep ROOM")
            await seen.press("slash", *["backspace"] * 4, "enter")
            await seen.sees("other", "long ago", "4 lines")

    with service(instance, answers={GetLog: PAST}) as running:
        run(look())


def test_a_pause_keeps_what_is_shown_and_loses_nothing(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await open_log(seen)
            await seen.press("space")
            write(running, "meanwhile")
            await seen.sees("paused, 1 line came")
            assert "meanwhile" not in seen.text
            await seen.press("space")
            await seen.sees("meanwhile", "follows")

    with service(instance, answers={GetLog: PAST}) as running:
        run(look())


def test_without_following_one_stays_where_one_reads(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance, NARROW) as seen:
            view = await open_log(seen)
            for number in range(50):
                write(running, f"line {number}")
            await seen.sees("line 49")
            await seen.press("home")
            await seen.sees("long ago")
            write(running, "the newest")
            await seen.sees("53 lines")
            assert "the newest" not in seen.text
            await seen.press("end")
            await seen.sees("the newest")
            assert view.is_following
            wheel = MouseScrollUp(view, 0, 0, 0, -1, 0, shift=False, meta=False, ctrl=False)
            view.post_message(wheel)
            await seen.until(lambda: not view.is_following)

    with service(instance, answers={GetLog: PAST}) as running:
        run(look())


def test_memory_is_bounded_however_much_is_written(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            view = await open_log(seen)
            view.tell(log_line(f"line {number}\nmore") for number in range(2 * MOST_LINES))
            assert (len(view._lines), view.shown) == (MOST_LINES, MOST_LINES)
            view.pause(True)
            view.tell(log_line("x") for _ in range(2 * MOST_LINES))
            assert view.held == MOST_LINES

    with service(instance, answers={GetLog: PAST}):
        run(look())


def test_the_log_goes_on_after_a_restart_of_the_service(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            with service(instance, answers={GetLog: PAST}):
                await open_log(seen)
            await seen.sees("stale since", "long ago")
            with service(instance, answers={GetLog: PAST}) as running:
                await seen.until(lambda: running.hub.log_level < NO_LEVEL)
                write(running, "here again")
                await seen.sees("here again", "3 lines")

    run(look())


def test_t_tells_the_life_of_a_file_with_the_time_each_step_took(instance: Instance) -> None:
    entries = [
        HistoryEntry(time="2026-01-30T10:49:36+00:00", event="seen"),
        HistoryEntry(time="2026-01-30T10:49:37+00:00", event="converted", detail="[b]1 report", seconds=1.25),
    ]
    life = GetTrace.Life(source="a.csv", converter="csv", reports=[], entries=entries)

    async def look() -> None:
        async with dashboard(instance, WIDE) as seen:
            await open_log(seen)
            await seen.press("t", *"a.csv", "enter")
            await seen.sees("trace of a.csv", "a.csv  (csv)", "+1.250 s  converted   [b]1 report", "esc closes")
            await seen.press("escape")
            await seen.sees("$ pywats-client trace a.csv", "long ago")

    with service(instance, answers={GetLog: PAST, GetTrace: GetTrace.Result(lives=[life])}):
        run(look())


def test_a_trace_of_nothing_says_so_and_escape_asks_nothing(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await open_log(seen)
            await seen.press("t", "escape")
            assert not [command for command in running.commands if isinstance(command, GetTrace)]
            await seen.press("t", "x", "enter")
            await seen.sees("the journal knows no file, serial number or report 'x'")

    with service(instance, answers={GetLog: PAST, GetTrace: GetTrace.Result(lives=[])}) as running:
        run(look())
