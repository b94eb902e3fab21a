"""A queue as its folder shows it, whether a service runs or not; nothing is changed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pywats_client.cli.queue.place import chosen
from pywats_client.cli.queue.shown import Detail, Row, fault_in_size, json_of
from pywats_client.errors import PywatsError
from pywats_client.logs import show_name
from pywats_client.queue.folder import retry_seconds
from pywats_client.queue.name import QueueName, State
from pywats_client.queue.survey import AT_REST, UNDELIVERED, Found, arrival, find, named, reports, survey

if TYPE_CHECKING:
    from pywats_client.queue.survey import Survey


class FromFolder:
    """Looks into the folder of a queue."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows(self, states: Sequence[str], search: str = "", limit: int | None = None) -> Iterator[Row]:
        """As `Look`; the reason is searched, too."""
        wanted = search.casefold()
        every = (row_of(found) for found in reports(self._folder, [State(state) for state in states]))
        return islice((row for row in every if _has(row, wanted)), limit)

    def detail(self, given: str) -> Detail:
        """As `Look`. Raises PywatsError where there is none."""
        for states in (UNDELIVERED, AT_REST):
            ids, _ = chosen({name.id for _, name in named(self._folder, states)}, [given])
            if ids and (files := find(self._folder, ids[0], states)):
                return _detail(files[-1], [found.path.name for found in files[:-1]])
        raise PywatsError(f"no report in {self._folder} has an id that begins with {given}")

    def details(self, states: Sequence[str]) -> Iterator[Detail]:
        """As `Look`."""
        return map(_detail, reports(self._folder, [State(state) for state in states]))

    def survey(self) -> "tuple[Survey, list[Row]]":
        """As `Look`."""
        seen = survey(self._folder)
        return seen, [row_of(found) for found in reports(self._folder, [State.REJECTED]) if not found.fault]


def _has(row: Row, wanted: str) -> bool:
    return any(wanted in text.casefold() for text in (row.id, row.serial_number, row.part_number, row.reason))


def _detail(found: Found, others: Sequence[str] = ()) -> Detail:
    return Detail(row_of(found), None if found.fault else found.content, others)


def row_of(found: Found) -> Row:
    """A file of the queue as it is shown."""
    name, report = found.name, json_of(found.content)
    unit = report if isinstance(report, dict) else {}
    return Row(
        id=str(name.id),
        state=str(name.state),
        file=show_name(found.path),
        arrived=arrival(name),
        changed=datetime.fromtimestamp(found.changed, UTC),
        attempts=name.attempt,
        orphaned=name.orphaned,
        priority=name.priority,
        bytes=found.size,
        serial_number=str(unit.get("sn") or ""),
        part_number=str(unit.get("pn") or ""),
        next_try=_next_try(name, found.changed),
        reason=found.reason,
        fault=fault_of(found),
    )


def _next_try(name: QueueName, changed: float) -> datetime | None:
    if name.state is not State.ERROR:
        return None
    failed = min(changed, datetime.now(UTC).timestamp())  # one in the future counts as now
    return datetime.fromtimestamp(failed + retry_seconds(name.attempt), UTC)


def fault_of(found: Found) -> str | None:
    """What is wrong with the file, in few words."""
    if found.fault is None:
        return None
    if isinstance(found.fault, OSError):
        return f"it cannot be read: {found.fault.strerror}"
    if found.size == found.name.length:
        return "damaged: its content is not what was queued"
    return fault_in_size(found.size, found.name.length)
