"""What the journal remembers in memory: the latest files and reports, what they are, and what happened to them."""

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from string import hexdigits
from sys import intern
from typing import Any, TypeVar
from uuid import UUID

from pywats_client.ipc.commands.queue import HistoryEntry
from pywats_client.ipc.commands.sources import GetTrace
from pywats_client.ipc.events import (
    ReportKnown,
    ReportMoved,
    SourceConverted,
    SourceConverting,
    SourceFailed,
    SourceHeld,
)
from pywats_client.queue.name import State
from pywats_client.service.journal_lines import Moment
from pywats_client.service.statistics import Statistics

MOST = 20_000
"""Files that are remembered, and as many reports: some 2 kB for a file with its report, 40 MB for all."""
MOST_ENTRIES = 60
"""Of one file or report: its first and its latest. A report whose server is away for a year has more."""
MOST_REPORTS = 1_000
"""Of one file."""
MOST_OPEN = 1_000
MOST_LIVES = 20
SHOWN_ENTRIES = 500
LEAST_OF_AN_ID, ID_DIGITS = 4, 32

K = TypeVar("K")
Entry = tuple[float, str, str]
"""When (seconds since 1970), what, and more about it."""
Entries = tuple[Entry, ...]
"""Tuples of nothing but figures and texts: the collector, which would hold everybody up, looks at them once."""
OfSource = SourceConverting | SourceConverted | SourceFailed | SourceHeld
Open = dict[tuple[str, str], "Life"]
"""The files whose conversion has not ended, by converter and name."""


@dataclass(slots=True, eq=False)
class Life:
    """A file, from when it was first seen until its conversion ended."""

    source: str
    converter: str
    entries: Entries = ()
    reports: tuple[UUID, ...] = ()


@dataclass(slots=True, eq=False)
class ReportFacts:
    """What is known of a report; empty where the journal does not know it (any more)."""

    serial_number: str = ""
    part_number: str = ""
    result: str = ""
    failing_step: str = ""
    source: str = ""
    converter: str = ""
    server_id: str = ""
    entries: Entries = ()


class Histories:
    """Files and reports by what happened. The past is told backwards, and has its own `open_lives`."""

    def __init__(self) -> None:
        self.reports: OrderedDict[UUID, ReportFacts] = OrderedDict()
        self._lives: OrderedDict[int, Life] = OrderedDict()
        self._number = itertools.count()
        self._delivered = 0.0
        self.statistics = Statistics()

    @property
    def last_delivered(self) -> datetime | None:
        """When a report was delivered last; None where none is known."""
        return datetime.fromtimestamp(self._delivered, UTC) if self._delivered else None

    @property
    def is_full(self) -> bool:
        """Whether older things would be forgotten at once."""
        return len(self._lives) >= MOST or len(self.reports) >= MOST

    def add(self, moment: Moment, open_lives: Open, *, is_past: bool = False) -> None:
        """Something happened; `is_past`: before all that is known."""
        when, event = moment[0].timestamp(), moment[1]
        match event:
            case ReportMoved():
                self._moved(when, event, is_past)
            case SourceConverting():
                life = self._life(event, open_lives, is_past)
                begin: Entries = ((when, "converting", life.converter),)
                if event.seen_seconds or event.settled_seconds:
                    begin = (
                        (when - event.seen_seconds, "seen", ""),
                        (when - event.settled_seconds, "settled", ""),
                        *begin,
                    )
                life.entries = _noted(life.entries, *begin)
            case SourceConverted():
                life = self._life(event, open_lives, is_past, is_end=True)
                count = len(event.reports)
                outcome = f"{count} report{'' if count == 1 else 's'} in {event.seconds:.3f} s"
                life.entries = _noted(life.entries, (when, "converted", outcome))
                life.reports += event.reports[:MOST_REPORTS]
                self.statistics.converted(when)
            case SourceFailed():
                life = self._life(event, open_lives, is_past, is_end=True)
                life.entries = _noted(life.entries, (when, "failed", event.reason))
            case SourceHeld():
                life = self._life(event, open_lives, is_past)
                life.entries = _noted(life.entries, (when, "held", event.reason))
            case ReportKnown():
                facts = self._report(event.queue_id, is_past)
                facts.entries = _noted(facts.entries, (when, "known", "converted again, same bytes"))

    def _life(self, event: OfSource, open_lives: Open, is_past: bool, *, is_end: bool = False) -> Life:
        """The life that an event is of: what ends a life is the last of it, and told backwards the first."""
        key = (event.converter, event.source)
        if is_end and is_past:
            open_lives.pop(key, None)
        life = open_lives.get(key)
        if life is None:
            life = open_lives[key] = Life(event.source, intern(event.converter))
            number = next(self._number)
            self._lives[number] = life
            _forget(self._lives, number, is_past)
            if len(open_lives) > MOST_OPEN:  # files that were gone before their conversion ended
                del open_lives[next(iter(open_lives))]
        if is_end and not is_past:
            del open_lives[key]
        return life

    def _report(self, queue_id: UUID, is_past: bool) -> ReportFacts:
        facts = self.reports.get(queue_id)
        if facts is None:
            facts = self.reports[queue_id] = ReportFacts()
            _forget(self.reports, queue_id, is_past)
        return facts

    def _moved(self, when: float, event: ReportMoved, is_past: bool) -> None:
        facts = self._report(event.queue_id, is_past)
        if event.converter or event.serial_number:
            self._came(when, event, facts, is_past)
        if event.report_id and not (is_past and facts.server_id):
            facts.server_id = event.report_id
        facts.entries = _noted(facts.entries, (when, intern(event.after), _detail(event)))
        if event.after == State.COMPLETED:
            self.statistics.uploaded(when)
            self._delivered = max(self._delivered, when)

    def _came(self, when: float, event: ReportMoved, facts: ReportFacts, is_past: bool) -> None:
        """What is told of it when it comes. A look that finds it knows less than the conversion that has made it."""
        is_known = facts.converter or (is_past and facts.serial_number)
        if event.converter and not (is_past and facts.converter):
            facts.source, facts.converter = event.source, intern(event.converter)
            is_known = ""
        if not is_known:
            facts.serial_number, facts.part_number = event.serial_number, intern(event.part_number)
            facts.result, facts.failing_step = intern(event.result), intern(event.failing_step)
        if event.report_type == "T" and event.serial_number:
            unit = (event.serial_number, event.part_number)
            self.statistics.tested(when, event.queue_id, unit, event.result == "P", event.failing_step)

    # --- questions

    def history(self, queue_id: UUID) -> list[HistoryEntry]:
        """What happened to a report, oldest first."""
        facts = self.reports.get(queue_id)
        return _history(facts.entries) if facts else []

    def recent_sources(self, converter: str, most: int = 10) -> list[str]:
        """The names of the files that a converter got last, newest first."""
        names = (life.source for life in reversed(self._lives.values()) if life.converter == converter)
        return list(itertools.islice(dict.fromkeys(names), most))

    def lives(self, key: str) -> list[GetTrace.Life]:
        """The files of that name, and those whose reports have that serial number or begin of an id; newest first."""
        wanted = key.casefold()
        ids = self._by_serial_number(wanted) | self._by_first_letters(wanted)
        found = [
            life
            for life in self._lives.values()
            if life.source.casefold() == wanted or not ids.isdisjoint(life.reports)
        ]
        with_file = {queue_id for life in found for queue_id in life.reports}
        found += [self._without_file(queue_id) for queue_id in ids - with_file]
        found.sort(key=self._begin, reverse=True)
        return [self._told(life) for life in found[:MOST_LIVES]]

    def _by_serial_number(self, wanted: str) -> set[UUID]:
        return {queue_id for queue_id, facts in self.reports.items() if facts.serial_number.casefold() == wanted}

    def _by_first_letters(self, wanted: str) -> set[UUID]:
        digits = wanted.replace("-", "")
        if not LEAST_OF_AN_ID <= len(digits) <= ID_DIGITS or not set(digits) <= set(hexdigits):
            return set()
        begin, shift = int(digits, 16), 4 * (ID_DIGITS - len(digits))
        return {queue_id for queue_id in self.reports if queue_id.int >> shift == begin}

    def _without_file(self, queue_id: UUID) -> Life:
        facts = self.reports[queue_id]
        return Life(facts.source, facts.converter, reports=(queue_id,))

    def _begin(self, life: Life) -> float:
        return min((entry[0] for entry in self._entries(life)), default=0.0)

    def _entries(self, life: Life) -> Iterator[Entry]:
        yield from life.entries
        is_one = len(life.reports) == 1
        for queue_id in life.reports:
            facts = self.reports.get(queue_id)
            for when, event, detail in facts.entries if facts else ():
                yield when, event, detail if is_one else f"{str(queue_id)[:8]} {detail}".rstrip()

    def _told(self, life: Life) -> GetTrace.Life:
        entries = _history(itertools.islice(self._entries(life), SHOWN_ENTRIES))
        ids = [str(queue_id) for queue_id in life.reports]
        return GetTrace.Life(source=life.source, converter=life.converter, reports=ids, entries=entries)


def _forget(known: OrderedDict[K, Any], new: K, is_past: bool) -> None:
    """The oldest stand first: there stands what is new from the past, and is forgotten what is too much."""
    if is_past:
        known.move_to_end(new, last=False)
    if len(known) > MOST:
        known.popitem(last=False)


def _detail(event: ReportMoved) -> str:
    if event.converter or event.serial_number:
        parts = (event.serial_number, event.part_number, event.result, event.failing_step)
        return " ".join(part for part in parts if part)
    return event.reason or event.report_id


def _noted(entries: Entries, *more: Entry) -> Entries:
    """All of them; of too many the first and the last."""
    entries += more
    if len(entries) > MOST_ENTRIES:
        half = MOST_ENTRIES // 2
        return entries[:half] + entries[half - MOST_ENTRIES :]
    return entries


def _history(entries: Iterable[Entry]) -> list[HistoryEntry]:
    told: list[HistoryEntry] = []
    before: float | None = None
    for when, event, detail in sorted(entries, key=lambda entry: entry[0]):
        seconds = None if before is None else round(when - before, 6)
        told.append(
            HistoryEntry(
                time=datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds"),
                event=event,
                detail=detail,
                seconds=seconds,
            )
        )
        before = when
    return told
