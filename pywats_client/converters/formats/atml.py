"""ATML: test results of IEEE 1671 / 1636.1, as NI TestStand and others write them."""

import re
from collections.abc import Iterator
from dataclasses import replace

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.atml_steps import STEPS, Steps, judge, name_of
from pywats_client.converters.reading.atml_values import attribute, named_values, text_of
from pywats_client.converters.reading.fields import Fields, FormatArguments
from pywats_client.converters.reading.step_results import StepResult
from pywats_client.converters.reading.unit_facts import Part, UnitFacts, fill, mark_cause, settle
from pywats_client.converters.reading.xml import Element, elements, line_of, local, namespace, root_of
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport
from pywats_client.wsjf.report import ROOT_NAME

_NAMESPACE = re.compile(r"IEEE-1636\.1|ieee\.org/ATML", re.IGNORECASE)
_UNSAID = frozenset({"", "UNKNOWN", "NONE"})
"""TestStand writes these where the schema wants a text and nobody gave one."""
_NOT_TOLD = frozenset({"NumOfResults"})


class Atml(FileConverter):
    """Facts: two real files of TestStand (schema 2.02 and 5.00), the schemas of IEEE 1636.1 and 1671 Common.

    Elements are known by their names without namespace, so 6.01 and other editions read the same. How the report was
    to be written (the configuration of the test program in TestStand's files) is left out.
    """

    name = "atml"
    description = "ATML test results (IEEE 1671 / 1636.1), with TestStand's extension; one or several units a file"

    class Arguments(FormatArguments):
        """What every format knows."""

    def matches(self, source: Source) -> float:
        """By the name and the namespace of the root."""
        root = root_of(source)
        known = root is not None and local(root) in ("TestResults", "TestResultsCollection")
        return 1.0 if known and root is not None and _NAMESPACE.search(namespace(root)) else 0.0

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report of each TestResults."""
        fields = Fields(source, context.arguments)
        count = 0
        try:
            for element in elements(source, "TestResults"):
                count += 1
                try:
                    yield _Document(element, fields).report()
                except ConversionError as fault:
                    yield fault
        except ConversionError as fault:  # it breaks off after the units so far
            yield fault
        else:
            if not count:
                raise ConversionError("the file holds no ATML: there is no element TestResults")


class _Document:
    """One TestResults: the unit, where and by whom it was tested, and its ResultSet."""

    def __init__(self, element: Element, fields: Fields) -> None:
        if not _NAMESPACE.search(namespace(element)):
            raise ConversionError("TestResults is not in a namespace of IEEE 1636.1", line=line_of(element))
        self._element, self._fields = element, fields
        self._steps = Steps()

    def report(self) -> UutReport:
        """All of it."""
        results = self._element.find("{*}ResultSet")
        if results is None:
            raise ConversionError("TestResults holds no ResultSet", line=line_of(self._element))
        root = self._main_sequence(results)
        report = _unit(self._element).begin(self._fields, root.start, line_of(results))
        fill(report, root)
        self._mark_causes(report)
        return settle(report, self._fields, root.status, root.word, line_of(results))

    def _mark_causes(self, report: UutReport) -> None:
        """TestStand's failure chain names the steps that made the unit fail."""
        causes = []
        for entry in self._element.iterfind(".//{*}CriticalFailureStackEntry"):
            if step := self._steps.by_id.get(attribute(entry, "resultID")):
                causes.append(step)
            else:
                report.root.note(
                    f"Caused the failure: {attribute(entry, 'sequenceName')}/{attribute(entry, 'stepName')}"
                )
        mark_cause(report, causes)

    def _main_sequence(self, results: Element) -> StepResult:
        """The ResultSet, or the sequence in it that stands for it: TestStand's 2.02 has one between them."""
        inner = [child for child in results if local(child) in STEPS]
        if len(inner) == 1 and local(inner[0]) == "TestGroup" and name_of(inner[0]) == ROOT_NAME:
            root = self._steps.read(inner[0])
            for outcome in results.iterfind("{*}Outcome"):
                judge(root, outcome)
            return root
        return replace(self._steps.read(results), name=ROOT_NAME)


def _unit(document: Element) -> UnitFacts:
    """What stands around the results."""
    facts = UnitFacts()
    for element in document:
        match local(element):
            case "UUT":
                _take_unit(facts, element)
            case "Personnel":
                _take_personnel(facts, element)
            case "TestStation":
                facts.take("station", _said(element, "SerialNumber"))
                _take_rest(facts, "TestStation", element, "SerialNumber")
            case "TestProgram":
                _take_program(facts, element, _said(document, "TestStation/SerialNumber"))
            case "Extension":
                _take_extension(facts, element)
            case name if name != "ResultSet":
                _take_rest(facts, name, element)
    for name in ("uuid", "name", "version", "securityClassification"):
        facts.take(name, attribute(document, name))
    return facts


def _said(element: Element, path: str) -> str:
    """The text at a path, unless it only says that there is none."""
    found = element.find("/".join(f"{{*}}{step}" for step in path.split("/")))
    text = "" if found is None else text_of(found)
    return "" if text in _UNSAID else text


def _take_unit(facts: UnitFacts, unit: Element) -> None:
    facts.take("SerialNumber", _said(unit, "SerialNumber"))
    definition = unit.find("{*}Definition")
    numbers = _numbers(definition)
    facts.take("PartNumber", numbers.pop("Part", ""))
    if definition is not None:
        _take_definition(facts, definition)
    for name, text in numbers.items():
        facts.take(name, text)
    for component in unit.iterfind("{*}Components/{*}Component"):
        facts.parts.append(_part(component))
    for extension in unit.iter("{*}Extension"):
        _take_extension(facts, extension)
    for name, text in named_values(unit, ("SerialNumber", "Definition", "Components", "Extension")):
        facts.take(name, text)


def _take_definition(facts: UnitFacts, definition: Element) -> None:
    """What kind of unit it is, but for its numbers."""
    facts.take("Revision", attribute(definition, "version"))
    facts.take("Name", attribute(definition, "name"))
    facts.take("ModelName", _said(definition, "Identification/ModelName"))
    _take_rest(facts, "UUT", definition, "Identification", "Extension")
    for identification in definition.iterfind("{*}Identification"):
        _take_rest(facts, "UUT", identification, "ModelName", "IdentificationNumbers", "Extension")
    issued = definition.iterfind("{*}Identification/{*}IdentificationNumbers/*[@manufacturerName]")
    for maker in dict.fromkeys(attribute(number, "manufacturerName") for number in issued):
        facts.take("Manufacturer", maker)


def _numbers(definition: Element | None) -> dict[str, str]:
    """The identification numbers, by what they are; the qualifier says it where the type does not."""
    found: dict[str, str] = {}
    for element in () if definition is None else definition.iterfind("{*}Identification/{*}IdentificationNumbers/*"):
        number, kind = attribute(element, "number"), attribute(element, "type")
        qualifier = attribute(element, "qualifier")
        name = qualifier if kind in ("", "Other") and qualifier else kind or local(element)
        if number not in _UNSAID:
            found.setdefault(name, number)
    return found


def _part(component: Element) -> Part:
    definition = component.find("{*}Definition")
    numbers = _numbers(definition)
    name = _said(component, "Definition/Identification/ModelName") or attribute(component, "name")
    revision = "" if definition is None else attribute(definition, "version")
    return Part(name, _said(component, "SerialNumber"), numbers.get("Part", ""), revision)


def _take_personnel(facts: UnitFacts, personnel: Element) -> None:
    """The operator and others, by their names; an ID beside it is told where it is another."""
    for person in personnel:
        said, number = attribute(person, "name", "ID"), attribute(person, "ID")
        facts.take("operator" if local(person) == "SystemOperator" else local(person), said)
        facts.take(f"{local(person)} ID", "" if number == said else number)


def _take_program(facts: UnitFacts, program: Element, station: str) -> None:
    """The test program, of which TestStand's serial number is the station's.

    How TestStand was to write the report is no fact of the unit.
    """
    definition = program.find("{*}Definition")
    if definition is not None:
        facts.take("TestProgram", attribute(definition, "name"))
        facts.take("TestProgram version", attribute(definition, "version"))
        _take_rest(facts, "TestProgram", definition)
    if (serial := _said(program, "SerialNumber")) != station:
        facts.take("TestProgram SerialNumber", serial)
    _take_rest(facts, "TestProgram", program, "SerialNumber", "Configuration", "Definition")
    configuration = program.find("{*}Configuration")
    if configuration is not None and not any(key == "IncludeStepResults" for key, _ in named_values(configuration)):
        for name, text in named_values(configuration):
            facts.take(name, text)


def _take_extension(facts: UnitFacts, extension: Element) -> None:
    for name, text in named_values(extension):
        if name not in _NOT_TOLD and not name.startswith("CriticalFailureStackEntry."):
            facts.take(name, text)


def _take_rest(facts: UnitFacts, name: str, element: Element, *known: str) -> None:
    """What else an element of the header says."""
    if not len(element):
        facts.take(name, text_of(element))
    facts.more += [(f"{name} {key}".strip(), text) for key, text in named_values(element, known) if text not in _UNSAID]
