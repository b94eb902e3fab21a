"""The second pass over an STDF file: one part after another, out of the records of all sites."""

from collections.abc import Iterator
from dataclasses import dataclass

from pywats_client.converters.reading.stdf.lot import ALL, Lot, Said
from pywats_client.converters.reading.stdf.records import TESTS, Record, StdfFile, Values
from pywats_client.errors import ConversionError

_TEST_FLG, _NOT_EXECUTED = 6, 0x10
_Site = tuple[int, int]


@dataclass
class Part:
    """The records of one part, gathered from among those of the other sites."""

    head: int
    site: int
    start: Record
    """PIR, or where there is none the first record of a test"""
    wafer: Said
    records: list[Record]
    """of its tests, with texts and program sections among them"""
    result: Values
    """PRR, which ends it"""

    @property
    def place(self) -> str:
        """Which part it is, for a person who looks for it."""
        return f"the part on head {self.head}, site {self.site} that begins in {self.start.place}"


def read_parts(stdf: StdfFile, lot: Lot) -> Iterator[Part | ConversionError]:
    """The second pass: each part as soon as its result has been read, and what is wrong with the others."""
    return _PartReader(stdf, lot).read()


class _PartReader:
    """Sorts the records of all sites, which stand among each other, by the part that is on the site."""

    def __init__(self, stdf: StdfFile, lot: Lot) -> None:
        self._stdf, self._lot = stdf, lot
        self._open: dict[_Site, Part] = {}
        self._wafers: dict[_Site, Said] = {}
        self._between: list[Record] = []
        self._has_parts = False

    def read(self) -> Iterator[Part | ConversionError]:
        try:
            for record in self._stdf.records():
                if record.name in TESTS:
                    self._add_test(record)
                else:
                    yield from self._take(record)
        except ConversionError as broken_off:
            yield from self._lost(str(broken_off))
            if not self._open:
                yield broken_off
        else:
            yield from self._lost("the file ends before it")
            if not self._lot.end and not self._open:
                yield ConversionError("the file ends without its last record, MRR: it is not complete")

    def _lost(self, why: str) -> Iterator[ConversionError]:
        return (ConversionError(f"{part.place} has no result (PRR): {why}") for part in self._open.values())

    def _add_test(self, record: Record) -> None:
        start, body = TESTS[record.name], record.body
        if len(body) < start + 2:
            self._add_to_all(record)  # whoever reads it tells that it is too short
            return
        site = body[start], body[start + 1]
        if site in self._open:
            self._open[site].records.append(record)
        elif not _gives_only_defaults(record):
            self._begin(record, site).records.append(record)

    def _take(self, record: Record) -> Iterator[Part | ConversionError]:
        body = record.body
        match record.name:
            case "PIR" | "PRR" | "WIR" | "WRR" if len(body) < 2:
                yield ConversionError(f"{record.place}: it ends before its field SITE_NUM")
            case "PIR":
                site = body[0], body[1]
                if site in self._open:
                    yield ConversionError(f"{self._open[site].place} has no result (PRR) before {record.place}")
                self._begin(record, site)
            case "PRR":
                yield self._end(record, (body[0], body[1]))
            case "WIR":
                self._wafers[body[0], body[1]] = self._lot.wafers.get(record.number, {})
            case "WRR":
                self._wafers.pop((body[0], body[1]), None)
            case "BPS" | "EPS" | "GDR" | "DTR" if self._open:
                self._add_to_all(record)
            case "GDR" | "DTR" if self._has_parts:
                self._between.append(record)

    def _begin(self, record: Record, site: _Site) -> Part:
        part = Part(*site, record, self._wafer(*site), self._between, Values(record, {}))
        self._open[site] = part
        self._between, self._has_parts = [], True
        return part

    def _end(self, record: Record, site: _Site) -> Part | ConversionError:
        part = self._open.get(site) or self._begin(record, site)
        del self._open[site]
        try:
            part.result = self._stdf.fields(record)
        except ConversionError as fault:
            return fault
        return part

    def _add_to_all(self, record: Record) -> None:
        for part in self._open.values():
            part.records.append(record)

    def _wafer(self, head: int, site: int) -> Said:
        """That of the site's group, else the one that is on the head."""
        group = self._lot.equipment_of(head, site).get("SITE_GRP", ALL)
        wafers = (self._wafers.get(key) for key in ((head, group), (head, ALL), (ALL, ALL)))
        return next((wafer for wafer in wafers if wafer is not None), {})


def _gives_only_defaults(record: Record) -> bool:
    """A test that was not executed, outside of any part."""
    return (
        record.name in ("PTR", "MPR") and len(record.body) > _TEST_FLG and bool(record.body[_TEST_FLG] & _NOT_EXECUTED)
    )
