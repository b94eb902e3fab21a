"""What files say of their unit under names of the writer's own choice: properties, metadata."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pywats_client.converters.reading.fields import MAX_FACT, Fields, tell
from pywats_client.errors import ConversionError
from pywats_client.wsjf import Step, UutReport, shorten

_KNOWN: Mapping[str, str] = {
    "serial_number": "serialnumber serialno serial sn uutserialnumber uutserial uutsn dutserialnumber dutserial dutsn"
    " dutid unitserialnumber",
    "part_number": "partnumber partno pn productnumber uutpartnumber dutpartnumber",
    "revision": "revision rev partrevision productrevision hardwarerevision hwrevision",
    "process_code": "processcode operationcode operationtypecode",
    "operator": "operator operatorname operatorid testoperator",
    "station": "station stationname stationid teststation machinename",
    "location": "location stationlocation",
    "purpose": "purpose stationpurpose",
    "batch_serial_number": "batch batchnumber batchserialnumber batchid lot lotnumber",
    "fixture_id": "fixture fixtureid",
    "socket_index": "socket socketindex testsocketindex",
}
"""The report's fields, and the names for them, without case and signs."""
_FIELD_OF = {name: field for field, names in _KNOWN.items() for name in names.split()}
_FILLED = ("serial_number", "part_number", "revision", "process_code", "operator")


class NamedFacts:
    """Gathers names and texts, finds the report's fields among them, and tells the others."""

    def __init__(self) -> None:
        self.placeholders: dict[str, str] = {}
        """every name, for arguments such as `{board id}`"""
        self._said: dict[str, str] = {}
        self._told: dict[str, str] = {}

    def gather(self, name: str, text: str, several: str = "", line: int | None = None) -> None:
        """A name and its text. The first one counts.

        `several` says what to do with a file of several units: another serial number is then a ConversionError.
        """
        self.placeholders.setdefault(name, text)
        field = _field(name, text)
        if field and self._said.setdefault(field, text) != text and field == "serial_number" and several:
            known = self._said[field]
            raise ConversionError(f"another serial number, {text}, follows {known}: {several}", line=line)

    def report(self, fields: Fields, *, start: datetime | None, station: str = "", **about: Any) -> UutReport:
        """A report of the unit; `station`, where nothing else says it. Raises as `Fields.report`."""
        said: dict[str, Any] = {"station": station, **self._said}
        if "socket_index" in said:
            said["socket_index"] = int(said["socket_index"])
        for field in said.keys() - set(_FILLED) - {"socket_index"}:
            said[field] = shorten(said[field], MAX_FACT) or None
        return fields.report(start=start, **said, **about)

    def tell(self, report: UutReport, name: str, text: str, step: Step) -> None:
        """A misc info, unless the report has it in a field; said otherwise before, it belongs to the step."""
        if self._said.get(_field(name, text)) == text and len(text) <= MAX_FACT:
            return
        if name.strip() and name not in self._told:
            self._told[name] = text
            tell(report, name, text)
        elif self._told.get(name) != text:
            step.note(f"{name}: {text}")


def _field(name: str, text: str) -> str:
    """The report's field of which a name speaks; empty where there is none, or the text says nothing."""
    field = _FIELD_OF.get(re.sub(r"[\W_]", "", name).lower(), "")
    if not text or (field == "socket_index" and not re.fullmatch("[0-9]{1,9}", text)):
        return ""
    return field
