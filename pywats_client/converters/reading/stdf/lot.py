"""What an STDF file says of all its parts, wherever that stands in it: the names of its bins come at the end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pywats_client.converters.reading.stdf.records import Values
from pywats_client.errors import ConversionError

ALL = 255
"""As head or site: all of them."""
NO_COORDINATE = -32768
_NO_TIME = (None, 0, 0xFFFFFFFF)
_NO_MINUTES = (None, 0xFFFF)

_OF_LOT = {
    "STAT_NUM": "Station number",
    "SBLOT_ID": "Sublot",
    "TEST_COD": "Test code",
    "TST_TEMP": "Test temperature",
    "FLOW_ID": "Test flow",
    "SETUP_ID": "Test setup",
    "SPEC_NAM": "Test specification",
    "SPEC_VER": "Test specification version",
    "MODE_COD": "Test mode",
    "RTST_COD": "Lot retest code",
    "PROT_COD": "Data protection code",
    "CMOD_COD": "Command mode",
    "TSTR_TYP": "Tester type",
    "SERL_NUM": "Tester serial number",
    "EXEC_TYP": "Test executive",
    "EXEC_VER": "Test executive version",
    "PKG_TYP": "Package",
    "FAMLY_ID": "Product family",
    "DATE_COD": "Date code",
    "FLOOR_ID": "Test floor",
    "PROC_ID": "Fabrication process",
    "OPER_FRQ": "Operation frequency",
    "ENG_ID": "Engineering lot",
    "ROM_COD": "ROM code",
    "SUPR_NAM": "Supervisor",
    "AUX_FILE": "Auxiliary file",
    "USER_TXT": "User text",
}
_OF_END = {"DISP_COD": "Lot disposition", "USR_DESC": "Lot description", "EXC_DESC": "Lot description by executive"}
_OF_WAFER = {
    "WAFER_ID": "Wafer",
    "FABWF_ID": "Fab wafer",
    "FRAME_ID": "Wafer frame",
    "MASK_ID": "Wafer mask",
    "USR_DESC": "Wafer description",
    "EXC_DESC": "Wafer description by executive",
}
_WAFER_SIZES = {"WAFR_SIZ": "Wafer diameter", "DIE_HT": "Die height", "DIE_WID": "Die width"}
_WAFER_UNITS = {1: "in", 2: "cm", 3: "mm", 4: "mil"}
_WAFER_SIGNS = {"WF_FLAT": "Wafer flat", "POS_X": "Wafer positive X", "POS_Y": "Wafer positive Y"}
_EQUIPMENT = {
    "HAND": "Handler or prober",
    "CARD": "Probe card",
    "LOAD": "Load board",
    "DIB": "DIB board",
    "CABL": "Interface cable",
    "CONT": "Contactor",
    "LASR": "Laser",
    "EXTR": "Other equipment",
}
_FIXTURES = ("LOAD_ID", "DIB_ID", "CARD_ID", "CONT_ID")

Said = Mapping[str, Any]
"""The fields of a record, or of none."""
Fact = tuple[str, str]


class Bin(NamedTuple):
    """A class that parts are sorted into."""

    verdict: str = ""
    """P or F; something else where the file does not say"""
    name: str = ""


@dataclass
class Lot:
    """Read once from the whole file, before its parts are."""

    in_utc: bool
    """whether its times are; else they are the tester's local time, as the specification has it"""
    start: Said = field(default_factory=dict)
    """MIR"""
    end: Said = field(default_factory=dict)
    """MRR"""
    wafer_form: Said = field(default_factory=dict)
    """WCR"""
    wafers: dict[int, Values] = field(default_factory=dict)
    """WIR with what its WRR adds, by the number of the record"""
    equipment: dict[tuple[int, int], Values] = field(default_factory=dict)
    """SDR, by head and group of sites"""
    retested: str = ""
    """of which bins this is a retest (RDR)"""
    history: list[str] = field(default_factory=list)
    """what programs have done with the file (ATR)"""
    texts: list[str] = field(default_factory=list)
    """those before the first part and after the last (DTR, GDR)"""
    bins: dict[tuple[str, int], Bin] = field(default_factory=dict)
    """by HBR or SBR, and number"""
    pins: dict[tuple[int, ...], str] = field(default_factory=dict)
    """by index, head and site; by index alone for those of any"""
    tests: dict[int, Values] = field(default_factory=dict)
    """TSR, by number"""
    names: dict[tuple[str, int], str] = field(default_factory=dict)
    """how the first record of a test calls it, by the record's name and the test's number"""
    firsts: dict[tuple[str, int, bytes], Values] = field(default_factory=dict)
    """the first record of a test that has limits; by its text too, as some files use one number for several tests"""
    has_sections: bool = False
    """whether BPS says which tests belong together"""
    unknown: set[str] = field(default_factory=set)
    """types of records that are not known"""
    faults: list[ConversionError] = field(default_factory=list)

    def moment(self, seconds: int | None) -> datetime | None:
        """A time of the file; None where it says none."""
        if seconds is None or seconds in _NO_TIME:
            return None
        found = datetime.fromtimestamp(seconds, UTC)
        return found.astimezone() if self.in_utc else found.replace(tzinfo=None).astimezone()

    def pin(self, index: int, head: int, site: int) -> str:
        """The name of a pin or a group of pins, which tests call by its index."""
        return self.pins.get((index, head, site)) or self.pins.get((index,)) or f"pin {index}"

    def first(self, kind: str, number: int, text: bytes = b"") -> Said:
        """The first record of a test that has limits: what it says holds where the others say nothing."""
        return self.firsts.get((kind, number, text)) or self.firsts.get((kind, number, b"")) or {}

    def name(self, kind: str, number: int) -> str:
        """What a test is called, where its own record does not say it."""
        of_summary: Said = self.tests.get(number, {})
        return self.names.get((kind, number)) or of_summary.get("TEST_NAM") or of_summary.get("TEST_LBL") or ""

    def about(self, number: int, name: str) -> Iterator[str]:
        """What else is said of a test that is called so: where there are no program sections, in which it was."""
        of_summary: Said = self.tests.get(number, {})
        if not self.has_sections and of_summary.get("SEQ_NAME"):
            yield f"sequence {of_summary['SEQ_NAME']}"
        if of_summary.get("TEST_LBL", name) not in ("", name):
            yield f"label {of_summary['TEST_LBL']}"

    def equipment_of(self, head: int, site: int) -> Said:
        """What a site is tested with."""
        for (of_head, _), values in self.equipment.items():
            sites = values.get("SITE_NUM") or (site,)
            if of_head in (head, ALL) and (site in sites or ALL in sites):
                return values
        return {}

    def facts(self) -> Iterator[Fact]:
        """What is said of the lot and has no place of its own in a report; texts may be empty."""
        yield from _labelled(_OF_LOT, self.start)
        if self.start.get("BURN_TIM") not in _NO_MINUTES:
            yield "Burn-in minutes", str(self.start["BURN_TIM"])
        yield "Lot setup", self.iso(self.start.get("SETUP_T"))
        yield "Lot start", self.iso(self.start.get("START_T"))
        yield "Lot finish", self.iso(self.end.get("FINISH_T"))
        yield from _labelled(_OF_END, self.end)
        yield "Retest of bins", self.retested
        yield "File history", "; ".join(self.history)
        unit = _WAFER_UNITS.get(self.wafer_form.get("WF_UNITS", 0), "")
        yield from ((label, f"{size} {unit}") for label, size in _labelled(_WAFER_SIZES, self.wafer_form) if size)
        yield from _labelled(_WAFER_SIGNS, self.wafer_form)
        center = [self.wafer_form.get(key, NO_COORDINATE) for key in ("CENTER_X", "CENTER_Y")]
        yield "Wafer center", "" if NO_COORDINATE in center else ", ".join(map(str, center))
        yield from (("Lot text", text) for text in self.texts)

    def iso(self, seconds: int | None) -> str:
        """A time of the file as text; empty where it says none."""
        moment = self.moment(seconds)
        return moment.isoformat() if moment else ""


def wafer_facts(wafer: Said) -> Iterator[Fact]:
    """What is said of a wafer."""
    return _labelled(_OF_WAFER, wafer)


def equipment_facts(equipment: Said) -> Iterator[Fact]:
    """Types and ids of the equipment of a site."""
    for key, label in _EQUIPMENT.items():
        yield label, " ".join(filter(None, (equipment.get(f"{key}_TYP"), equipment.get(f"{key}_ID"))))


def fixture(equipment: Said) -> str:
    """The id of what holds the part."""
    return next((equipment[key] for key in _FIXTURES if equipment.get(key)), "")


def _labelled(labels: Mapping[str, str], values: Said) -> Iterator[Fact]:
    return ((label, str(values.get(key) or "")) for key, label in labels.items())
