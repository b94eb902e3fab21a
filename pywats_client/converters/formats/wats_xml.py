"""WATS Standard XML Format (WSXF, and WRML before it): tests and repairs, many a file."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.attributes import Field, amount, field, one_of, others, read_fields
from pywats_client.converters.reading.exported import complete, require
from pywats_client.converters.reading.fields import MAX_FACT, Fields, FormatArguments
from pywats_client.converters.reading.measured import whole
from pywats_client.converters.reading.wire_steps import Wire, empty_root, put_start, tell
from pywats_client.converters.reading.wsxf_steps import (
    STATUS,
    STEP_PARTS,
    plain_moment,
    read_attachment,
    read_root,
    spelled,
    step_id,
    text_of,
)
from pywats_client.converters.reading.xml import Element, elements, line_of, local, namespace, root_of
from pywats_client.errors import ConversionError

_NAMESPACE = re.compile(r"http://\w+\.virinco\.com/schemas/wats/report/\w+", re.IGNORECASE)
_GUID = re.compile(r"\{?([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_MAX_COMMENT = 5000
_HOLDERS = ("MiscInfos", "SubUnits", "ReportUnitHierarchies", "Failures", "Assets", "Attachments")
_OUTPUT = ("origin", "ProductName")
"""What the server says of its own accord."""

_REPORT = (
    field("type", read=one_of({"uut": "T", "uur": "R"})),
    field("id"),
    field("pn"),
    field("sn"),
    field("rev"),
    field("machineName"),
    field("location"),
    field("purpose"),
    field("result", read=STATUS),
    field("start"),
    field("startUTC"),
)
_PROCESS = (field("processCode", "Code", "ProcessCode", read=whole), field("processName", "Name", "ProcessName"))
_UUT = (
    field("user", "UserLoginName", "User"),
    field("batchSN"),
    field("testSocketIndex", read=whole),
    field("execTime", "ExecutionTime", read=amount),
    field("fixtureId"),
    field("errorCode", read=whole),
    field("errorMessage"),
    field("batchFailCount", read=whole),
    field("batchLoopIndex", read=whole),
    field("stepIdCausedUUTFailure", read=whole),
    field("comment"),
)
_UUR = (
    field("user", "UserLoginName", "User"),
    field("execTime", "ExecutionTime", read=amount),
    field("processCode", "ProcessCode", "TestProcessCode", "TestOperationCode", read=whole),
    field("processName", "ProcessName", "TestProcessName", "TestOperationName"),
    field("refUUT", "refUUT", "ReferencedUUT"),
    field("confirmDate"),
    field("finalizeDate"),
    field("comment"),
)
_MISC = (field("description"), field("numeric", read=amount), field("typedef"))
_SUB_UNIT = (
    field("partType"),
    field("pn"),
    field("sn"),
    field("rev"),
    field("position", read=whole),
    field("idx", "idx", "Index", read=whole),
    field("parentIdx", "ParentIdx", "ParentIndex", read=whole),
    field("replacedIdx", "ReplacedIdx", "ReplacedIndex", read=whole),
)
_FAILURE = (
    field("category", "Category", "FailCategory", "FailureCategory"),
    field("code", "Code", "FailCode", "FailureCode"),
    field("comment"),
    field("comRef", "ComRef", "CompRef", "ComponentReference"),
    field("funcBlock", "FuncBlock", "FunctionBlock"),
    field("refStepId", "RefStepId", "StepId", read=whole),
    field("refStepName", "RefStepName", "StepName"),
    field("artNumber", "ArtNumber", "ArticleNumber"),
    field("artRev", "ArtRev", "ArticleRev", "ArticleRevision"),
    field("artVendor", "ArtVendor", "ArticleVendor"),
    field("artDescription", "ArtDescription", "ArticleDescription"),
)
_UNIT_OF_FAILURE = (field("idx", "PartIdx", "UnitIdx", read=whole),)
_ASSET = (field("sn", "SN", "AssetSN", "SerialNumber"), field("usageCount", read=whole))


class WatsXml(FileConverter):
    """Reports in WSXF, as a server exports them and programs write them.

    Facts from the WSXF reference and from an export of a test, which has all but attachments and repairs: there, the
    names are those that WSJF has for the same things. Of WRML, its predecessor, no file was at hand: its steps stand
    side by side, with StepID and ParentStepID. Loops go out as `wats_json` has it.
    """

    name = "wats_xml"
    description = "WSXF and WRML, the XML forms of WATS reports"
    Arguments = FormatArguments

    def matches(self, source: Source) -> float:
        """By the namespace; without one, by a report that begins as these do."""
        root = root_of(source)
        if root is None or local(root) not in ("Reports", "Report"):
            return 0.0
        if _NAMESPACE.fullmatch(namespace(root)):
            return 1.0
        first = root if local(root) == "Report" else next(iter(root), None)
        is_report = first is not None and local(first) == "Report" and {"SN", "PN", "type"} <= set(first.keys())
        return 0.85 if is_report and not namespace(root) else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[dict[str, Any] | ConversionError]:
        """One report after the other."""
        fields, found = Fields(source, context.arguments), False
        try:
            for element in elements(source, "Report"):
                found = True
                yield _converted(element, fields)
        except ConversionError as fault:
            if not found:
                raise
            yield fault
        if not found:
            raise ConversionError("the file holds no element Report")


def _converted(element: Element, fields: Fields) -> Wire | ConversionError:
    try:
        if namespace(element) and not _NAMESPACE.fullmatch(namespace(element)):
            raise ConversionError(f"the Report is none of WATS: its namespace is {namespace(element)}")
        report = _Report(element).wire()
        complete(report, fields)
        require(report)
    except ConversionError as fault:
        return fault if fault.line else ConversionError(str(fault), line=line_of(element))
    return report


class _Report:
    """One element Report on its way to WSJF."""

    def __init__(self, element: Element) -> None:
        self._element = element
        self._report: Wire = {"miscInfos": [], "subUnits": [], "assets": []}
        self._report |= read_fields(element, _REPORT)
        parts = list(_parts(element))
        is_repair = any(local(part) == "UUR" for part in parts)
        self._is_repair = self._report.setdefault("type", "R" if is_repair else "T") == "R"
        self._inner: Wire = {"user": ""}
        self._failures: list[tuple[int, Wire]] = []
        self._failure_count = 0
        self._steps: list[Element] = []
        self._parts: dict[int, list[Element]] = {}
        """of steps that do not hold them, by the step's id"""
        self._files: list[Wire] = []
        self._unplaced = list(others(element, _REPORT, _OUTPUT).items())
        for part in parts:
            self._add(part)

    def wire(self) -> Wire:
        """The report as WSJF."""
        report = self._report
        self._settle_id()
        self._settle_start()
        report["uur" if self._is_repair else "uut"] = self._inner
        if self._is_repair:
            self._settle_units()
            report.setdefault("result", "P")
            report["binaryData"] = self._files
            told = [f"{name}: {text}" for name, text in self._unplaced]
            if told:
                self._inner["comment"] = "\n".join([self._inner.get("comment", ""), *told]).strip()
        else:
            self._settle_root()
        return report

    def _add(self, part: Element) -> None:
        kind = local(part)
        if kind.lower() in STEP_PARTS and (step := step_id(part)) is not None:
            self._parts.setdefault(step, []).append(part)
        elif kind in self._adders:
            self._adders[kind](part)
        elif kind != "AssetStats":
            self._unplaced.append((kind, spelled(part)))

    @cached_property
    def _adders(self) -> Mapping[str, Callable[[Element], None]]:
        return {
            **dict.fromkeys(("UUT", "UUR"), self._add_unit),
            "Process": lambda part: self._report.update(self._read(part, _PROCESS)),
            **dict.fromkeys(("MiscInfo", "MiscUURInfo"), self._add_misc),
            "ReportUnitHierarchy": self._add_sub_unit,
            **dict.fromkeys(("Failure", "Failures"), self._add_failure),
            "Asset": lambda part: self._report["assets"].append(self._read(part, _ASSET)),
            "Step": self._steps.append,
            **dict.fromkeys(("Attachment", "Binary"), lambda part: self._files.append(read_attachment(part))),
        }

    def _read(self, part: Element, fields: tuple[Field, ...]) -> Wire:
        """A part with these fields; what else it says is told."""
        prefix = "" if local(part) in ("UUT", "UUR") else f"{local(part)} "
        self._unplaced += [(prefix + name, text) for name, text in others(part, fields).items()]
        return read_fields(part, fields)

    def _add_unit(self, part: Element) -> None:
        """What a test, or a repair, says of itself."""
        fields = _UUR if self._is_repair else _UUT
        self._inner |= self._read(part, fields)
        for key in ("confirmDate", "finalizeDate"):
            if key in self._inner and (moment := plain_moment(self._inner.pop(key), part)):
                self._inner[key] = moment
        for child in _parts(part):
            if local(child) == "Comment":
                self._inner["comment"] = text_of(child)
            elif local(child) == "Process" and self._is_repair:  # the test in which the unit failed
                self._inner |= self._read(child, _PROCESS)
            else:
                self._add(child)

    def _add_misc(self, part: Element) -> None:
        info, text = self._read(part, _MISC), text_of(part)
        description = info.setdefault("description", "")
        if max(len(text), len(description)) > MAX_FACT:
            self._unplaced.append(
                (description, " ".join([text, *([str(info["numeric"])] if "numeric" in info else [])]))
            )
            return
        if text or "numeric" not in info:
            info["text"] = text
        self._report["miscInfos"].append({key: value for key, value in info.items() if (key, value) != ("typedef", "")})

    def _add_sub_unit(self, part: Element) -> None:
        unit = {"partType": "", "pn": "", "sn": "", "rev": "", **self._read(part, _SUB_UNIT)}
        self._report["subUnits"].append(unit)
        for child in _parts(part):
            if local(child) == "Failure":
                self._add_failure(child, unit)
            else:
                self._unplaced.append((f"{unit['partType']} {unit['sn']} {local(child)}", spelled(child)))

    def _add_failure(self, part: Element, unit: Wire | None = None) -> None:
        """What was found broken; in its unit, or beside it with the unit's index."""
        failure = self._read(part, (*_FAILURE, *_UNIT_OF_FAILURE))
        index = failure.pop("idx", 0)
        for child in _parts(part):
            if local(child) == "Comment":
                failure["comment"] = text_of(child)
            elif local(child) in ("Attachment", "Binary"):
                self._files.append({**read_attachment(child), "failIdx": self._failure_count})
            else:
                self._unplaced.append((f"Failure {local(child)}", spelled(child)))
        text = (part.text or "").strip()
        if text:
            failure.setdefault("comment", text)
        self._failure_count += 1
        if unit is None:
            self._failures.append((index, failure))
        else:
            unit.setdefault("failures", []).append(failure)

    def _settle_id(self) -> None:
        text = self._report.pop("id", "")
        if found := _GUID.fullmatch(text):
            self._report["id"] = found[1]
        elif text:
            self._unplaced.append(("ID", text))

    def _settle_start(self) -> None:
        """The start; one in UTC that is another instant is told, not sent."""
        start, in_utc = (self._take_moment(key) for key in ("start", "startUTC"))
        if untold := put_start(self._report, start, in_utc):
            self._unplaced.append(("startUTC", untold))

    def _take_moment(self, key: str) -> str:
        text = self._report.pop(key, "")
        moment = plain_moment(text, self._element) if text else ""
        if moment is None:
            self._unplaced.append((key, text))
        return moment or ""

    def _settle_units(self) -> None:
        """The first unit of a repair is the one under repair; each has an index, and its failures."""
        report = self._report
        units = report["subUnits"]
        taken = {unit["idx"] for unit in units if "idx" in unit}
        is_main = bool(units) and not taken and all(units[0][key] == report.get(key) for key in ("sn", "pn"))
        if 0 not in taken and not is_main:
            main = {key: report.get(key, "") for key in ("pn", "sn", "rev")}
            units.insert(0, {"partType": "Main", **main, "idx": 0})
            taken.add(0)
        free = (index for index in itertools.count() if index not in taken)
        for unit in units:
            if "idx" not in unit:
                unit["idx"] = next(free)
        for index, failure in self._failures:
            unit = next((unit for unit in units if unit.get("idx") == index), units[0])
            unit.setdefault("failures", []).append(failure)

    def _settle_root(self) -> None:
        """The steps, with what has no place elsewhere."""
        report, steps = self._report, read_root(self._steps, self._parts)
        root = steps or {**empty_root(), "status": report.get("result", "D")}
        report["root"] = root
        for file in self._files:
            step = {"group": "M", "name": file["name"], "stepType": "ET_A", "status": "D"}
            root["steps"].append({**step, "attachment": file})
        lost = [
            (f"{local(part)} of step {step}", spelled(part)) for step, found in self._parts.items() for part in found
        ]
        for name, text in (*self._unplaced, *lost):
            tell(report, name, text)


def _parts(element: Element) -> Iterator[Element]:
    """What an element holds; what only holds several of a kind is looked into."""
    for part in element:
        if local(part) in _HOLDERS and len(part):
            yield from part
        else:
            yield part
