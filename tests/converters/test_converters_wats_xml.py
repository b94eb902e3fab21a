"""What a step of WSXF holds beside its measurements, and how deep it may lie."""

from pathlib import Path
from typing import Any

from formats_read import UNSAID, converted

from pywats_client.converters.base import Source

SAMPLE = Path(__file__).parents[1] / "samples" / "wats_xml" / "tests_and_repair.xml"
HEAD = '<Reports xmlns="http://wats.virinco.com/schemas/WATS/Report/wsxf">'
REPORT = '<Report SN="A" PN="P" Rev="1" Result="Passed" Start="2026-01-01T00:00:00Z"><Process Code="10"/>{}</Report>'


def steps_of_sample() -> dict[str, dict[str, Any]]:
    reports, error = converted("wats_xml", Source(SAMPLE), {"process_code": 30}, **UNSAID)
    assert not error
    root = reports[0]["root"]
    return {step["name"]: step for step in [root, *root["steps"]]}


def test_a_step_keeps_all_that_it_says() -> None:
    steps = steps_of_sample()
    assert steps["Main"]["seqCall"] == {"path": "C:\\seq\\box.seq", "name": "Main", "version": "2.0"}
    assert steps["Main"]["totTime"] == 4.5
    assert steps["Warm up"] == {
        "id": 2,
        "group": "S",
        "stepType": "NI_Wait",
        "name": "Warm up",
        "status": "D",
        "totTime": 1.0,
        "start": "2026-03-01T07:30:00+01:00",
    }
    vcc = steps["Vcc"]
    assert (vcc["errorCode"], vcc["errorMessage"], vcc["causedSeqFailure"]) == (-17, "slow", True)
    assert steps["Ask"]["messagePopup"] == {"button": 1, "response": "yes"}
    assert steps["Run"]["callExe"] == {"exitCode": -1.0}


def test_a_step_holds_one_file_or_one_chart_and_the_others_follow_it() -> None:
    steps = steps_of_sample()
    held = {name: step["attachment"]["data"] for name, step in steps.items() if "attachment" in step}
    assert held == {"Vcc": "AAE=", "b.bin": "AAI=", "c.bin": "AAM=", "log.txt": "aGVsbG8="}
    assert steps["b.bin"]["attachment"]["description"] == "second"
    assert steps["Two"]["chart"]["chartType"] == "Line"


def test_steps_without_a_type_or_an_id_are_given_them() -> None:
    steps = steps_of_sample()
    assert {name: steps[name]["stepType"] for name in ("Texts", "Curves", "Several", "No number")} == {
        "Texts": "ET_MSVT",
        "Curves": "WATS_XYGMNLT",
        "Several": "ET_MNLT",
        "No number": "ET_NLT",
    }
    ids = [step["id"] for step in steps.values()]
    assert sorted(ids) == list(range(1, len(ids) + 1))


def test_steps_may_lie_in_each_other_as_deep_as_xml_may(tmp_path: Path) -> None:
    depth = 240
    file = tmp_path / "deep.xml"
    file.write_text(HEAD + REPORT.format('<Step Name="S">' * depth + "</Step>" * depth) + "</Reports>")
    reports, error = converted("wats_xml", Source(file), {}, **UNSAID)
    assert (len(reports), error) == (1, [])
