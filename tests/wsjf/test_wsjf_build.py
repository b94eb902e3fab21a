"""The short way for converter authors: what they write, and what goes on the wire."""

import base64
import json
import math
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsjf_reports import START, faults, uut

from pywats_client.wsjf import CompOp, SequenceCall, Step, UutReport, read_report, shorten


def steps(report):
    return report.to_wsjf()["root"]["steps"]


def test_a_number_between_its_limits_passes():
    report = uut()
    report.numeric("Vcc", 3.31, low=3.2, high=3.4, unit="V")
    assert steps(report) == [
        {
            "id": 2,
            "group": "M",
            "stepType": "ET_NLT",
            "name": "Vcc",
            "status": "P",
            "numericMeas": [
                {
                    "compOp": "GELE",
                    "status": "P",
                    "unit": "V",
                    "value": 3.31,
                    "highLimit": 3.4,
                    "lowLimit": 3.2,
                }
            ],
        }
    ]
    assert report.result == "P"


def test_the_header_stands_where_the_format_has_it():
    start = datetime(2026, 1, 30, 11, 49, 36, tzinfo=timezone(timedelta(hours=1)))
    content = uut(start=start, execution_time=12.5, comment="ok").to_wsjf()
    assert content["root"].pop("steps") == []
    assert content == {
        "type": "T",
        "id": "7b234dbc-3d06-4738-b176-c6d995dacb66",
        "pn": "PN-1",
        "sn": "SN-1",
        "rev": "A",
        "processCode": 10,
        "result": "P",
        "machineName": "ICT-1",
        "location": "Oslo",
        "purpose": "Test",
        "start": "2026-01-30T11:49:36+01:00",
        "startUTC": "2026-01-30T10:49:36Z",
        "uut": {"user": "ann", "execTime": 12.5, "comment": "ok"},
        "root": {
            "id": 1,
            "group": "M",
            "stepType": "SequenceCall",
            "name": "MainSequence Callback",
            "status": "P",
            "totTime": 12.5,
            "seqCall": {
                "path": "MainSequence Callback",
                "name": "MainSequence Callback",
                "version": "1.0",
            },
        },
    }


def test_what_the_station_fills_in_may_be_left_empty():
    content = UutReport(part_number="P", serial_number="S", start=START).to_wsjf()
    assert not {"id", "machineName", "location", "purpose", "processCode"} & content.keys()
    assert content["uut"] == {"user": "", "execTime": 0.0}


def test_the_sequence_has_a_name_and_a_version():
    report = uut()
    report.sequence_name, report.sequence_version = "Final", "2.1"
    assert report.to_wsjf()["root"]["seqCall"] == {"path": "Final", "name": "Final", "version": "2.1"}
    assert (report.sequence_name, report.sequence_version) == ("Final", "2.1")


def test_a_start_without_offset_is_refused_with_the_cure():
    with pytest.raises(pydantic.ValidationError, match="astimezone"):
        uut(start=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_misspelt_field_is_refused_with_the_right_one():
    with pytest.raises(pydantic.ValidationError, match="no field opertor; did you mean operator"):
        uut(opertor="ann")


def test_a_misspelt_argument_of_a_step_is_refused():
    with pytest.raises(TypeError, match="step 'Vcc': no step has a field units"):
        uut().numeric("Vcc", 1, units="V")


def test_only_a_high_limit_is_le_with_the_limit_in_the_low_place():
    measurement = uut().numeric("I", 5, high=4).numeric_measurements[0]
    assert (measurement.comp_op, measurement.low_limit, measurement.high_limit) == ("LE", 4, None)
    assert measurement.status == "F"


def test_a_number_without_limits_is_recorded():
    assert uut().numeric("T", 21).numeric_measurements[0].comp_op == "LOG"


def test_an_operator_can_be_chosen():
    report = uut()
    assert report.numeric("v", 3, low=3, high=4, op=CompOp.GTLT).status == "F"
    assert report.numeric("v", 3, low=3, op="EQ").status == "P"


def test_an_operator_that_does_not_fit_names_the_step():
    with pytest.raises(ValueError, match="step 'Vcc': operator GELE takes 2 limits, 1 given"):
        uut().numeric("Vcc", 3, low=1, op=CompOp.GELE)


@pytest.mark.parametrize(
    "add",
    [
        lambda report: report.numeric("x", 9, low=1, high=2, status="P"),
        lambda report: report.passed("x", False, status="P"),
        lambda report: report.text("x", "a", expected="b", status="P"),
    ],
)
def test_the_files_own_verdict_wins(add):
    report = uut()
    step = add(report).to_wire()
    (measurement,) = next(value for key, value in step.items() if key.endswith("Meas"))
    assert (step["status"], measurement["status"], report.result) == ("P", "P", "P")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_without_a_json_form_fails_and_is_kept_as_text(value):
    report = uut()
    step = report.numeric("x", value, low=1, report_text="first line")
    assert step.report_text == f"first line\nvalue: {value}"
    assert report.result == "F"
    assert "value" not in step.to_wire()["numericMeas"][0]
    assert not any(fault.fatal for fault in faults(report.to_wsjf()).values())


def test_several_numbers_make_one_step():
    report = uut()
    rails = report.multi_numeric("Rails", total_time=0.2)
    rails.add("5V", 5.01, low=4.9, high=5.1, unit="V")
    rails.add("3V3", 3.6, high=3.4, unit="V")
    step = steps(report)[0]
    assert (step["stepType"], step["status"], step["totTime"]) == ("ET_MNLT", "F", 0.2)
    assert [(item["name"], item["status"]) for item in step["numericMeas"]] == [("5V", "P"), ("3V3", "F")]
    assert report.result == "F"


def test_verdicts_and_texts_single_and_several():
    report = uut()
    report.passed("Button", True)
    keys = report.multi_passed("Keys")
    keys.add("A", True)
    keys.add("B", False)
    report.text("Version", "V1", expected="v1", ignore_case=True)
    report.text("Note", "anything")
    versions = report.multi_text("Versions")
    versions.add("boot", "1", expected="1")
    versions.add("app", "2", expected="3")
    found = [(step["stepType"], step["status"]) for step in steps(report)]
    assert found == [
        ("ET_PFT", "P"),
        ("ET_MPFT", "F"),
        ("ET_SVT", "P"),
        ("ET_SVT", "P"),
        ("ET_MSVT", "F"),
    ]
    assert steps(report)[2]["stringMeas"] == [{"compOp": "IGNORECASE", "status": "P", "value": "V1", "limit": "v1"}]
    assert steps(report)[3]["stringMeas"] == [{"compOp": "LOG", "status": "P", "value": "anything"}]
    assert steps(report)[1]["booleanMeas"][1] == {"name": "B", "status": "F"}


def test_steps_without_a_measurement():
    report = uut()
    report.action("Power on", start=START, error_message="none")
    report.call_executable("flash.exe", 0)
    report.popup("Is it lit?", button=1, response="yes")
    action, executable, popup = steps(report)
    assert (action["stepType"], action["status"]) == ("ET_A", "D")
    assert (action["start"], action["errorMessage"]) == ("2026-01-30T10:49:36.919000+00:00", "none")
    assert executable["callExe"] == {"exitCode": 0}
    assert popup["messagePopup"] == {"response": "yes", "button": 1}


def test_a_chart_may_have_numbers_beside_it():
    report = uut()
    chart = report.chart(
        "Response",
        x_label="f",
        x_unit="Hz",
        y_label="a",
        y_unit="dB",
        chart_type="LineLogX",
        series=[("left", [1, 2.5], [3, 4]), ("right", [1, 2, 3], [1, math.nan, 3])],
    )
    chart.add("peak", 4, high=5)
    step = steps(report)[0]
    assert step["stepType"] == "WATS_XYGMNLT"
    assert step["chart"]["chartType"] == "LineLogX"
    assert step["chart"]["label"] == "Response"
    assert step["chart"]["series"] == [
        {"dataType": "XYG", "name": "left", "xdata": "1;2.5", "ydata": "3;4"},
        {"dataType": "XYG", "name": "right", "xdata": "1;3", "ydata": "1;3"},
    ]
    assert step["reportText"] == "right: 1 points are NaN or infinite, and left out"
    assert step["numericMeas"][0]["name"] == "peak"
    assert not faults(report.to_wsjf())


def test_a_series_with_unequal_counts_is_refused():
    with pytest.raises(ValueError, match="series 'a' has 1 x values and 2 y values"):
        uut().chart("c", x_label="x", y_label="y", series=[("a", [1], [1, 2])])


def test_a_file_goes_on_a_step_of_its_own_or_on_a_given_one():
    report = uut()
    report.attach("a.txt", b"hello", "text/plain", description="log")
    camera = report.passed("Camera", True)
    report.attach("b.png", b"\x00", "image/png", step=camera)
    own, given_one = steps(report)
    assert (own["name"], own["stepType"]) == ("a.txt", "ET_A")
    assert own["attachment"] == {
        "name": "a.txt",
        "contentType": "text/plain",
        "data": base64.b64encode(b"hello").decode(),
        "description": "log",
    }
    assert given_one["attachment"]["name"] == "b.png"
    with pytest.raises(ValueError, match="already has a file or a chart"):
        report.attach("c.png", b"", step=camera)


def test_ids_count_depth_first_from_one_even_when_steps_come_later():
    report = uut()
    with report.sequence("Power", group="S") as power:
        power.action("on")
        inner = power.sequence("Inner")
        inner.action("deep")
    report.action("last")
    assert report.to_wsjf()["root"]["steps"][-1]["id"] == 6
    power.action("late")
    found = {}

    def collect(step):
        found[step["name"]] = step["id"]
        for child in step.get("steps", []):
            collect(child)

    collect(report.to_wsjf()["root"])
    assert found == {
        "MainSequence Callback": 1,
        "Power": 2,
        "on": 3,
        "Inner": 4,
        "deep": 5,
        "late": 6,
        "last": 7,
    }


@pytest.mark.parametrize("status", ["F", "E", "T"])
def test_a_failure_reaches_every_enclosing_sequence_and_the_result(status):
    report = uut()
    outer = report.sequence("outer")
    inner = outer.sequence("inner")
    sibling = report.sequence("sibling")
    inner.action("x", status=status)
    found = [inner.status, outer.status, report.root.status, report.result, sibling.status]
    assert found == [status] * 4 + ["P"]


@pytest.mark.parametrize(
    ("statuses", "result"),
    [
        ("PDS", "P"),
        ("FP", "F"),
        ("FE", "E"),
        ("FT", "T"),
        ("EF", "E"),
        ("ET", "E"),
        ("TE", "T"),
    ],
)
def test_the_worst_verdict_counts_and_of_error_and_termination_the_first(statuses, result):
    report = uut()
    for status in statuses:
        report.action("x", status=status)
    assert (report.root.status, report.result) == (result, result)


def test_a_failing_sequence_that_was_built_alone_fails_the_report_it_is_added_to():
    alone = SequenceCall(name="alone", steps=[])
    alone.passed("x", False)
    report = uut()
    report.add(alone)
    assert report.result == "F"


def test_a_step_made_worse_later_fails_the_report_also_in_one_that_was_read():
    report = uut()
    report.sequence("s").action("x")
    report = read_report(report.to_wsjf())
    assert isinstance(report, UutReport)
    sequence = report.root.steps[0]
    assert isinstance(sequence, SequenceCall)
    sequence.steps[0].worsen("F")
    assert (sequence.status, report.result) == ("F", "F")


def test_the_result_that_the_file_states_last_stands():
    report = uut()
    report.passed("x", False)
    report.result = "P"
    assert report.to_wsjf()["result"] == "P"


def test_facts_parts_and_assets_stand_beside_the_steps():
    report = uut()
    report.misc("Lot", 42)
    report.sub_unit("Board", "SN-2", "PN-2", revision="B")
    report.asset("Fixture-1", usage_count=2)
    content = report.to_wsjf()
    assert content["miscInfos"] == [{"description": "Lot", "text": "42"}]
    assert content["subUnits"] == [{"partType": "Board", "pn": "PN-2", "rev": "B", "sn": "SN-2"}]
    assert content["assets"] == [{"sn": "Fixture-1", "usageCount": 2}]


def test_lists_that_were_never_filled_are_left_out():
    assert not {"miscInfos", "subUnits", "assets"} & uut().to_wsjf().keys()


def test_any_step_type_can_be_added():
    report = uut()
    report.add(Step(step_type="NI_Wait", name="wait"))
    assert steps(report)[0]["stepType"] == "NI_Wait"


def test_text_is_shortened_only_on_demand_and_shows_it():
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"
    report = uut()
    report.misc("d", "x" * 101)
    assert faults(report.to_wsjf())["miscInfos[0].text"].fatal


def test_equal_steps_are_equal_wherever_they_stand():
    one, other = uut(), uut()
    assert one.sequence("s").action("x") == other.action("x")
    assert one.action("x") != other.action("y")


def test_checking_loads_no_models():
    code = "import sys, pywats_client.wsjf as w; w.check({}); sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_building_loads_pydantic_and_nothing_else_from_outside():
    code = "import sys; from pywats_client.wsjf import UutReport; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in found.stdout.split()}
    assert not {"trio", "httpx", "typer", "watchfiles", "cryptography", "platformdirs"} & loaded


finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=100)


@given(st.lists(st.tuples(names, st.floats(), st.none() | finite, st.none() | finite)))
def test_whatever_numbers_are_built_no_server_refuses_and_the_result_agrees(rows):
    report = uut()
    for name, value, low, high in rows:
        report.numeric(name, value, low=low, high=high)
    content = report.to_wsjf()
    json.dumps(content, allow_nan=False)
    assert not [fault for fault in faults(content).values() if fault.fatal]
    failed = any(step["status"] == "F" for step in content["root"]["steps"])
    assert (content["result"] == "F") is failed
