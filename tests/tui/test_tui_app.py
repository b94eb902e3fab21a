"""The application as a whole: its keys, its question, its sizes, and how it ends."""

import importlib
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding
from tui_parts import NARROW, WALL, WIDE, dashboard, instance_in, run, service, status

import pywats_tui
from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands.service import GetStatus, Pause
from pywats_client.paths import Instance
from pywats_tui.app import PywatsTui
from pywats_tui.picture import Link
from pywats_tui.screens import DETAILS, PAGES
from pywats_tui.screens.help import help_text
from pywats_tui.twins import twin
from pywats_tui.widgets.ask import Ask
from pywats_tui.widgets.keys import Keys
from pywats_tui.widgets.palette import Palette
from pywats_tui.widgets.reading import Reading


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return instance_in(tmp_path)


def test_every_screen_has_a_number_a_name_and_a_line_of_help() -> None:
    assert [page.KEY for page in PAGES] == [str(number + 1) for number in range(len(PAGES))]
    assert len({page.TITLE for page in PAGES}) == len(PAGES)
    assert all(page.__doc__ and "\n" not in page.__doc__ for page in PAGES)


def test_the_start_does_not_wait_for_what_only_some_screens_need() -> None:
    code = "import sys, pywats_tui.app_run; print(*sys.modules)"
    environ = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"pywats_client.config.model", "trio", "httpx", "typer", "cryptography"}
    assert "textual.widgets._data_table" not in loaded


def test_one_key_reaches_every_screen_from_every_other_at_every_size(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            for size, pages in ((NARROW, PAGES), (WALL, PAGES[::-1]), (WIDE, PAGES[::2]), (NARROW, PAGES[1::2])):
                await seen.resize(*size)
                for page in pages:
                    await seen.press(page.KEY)
                    await seen.until(lambda page=page: isinstance(seen.app.screen, page))
                    await seen.sees("acme.wats.com", "$ ")
                    assert len(seen.text.splitlines()) <= size[1]

    with service(instance):
        run(look())


def test_the_palette_knows_every_screen(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            known = {command.title for command in seen.app.get_system_commands(seen.app.screen)}
            assert {page.TITLE for page in PAGES} <= known

    with service(instance):
        run(look())


def bound() -> Iterator[Binding]:
    """Every key that is bound anywhere in the dashboard."""
    modules = [
        importlib.import_module(found.name) for found in pkgutil.walk_packages(pywats_tui.__path__, "pywats_tui.")
    ]
    for module in (module for module in modules if module.__name__ != "pywats_tui.__main__"):
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                yield from vars(kind).get("BINDINGS", ())


def test_the_palette_opens_again_while_it_is_still_closing(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            await seen.press("ctrl+p")
            await seen.until(lambda: isinstance(seen.app.screen, Palette))
            seen.app.screen.dismiss()
            seen.app.action_command_palette()  # before the one that closes has gone
            await seen.sees("The station at a glance.")

    with service(instance):
        run(look())


def test_help_has_every_key_of_every_screen_also_of_those_that_open_over_others() -> None:
    text = help_text(PAGES + DETAILS, PywatsTui.BINDINGS) + "\n"
    missing = [binding for binding in bound() if _line(binding) not in text]
    assert missing == []
    assert all(f"{page.TITLE}: {page.__doc__}" in text for page in PAGES + DETAILS)


def _line(binding: Binding) -> str:
    return f"   {binding.key_display or binding.key.replace(',', ' or '):<16} {binding.description}\n"


def test_help_shows_where_one_may_only_look_no_key_that_changes_something_and_none_of_textuals(
    instance: Instance,
) -> None:
    async def look(is_view_only: bool) -> None:
        async with dashboard(instance, (120, 200), is_view_only=is_view_only) as seen:
            await seen.press("question_mark")
            await seen.sees("Everywhere", *(f"{page.KEY}  {page.TITLE}: " for page in PAGES))
            assert ("Pause/resume" in seen.text) is not is_view_only
            assert "focus" not in seen.text.casefold()

    with service(instance):  # without one it would ask whether to start it
        for is_view_only in (False, True):
            run(look(is_view_only))


def test_view_only_hides_every_key_that_changes_something_and_does_not_obey_it(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance, is_view_only=True) as seen:
            await seen.sees("acme")
            for page in PAGES:
                await seen.press(page.KEY)
                await seen.until(lambda page=page: isinstance(seen.app.screen, page))
                await seen.until(lambda: seen.app.screen.query(Keys))
                live = {active.binding.action.partition("(")[0] for active in seen.app.screen.active_bindings.values()}
                assert not live & page.WRITES
            await seen.press("1", "p")
            assert not [command for command in running.commands if isinstance(command, Pause)]

    with service(instance) as running:
        run(look())


def test_without_a_service_it_asks_once_whether_to_start_it_and_no_leaves_it_offline(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("No service runs for instance default. Start it?", "y  yes")
            await seen.press("n")
            await seen.misses("Start it?")
            await seen.sees("STOP", "stale since", "no service runs for instance 'default';")
            assert not seen.app.twins

    run(look())


def test_the_question_closes_itself_when_the_service_appears(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.until(lambda: isinstance(seen.app.screen, Ask))
            with service(instance):
                await seen.sees("acme")
                assert not isinstance(seen.app.screen, Ask)
                assert not seen.app.twins
            await seen.sees("stale since")
            assert not isinstance(seen.app.screen, Ask)  # it is not asked again

    run(look())


def test_yes_starts_the_service_as_the_command_does_and_a_failure_is_a_sentence(instance: Instance) -> None:
    """Nothing is configured here, so the command itself says what is missing."""

    async def look() -> None:
        async with dashboard(instance, WIDE) as seen:
            await seen.sees("Start it?")
            await seen.press("y")
            await seen.sees("there is no instance 'default'")
            assert list(seen.app.twins) == [twin(instance, "start")]

    run(look())


def test_view_only_does_not_ask_to_start_anything(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance, is_view_only=True) as seen:
            await seen.sees("no service runs for instance")
            await seen.press("1")
            assert not isinstance(seen.app.screen, Ask)

    run(look())


def test_a_service_that_this_user_may_not_talk_to_is_not_to_be_started(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("not for you")
            seen.app._offer_start()
            assert not isinstance(seen.app.screen, Ask)

    with service(instance, answers={GetStatus: CommandFailed("forbidden", "not for you")}):
        run(look())


def test_what_the_service_refuses_is_shown_with_its_sentence(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            await seen.press("p")
            await seen.sees("not now [b]")

    with service(instance, answers={Pause: CommandFailed("conflict", "not now [b]")}):
        run(look())


def test_a_service_of_another_version_is_a_sentence_and_no_crash(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance, WIDE) as seen:
            await seen.sees("the service is of another version")

    with service(instance, answers={GetStatus: Pause.Result(paused=[])}):
        run(look())


def test_the_log_of_commands_is_opened_and_closed_by_its_key(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance, WIDE) as seen:
            await seen.sees("acme")
            for number in range(60):
                seen.app.did("queue", "retry", f"id {number}")
            await seen.press("ctrl+l")
            await seen.sees(f"$ pywats-client queue retry 'id 59' --home {instance.home}"[:100], "esc closes")
            await seen.press("ctrl+l")
            await seen.until(lambda: not isinstance(seen.app.screen, Reading))

    with service(instance):
        run(look())


@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
def test_every_theme_paints_every_screen(instance: Instance, theme: str) -> None:
    async def look() -> None:
        async with dashboard(instance, theme=theme) as seen:
            await seen.sees("acme")
            for page in PAGES:
                await seen.press(page.KEY)
                await seen.until(lambda page=page: isinstance(seen.app.screen, page))

    with service(instance):
        run(look())


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_with_its_exit_code(instance: Instance, number: signal.Signals) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            os.kill(os.getpid(), number)
            await seen.until(lambda: seen.app.return_code == 128 + number)

    with service(instance):
        run(look())


def test_a_fault_of_ours_is_a_sentence_a_file_and_an_exit_code(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        secret = "abc" * 3
        raise ZeroDivisionError(f"not with {len(secret)}")

    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
            seen.app.call_later(fail)
            await seen.until(lambda: seen.app.return_code)

    with service(instance), pytest.raises(ZeroDivisionError):
        run(look())
    said = capsys.readouterr().err
    (file,) = tmp_path.glob("pywats-tui-*.txt")
    assert "the service goes on" in said
    assert str(file) in said.replace("\n", "")
    assert "Traceback" not in said
    assert "not with 9" in file.read_text()
    assert "abcabcabc" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_another_instance_is_followed_from_then_on(tmp_path: Path) -> None:
    one, two = instance_in(tmp_path), instance_in(tmp_path, "line-2")

    async def look() -> None:
        async with dashboard(one) as seen:
            await seen.sees("default  acme")
            seen.app.follow(two)
            await seen.sees("line-2  other.example")
            assert seen.app.picture.link is Link.LIVE
            assert twin(seen.app.instance, "status") == f"pywats-client status --instance-id line-2 --home {tmp_path}"

    answers = {GetStatus: status("line-2", server_url="https://other.example")}
    with service(one), service(two, answers=answers):
        run(look())
