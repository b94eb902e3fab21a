"""What happened, as a line a person reads: a symbol, a word, and what it was about."""

from datetime import datetime
from typing import NamedTuple

from pywats_client.ipc.commands.sources import LogLine
from pywats_client.ipc.events import (
    ConfigChanged,
    ConfigRejected,
    ConnectionChanged,
    ConverterChanged,
    Event,
    HealthChanged,
    PartFailed,
    ReportMoved,
    ServiceStateChanged,
    SourceConverted,
    SourceFailed,
    SourceHeld,
)
from pywats_client.logs import show_name
from pywats_tui.words import several

GOOD, BAD, NOTE = "+", "!", "·"


class Happening(NamedTuple):
    """One line. `sign` tells good from bad without colour."""

    when: datetime
    sign: str
    text: str


def happening(event: Event, when: datetime, known_as: str = "") -> Happening | None:
    """The line for an event; None for one that no person waits for. `known_as`: of the report it is about."""
    match event:
        case SourceConverted():
            return Happening(
                when, GOOD, f"converted {show_name(event.source)}: {several(len(event.reports), 'report')}"
            )
        case SourceFailed():
            return Happening(when, BAD, f"failed {show_name(event.source)}: {_first_line(event.reason)}")
        case SourceHeld():
            return Happening(when, NOTE, f"waits {show_name(event.source)}: {_first_line(event.reason)}")
        case ReportMoved():
            return _moved(event, when, show_name(known_as))
        case _:
            return _of_the_service(event, when)


def happening_of_log(line: LogLine) -> Happening:
    """A line of the log as one of these: all that is known of the time before."""
    sign = BAD if line.level in ("WARNING", "ERROR", "CRITICAL") else NOTE
    return Happening(datetime.fromisoformat(line.time), sign, _first_line(line.message))


def _moved(event: ReportMoved, when: datetime, who: str) -> Happening | None:
    why = f": {_first_line(event.reason)}" if event.reason else ""
    match event.after:
        case "completed":
            return Happening(when, GOOD, f"delivered {who}")
        case "rejected":
            return Happening(when, BAD, f"rejected {who}{why}")
        case "error":
            return Happening(when, BAD, f"in error {who}{why}")
        case "discarded":
            return Happening(when, NOTE, f"discarded {who}")
    return None


def _of_the_service(event: Event, when: datetime) -> Happening | None:
    match event:
        case ServiceStateChanged():
            return Happening(when, NOTE, f"service {event.state}{_because(event.reason)}")
        case ConnectionChanged():
            sign = GOOD if event.state == "online" else BAD
            return Happening(when, sign, f"connection {event.state}{_because(event.reason)}")
        case ConverterChanged():
            sign = BAD if event.state == "error" else NOTE
            return Happening(
                when, sign, f"converter {show_name(event.converter)} {event.state}{_because(event.reason)}"
            )
        case HealthChanged():
            sign = BAD if event.reason else GOOD
            return Happening(when, sign, f"{event.part}: {_first_line(event.reason) or 'well again'}")
        case PartFailed():
            return Happening(when, BAD, f"{event.part} failed and starts anew: {_first_line(event.error)}")
        case ConfigChanged():
            return Happening(when, NOTE, f"configuration in force: {', '.join(event.sections)}")
        case ConfigRejected():
            return Happening(when, BAD, f"configuration refused: {_first_line(event.why)}")
    return None


def _because(reason: str) -> str:
    return f": {_first_line(reason)}" if reason else ""


def _first_line(text: str) -> str:
    return show_name(text.partition("\n")[0])
