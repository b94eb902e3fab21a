"""What a server refuses in a report, as the lines of its 400."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pywats_client.wsjf import Fault, check

TEST_OPERATIONS = {
    10: "In-circuit test",
    20: "Boundary scan",
    30: "Programming",
    40: "Calibration",
    50: "Functional test",
    60: "Burn-in",
    70: "High-potential test",
    80: "Run-in",
    90: "Final test",
    100: "End of line test",
}
REPAIR_OPERATIONS = {500: "Repair", 510: "Repair of returned units"}
OPERATIONS = TEST_OPERATIONS | REPAIR_OPERATIONS
"""The processes this server knows: code and name."""

KEY = re.compile(r"(\w+)|\[(\d+)\]")


def read_json(body: bytes) -> Any:
    """The value in `body`; ValueError says why there is none. NaN and infinities are no JSON here."""
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def fault_lines(report: Any) -> list[str]:
    """One line a fault, such as `root -> step Power -> step Vcc: …`; none when the report is taken."""
    if not isinstance(report, dict):
        return ["report: one JSON object is expected"]
    lines = [f"{_route(report, fault)}: {fault.message}" for fault in check(report) if fault.fatal]
    return lines or list(_process_faults(report))


def _process_faults(report: Mapping[str, Any]) -> list[str]:
    is_test = report["type"] == "T"
    known = TEST_OPERATIONS if is_test else REPAIR_OPERATIONS
    lines = []
    if report["processCode"] not in known:
        kind = "test" if is_test else "repair"
        lines.append(f"report: Invalid process code {report['processCode']}: no {kind} operation of this server")
    elif report.get("processName") not in (None, known[report["processCode"]]):
        lines.append(f"report: Invalid process name {report['processName']}")
    tested = (report.get("uur") or {}).get("processCode")
    if tested is not None and tested not in TEST_OPERATIONS:
        lines.append(f"uur: Invalid process code {tested}: no test operation of this server")
    return lines


def _route(report: Mapping[str, Any], fault: Fault) -> str:
    """The steps on the way to a fault, by their names."""
    names, value = [], report
    for key, index in KEY.findall(fault.path):
        try:
            value = value[key] if key else value[int(index)]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            break
        if key == "root":
            names.append("root")
        elif index and isinstance(value, Mapping) and "stepType" in value:
            names.append(f"step {value.get('name')}")
    return " -> ".join(names) or "report"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
