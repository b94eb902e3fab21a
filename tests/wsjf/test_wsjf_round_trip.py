"""What is read comes out as it was."""

import copy
import json
from pathlib import Path

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsjf_reports import faults, uur, uut, without_nulls

from pywats_client.wsjf import (
    CallExecutable,
    MessagePopup,
    NumericLimit,
    PassFail,
    SequenceCall,
    Step,
    StringValue,
    UurReport,
    UutReport,
    read_report,
)

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "wsjf"


def sample(name):
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"the sample {name} is not on this machine")
    return json.loads(path.read_text())


def with_step(step):
    content = uut().to_wsjf()
    content["root"]["steps"] = [{"id": 2, "group": "M", "stepType": "X", "name": "n", "status": "D"} | step]
    return content


@pytest.mark.parametrize("name", ["new_report_example.json", "uur_example.json"])
def test_a_servers_own_export_comes_out_as_it_was(name):
    content = sample(name)
    before = copy.deepcopy(content)
    written = read_report(content).to_wsjf()
    assert json.dumps(written, sort_keys=True) == json.dumps(without_nulls(content), sort_keys=True)
    assert content == before, "reading changes nothing"


def test_a_servers_export_has_no_fault_but_its_loops():
    found = faults(sample("new_report_example.json"))
    fatal = {path for path, fault in found.items() if fault.fatal and "loop" not in fault.message}
    assert not fatal


def test_a_servers_exported_repair_would_be_accepted():
    assert not any(fault.fatal for fault in faults(sample("uur_example.json")).values())


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (
            {
                "stepType": "WATS_SeqCall",
                "steps": [{"id": 3, "name": "x", "group": "S", "stepType": "Y", "status": "P"}],
            },
            SequenceCall,
        ),
        ({"stepType": "NumericLimitTest", "numericMeas": [{"compOp": "LOG", "status": "P", "value": 1}]}, NumericLimit),
        ({"stepType": "ET_MNLT", "numericMeas": [{"compOp": "LOG", "status": "P", "value": "NaN"}]}, NumericLimit),
        ({"stepType": "PassFailTest", "booleanMeas": [{"status": "P", "more": [1, {"a": 2}]}]}, PassFail),
        ({"stepType": "StringValueTest", "stringMeas": [{"compOp": "IgnoreCase", "status": "P"}]}, StringValue),
        ({"stepType": "MessagePopup", "messagePopup": {"button": "2", "response": "r"}}, MessagePopup),
        ({"stepType": "CallExecutable", "callExe": {"exitCode": 1.5, "exitCodeFormat": "%d"}}, CallExecutable),
        ({"stepType": "Newest", "payload": {"deep": [{"x": 1}]}, "numericMeas": [{"status": "P"}]}, Step),
        ({"start": "2026-01-30T22:01:41.4707353+01:00", "totTimeFormat": "%.3f"}, Step),
        ({"loop": {"idx": 0}, "tsGuid": "ID#:x", "causedSeqFailure": False}, Step),
        ({"loop": {"i": 0, "n": 2}}, Step),
        (
            {"stepType": "NI_Wait", "steps": [{"id": 3, "name": "x", "group": "S", "stepType": "Y", "status": "P"}]},
            SequenceCall,
        ),
        ({"attachment": {"name": "a", "contentType": "b", "data": "AA==", "size": 1}}, Step),
        ({"chart": {"chartType": "Line", "series": [{"dataType": "XYG", "xdata": "1", "ydata": "2"}]}}, Step),
        (
            {
                "additionalResults": [
                    {
                        "name": "r",
                        "props": [
                            {
                                "name": "p",
                                "type": "Number",
                                "flags": 1,
                                "value": "3",
                                "numFormat": "%g",
                                "props": [{"name": "inner"}],
                                "array": {
                                    "dimension": 1,
                                    "type": "Number",
                                    "indexes": [{"text": "[0]", "indexes": [0], "value": "1"}],
                                },
                            }
                        ],
                    }
                ]
            },
            Step,
        ),
    ],
)
def test_every_kind_of_step_is_known_or_kept(step, kind):
    content = with_step(step)
    report = read_report(content)
    assert isinstance(report, UutReport)
    assert type(report.root.steps[0]) is kind
    assert report.to_wsjf() == content


def test_unknown_keys_are_kept_everywhere():
    content = uut().to_wsjf() | {"future": {"a": [None]}, "subUnits": []}
    content["uut"]["future"] = 1
    content["root"]["seqCall"]["future"] = 2
    assert read_report(content).to_wsjf() == content


def test_null_is_left_out_in_unknown_content_too():
    read = read_report(with_step({"payload": {"a": None, "b": {"c": None}}, "reportText": None}))
    step = read.to_wsjf()["root"]["steps"][0]
    assert step["payload"] == {"b": {}}
    assert "reportText" not in step


def test_steps_that_have_an_id_keep_it_and_new_ones_go_on():
    content = with_step({"id": 17})
    report = read_report(content)
    assert isinstance(report, UutReport)
    report.action("new")
    assert [step["id"] for step in report.to_wsjf()["root"]["steps"]] == [17, 18]


def test_a_repair_comes_out_as_it_was():
    report = uur(test_report_id="x", comment="c")
    report.failure("Component", "Burned", component="U1", comment="hot")
    report.attach("a.txt", b"1", "text/plain", failure_index=0)
    content = report.to_wsjf()
    read = read_report(content)
    assert isinstance(read, UurReport)
    assert read.main_unit.failures[0].component == "U1"
    assert read.to_wsjf() == content


@pytest.mark.parametrize(
    "content", [{}, [], None, 5, {"type": "X"}, {"type": "T", "uut": 5}, {"type": "R", "uur": [1]}]
)
def test_what_is_no_report_is_refused(content):
    with pytest.raises(pydantic.ValidationError):
        read_report(content)


values = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
keys = st.text(min_size=1).map(lambda key: "zz" + key)


@given(st.dictionaries(keys, values, max_size=4), st.text(), st.lists(st.sampled_from("PFDSET"), max_size=4))
def test_unknown_content_of_any_shape_survives(unknown, step_type, statuses):
    content = with_step(unknown | {"stepType": "Z" + step_type}) | unknown
    content["root"]["steps"] += [
        {"id": number, "group": "C", "stepType": "ET_PFT", "name": "p", "status": status, **unknown}
        for number, status in enumerate(statuses, 3)
    ]
    assert read_report(content).to_wsjf() == content
