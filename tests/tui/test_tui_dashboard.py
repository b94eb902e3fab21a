"""The dashboard says at 80x24, without a key, how the station is."""

import threading
from pathlib import Path

import pytest
from rich.cells import cell_len
from tui_parts import NARROW, WALL, WIDE, ago, dashboard, instance_in, run, service, well

from pywats_client.ipc.commands.service import Pause, Resume
from pywats_client.ipc.events import (
    ConnectionChanged,
    ConnectionState,
    ConverterState,
    ConverterStatus,
    Figures,
    ReportMoved,
    ServiceState,
    ServiceStateChanged,
    Snapshot,
    SourceConverted,
)
from pywats_client.paths import Instance
from pywats_tui.widgets.big_word import letters


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return instance_in(tmp_path)


@pytest.mark.parametrize("size", [NARROW, WIDE, WALL])
def test_everything_is_said_without_a_key(instance: Instance, size: tuple[int, int]) -> None:
    async def look() -> None:
        async with dashboard(instance, size) as seen:
            await seen.sees("https://acme.wats.com")
            for number in range(10):
                source = f"board-{number:04}.csv"
                running.soon(
                    running.hub.publish, SourceConverted(converter="csv", source=source, reports=(), seconds=1)
                )
            await seen.sees("board-0000.csv", "board-0009.csv")  # the last ten things
            wanted = [
                *("▬ WAIT", "server online", "last delivered 2 min ago", "oldest 4 min ago"),
                *("waiting 3", "uploading 2", "!in error 1", "!rejected 4"),
                *("converted    61/min", "uploaded     1/min", "▁", "█"),
                *("last 50 units 96.0 %", "shift 95.1 % of 410", "disk 212 d left", "Supply voltage 12x"),
                *("fixtures: the module fixtures.py does not load", "csv", "wsjf", "u.json: no serial"),
                *("! error", "► running", "1,210", "fixtures  ! error          0        0       7"),
                *letters("WAIT").splitlines(),
            ]
            text = seen.text
            assert [word for word in wanted if word not in text] == []

    with service(instance) as running:
        run(look())


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (ServiceStateChanged(state=ServiceState.RUNNING), "RUN"),
        (ServiceStateChanged(state=ServiceState.PAUSED, paused=("uploads", "intake")), "WAIT"),
        (ConnectionChanged(state=ConnectionState.REFUSED, reason="the token is not accepted"), "OFFLINE"),
        (ServiceStateChanged(state=ServiceState.ERROR, reason="the queue folder is gone"), "STOP"),
    ],
)
def test_the_status_word_is_large_and_changes_with_the_service(instance: Instance, event: object, word: str) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            running.soon(running.hub.publish, event)
            await seen.sees(*letters(word).splitlines())
            assert f" {word}  default" in seen.text

    with service(instance, well(converters={})) as running:
        run(look())


def test_figures_of_a_full_queue_have_room(instance: Instance) -> None:
    full = well(
        reports={"queued": 50_000, "processing": 5, "error": 12_345, "rejected": 1_234},
        figures=Figures(oldest_waiting=ago(hours=50), last_delivered=ago(hours=47)),
    )

    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("waiting 50,000   uploading 5   !in error 12,345   !rejected 1,234")
            assert "last delivered 1 d ago  oldest 2 d ago" in seen.text

    with service(instance, full):
        run(look())


def test_of_many_converters_those_in_trouble_come_first_and_the_rest_is_counted(instance: Instance) -> None:
    converters = {f"line{number:02}": ConverterStatus(state=ConverterState.RUNNING) for number in range(20)}
    converters["line13"] = ConverterStatus(state=ConverterState.ERROR, reason="broken")

    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("line13", "line00", "18 converters more")
            await seen.resize(*WALL)
            await seen.sees("line13", "line19")

    with service(instance, well(converters=converters)):
        run(look())


def test_a_new_station_says_what_to_do(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("no converter is configured", "none waits", "last delivered never", "nothing failed")

    with service(instance, Snapshot(service=ServiceState.RUNNING, connection=ConnectionState.ONLINE)):
        run(look())


def test_names_from_outside_are_shown_as_they_are(instance: Instance) -> None:
    moved = ReportMoved(
        queue_id="0" * 32, before="processing", after="rejected", reason="[red]no\x1b[2J", serial_number="[b]"
    )

    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            running.soon(running.hub.publish, moved)
            await seen.sees(r"rejected [b]: [red]no\x1b[2J")

    with service(instance) as running:
        run(look())


def test_a_frozen_service_is_called_stale_and_keys_go_on_working(instance: Instance) -> None:
    async def look() -> None:
        frozen = threading.Event()
        async with dashboard(instance) as seen:
            await seen.sees("server online")
            running.soon(frozen.wait)
            try:
                await seen.sees("stale since", "■ STOP")
                await seen.press("8")
                await seen.sees("Everywhere", "stale since")
            finally:
                frozen.set()
            await seen.press("1")
            await seen.misses("stale since")

    with service(instance) as running:
        run(look())


def test_p_pauses_and_resumes_and_tells_its_twin(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("server online")
            await seen.press("p")
            await seen.sees("$ pywats-client pause --home ")
            running.soon(running.hub.publish, ServiceStateChanged(state=ServiceState.PAUSED, paused=("uploads",)))
            await seen.sees("paused: uploads")
            await seen.press("p")
            await seen.until(lambda: [type(each) for each in running.commands][-1] is Resume)
            assert Pause in [type(each) for each in running.commands]

    answers = {Pause: Pause.Result(paused=["uploads"]), Resume: Resume.Result(paused=[])}
    with service(instance, well(converters={}), answers) as running:
        run(look())


def test_what_is_away_can_be_started_and_what_is_there_can_rest(instance: Instance) -> None:
    async def look() -> None:
        async with dashboard(instance) as seen:
            with service(instance):
                await seen.sees("server online", "p Pause/resume")
                assert "Start service" not in seen.text
            await seen.sees("stale since", "s Start service")
            assert "Pause/resume" not in seen.text
            await seen.press("p")
            assert not seen.app.twins

    run(look())


def test_names_in_wide_letters_keep_their_columns_and_take_one_line(instance: Instance) -> None:
    wide = ConverterStatus(state=ConverterState.RUNNING, last_error="日本語のとても長いファイル名.csv: 失敗" * 3)
    plain = ConverterStatus(state=ConverterState.RUNNING, last_error="b.csv: no serial number")

    async def look() -> None:
        async with dashboard(instance) as seen:
            await seen.sees("acme")
            lines = seen.text.splitlines()
            at = next(number for number, line in enumerate(lines) if "検査" in line)
            assert "日本語" in lines[at]
            assert lines[at].endswith("…")
            assert not lines[at + 1]
            assert "plain" in lines[at - 1]
            assert cell_len(lines[at].partition("►")[0]) == lines[at - 1].index("►")

    with service(instance, well(converters={"検査": wide, "plain": plain})):
        run(look())
