"""All instances of this machine, and what can be done to each."""

import json
from pathlib import Path

import pytest
from tui_parts import WIDE, Seen, ago, dashboard, instance_in, log_line, run, service, status

from pywats_client.ipc.commands.service import GetStatus, Pause, Restart, Resume, Stop
from pywats_client.ipc.commands.sources import FailedSource, GetFailedSources, GetLog
from pywats_client.paths import Instance
from pywats_tui.screens.source import SourcePage
from pywats_tui.screens.sources import Sources
from pywats_tui.widgets.window_table import WindowTable
from tests.ipc.ipc_parts import Service

TEXT = "line-1", "line-2", "line-3"


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Instance]:
    """Three instances of one home: two will run, the third is configured."""
    monkeypatch.setenv("PYWATS_HOME", str(tmp_path))
    (tmp_path / "config_line-3.json").write_text(json.dumps({"version": "2.0"}))
    return [instance_in(tmp_path, name) for name in TEXT]


def told(running: Service) -> set[str]:
    return {type(command).__name__ for command in running.commands}


async def open_list(seen: Seen) -> WindowTable:
    await seen.sees("acme")
    await seen.press("7")
    await seen.sees(*TEXT, "3 instances, 2 running")
    return seen.app.screen.query_one(WindowTable)


def test_all_instances_are_listed_and_enter_shows_another(three: list[Instance]) -> None:
    one, two, _ = three

    async def look() -> None:
        async with dashboard(one, WIDE) as seen:
            table = await open_list(seen)
            text = " ".join(seen.text.split())
            assert "» line-1 ► running" in text
            assert "line-3 ■ stopped" in text
            assert "online http://[::1]:8080/[/x]" in text  # brackets are no markup
            await seen.press("down")
            await seen.until(lambda: table.cursor == 1)
            await seen.press("enter")
            await seen.sees("» line-2", "line-2  [::1]:8080", "$ pywats-client tui --instance-id line-2")
            assert table.cursor == 1

    with service(one), service(two, answers={GetStatus: status("line-2", server_url="http://[::1]:8080/[/x]")}):
        run(look())


def test_orders_reach_the_one_under_the_cursor_and_a_stop_is_asked_about(three: list[Instance]) -> None:
    one, two, _ = three

    async def look() -> None:
        async with dashboard(one, WIDE) as seen:
            await open_list(seen)
            await seen.press("down", "x")
            await seen.sees("Stop the service of line-2?")
            await seen.press("n")
            await seen.misses("Stop the service")
            assert "Stop" not in told(second)
            await seen.press("p")
            await seen.sees("$ pywats-client pause --instance-id line-2")
            await seen.until(lambda: "Pause" in told(second))
            await seen.press("x")
            await seen.sees("Stop the service of line-2?")
            await seen.press("y")
            await seen.until(lambda: "Stop" in told(second))
            await seen.sees("$ pywats-client stop --instance-id line-2")
            assert not {"Stop", "Pause"} & told(first)

    answers = {Pause: Pause.Result(paused=["uploads"]), Stop: Stop.Result()}
    with service(one) as first, service(two, answers=answers) as second:
        run(look())


def test_the_cursor_begins_on_the_one_that_is_shown(three: list[Instance]) -> None:
    one, two, _ = three

    async def look() -> None:
        async with dashboard(two, WIDE) as seen:
            table = await open_list(seen)
            assert table.cursor == 1
            await seen.press("x")
            await seen.sees("Stop the service of line-2?")

    with service(one), service(two):
        run(look())


def test_nothing_of_another_instance_is_shown_as_that_of_one_that_does_not_run(three: list[Instance]) -> None:
    one, _, stopped = three
    past = GetLog.Result(lines=[log_line("a line of line-1")], file="service.log")
    failed = FailedSource(
        id="csv/b.csv", converter="csv", name="b.csv", path="/csv/b.csv", failed=ago(hours=1), size=1, reason="no"
    )
    sources = GetFailedSources.Result(sources=[failed], total=1)

    async def look() -> None:
        async with dashboard(one, WIDE) as seen:
            await seen.sees("acme")
            await seen.press("6")
            await seen.sees("a line of line-1")
            await seen.press("3")
            await seen.sees("b.csv")
            await seen.press("enter")
            await seen.until(lambda: isinstance(seen.app.screen, SourcePage))
            seen.app.follow(stopped)
            await seen.until(lambda: isinstance(seen.app.screen, Sources))
            await seen.sees("line-3  stale since", "0 sources")
            await seen.press("6")
            await seen.sees("from INFO on", "0 lines")
            await seen.misses("a line of line-1")

    with service(one, answers={GetLog: past, GetFailedSources: sources}):
        run(look())


def test_a_paused_one_is_resumed_and_a_restart_is_sent(three: list[Instance]) -> None:
    one, two, _ = three

    async def look() -> None:
        async with dashboard(one, WIDE) as seen:
            await open_list(seen)
            await seen.sees("▬ paused")
            await seen.press("down", "p")
            await seen.until(lambda: "Resume" in told(second))
            await seen.press("r")
            await seen.until(lambda: "Restart" in told(second))

    answers = {
        GetStatus: status("line-2", paused=["uploads"]),
        Resume: Resume.Result(paused=[]),
        Restart: Restart.Result(),
    }
    with service(one), service(two, answers=answers) as second:
        run(look())


def test_one_that_comes_later_is_found_when_somebody_looks_again(three: list[Instance]) -> None:
    one, two, _ = three

    async def look() -> None:
        async with dashboard(one, WIDE) as seen:
            await seen.sees("acme")
            await seen.press("7")
            await seen.sees("2 instances, 1 running")
            with service(two):
                await seen.press("u")
                await seen.sees("3 instances, 2 running")
            await seen.press("u")
            await seen.sees("2 instances, 1 running")

    with service(one):
        run(look())


def test_view_only_may_look_at_another_and_change_none(three: list[Instance]) -> None:
    one, two, _ = three

    async def look() -> None:
        async with dashboard(one, WIDE, is_view_only=True) as seen:
            await open_list(seen)
            await seen.press("down", "x", "p", "r", "enter")
            await seen.sees("» line-2")
            assert not {"Stop", "Pause", "Restart"} & (told(first) | told(second))

    with service(one) as first, service(two, answers={GetStatus: status("line-2")}) as second:
        run(look())
