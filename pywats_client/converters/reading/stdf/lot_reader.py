"""The first pass over an STDF file: what it says of the lot."""

import struct
from collections.abc import Iterator
from contextlib import suppress

from pywats_client.converters.reading.stdf.lot import ALL, Bin, Lot
from pywats_client.converters.reading.stdf.records import PTR_TEXT, TESTS, TEXTS, Record, StdfFile, Values, ptr_text
from pywats_client.errors import ConversionError

_OF_LOT = frozenset({"MIR", "MRR", "WCR", "ATR", "VUR", "SDR", "WIR", "WRR", "RDR", "PMR", "PGR", "TSR", "HBR", "SBR"})
_NOT_READ = ("EPS", "FAR", "PCR", "PLR", "0.0")
"""The end of a program section; counts of parts, the look of pin states, and the zeros that fill up a tape."""
_NUMBER_SIZE = 4
_MAX_LOT_TEXTS, _MAX_FIRSTS = 20, 20_000
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
        elif record.name in TEXTS:
            if not self._open:
                self._texts.append(record)
        elif record.name == "BPS":
            self._lot.has_sections = True
        elif record.name not in _NOT_READ:
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
            case "MIR" if lot.start:
                raise ConversionError(f"{record.place}: a second lot begins; give each a file of its own")
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
        alarm = PTR_TEXT + 1 + len(text)
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
