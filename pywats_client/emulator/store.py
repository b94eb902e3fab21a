"""The reports the emulator has received, in SQLite."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import trio

from pywats_client.errors import PywatsError

T = TypeVar("T")

HEADER = {
    "uuid": "TEXT",
    "reportType": "TEXT",
    "serialNumber": "TEXT",
    "partNumber": "TEXT",
    "revision": "TEXT",
    "processCode": "INTEGER",
    "processName": "TEXT",
    "result": "TEXT",
    "start": "TEXT",
    "station": "TEXT",
    "location": "TEXT",
    "purpose": "TEXT",
    "operator": "TEXT",
    "reportSize": "INTEGER",
}
"""The header of a report, by the names of the wire: what `Query/Header` tells and filters by."""

STAMPS = ("receiveCount", "received")
COLUMNS = (*HEADER, *STAMPS)

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS reports (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    {", ".join(f"{name} {kind}" for name, kind in HEADER.items())},
    receiveCount INTEGER NOT NULL DEFAULT 1,
    received TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    report TEXT NOT NULL,
    UNIQUE (uuid)
)"""

PUT = f"""
INSERT INTO reports ({", ".join(HEADER)}, report)
VALUES ({", ".join(":" + name for name in HEADER)}, :report)
ON CONFLICT (uuid) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in HEADER)},
    report = excluded.report,
    receiveCount = receiveCount + 1,
    received = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"""  # noqa: S608 -- the names are those above

Row = dict[str, Any]


class Store:
    """All access goes through one thread at a time, so that no disk stops the loop."""

    def __init__(self, folder: Path | None) -> None:
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            self._database = _open(folder / "reports.sqlite" if folder else ":memory:")
        except (OSError, sqlite3.Error) as error:
            raise PywatsError(f"{folder} cannot keep the reports of the emulator ({error}): choose another") from error
        self._one_thread = trio.CapacityLimiter(1)

    async def put(self, report: Mapping[str, Any], process_name: str, size: int) -> int:
        """Store a report of `size` bytes, in place of one of the same id; returns its number."""
        values = _header(report) | {"processName": process_name, "reportSize": size, "report": json.dumps(report)}

        def put() -> int:
            with self._database:
                self._database.execute(PUT, values)
                row = self._database.execute("SELECT number FROM reports WHERE uuid = ?", [values["uuid"]]).fetchone()
                return int(row["number"])

        return await self._run(put)

    async def report(self, report_id: str) -> tuple[Row, Row] | None:
        """The header and the report itself, or None."""
        rows = await self._select("SELECT * FROM reports WHERE uuid = ?", [report_id.lower()])
        if not rows:
            return None
        return {name: rows[0][name] for name in COLUMNS}, json.loads(rows[0]["report"])

    async def headers(self, conditions: Mapping[str, Any], top: int) -> list[Row]:
        """The headers that fit all conditions (column: value), the newest first, at most `top`."""
        where = " AND ".join(f"{column} = ?" for column in conditions) or "1"
        query = f"SELECT {', '.join(COLUMNS)} FROM reports WHERE {where} ORDER BY received DESC, number DESC LIMIT ?"  # noqa: S608 -- columns are checked by the caller
        return await self._select(query, [*conditions.values(), top])

    async def count(self) -> int:
        """How many reports there are."""
        (row,) = await self._select("SELECT count(*) AS number FROM reports", [])
        return int(row["number"])

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    async def _select(self, query: str, values: Iterable[Any]) -> list[Row]:
        def select() -> list[Row]:
            with closing(self._database.execute(query, list(values))) as cursor:
                return [dict(row) for row in cursor]

        return await self._run(select)

    async def _run(self, work: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(work, limiter=self._one_thread)


def _open(file: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(file, check_same_thread=False)
    try:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _header(report: Mapping[str, Any]) -> Row:
    about = report.get("uut") or report.get("uur") or {}
    return {
        "uuid": str(report["id"]).lower(),
        "reportType": report["type"],
        "serialNumber": report["sn"],
        "partNumber": report["pn"],
        "revision": report.get("rev"),
        "processCode": report["processCode"],
        "result": report["result"],
        "start": report.get("start"),
        "station": report.get("machineName"),
        "location": report.get("location"),
        "purpose": report.get("purpose"),
        "operator": about.get("user"),
    }
