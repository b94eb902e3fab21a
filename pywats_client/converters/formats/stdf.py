"""STDF V4, the files of semiconductor testers: a lot with thousands of parts, each of them a report."""

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.fields import Fields, tell
from pywats_client.converters.reading.stdf.lot import (
    NO_COORDINATE,
    Bin,
    Fact,
    Lot,
    equipment_facts,
    fixture,
    wafer_facts,
)
from pywats_client.converters.reading.stdf.lot_reader import read_lot
from pywats_client.converters.reading.stdf.parts import Part, read_parts
from pywats_client.converters.reading.stdf.records import StdfFile, Values, far, unpacked
from pywats_client.converters.reading.stdf.steps import Steps
from pywats_client.converters.reading.texts import TextArguments
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport, shorten
from pywats_client.wsjf.model import Status

# PART_FLG
_SAME_ID, _SAME_PLACE, _ABNORMAL, _FAILED, _NO_VERDICT = 0x01, 0x02, 0x04, 0x08, 0x10
_RETESTS = {
    _SAME_ID: "replaces the earlier test of this part id",
    _SAME_PLACE: "replaces the earlier test at this X, Y",
}
_BINS = (("HBR", "HARD_BIN", "Hard bin"), ("SBR", "SOFT_BIN", "Soft bin"))
_BIN_VERDICTS: Mapping[str, Status] = {"P": "P", "F": "F"}
_NO_BIN = 0xFFFF
_MAX_TEXT, _MAX_SEQUENCE, _MAX_VERSION = 100, 200, 30


class Stdf(FileConverter):
    """Facts from the STDF V4 specification and a file of a wafer test; gzip and bzip2 are unpacked.

    Lot, wafer and job stand in MIR and WIR, the names of bins in HBR and SBR at the end, so the file is read twice.
    Numbers are in the base unit, as the file has them, and in % where its scale says so. A test has the limits of its
    first record where its own says none; whether a limit itself passes is said for each. Parts have the start of
    their wafer or lot; a part that is tested again starts a second later each time, to be told from the test before.
    A part without a verdict has that of its bin. Not taken over are statistics (counts in PCR, HBR, SBR, TSR, WRR),
    the failing cells of scan tests, and how numbers and pin states are printed.
    """

    name = "stdf"
    description = "STDF V4 of semiconductor testers: a report a part"

    class Arguments(TextArguments):
        """What the file leaves open."""

        serial_form: str = ""
        """STDF numbers parts only within a lot. How a serial number is made of what it says: a text with {lot},
        {sublot}, {wafer}, {part}, {x}, {y}, {head}, {site} and {number}, its place among the parts of the file, such
        as `{lot}-{part}`. Empty: lot, wafer and part with - between; the lot is left out where the wafer begins with
        it, X and Y stand for a part without an id. The other arguments may hold these, too."""
        times_in_utc: bool = False
        """Whether the tester writes times in UTC; the specification has its local time."""

    def matches(self, source: Source) -> float:
        """Every STDF begins with the same four bytes."""
        try:
            with unpacked(source) as stream:
                found = far(stream)
        except (OSError, EOFError, zlib.error):
            return 0.0
        return 1.0 if found and found.version <= StdfFile.VERSION else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a part, in the order in which their tests ended."""
        stdf = StdfFile(source, context.arguments.encoding)
        lot = read_lot(stdf, in_utc=context.arguments.times_in_utc)
        yield from lot.faults
        if lot.unknown:
            context.log.warning("%s: records of unknown types are left out: %s", source.name, sorted(lot.unknown))
        reports = _Reports(source, context.arguments, stdf, lot)
        empty = True
        for part in read_parts(stdf, lot):
            empty = False
            yield part if isinstance(part, ConversionError) else reports.of(part)
        if empty and not lot.faults:
            raise ConversionError("the file holds no parts: there is no record PRR in it")


class _Reports:
    """Makes the report of one part after another."""

    def __init__(self, source: Source, arguments: Stdf.Arguments, stdf: StdfFile, lot: Lot) -> None:
        self._source, self._arguments, self._lot = source, arguments, lot
        self._steps = Steps(stdf, lot)
        self._facts = [(name, text) for name, text in lot.facts() if text]
        self._tested: Counter[str] = Counter()
        self._parts = 0

    def of(self, part: Part) -> UutReport | ConversionError:
        """The report of a part, or why there is none."""
        try:
            return self._report(part)
        except ConversionError as fault:
            return ConversionError(f"{part.place}: {fault}")

    def _report(self, part: Part) -> UutReport:
        self._parts += 1
        fields = Fields(self._source, self._arguments, self._placeholders(part))
        report = self._begin(fields, part)
        for name, text in (*self._facts, *self._facts_of(part)):
            tell(report, name, text)
        self._steps.add(report, part)
        verdict = self._verdict(report, part)
        if not self._steps.has_verdict:
            verdict = fields.require_result(verdict)
        return fields.settle(report, verdict)

    def _begin(self, fields: Fields, part: Part) -> UutReport:
        lot, equipment = self._lot.start, self._lot.equipment_of(part.head, part.site)
        texts: dict[str, tuple[str, int]] = {
            "operator": (lot.get("OPER_NAM", ""), _MAX_TEXT),
            "station": (lot.get("NODE_NAM", ""), _MAX_TEXT),
            "location": (lot.get("FACIL_ID", ""), _MAX_TEXT),
            "batch_serial_number": (lot.get("LOT_ID", ""), _MAX_TEXT),
            "fixture_id": (fixture(equipment), _MAX_TEXT),
            "sequence_name": (lot.get("JOB_NAM", ""), _MAX_SEQUENCE),
            "sequence_version": (lot.get("JOB_REV", ""), _MAX_VERSION),
        }
        about: dict[str, Any] = {name: shorten(text, size) or None for name, (text, size) in texts.items()}
        job, revision = about.pop("sequence_name"), about.pop("sequence_version")
        report = fields.report(
            serial_number=self._serial_number(fields, part),
            part_number=lot.get("PART_TYP"),
            revision=lot.get("DSGN_REV"),
            start=self._lot.moment(part.wafer.get("START_T")) or self._lot.moment(lot.get("START_T")),
            socket_index=part.site,
            execution_time=part.result.get("TEST_T", 0) / 1000 or None,
            comment=part.result.get("PART_TXT") or None,
            **about,
        )
        report.sequence_name = job or report.sequence_name
        report.sequence_version = revision or report.sequence_version
        for name, (text, size) in texts.items():
            if len(text) > size:
                report.root.note(f"{name}: {text}")
        self._tell_apart(report)
        return report

    def _tell_apart(self, report: UutReport) -> None:
        """Tests of one part at the same moment are one to a server, and the file does not say when each began."""
        before = self._tested[report.serial_number]
        self._tested[report.serial_number] += 1
        if before:
            report.start += timedelta(seconds=before)
            report.root.note(
                f"This is test {before + 1} of the part in the file, which has one time for all: "
                f"the start is that time and {before} s, to tell the tests apart."
            )

    def _serial_number(self, fields: Fields, part: Part) -> str:
        """A part's id is one among those of its lot, or of its wafer; empty where the file has none."""
        if form := self._arguments.serial_form:
            said = self._placeholders(part)
            is_whole = all(said.get(name, name) for name in re.findall(r"\{(\w+)\}", form))
            return fields.fill("serial_form") if is_whole else ""
        lot, wafer = self._lot.start.get("LOT_ID", ""), part.wafer.get("WAFER_ID", "")
        place = _place(part.result)
        own = part.result.get("PART_ID") or (f"X{place[0]}Y{place[1]}" if place else "")
        lot = "" if lot and wafer.startswith(lot) else lot
        return "-".join(filter(None, (lot, wafer, own))) if own else ""

    def _placeholders(self, part: Part) -> dict[str, str]:
        place = _place(part.result) or ("", "")
        return {
            "lot": self._lot.start.get("LOT_ID", ""),
            "sublot": self._lot.start.get("SBLOT_ID", ""),
            "wafer": part.wafer.get("WAFER_ID", ""),
            "part": part.result.get("PART_ID", ""),
            "x": str(place[0]),
            "y": str(place[1]),
            "head": str(part.head),
            "site": str(part.site),
            "number": str(self._parts),
        }

    def _facts_of(self, part: Part) -> Iterator[Fact]:
        result = part.result
        yield from wafer_facts(part.wafer)
        yield "Wafer finish", self._lot.iso(part.wafer.get("FINISH_T"))
        yield from equipment_facts(self._lot.equipment_of(part.head, part.site))
        yield "Head", str(part.head)
        yield "Part id", result.get("PART_ID", "")
        yield from zip(("X", "Y"), map(str, _place(result) or ()), strict=False)
        for kind, field, label in _BINS:
            if result.get(field, _NO_BIN) != _NO_BIN:
                yield label, f"{result[field]} {self._lot.bins.get((kind, result[field]), Bin()).name}"
        yield "Tests executed", str(result.get("NUM_TEST", ""))
        yield "Part repair", result.get("PART_FIX", "")
        for bit, text in _RETESTS.items():
            if result["PART_FLG"] & bit:
                yield "Retest", text

    def _verdict(self, report: UutReport, part: Part) -> Status | None:
        """That of the part's flags; where they say that there is none, that of its bin."""
        flags = part.result["PART_FLG"]
        bins = [self._lot.bins.get((kind, part.result.get(field, _NO_BIN)), Bin()) for kind, field, _ in _BINS]
        of_bin: Status | None = next(
            (_BIN_VERDICTS[each.verdict] for each in bins if each.verdict in _BIN_VERDICTS), None
        )
        if flags & _ABNORMAL:
            report.root.note("The test of the part ended abnormally.")
            return "T" if flags & (_NO_VERDICT | _FAILED) != _FAILED else "F"
        if flags & _NO_VERDICT:
            return of_bin
        verdict: Status = "F" if flags & _FAILED else "P"
        if of_bin not in (None, verdict):
            report.root.note(f"The verdict of the part is {verdict}, that of its bin {of_bin}.")
        return verdict


def _place(result: Values) -> tuple[int, int] | None:
    """X and Y on the wafer."""
    x, y = result.get("X_COORD", NO_COORDINATE), result.get("Y_COORD", NO_COORDINATE)
    return None if NO_COORDINATE in (x, y) else (x, y)
