"""Small reports that the tests begin with."""

from datetime import UTC, datetime
from typing import Any

from pywats_client.wsjf import Fault, UurReport, UutReport, check

START = datetime(2026, 1, 30, 10, 49, 36, 919000, tzinfo=UTC)
NOW = datetime(2026, 2, 1, tzinfo=UTC)
ID = "7b234dbc-3d06-4738-b176-c6d995dacb66"
STATION = {"id": ID, "station": "ICT-1", "location": "Oslo", "purpose": "Test", "operator": "ann"}


def uut(**more: Any) -> UutReport:
    return UutReport(
        **{"part_number": "PN-1", "serial_number": "SN-1", "revision": "A", "start": START, "process_code": 10}
        | STATION
        | more
    )


def uur(**more: Any) -> UurReport:
    return UurReport(
        **{"part_number": "PN-1", "serial_number": "SN-1", "revision": "A", "start": START, "process_code": 500}
        | {"test_process_code": 10}
        | STATION
        | more
    )


def faults(report: Any) -> dict[str, Fault]:
    """By path."""
    return {fault.path: fault for fault in check(report, now=NOW)}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
