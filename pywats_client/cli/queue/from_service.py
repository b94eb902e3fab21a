"""A queue as the service tells of it that runs: also to those who may not look into its folder."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pywats_client.cli.queue.place import digits_of
from pywats_client.cli.queue.shown import Detail, Row, fault_in_size
from pywats_client.errors import CommandFailed

if TYPE_CHECKING:
    from pywats_client.ipc.client import IPCClient
    from pywats_client.queue.survey import Survey

WINDOW = 1000
"""Reports that are asked for at once."""
ROUNDS = 5
"""So often is a queue of several windows gone through: while reports leave it, those behind them change windows."""


class FromService:
    """Asks a service for its queue."""

    def __init__(self, client: "IPCClient") -> None:
        self._client = client

    def rows(self, states: Sequence[str], search: str = "", limit: int | None = None) -> Iterator[Row]:
        """As `Look`; the source's name is searched, too."""
        seen: set[str] = set()
        for _ in range(ROUNDS):
            news = {row.stem: row for row in self._windows(states, search, limit) if row.stem not in seen}
            for stem in list(news)[: None if limit is None else limit - len(seen)]:
                seen.add(stem)
                yield news[stem]
            if len(news) < WINDOW or len(seen) == limit:
                return

    def _windows(self, states: Sequence[str], search: str, limit: int | None) -> Iterator[Row]:
        wide, offset, total = min(limit or WINDOW, WINDOW), 0, 1
        while offset < total and (limit is None or offset < limit):
            answer = self._client.request("get_queue", states=list(states), search=search, limit=wide, offset=offset)
            yield from map(_row, answer["reports"])
            offset, total = offset + wide, answer["total"]

    def detail(self, given: str) -> Detail:
        """As `Look`. Raises CommandFailed where there is none, or several."""
        digits_of(given)
        return self._detail(given)

    def details(self, states: Sequence[str]) -> Iterator[Detail]:
        """As `Look`; a report that is gone meanwhile is not told of."""
        for row in self.rows(states):
            try:
                yield self._detail(row.id)
            except CommandFailed as error:
                if error.code != "not_found":
                    raise

    def _detail(self, given: str, *, with_content: bool = True) -> Detail:
        answer = self._client.request("get_report", id=given, with_content=with_content)
        row, content = _row(answer["report"]), answer["content"]
        if answer["damaged"]:
            row = row._replace(fault=row.fault or "damaged: its content is not what was queued")
        as_sent = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        return Detail(row, None if row.fault else as_sent, (), answer["server_id"], answer["history"])

    def survey(self) -> "tuple[Survey, list[Row]]":
        """As `Look`: the reports. What else lies in the folder, and which report is there twice, is not told."""
        from pywats_client.queue.folder import Damaged
        from pywats_client.queue.name import QueueName, State
        from pywats_client.queue.owner import Owner
        from pywats_client.queue.survey import UNDELIVERED, Found, Survey

        seen = Survey(self._client.instance.queue, Owner(True, self._client.get_status().pid))
        rejected = []
        for row in list(self.rows(UNDELIVERED)):
            name, path = QueueName.parse(row.file), seen.folder / row.file
            assert name
            fault = self._detail(row.id, with_content=False).row.fault
            seen.add(Found(name, path, size=row.bytes, fault=Damaged(f"{path}: {fault}") if fault else None))
            if name.state is State.REJECTED and not fault:
                rejected.append(row)
        counts = self._client.request("get_queue", limit=1)["counts"]
        seen.counts = Counter({State(state): count for state, count in counts.items()})
        return seen, rejected


def _row(told: Mapping[str, Any]) -> Row:
    from pywats_client.queue.name import QueueName

    name = QueueName.parse(told["file"])
    assert name
    due = told["next_try_seconds"]
    return Row(
        id=told["id"],
        state=told["state"],
        file=told["file"],
        arrived=datetime.fromisoformat(told["arrived"]),
        changed=datetime.fromisoformat(told["changed"]),
        attempts=told["attempt"],
        orphaned=name.orphaned,
        priority=told["priority"],
        bytes=told["size"],
        serial_number=told["serial_number"],
        part_number=told["part_number"],
        next_try=None if due is None else datetime.now(UTC) + timedelta(seconds=due),
        reason=told["reason"],
        fault=None if told["size"] == name.length else fault_in_size(told["size"], name.length),
    )
