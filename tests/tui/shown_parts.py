"""A station in each state that the dashboard shows, always the same: for snapshots and for the README's pictures."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from tui_parts import URL, Answers, ago, log_line, well

from pywats_client.config.model import Config, ConverterConfig, Server, Station
from pywats_client.errors import CommandFailed
from pywats_client.ipc.commands.config import GetConfig
from pywats_client.ipc.commands.queue import GetQueue, GetReport, HistoryEntry, QueuedReport
from pywats_client.ipc.commands.sources import FailedSource, GetFailedSources, GetLog
from pywats_client.ipc.events import ConnectionState, Figures, ServiceState, Snapshot

MOMENT = "2026-01-30T10:49:36+00:00"
STATES = ("queued", "queued", "error", "rejected")
REASONS = {"error": "503: the server is busy", "rejected": "400: sn is longer than 100 letters"}
COUNTS = {"queued": 3, "processing": 2, "error": 1, "rejected": 4, "completed": 1234}
QUEUED = {"queued": 50_000, "processing": 5, "error": 12_345, "rejected": 1_234, "completed": 98_765}
GONE = CommandFailed("failed", "the queue folder is gone: /srv/wats/queue does not exist")


class Case(NamedTuple):
    """How the service is, and what it answers."""

    snapshot: Callable[[], Snapshot]
    answers: Answers


def report(number: int) -> QueuedReport:
    """The same each time; the higher the later."""
    state = STATES[number % len(STATES)]
    return QueuedReport(
        id=str(UUID(int=0xB0A2D000 + number << 96)), state=state, arrived=MOMENT, changed=MOMENT, size=1234 * number,
        priority=5, attempt=int(state in REASONS), reason=REASONS.get(state, ""), serial_number=f"SN-{number:05}",
        part_number="PN-1", result="F" if number % 5 == 0 else "P", source=f"board-{number}.csv", converter="csv",
        file=f"{number}.{state}",
    )  # fmt: skip


def window(total: int, counts: dict[str, int]) -> Callable[[GetQueue], GetQueue.Result]:
    """Answers of a queue of so many reports."""

    def answer(command: GetQueue) -> GetQueue.Result:
        numbers = range(command.offset + 1, min(total, command.offset + command.limit) + 1)
        return GetQueue.Result(reports=list(map(report, numbers)), total=total, counts=counts)

    return answer


def failed(total: int) -> Callable[[GetFailedSources], GetFailedSources.Result]:
    """Answers of error folders with so many sources."""

    def answer(command: GetFailedSources) -> GetFailedSources.Result:
        numbers = range(command.offset + 1, min(total, command.offset + command.limit) + 1)
        return GetFailedSources.Result(sources=list(map(_source, numbers)), total=total)

    return answer


def _source(number: int) -> FailedSource:
    name, reason = f"board-{number}.csv", "line 3: the column value is missing" if number % 2 else "no serial number"
    path = f"/srv/wats/csv/Error/{name}"
    return FailedSource(
        id=f"csv/{name}", converter="csv", name=name, path=path, size=900 + number, failed=MOMENT, reason=reason
    )


def _config(converters: Sequence[str]) -> GetConfig.Result:
    """With the token masked, as the service answers."""
    config = Config(
        server=Server(url=URL),
        station=Station(name="Line 1", location="Hall 2", purpose="Final test"),
        converters=tuple(
            ConverterConfig(name=name, module_path=name, watch_folder=f"/srv/wats/{name}") for name in converters
        ),
    ).model_dump(mode="json")
    config["server"]["token_encrypted"] = "***"
    return GetConfig.Result(config=config, file="/srv/wats/config.json")


LINES = [
    log_line("the service is ready"),
    log_line("board-7.csv is converted: 1 report"),
    log_line("board-8.csv: line 3: the column value is missing", "WARNING"),
    log_line("the module fixtures.py does not load", "ERROR"),
]
NORMAL: Answers = {
    GetQueue: window(10, COUNTS),
    GetFailedSources: failed(3),
    GetConfig: _config(("csv", "wsjf")),
    GetLog: GetLog.Result(lines=LINES, file="service.log"),
}
NOTHING: Answers = {GetQueue: window(0, {}), GetFailedSources: failed(0), GetConfig: _config(())}
FULL: Answers = {**NORMAL, GetQueue: window(63_584, QUEUED), GetFailedSources: failed(12_345)}
FAULTS: Answers = {GetQueue: GONE, GetFailedSources: GONE, GetConfig: GONE}
CASES = {
    "normal": Case(well, NORMAL),
    "empty": Case(
        lambda: Snapshot(service=ServiceState.RUNNING, connection=ConnectionState.ONLINE, connection_reason=""),
        NOTHING,
    ),
    "offline": Case(
        lambda: well(connection=ConnectionState.OFFLINE, connection_reason="no connection to acme.wats.com"), NORMAL
    ),
    "refused": Case(
        lambda: well(connection=ConnectionState.REFUSED, connection_reason="the token is not accepted"), NORMAL
    ),
    "paused": Case(lambda: well(service=ServiceState.PAUSED, paused=("uploads", "intake")), NORMAL),
    "error": Case(lambda: well(service=ServiceState.ERROR, service_reason="the queue folder is gone"), FAULTS),
    "queued": Case(
        lambda: well(
            reports=QUEUED,
            figures=Figures(oldest_waiting=ago(hours=50), last_delivered=ago(hours=47, minutes=30)),
        ),
        FULL,
    ),
}


def numeric(name: str, value: float, status: str, low: float, high: float, unit: str = "V") -> dict[str, Any]:
    """A step with one measurement."""
    measured = {"compOp": "GELE", "value": value, "lowLimit": low, "highLimit": high, "unit": unit, "status": status}
    return {"name": name, "status": status, "numericMeas": [measured]}


def sequence(name: str, status: str, *steps: dict[str, Any]) -> dict[str, Any]:
    """A step with steps in it."""
    return {"name": name, "status": status, "steps": list(steps)}


CONTENT = {
    "type": "T",
    "sn": "SN-00003",
    "result": "F",
    "root": sequence(
        "Main",
        "F",
        sequence("Power", "F", numeric("Supply voltage", 3.46, "F", 3.2, 3.4), numeric("Ripple", 12, "P", 0, 40, "mV")),
        sequence("Radio", "P", numeric("Level", -41.2, "P", -45, -38, "dBm")),
        {"name": "Firmware", "status": "F", "stringMeas": [{"value": "1.4.1", "limit": "1.4.2", "status": "F"}]},
    ),
}


def one(command: GetReport) -> GetReport.Result:
    """A rejected report with its steps."""
    history = [
        HistoryEntry(time=MOMENT, event="converted", detail="board-3.csv"),
        HistoryEntry(time=MOMENT, event="queued", seconds=0.012),
        HistoryEntry(time=MOMENT, event="rejected", detail=REASONS["rejected"], seconds=0.34),
    ]
    return GetReport.Result(report=report(3), content=CONTENT if command.with_content else None, history=history)
