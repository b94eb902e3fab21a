"""The two passes over an STDF file: first what it says of the lot, then part after part."""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pywats_client.converters.stdf.lot import ALL, Bin, Lot, Said
from pywats_client.converters.stdf.records import Record, StdfFile, Values
from pywats_client.errors import ConversionError

TESTS = {"PTR": 4, "MPR": 4, "FTR": 4, "STR": 5}
"""The records of a test, and where in each the head stands; its number lies before that, the site behind."""
_OF_LOT = frozenset({"MIR", "MRR", "WCR", "ATR", "VUR", "SDR", "WIR", "WRR", "RDR", "PMR", "PGR", "TSR", "HBR", "SBR"})
_TEXTS = ("GDR", "DTR")
_BESIDE_TESTS = ("BPS", "EPS", *_TEXTS)
_NOT_READ = ("FAR", "PCR", "PLR", "0.0")
"""Counts of parts, the look of pin states, and the zeros that fill up a tape."""
_NUMBER_SIZE = 4
_PTR_TEXT = 12
_TEST_FLG, _NOT_EXECUTED = 6, 0x10
_MAX_LOT_TEXTS = 20
_MAX_FIRSTS = 20_000
_Site = tuple[int, int]


def read_lot(stdf: StdfFile, *, in_utc: bool) -> Lot:
    """The first pass. What breaks off ends it: the second comes to the same place, and tells.

    Raises ConversionError where the record of the lot itself, MIR, cannot be read.
    """
    reader = _LotReader(stdf, in_utc)
    for record in _until_broken_off(stdf):
        reader.take(record)
    return reader.finish()


def _until_broken_off(stdf: StdfFile) -> Iterator[Record]:
    with suppress(ConversionError):
        yield from stdf.records()


class _LotReader:
    """Takes one record after another."""

    def __init__(self, stdf: StdfFile, in_utc: bool) -> None:
        self._stdf, self._lot = stdf, Lot(in_utc)
        self._number = struct.Struct(stdf.order + "I")
        self._ptr_texts: dict[int, bytes] = {}
        self._seen: set[tuple[str, int]] = set()
        self._wafers: dict[_Site, Values] = {}
        self._open: set[bytes] = set()
        self._texts: list[Record] = []
        self._first_texts: list[Record] | None = None

    def take(self, record: Record) -> None:
        """The next record of the file."""
        if record.name in TESTS:
            with suppress(ConversionError):  # the test's part will tell
                self._learn(record)
        elif record.name in ("PIR", "PRR"):
            self._take_part(record)
        elif record.name in _OF_LOT:
            try:
                self._take_lot(record, self._stdf.fields(record))
            except ConversionError as fault:
                if record.name == "MIR":
                    raise
                self._lot.faults.append(fault)
        elif record.name in _TEXTS:
            if not self._open:
                self._texts.append(record)
        elif record.name not in _BESIDE_TESTS and record.name not in _NOT_READ:
            self._lot.unknown.add(record.name)

    def finish(self) -> Lot:
        """The lot, when there are no more records."""
        texts = (self._first_texts or []) + self._texts
        for record in texts[:_MAX_LOT_TEXTS]:
            try:
                self._lot.texts.append(self._stdf.text(record))
            except ConversionError as fault:
                self._lot.faults.append(fault)
        if len(texts) > _MAX_LOT_TEXTS:
            self._lot.texts.append(f"… and {len(texts) - _MAX_LOT_TEXTS} more texts")
        return self._lot

    def _take_part(self, record: Record) -> None:
        """Texts before the first part and after the last are the lot's; those between are the next part's."""
        if self._first_texts is None:
            self._first_texts = self._texts
        self._texts = []
        if record.name == "PIR":
            self._open.add(record.body[:2])
        else:
            self._open.discard(record.body[:2])

    def _take_lot(self, record: Record, values: Values) -> None:
        """What there is once in a file; what there may be several of follows."""
        lot = self._lot
        match record.name:
            case "MIR":
                lot.start = values
            case "MRR":
                lot.end = values
            case "WCR":
                lot.wafer_form = values
            case "ATR":
                lot.history.append(values["CMD_LINE"])
            case "VUR":
                lot.history.append(values["UPD_NAM"])
            case "RDR":
                lot.retested = ", ".join(map(str, values.get("RTST_BIN", ()))) or "all"
            case _:
                self._take_one_of_several(record, values)

    def _take_one_of_several(self, record: Record, values: Values) -> None:
        lot = self._lot
        match record.name:
            case "TSR":
                lot.tests.setdefault(values["TEST_NUM"], values)
            case "HBR" | "SBR":
                self._take_bin(record.name, values)
            case "PMR" | "PGR":
                self._take_pin(values)
            case "SDR":
                lot.equipment[values["HEAD_NUM"], values["SITE_GRP"]] = values
            case "WIR":
                lot.wafers[record.number] = self._wafers[values["HEAD_NUM"], values["SITE_GRP"]] = values
            case "WRR":
                wafer = self._wafers.pop((values["HEAD_NUM"], values["SITE_GRP"]), values)
                wafer.update({key: value for key, value in values.items() if value != ""})

    def _take_bin(self, kind: str, values: Values) -> None:
        """A bin is told once for all sites, and once for each: what one of them leaves out, another may say."""
        key = (kind, values["BIN_NUM"])
        known = self._lot.bins.get(key, Bin())
        verdict, name = values.get("BIN_PF", ""), values.get("BIN_NAM", "")
        self._lot.bins[key] = Bin(known.verdict or verdict, known.name or name)

    def _take_pin(self, values: Values) -> None:
        if "GRP_INDX" in values:
            self._lot.pins.setdefault((values["GRP_INDX"],), values.get("GRP_NAM", ""))
            return
        name = next((values[key] for key in ("LOG_NAM", "PHY_NAM", "CHAN_NAM") if values.get(key)), "")
        index = values["PMR_INDX"]
        self._lot.pins.setdefault((index,), name)
        self._lot.pins[index, values.get("HEAD_NUM", ALL), values.get("SITE_NUM", ALL)] = name

    def _learn(self, record: Record) -> None:
        """What the first record of a test says holds for the later ones, which may leave it out."""
        start = TESTS[record.name] - _NUMBER_SIZE
        if len(record.body) < start + _NUMBER_SIZE:
            return
        (number,) = self._number.unpack_from(record.body, start)
        if record.name == "PTR":
            self._learn_parametric(number, record)
        elif (record.name, number) not in self._seen:
            self._seen.add((record.name, number))
            self._keep(number, b"", record)

    def _learn_parametric(self, number: int, record: Record) -> None:
        """The millions of them are looked at without being taken apart."""
        body = record.body
        text = ptr_text(body)
        first = self._ptr_texts.get(number)
        if first is not None and (text in (first, b"") or ("PTR", number, text) in self._lot.firsts):
            return
        alarm = _PTR_TEXT + 1 + len(text)
        has_limits = len(body) > alarm + 1 + (body[alarm] if len(body) > alarm else 0)
        if has_limits:
            self._ptr_texts.setdefault(number, text)
            self._keep(number, text if first is not None else b"", record)
        elif text and ("PTR", number) not in self._lot.names:
            self._name(record, number, self._stdf.fields(record))

    def _name(self, record: Record, number: int, values: Values) -> None:
        if values.get("TEST_TXT"):
            self._lot.names.setdefault((record.name, number), values["TEST_TXT"])

    def _keep(self, number: int, text: bytes, record: Record) -> None:
        values = self._stdf.fields(record)
        self._name(record, number, values)
        if "OPT_FLAG" in values and len(self._lot.firsts) < _MAX_FIRSTS:
            self._lot.firsts[record.name, number, text] = values


def ptr_text(body: bytes) -> bytes:
    """TEST_TXT of a PTR, as it stands there."""
    return body[_PTR_TEXT + 1 : _PTR_TEXT + 1 + body[_PTR_TEXT]] if len(body) > _PTR_TEXT else b""


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
