"""What the check finds: each fault with a report that is good but for it."""

import json
import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsjf_reports import NOW, START, faults, uur, uut

from pywats_client.wsjf import check


def good():
    report = uut(execution_time=1)
    report.numeric("Vcc", 3.3, low=3.2, high=3.4, unit="V")
    rails = report.multi_numeric("Rails")
    rails.add("5V", 5, low=4)
    rails.add("3V3", 3.3, low=4, status="P")
    rails.numeric_measurements[1].low_limit = 3
    report.passed("Button", True)
    report.text("Version", "1.2", expected="1.2")
    report.chart("Curve", x_label="x", y_label="y", series=[("s", [1, 2], [3, 4])])
    report.attach("a.txt", b"hello", "text/plain")
    report.sequence("Empty")
    report.misc("Lot", "7")
    report.sub_unit("Board", "SN-2", "PN-2")
    report.asset("Fixture-1")
    return report.to_wsjf()


def repair():
    report = uur()
    report.failure("Component", "Burned")
    part = report.sub_unit("Board", "SN-2", "PN-2")
    part.failure("Solder", "Bridge")
    report.attach("a.txt", b"hello", "text/plain", failure_index=0)
    return report.to_wsjf()


def put(report, path, value):
    """Place a value under a path such as root.steps[0].name; ... removes what stands there."""
    *way, last = path.replace("[", ".[").split(".")
    at = report
    for key in way:
        at = at[int(key[1:-1])] if key.startswith("[") else at[key]
    last = int(last[1:-1]) if last.startswith("[") else last
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return report


STEP = "root.steps[0]"
NUMBER = f"{STEP}.numericMeas[0]"
RAILS = "root.steps[1]"
BUTTON = "root.steps[2]"
VERSION = "root.steps[3].stringMeas[0]"
CURVE = "root.steps[4].chart"
FILE = "root.steps[5].attachment"

FATAL = [
    ("id", ..., "id is missing"),
    ("id", "7", "give a GUID"),
    ("type", "X", "use one of T, R"),
    ("pn", ..., "pn is missing"),
    ("pn", " ", "pn is empty"),
    ("sn", 5, "must be text, not a number"),
    ("sn", "x" * 101, "has 101 characters, 100 are allowed: shorten it"),
    ("rev", None, "rev is missing"),
    ("processCode", ..., "processCode is missing"),
    ("processCode", "50", "must be a whole number"),
    ("processCode", 10**100, "beyond what a whole number"),
    ("processCode", True, "must be a whole number"),
    ("result", "D", "use one of P, F, E, T"),
    ("result", ["P"], "use one of"),
    ("machineName", "", "machineName is empty"),
    ("location", ..., "location is missing"),
    ("purpose", "x" * 101, "100 are allowed"),
    ("start", ..., "start is missing"),
    ("start", "2026-01-30 10:49", "ISO 8601"),
    ("start", "2026-13-30T10:49:36Z", "ISO 8601"),
    ("start", "2026-01-30T10:49:36.12345678Z", "ISO 8601"),
    ("start", "2026-01-30T10:49:36", "no UTC offset"),
    ("start", "1969-12-31T23:59:59Z", "before 1970"),
    ("start", "2026-02-01T00:05:01Z", "in the future"),
    ("startUTC", "2026-01-30T10:49:38Z", "not the same instant"),
    ("root", ..., "root is missing"),
    ("root", [], "must be an object, not an array"),
    ("uut", ..., "uut is missing"),
    ("uut.user", ..., "uut.user is missing"),
    ("uut.comment", "x" * 5001, "5000 are allowed"),
    ("uut.testSocketIndex", 1.5, "must be a whole number"),
    ("root.stepType", "ET_A", "the outermost step is a SequenceCall"),
    ("root.seqCall", ..., "the outermost step names its sequence"),
    ("root.seqCall.path", "x" * 501, "500 are allowed"),
    ("root.seqCall.version", "x" * 31, "30 are allowed"),
    ("root.steps", {}, "must be an array, not an object"),
    ("root.steps[0]", 5, "must be an object, not a number"),
    (f"{STEP}.id", ..., "id is missing"),
    (f"{STEP}.group", "X", "use one of S, M, C"),
    (f"{STEP}.stepType", ..., "stepType is missing"),
    (f"{STEP}.name", "", "name is empty"),
    (f"{STEP}.name", "x" * 101, "100 are allowed"),
    (f"{STEP}.status", "X", "use one of P, F, D, S, E, T"),
    (f"{STEP}.start", "yesterday", "ISO 8601"),
    (f"{STEP}.totTime", "1", "must be a number"),
    (f"{STEP}.totTime", 10**400, "beyond what a number"),
    (f"{STEP}.causedUUTFailure", 1, "must be true or false"),
    (f"{STEP}.numericMeas", ..., "holds one measurement"),
    (f"{NUMBER}.compOp", ..., "compOp is missing"),
    (f"{NUMBER}.compOp", "BETWEEN", "use one of LOG, EQ"),
    (f"{NUMBER}.status", ..., "status is missing"),
    (f"{NUMBER}.value", "3.3", "must be a number"),
    (f"{NUMBER}.value", math.nan, "JSON cannot write"),
    (f"{NUMBER}.lowLimit", -math.inf, "JSON cannot write"),
    (f"{NUMBER}.lowLimit", ..., "operator GELE needs it"),
    (f"{NUMBER}.highLimit", ..., "operator GELE needs it"),
    (f"{RAILS}.numericMeas[1].name", "5V", 'is "5V" a second time'),
    (f"{RAILS}.numericMeas[1].name", ..., "each measurement of a multiple test has a name"),
    (f"{BUTTON}.status", "D", "but that of its measurement is P"),
    (f"{VERSION}.compOp", "SIMILAR", "use one of LOG, CASESENSIT, IGNORECASE"),
    (f"{VERSION}.limit", ..., "operator CASESENSIT compares with it"),
    (f"{CURVE}.chartType", "Pie", "use one of Line"),
    (f"{CURVE}.series[0].dataType", "XY", "use one of XYG"),
    (f"{CURVE}.series[0].ydata", "3;x", 'holds "x"'),
    (f"{CURVE}.series[0].xdata", "1,5;2", 'holds "1,5"'),
    (f"{FILE}.data", "?", "not valid Base64"),
    (f"{FILE}.data", ..., "data is missing"),
    (f"{FILE}.name", "x" * 257, "256 are allowed"),
    ("miscInfos[0].description", ..., "description is missing"),
    ("miscInfos[0].text", ..., "a misc info has a text or a number"),
    ("miscInfos[0].text", "x" * 101, "100 are allowed"),
    ("subUnits[0].partType", "x" * 51, "50 are allowed"),
    ("subUnits[0].pn", ..., "pn is missing"),
    ("assets[0].sn", ..., "sn is missing"),
    ("assets[0].usageCount", "1", "must be a whole number"),
    (f"{STEP}.reportText", "a\x00b", "holds the character U+0000"),
    (f"{STEP}.reportText", "\ud800", "holds the character U+D800"),
    ("future", {"deep": ["\uffff"]}, "holds the character U+FFFF"),
    (f"{STEP}.callExe", {"exitCode": "1"}, "must be a number"),
    (f"{STEP}.messagePopup", [], "must be an object"),
    (f"{STEP}.additionalResults", [{"name": "x" * 201}], "200 are allowed"),
    (f"{STEP}.additionalResults", [{"props": [{"props": [5]}]}], "must be an object"),
    (f"{STEP}.additionalResults", [{"props": [{"array": {"dimension": "1"}}]}], "must be a whole number"),
    (f"{STEP}.additionalResults", [{"props": [{"array": {"indexes": [1]}}]}], "must be an object"),
]

WORTH_A_LOOK = [
    ("rev", "", "rev is empty"),
    ("location", "", "location is empty"),
    ("sn", "A/1", "holds /"),
    ("pn", "A*", "holds *"),
    ("startUTC", ..., "startUTC is missing"),
    ("startUTC", "2026-01-30T10:49:36.919", "end it in Z"),
    ("origin", "x", "output of the server"),
    ("additionalData", [1], "output of the server"),
    ("binaryData", [{}], "belongs to repairs only"),
    ("result", "F", "is F, but no step failed"),
    ("root.steps[6].status", "E", 'is P, but step "Empty" has status E'),
    ("root.totTime", ..., "totTime is missing"),
    ("root.group", "S", "belongs to M"),
    ("uut.execTime", ..., "execTime is missing"),
    ("uut.comment", "x" * 1001, "more than 1000 may be cut"),
    ("uut.referencedByUURs", [], "output of the server"),
    ("subUnits[0].rev", ..., "give it, empty if unknown"),
    (f"{STEP}.id", 1, "is 1 a second time"),
    (f"{STEP}.start", "2026-01-30T10:49:36", "no UTC offset"),
    (f"{STEP}.errorMessage", "x" * 201, "more than 200"),
    (f"{STEP}.status", "F", "but that of its measurement is P"),
    (f"{NUMBER}.status", "F", "value and limits say P"),
    (f"{NUMBER}.value", 9, "value and limits say F"),
    (f"{NUMBER}.value", ..., "yet the measurement passed"),
    (f"{NUMBER}.value", "NaN", "is the text NaN"),
    (f"{NUMBER}.lowLimit", 3.5, "is above highLimit"),
    (f"{NUMBER}.compOp", "GE", "is not looked at by operator GE"),
    (f"{NUMBER}.compOp", "LOG", "is not looked at by operator LOG"),
    (f"{RAILS}.status", "F", "all its measurements are P"),
    (f"{RAILS}.numericMeas[0].status", "F", "one of its measurements is F"),
    (f"{RAILS}.numericMeas", [], "has measured something"),
    (f"{VERSION}.compOp", "GT", "which no server is known to have"),
    (f"{VERSION}.value", "x", "value and limits say F"),
    (f"{FILE}.data", "AAAA" * 40000, "holds 117 KB"),
    (f"{STEP}.messagePopup", {"button": "1"}, "must be a number"),
    ("root.steps[4].attachment", {"name": "a", "data": "AA=="}, "stands beside a chart"),
]

REPAIR = [
    ("uur", ..., "uur is missing", True),
    ("uur.user", ..., "user is missing", True),
    ("uur.processCode", ..., "processCode is missing", False),
    ("uur.refUUT", "x", "give a GUID", True),
    ("uur.confirmDate", "x", "ISO 8601", True),
    ("subUnits", ..., "lists its main unit", True),
    ("subUnits", [], "lists its main unit", True),
    ("subUnits[0].idx", 7, "holds no main unit", True),
    ("subUnits[1].idx", ..., "idx is missing", True),
    ("subUnits[1].parentIdx", 9, "is the idx of no unit", False),
    ("subUnits[0].failures[0].category", ..., "category is missing", True),
    ("subUnits[1].failures[0].code", "", "code is empty", True),
    ("subUnits[0].failures[0].refStepName", "x", "may be refused", False),
    ("subUnits[0].failures", [5], "must be an object", True),
    ("binaryData[0].data", "?", "not valid Base64", True),
    ("binaryData[0].failIdx", "1", "must be a whole number", True),
]


def expect(report, words, *, fatal):
    found = check(report, now=NOW)
    said = [fault for fault in found if words in fault.message]
    assert said, found
    assert said[0].fatal is fatal
    return said[0]


def test_a_good_report_has_no_fault():
    assert check(good(), now=NOW) == []


def test_a_good_repair_has_no_fault():
    assert check(repair(), now=NOW) == []


@pytest.mark.parametrize(("path", "value", "words"), FATAL)
def test_what_a_server_refuses_is_fatal(path, value, words):
    expect(put(good(), path, value), words, fatal=True)


@pytest.mark.parametrize(("path", "value", "words"), WORTH_A_LOOK)
def test_what_is_only_odd_is_not_fatal(path, value, words):
    expect(put(good(), path, value), words, fatal=False)


@pytest.mark.parametrize(("path", "value", "words", "fatal"), REPAIR)
def test_a_repair_has_rules_of_its_own(path, value, words, fatal):
    expect(put(repair(), path, value), words, fatal=fatal)


def test_a_fault_says_where_it_is_and_in_which_step():
    fault = expect(put(good(), f"{NUMBER}.lowLimit", ...), "lowLimit", fatal=True)
    assert fault.path == "root.steps[0].numericMeas[0].lowLimit"
    assert fault.message == (
        'step "Vcc": numericMeas[0].lowLimit is missing: operator GELE needs it; give it, or choose another operator'
    )


def test_a_character_deep_in_a_step_is_reported_with_the_steps_name():
    fault = expect(put(good(), f"{VERSION}.value", "\x07"), "U+0007", fatal=True)
    assert fault.message.startswith('step "Version": stringMeas[0].value holds')


def test_a_single_test_with_two_measurements_is_refused():
    report = good()
    step = report["root"]["steps"][0]
    step["numericMeas"] *= 2
    expect(report, "a single test holds one", fatal=True)


def test_a_skipped_single_test_needs_no_measurement():
    report = put(good(), f"{STEP}.numericMeas", ...)
    report["root"]["steps"][0]["status"] = "S"
    assert check(report, now=NOW) == []


def test_the_limit_of_le_in_the_high_place_is_refused_with_the_cure():
    report = good()
    report["root"]["steps"][0]["numericMeas"][0] = {"compOp": "LE", "status": "P", "value": 1, "highLimit": 2}
    expect(report, "move it there from highLimit", fatal=True)


def test_a_series_of_unequal_counts_or_too_many_points_is_refused():
    expect(put(good(), f"{CURVE}.series[0].xdata", "1"), "has 1 x values and 2 y values", fatal=True)
    report = put(good(), f"{CURVE}.series[0].xdata", ";".join(["1"] * 10_001))
    put(report, f"{CURVE}.series[0].ydata", ";".join(["1"] * 10_001))
    expect(report, "has 10001 points, 10000 are allowed", fatal=True)


def test_a_clock_that_is_a_little_fast_is_no_fault():
    assert not faults(uut(start=NOW + timedelta(minutes=5)).to_wsjf())


def test_string_operators_are_known_in_any_case():
    assert check(put(good(), f"{VERSION}.compOp", "IgnoreCase"), now=NOW) == []


@pytest.mark.parametrize("report", [None, [], 5, "x", True])
def test_what_is_no_object_is_one_fault(report):
    (fault,) = check(report)
    assert fault.fatal
    assert "must be a JSON object" in fault.message


def test_steps_nested_without_end_are_walked():
    report = good()
    step = report["root"]
    for number in range(100, 5000):
        child = {"id": number, "group": "M", "stepType": "SequenceCall", "name": "n", "status": "P"}
        step["steps"] = [child]
        step = child
    step["status"] = "X"
    (fault,) = check(report, now=NOW)
    assert "use one of P, F" in fault.message


def test_sentences_can_be_printed_whatever_the_names():
    report = put(good(), f"{STEP}.name", "\ud800\n" + "x" * 500)
    for fault in check(put(report, "\ud800", "\x00"), now=NOW):
        fault.message.encode()
        fault.path.encode()
        assert fault.message.isprintable()


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([10**400, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
)
anything = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@pytest.mark.parametrize("path", ["processCode", "result", f"{STEP}.id", f"{STEP}.loop", f"{NUMBER}.value"])
def test_a_number_too_long_to_spell_out_is_a_fault_like_any_other(path):
    number = 10**5000
    value = {"num": number, "endingIndex": number} if path.endswith("loop") else number
    assert any(
        "very large number" in fault.message or "beyond" in fault.message for fault in check(put(good(), path, value))
    )


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_first_and_the_last_moments_do_not_overflow(moment):
    assert check(put(put(good(), "start", moment), "startUTC", moment), now=NOW)


@given(anything)
def test_any_json_gives_a_list(report):
    assert isinstance(check(report), list)


def every_path(value, path=""):
    if isinstance(value, dict):
        for key, item in value.items():
            below = f"{path}.{key}".lstrip(".")
            yield below
            yield from every_path(item, below)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield f"{path}[{index}]"
            yield from every_path(item, f"{path}[{index}]")


def looped():
    report = good()
    step = report["root"]["steps"][0]
    summary = step | {"loop": {"num": 1, "endingIndex": 0, "passed": 1, "failed": 0}}
    report["root"]["steps"][0:1] = [summary, step | {"loop": {"idx": 0}}]
    return report


def test_a_step_that_is_a_list_with_a_forbidden_character_is_a_fault_like_any_other():
    report = uut().to_wsjf()
    report["root"]["steps"] = [["\x1f"]]
    assert {fault.path for fault in check(report)} >= {"root.steps[0]", "root.steps[0][0]"}


@given(st.data())
def test_a_report_with_anything_anywhere_gives_a_list(data):
    report = json.loads(json.dumps(data.draw(st.sampled_from([good(), repair(), looped()]))))
    path = data.draw(st.sampled_from(sorted(every_path(report))))
    faults_found = check(put(report, path, data.draw(anything)), now=START)
    assert isinstance(faults_found, list)


@pytest.mark.parametrize("value", ["\x00", "\b", "\f", "\x7f", "\ufffe", "a\nb", "C:\\temp", "\xa0", "µ Ω", "plain"])
def test_the_check_says_the_same_with_the_reports_text_at_hand(value):
    report = put(good(), f"{STEP}.reportText", value)
    text = json.dumps(report, ensure_ascii=False, allow_nan=False)
    assert check(report, now=NOW, text=text) == check(report, now=NOW)
