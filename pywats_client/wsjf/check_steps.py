"""Checks of steps: what every step has, and what each kind carries."""

from collections.abc import Iterator

from pywats_client.wsjf.check_loops import check_loops
from pywats_client.wsjf.check_measurements import STATUSES, check_measurements
from pywats_client.wsjf.findings import Findings, Place, number_text, quoted
from pywats_client.wsjf.rules import (
    Fields,
    base64_text,
    boolean,
    check_fields,
    decoded_size,
    integer,
    may,
    moment,
    must,
    number,
    one_of,
    parse_moment,
    text,
)

SEQUENCES = ("SequenceCall", "WATS_SeqCall")
CHART_POINTS = 10_000
ATTACHMENT_BYTES = 100 * 1024

_STEP = Fields(
    {
        "id": must(integer),
        "group": must(one_of("S", "M", "C")),
        "stepType": must(text(may_be_empty=False)),
        "name": must(text(100, may_be_empty=False)),
        "status": must(one_of(*STATUSES)),
        "start": may(moment),
        "totTime": may(number),
        "errorCode": may(integer),
        "errorMessage": may(text()),
        "reportText": may(text()),
        "tsGuid": may(text()),
        "causedSeqFailure": may(boolean),
        "causedUUTFailure": may(boolean),
    }
)
_SEQUENCE = Fields({"path": may(text(500)), "name": may(text(200)), "version": may(text(30))})
_CHART = Fields(
    {
        "chartType": must(one_of("Line", "LineLogX", "LineLogY", "LineLogXY")),
        "label": may(text()),
        "xLabel": may(text()),
        "xUnit": may(text()),
        "yLabel": may(text()),
        "yUnit": may(text()),
    }
)
_SERIES = Fields(
    {
        "dataType": must(one_of("XYG")),
        "name": may(text()),
        "xdata": may(text()),
        "ydata": may(text()),
    }
)
_ATTACHMENT = Fields(
    {
        "name": must(text(256, may_be_empty=False)),
        "contentType": may(text(100)),
        "data": must(base64_text),
        "description": may(text(500)),
    }
)
_EXECUTABLE = Fields({"exitCode": may(number)})
_POPUP = Fields({"response": may(text()), "button": may(number, fatal=False)})
_RESULT = Fields({"name": may(text(200))})


def check_root(findings: Findings, root: Place) -> list[Place]:
    """The outermost step and all below it; returns them in the order of the report."""
    content = root.value
    step_type = content.get("stepType")
    if isinstance(step_type, str) and step_type not in SEQUENCES:
        findings.add(root, "stepType", f"is {quoted(step_type)}: the outermost step is a SequenceCall")
    if content.get("seqCall") is None:
        findings.add(root, "seqCall", "is missing: the outermost step names its sequence")
    if content.get("totTime") is None:
        findings.add(root, "totTime", "is missing: give the seconds that the test took", fatal=False)
    if content.get("group") in ("S", "C"):
        findings.add(root, "group", f"is {content['group']}: the outermost step belongs to M", fatal=False)
    steps = list(_walk(findings, root))
    _check_ids(findings, steps)
    return steps


def _walk(findings: Findings, root: Place) -> Iterator[Place]:
    """Check and yield each step, depth first; without recursion, because a report may nest at will."""
    waiting = [root]
    while waiting:
        step = waiting.pop()
        check_step(findings, step)
        yield step
        children = list(findings.objects(step, "steps", are_steps=True))
        if children:
            check_loops(findings, children)
            waiting.extend(reversed(children))


def _check_ids(findings: Findings, steps: list[Place]) -> None:
    seen: set[int] = set()
    for step in steps:
        found = step.value.get("id")
        if isinstance(found, int):
            if found in seen:
                problem = f"is {number_text(found)} a second time: number the steps from 1"
                findings.add(step, "id", problem, fatal=False)
            seen.add(found)


def check_step(findings: Findings, step: Place) -> None:
    """One step, without those below it."""
    content = step.value
    check_fields(findings, step, _STEP)
    start = parse_moment(content.get("start"))
    if start is not None and start.tzinfo is None:
        findings.add(step, "start", "has no UTC offset: the server has to guess it", fatal=False)
    message = content.get("errorMessage")
    if isinstance(message, str) and len(message) > 200:
        problem = f"has {len(message)} characters, more than 200 may be cut: use reportText"
        findings.add(step, "errorMessage", problem, fatal=False)
    check_measurements(findings, step)
    for key, fields in (("seqCall", _SEQUENCE), ("callExe", _EXECUTABLE), ("messagePopup", _POPUP)):
        if key in content and (payload := findings.object(step, key)):
            check_fields(findings, payload, fields)
    chart = attachment = None
    if "chart" in content and (chart := findings.object(step, "chart")):
        _check_chart(findings, chart)
    if "attachment" in content and (attachment := findings.object(step, "attachment")):
        check_attachment(findings, attachment)
    if chart and attachment:
        findings.add(step, "attachment", "stands beside a chart: place it on a step of its own", fatal=False)
    if content.get("additionalResults") is not None:
        _check_additional_results(findings, step)


def check_attachment(findings: Findings, attachment: Place) -> None:
    """A file in Base64, on a step or in a repair."""
    check_fields(findings, attachment, _ATTACHMENT)
    size = decoded_size(attachment.value.get("data")) or 0
    if size > ATTACHMENT_BYTES:
        problem = f"holds {size // 1024} KB, servers may refuse more than {ATTACHMENT_BYTES // 1024} KB"
        findings.add(attachment, "data", problem, fatal=False)


def _check_chart(findings: Findings, chart: Place) -> None:
    check_fields(findings, chart, _CHART)
    for series in findings.objects(chart, "series"):
        check_fields(findings, series, _SERIES)
        xs, ys = (_points(findings, series, key) for key in ("xdata", "ydata"))
        if xs != ys:
            findings.add(series, None, f"has {xs} x values and {ys} y values: give as many of both")
        if max(xs, ys) > CHART_POINTS:
            problem = f"has {max(xs, ys)} points, {CHART_POINTS} are allowed: leave some out"
            findings.add(series, None, problem)


def _points(findings: Findings, series: Place, key: str) -> int:
    """How many numbers stand there; one that is none is a fault."""
    value = series.value.get(key)
    if not isinstance(value, str) or not value:
        return 0
    numbers = value.split(";")
    wrong = next((each for each in numbers if not _is_decimal(each)), None)
    if wrong is not None:
        findings.add(series, key, f"holds {quoted(wrong)}: give numbers with a decimal point, joined by ;")
    return len(numbers)


def _is_decimal(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return "_" not in value


def _check_additional_results(findings: Findings, step: Place) -> None:
    waiting: list[Place] = []
    for result in findings.objects(step, "additionalResults"):
        check_fields(findings, result, _RESULT)
        waiting.append(result)
    while waiting:
        group = waiting.pop()
        for prop in findings.objects(group, "props"):
            _check_property(findings, prop)
            waiting.append(prop)


def _check_property(findings: Findings, prop: Place) -> None:
    check_fields(findings, prop, Fields({"name": may(text()), "type": may(text())}))
    if array := findings.object(prop, "array"):
        check_fields(findings, array, Fields({"dimension": may(integer)}))
        for _item in findings.objects(array, "indexes"):
            continue
