"""Checks of what stands beside the steps: the test's and the repair's own data, misc infos, sub units, assets."""

from pywats_client.wsjf.check_steps import check_attachment
from pywats_client.wsjf.findings import Findings, Place
from pywats_client.wsjf.rules import (
    Fields,
    check_fields,
    guid,
    integer,
    may,
    moment,
    must,
    number,
    text,
)

_UUT = Fields(
    {
        "user": must(text(100)),
        "execTime": must(number, fatal_if_missing=False),
        "comment": may(text(5000)),
        "fixtureId": may(text(100)),
        "testSocketIndex": may(integer),
        "batchSN": may(text(100)),
        "batchFailCount": may(integer),
        "batchLoopIndex": may(integer),
        "errorCode": may(integer),
        "errorMessage": may(text()),
        "stepIdCausedUUTFailure": may(integer),
    }
)
_UUR = Fields(
    {
        "user": must(text(100)),
        "comment": may(text(5000)),
        "processCode": must(integer, fatal_if_missing=False),
        "processName": may(text(100)),
        "refUUT": may(guid),
        "confirmDate": may(moment),
        "finalizeDate": may(moment),
        "execTime": may(number),
    }
)
_MISC = Fields(
    {
        "description": must(text(100, may_be_empty=False)),
        "text": may(text(100)),
        "numeric": may(number),
        "numericFormat": may(text()),
        "typedef": may(text(30)),
    }
)
_SUB_UNIT = Fields(
    {
        "partType": must(text(50)),
        "sn": must(text(100)),
        "pn": must(text(100)),
        "rev": may(text(100)),
        "position": may(integer),
    }
)
_REPAIR_UNIT = Fields(
    {
        "idx": must(integer),
        "parentIdx": may(integer),
        "replacedIdx": may(integer),
    }
)
_FAILURE = Fields(
    {
        "category": must(text(may_be_empty=False)),
        "code": must(text(may_be_empty=False)),
        "comment": may(text()),
        "comRef": may(text()),
        "funcBlock": may(text()),
        "refStepId": may(integer),
    }
)
_ASSET = Fields(
    {
        "sn": must(text(100, may_be_empty=False)),
        "usageCount": may(integer),
        "assetType": may(text(100)),
        "partNumber": may(text(100)),
        "calibrationDate": may(moment),
        "calibrationDue": may(moment),
    }
)
_SAFE_COMMENT = 1000


def check_parts(findings: Findings, report: Place) -> None:
    """What tests and repairs share."""
    for info in findings.objects(report, "miscInfos"):
        check_fields(findings, info, _MISC)
        if info.value.get("text") is None and info.value.get("numeric") is None:
            findings.add(info, "text", "is missing: a misc info has a text or a number")
    for unit in findings.objects(report, "subUnits"):
        check_fields(findings, unit, _SUB_UNIT)
        if unit.value.get("rev") is None:
            findings.add(unit, "rev", "is missing: give it, empty if unknown", fatal=False)
    for asset in findings.objects(report, "assets"):
        check_fields(findings, asset, _ASSET)


def check_uut(findings: Findings, report: Place) -> None:
    """The test's own data."""
    if uut := findings.object(report, "uut", required=True):
        check_fields(findings, uut, _UUT)
        _check_comment(findings, uut)
        if uut.value.get("referencedByUURs") is not None:
            findings.add(uut, "referencedByUURs", "is output of the server: leave it out", fatal=False)
    if report.value.get("binaryData"):
        findings.add(report, "binaryData", "belongs to repairs only: attach files to steps", fatal=False)


def check_uur(findings: Findings, report: Place) -> None:
    """The repair's own data, its units and their failures, and its files."""
    if uur := findings.object(report, "uur", required=True):
        check_fields(findings, uur, _UUR)
        _check_comment(findings, uur)
    if not report.value.get("subUnits"):
        findings.add(report, "subUnits", "is missing: a repair lists its main unit there, with idx 0")
    else:
        _check_repair_units(findings, report)
    for attachment in findings.objects(report, "binaryData"):
        check_attachment(findings, attachment)
        check_fields(findings, attachment, Fields({"failIdx": may(integer)}))


def _check_repair_units(findings: Findings, report: Place) -> None:
    # shape and common keys were looked at in check_parts; here only what a repair adds
    units = list(Findings().objects(report, "subUnits"))
    indexes = [unit.value.get("idx") for unit in units]
    if 0 not in indexes:
        findings.add(report, "subUnits", "holds no main unit: give the unit under repair the idx 0")
    for unit in units:
        check_fields(findings, unit, _REPAIR_UNIT)
        for key in ("parentIdx", "replacedIdx"):
            if unit.value.get(key) is not None and unit.value[key] not in indexes:
                findings.add(unit, key, "is the idx of no unit in this report: correct it", fatal=False)
        for failure in findings.objects(unit, "failures"):
            check_fields(findings, failure, _FAILURE)
            if failure.value.get("refStepName") is not None:
                findings.add(failure, "refStepName", "may be refused: refStepId is enough", fatal=False)


def _check_comment(findings: Findings, place: Place) -> None:
    comment = place.value.get("comment")
    if isinstance(comment, str) and _SAFE_COMMENT < len(comment) <= 5000:
        problem = f"has {len(comment)} characters, more than {_SAFE_COMMENT} may be cut or refused"
        findings.add(place, "comment", problem, fatal=False)
