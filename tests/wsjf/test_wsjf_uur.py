"""Repairs: what an author writes, and what goes on the wire."""

import base64

from wsjf_reports import ID, START, faults, uur


def test_a_repair_starts_with_its_main_unit():
    content = uur(test_report_id=ID, comment="done", confirm_date=START).to_wsjf()
    assert content["subUnits"] == [{"partType": "Main", "pn": "PN-1", "rev": "A", "sn": "SN-1", "idx": 0}]
    assert content["uur"] == {
        "user": "ann",
        "comment": "done",
        "processCode": 10,
        "refUUT": ID,
        "confirmDate": "2026-01-30T10:49:36.919000+00:00",
    }
    assert (content["type"], content["processCode"], content["startUTC"]) == (
        "R",
        500,
        "2026-01-30T10:49:36.919000Z",
    )
    assert "root" not in content
    assert not faults(content)


def test_a_failure_belongs_to_the_unit_or_to_a_part_of_it():
    report = uur()
    report.failure("Component", "Burned", comment="hot", component="U1", function_block="PSU", step_id=3)
    part = report.sub_unit("Board", "SN-2", "PN-2", revision="B")
    part.failure("Solder", "Bridge")
    main, board = report.to_wsjf()["subUnits"]
    assert main["failures"] == [
        {
            "category": "Component",
            "code": "Burned",
            "comment": "hot",
            "comRef": "U1",
            "funcBlock": "PSU",
            "refStepId": 3,
        }
    ]
    assert (board["idx"], board["parentIdx"]) == (1, 0)
    assert board["failures"] == [{"category": "Solder", "code": "Bridge"}]


def test_files_belong_to_the_repair_or_to_a_failure():
    report = uur()
    report.attach("a.txt", b"a", "text/plain")
    report.attach("b.txt", b"b", "text/plain", failure_index=0)
    whole, one = report.to_wsjf()["binaryData"]
    assert whole == {"name": "a.txt", "contentType": "text/plain", "data": base64.b64encode(b"a").decode()}
    assert one["failIdx"] == 0
