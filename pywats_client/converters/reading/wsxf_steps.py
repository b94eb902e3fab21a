"""Steps as WSXF has them, as steps of WSJF: for the format `wats_xml`."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from pywats_client.converters.reading.attributes import Field, amount, field, one_of, others, read_fields, truth
from pywats_client.converters.reading.measured import whole
from pywats_client.converters.reading.wire_steps import Wire, empty_root, judge, note, put_number, worst
from pywats_client.converters.reading.xml import Element, line_of, local
from pywats_client.errors import ConversionError
from pywats_client.wsjf import shorten
from pywats_client.wsjf.rules import parse_moment

STATUS = one_of({"passed": "P", "failed": "F", "done": "D", "skipped": "S", "error": "E", "terminated": "T"})
_GROUP = one_of({"setup": "S", "main": "M", "cleanup": "C"})
_FIRST_YEAR = 1970
_MAX_TOLD = 4000

_STEP = (
    field("id", "Id", "StepID", read=whole),
    field("group", read=_GROUP),
    field("stepType"),
    field("name"),
    field("start", "Start", "StartTime"),
    field("status", read=STATUS),
    field("totTime", "total_time", "TotTime", read=amount),
    field("causedUUTFailure", "StepCausedUUTFailure", "CausedUUTFailure", read=truth),
    field("causedSeqFailure", "StepCausedSequenceFailure", "CausedSeqFailure", read=truth),
    field("errorCode", "StepErrorCode", "ErrorCode", read=whole),
    field("errorMessage", "StepErrorMessage", "ErrorMessage"),
    field("tsGuid", "TSGuid", "StepGuid"),
)
_PLACE = (_STEP[0], field("parent", "ParentStepID", read=whole))
_NOWHERE = -1
_MEASURED = (field("name"), field("status", read=STATUS))
_NUMBER = (*_MEASURED, field("compOp", "CompOperator", "CompOp"), field("unit", "Units", "Unit"))
_NUMBERS = (field("value", "NumericValue", "Value"), field("lowLimit"), field("highLimit"))
_TEXT = (
    *_MEASURED,
    field("compOp", "CompOperator", "CompOp"),
    field("value", "StringValue", "Value"),
    field("limit", "StringLimit", "Limit"),
)
_SEQUENCE = (field("path", "Filepath"), field("name"), field("version"))
_FILE_NAME = (field("file", "Filename"),)
_EXECUTABLE = (field("exitCode", read=amount),)
_POPUP = (field("button", read=whole), field("response"))
_LOOP = (
    field("idx", "index", read=whole),
    field("num", read=whole),
    field("endingIndex", read=whole),
    field("passed", read=whole),
    field("failed", read=whole),
)
_MEASUREMENTS = {"passfail": ("booleanMeas", _MEASURED), "stringvalue": ("stringMeas", _TEXT)}
_PAYLOADS = {"callexe": ("callExe", _EXECUTABLE), "messagepopup": ("messagePopup", _POPUP), "loop": ("loop", _LOOP)}
_CHART = (field("chartType"), field("label"), field("xLabel"), field("xUnit"), field("yLabel"), field("yUnit"))
_SERIES = (field("dataType"), field("name"))
_ATTACHMENT = (field("name", "Name", "FileName"), field("contentType", "ContentType", "MimeType"), field("description"))
STEP_PARTS = frozenset(
    {*_MEASUREMENTS, *_PAYLOADS, "numericlimit", "sequencecall", "reporttext", "chart", "attachment"}
)
"""What a step holds, in lower case."""
_CHART_TYPES = ("Line", "LineLogX", "LineLogY", "LineLogXY")


def read_root(found: Sequence[Element], parts: dict[int, list[Element]]) -> Wire | None:
    """The outermost step; where there is not one alone, the steps stand in a main sequence.

    In WRML all steps stand side by side and name the one around them. What belongs to them, `parts` by the step's id,
    stands beside them; what finds its step is taken out.
    """
    outermost: list[Wire] = []
    by_id: dict[int, Wire] = {}
    for element in found:
        place = read_fields(element, _PLACE)
        step, *further = _read_step(element, parts.pop(place.get("id", _NOWHERE), ()))
        around = by_id.get(place.get("parent", _NOWHERE))
        (outermost if around is None else around.setdefault("steps", [])).extend([step, *further])
        if "id" in place:
            by_id.setdefault(place["id"], step)
    if not outermost:
        return None
    root = outermost[0]
    if "steps" in root:
        root["steps"] += outermost[1:]
        return root
    return {**empty_root(), "status": worst(outermost), "steps": outermost}


def text_of(element: Element) -> str:
    """All text in an element."""
    return "".join(str(text) for text in element.itertext())


def spelled(element: Element) -> str:
    """What an element says that has no place of its own: attributes, text, and the same of those in it."""
    said = [f"{name}={text}" for name, text in others(element, ()).items()]
    words = [*said, (element.text or "").strip(), *(f"({local(child)}: {spelled(child)})" for child in element)]
    return shorten(" ".join(filter(None, words)), _MAX_TOLD)


def read_attachment(element: Element) -> Wire:
    """A file in Base64."""
    file = {"name": "attachment", "contentType": "application/octet-stream", **read_fields(element, _ATTACHMENT)}
    return {**file, "data": "".join(text_of(element).split())}


def plain_moment(text: str, element: Element) -> str | None:
    """A time as WSJF has it; None for one that a program writes where it knows none, such as of the year 1."""
    if parse_moment(text) is None:
        try:
            text = datetime.fromisoformat(text).isoformat()
        except ValueError:
            raise ConversionError(
                f"{local(element)}: {text!r} is not a time of ISO 8601", line=line_of(element)
            ) from None
    return text if int(text[:4]) >= _FIRST_YEAR else None


def _read_step(element: Element, more: Sequence[Element] = ()) -> Iterator[Wire]:
    """A step, and those for what it holds and may not hold in WSJF: a second chart, a file beside it."""
    step: Wire = {"group": "M", **read_fields(element, _STEP)}
    if not step.get("name"):
        raise ConversionError("the step has no Name", line=line_of(element))
    if start := step.pop("start", None):
        step |= {"start": moment} if (moment := plain_moment(start, element)) else {}
    further: list[Wire] = []
    for part in (*element, *more):
        _add_part(step, part, further)
    for name, text in others(element, _STEP).items():
        note(step, f"{name}: {text}")
    step.setdefault("stepType", _kind(step))
    if step["stepType"] in ("SequenceCall", "WATS_SeqCall") or "seqCall" in step:
        step.setdefault("steps", [])
    try:
        judge(step)
    except ValueError as fault:
        raise ConversionError(str(fault), line=line_of(element)) from None
    yield step
    yield from further


def step_id(part: Element) -> int | None:
    """The step to which a part belongs that does not stand in it."""
    return read_fields(part, (field("id", "StepID", read=whole),)).get("id")


def _add_part(step: Wire, part: Element, further: list[Wire]) -> None:
    kind = local(part).lower()
    if kind == "step":
        step.setdefault("steps", []).extend(_read_step(part))
    elif kind == "sequencecall":
        step["seqCall"] = _read_sequence(part)
    elif kind == "numericlimit":
        step.setdefault("numericMeas", []).append(_read_number(step, part))
    elif kind in _MEASUREMENTS:
        key, fields = _MEASUREMENTS[kind]
        step.setdefault(key, []).append(_read(step, part, fields))
    elif kind in _PAYLOADS:
        key, fields = _PAYLOADS[kind]
        step[key] = _read(step, part, fields)
    elif kind == "reporttext":
        note(step, text_of(part))
    elif kind in ("chart", "attachment"):
        _add_chart_or_file(step, kind, part, further)
    else:
        note(step, f"{local(part)}: {spelled(part)}")


def _read(step: Wire, part: Element, fields: tuple[Field, ...]) -> Wire:
    """A part with these fields; what else it says goes to the report text."""
    for name, text in others(part, fields).items():
        note(step, f"{local(part)} {name}: {text}")
    for child in part if fields not in (_CHART, _SERIES) else ():
        note(step, f"{local(part)} {local(child)}: {spelled(child)}")
    return read_fields(part, fields)


def _add_chart_or_file(step: Wire, kind: str, part: Element, further: list[Wire]) -> None:
    """A step holds one chart, or one file; more of them stand on steps of their own behind it."""
    holder = step
    if "chart" in step or "attachment" in step:
        holder = {"group": step["group"], "status": "D", "stepType": "WATS_XYGMNLT" if kind == "chart" else "ET_A"}
        further.append(holder)
    payload = _read_chart(holder, part) if kind == "chart" else read_attachment(part)
    holder.setdefault("name", payload.get("name") or payload.get("label") or step["name"])
    holder[kind] = payload


def _read_sequence(part: Element) -> Wire:
    """The path of a sequence holds its file name, too."""
    call, file = read_fields(part, _SEQUENCE), read_fields(part, _FILE_NAME).get("file", "")
    path = call.get("path", "")
    if not path.endswith(file):
        separator = "" if not path or path[-1] in "/\\" else "\\" if "\\" in path else "/"
        call["path"] = f"{path}{separator}{file}"
    return call


def _read_number(step: Wire, part: Element) -> Wire:
    """A measurement; what is no number on the wire, such as NaN, goes to the report text."""
    measured = _read(step, part, (*_NUMBER, *_NUMBERS))
    for key in [key for key, _, _ in _NUMBERS if key in measured]:
        text = measured.pop(key)
        try:
            put_number(step, measured, key, text)
        except ValueError:
            raise ConversionError(f"NumericLimit: {key} {text!r} is not a number", line=line_of(part)) from None
    return measured


def _read_chart(step: Wire, part: Element) -> Wire:
    chart: Wire = {"chartType": "Line", "series": [], **_read(step, part, _CHART)}
    if chart["chartType"] not in _CHART_TYPES:
        note(step, f"chart type: {chart['chartType']}")
        chart["chartType"] = "Line"
    for child in part:
        if local(child) == "Series":
            points = {local(data).lower(): text_of(data).strip() for data in child}
            chart["series"].append({**_read(step, child, _SERIES), "dataType": "XYG", **points})
        else:
            note(step, f"{local(child)}: {spelled(child)}")
    return chart


def _kind(step: Wire) -> str:
    """The type of a step that does not say it, by what it holds."""
    if "steps" in step or "seqCall" in step:
        return "SequenceCall"
    if "chart" in step:
        return "WATS_XYGMNLT"
    kinds = {"numericMeas": "NLT", "stringMeas": "SVT", "booleanMeas": "PFT"}
    key = next((key for key in kinds if key in step), None)
    return f"ET_{'M' if len(step[key]) > 1 else ''}{kinds[key]}" if key else "ET_A"
