"""What is known of a service, folded from what it tells: no Textual, no socket."""

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from pywats_client.ipc.commands.sources import LogLine
from pywats_client.ipc.events import (
    NOT_ASKED,
    ConfigRejected,
    ConnectionChanged,
    ConnectionState,
    ConverterChanged,
    ConverterState,
    CountersChanged,
    Event,
    HealthChanged,
    ReportMoved,
    ServiceState,
    ServiceStateChanged,
    SourceConverted,
    SourceFailed,
)
from pywats_client.ipc.session import Told
from pywats_tui.happening import BAD, GOOD, NOTE
from pywats_tui.picture import MOST_HAPPENINGS, MOST_SERIALS, Link, Picture, Word

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def tell(picture: Picture, *events: Event) -> None:
    for number, event in enumerate(events):
        picture.told(Told(event.name, number, event.model_dump(mode="json")))


@pytest.fixture
def picture() -> Picture:
    """Of a service that runs and is online."""
    found = Picture(lambda: NOON)
    found.connected({"service": "Running", "connection": "online"}, {})
    return found


RUNNING = ServiceStateChanged(state=ServiceState.RUNNING)


@pytest.mark.parametrize(
    ("event", "word", "why"),
    [
        (RUNNING, Word.RUN, ""),
        (ConnectionChanged(state=ConnectionState.OFFLINE, reason=NOT_ASKED), Word.WAIT, NOT_ASKED),
        (ConverterChanged(converter="c", state=ConverterState.WAITING, reason="paused", paused=True), Word.RUN, ""),
        (ServiceStateChanged(state=ServiceState.PAUSED, paused=("uploads",)), Word.WAIT, "paused: uploads"),
        (ServiceStateChanged(state=ServiceState.STOPPED), Word.STOP, ""),
        (ServiceStateChanged(state=ServiceState.ERROR, reason="no queue"), Word.STOP, "no queue"),
        (ConnectionChanged(state=ConnectionState.BUSY, reason="503"), Word.WAIT, "503"),
        (ConnectionChanged(state=ConnectionState.OFFLINE, reason="no route"), Word.OFFLINE, "no route"),
        (ConnectionChanged(state=ConnectionState.REFUSED, reason="token"), Word.OFFLINE, "token"),
        (HealthChanged(part="disk", reason="disk full\nmore"), Word.WAIT, "disk full"),
        (ConverterChanged(converter="c", state=ConverterState.ERROR, reason="no module"), Word.WAIT, "c: no module"),
        (ConfigRejected(why="line 3"), Word.RUN, "configuration: line 3"),
    ],
)
def test_one_word_and_one_sentence_tell_how_the_station_is(
    picture: Picture, event: Event, word: Word, why: str
) -> None:
    tell(picture, event)
    assert (picture.word, picture.why) == (word, why)


def test_what_is_no_longer_true_is_no_longer_said(picture: Picture) -> None:
    tell(picture, HealthChanged(part="disk", reason="full"), HealthChanged(part="disk"))
    assert (picture.word, picture.why) == (Word.RUN, "")


def test_a_lost_service_is_stale_since_the_moment_it_was_lost_whatever_is_found_out_later() -> None:
    moments = iter([NOON.replace(minute=minute) for minute in range(60)])
    picture = Picture(lambda: next(moments))
    picture.connected({"service": "Running", "connection": "online"}, {})
    found = picture.since
    picture.silent()
    lost = picture.since
    assert lost > found
    picture.lost("closed")
    picture.lost("no service runs")
    assert (picture.link, picture.since, picture.word) == (Link.AWAY, lost, Word.STOP)
    assert picture.why.startswith("stale since ")
    picture.answered()
    assert (picture.link, picture.since > lost) == (Link.LIVE, True)


def test_counters_never_show_less_than_none(picture: Picture) -> None:
    tell(picture, ReportMoved(queue_id=uuid4(), before="queued", after="processing"))
    assert (picture.waiting("queued"), picture.waiting("processing"), picture.waiting("rejected")) == (0, 1, 0)


def test_each_thing_that_happened_is_a_line_with_a_sign(picture: Picture) -> None:
    report = UUID(int=7)
    tell(
        picture,
        SourceConverted(converter="csv", source="a.csv", reports=(report,), seconds=0.1),
        SourceFailed(converter="csv", source="b\x1b.csv", reason="line 1: no\nmore"),
        ReportMoved(queue_id=report, before="", after="queued", serial_number="SN-1"),
        ReportMoved(queue_id=report, before="processing", after="completed"),
        ReportMoved(queue_id=UUID(int=8), before="processing", after="rejected", reason="bad serial"),
        CountersChanged(waiting=0, converted=1, failed=1, delivered=1, reports={}),
    )
    assert [(line.sign, line.text) for line in picture.happened] == [
        (GOOD, "converted a.csv: 1 report"),
        (BAD, r"failed b\x1b.csv: line 1: no"),
        (GOOD, "delivered SN-1"),
        (BAD, "rejected 00000000: bad serial"),
    ]


def test_the_log_tells_of_the_time_before_and_is_not_told_twice(picture: Picture) -> None:
    line = LogLine(time="2026-01-30T10:49:36+00:00", level="WARNING", logger="x", message="no\nmore")
    picture.remember([line, line.model_copy(update={"level": "INFO"})])
    picture.remember([line])
    assert [(found.sign, found.text) for found in picture.happened] == [(BAD, "no"), (NOTE, "no")]


def test_memory_is_bounded(picture: Picture) -> None:
    for number in range(2 * MOST_SERIALS):
        tell(picture, ReportMoved(queue_id=UUID(int=number), before="", after="queued", serial_number=str(number)))
        tell(picture, ReportMoved(queue_id=UUID(int=number), before="queued", after="completed"))
    assert (len(picture.happened), len(picture._serials)) == (MOST_HAPPENINGS, MOST_SERIALS)


def test_an_event_of_a_newer_service_is_passed_over(picture: Picture) -> None:
    before = picture.changes
    picture.told(Told("weather_changed", 1, {"sun": True}))
    assert picture.changes == before


def test_every_event_is_either_a_line_or_known_not_to_be_one(picture: Picture) -> None:
    """A new kind of event shall not fall under the table unseen."""
    silent = {
        "converter_removed", "sources_waiting", "source_seen", "source_converting", "report_known", "queue_counted",
        "counters_changed", "failed_sources_counted", "figures_changed", "log_line",
    }  # fmt: skip
    spoken = {
        "service_state_changed", "connection_changed", "converter_changed", "source_converted", "source_failed",
        "source_held", "report_moved", "config_changed", "config_rejected", "health_changed", "part_failed",
    }  # fmt: skip
    known: set[Any] = {kind.name for kind in Event.__subclasses__()}
    assert known == silent | spoken


def test_the_fold_needs_no_textual() -> None:
    probe = "import sys, pywats_tui.picture; sys.exit('textual' in sys.modules or 'trio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
