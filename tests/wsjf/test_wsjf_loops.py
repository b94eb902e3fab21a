"""Loops are checked as servers check them."""

import pytest
from wsjf_reports import NOW, uut

from pywats_client.wsjf import check


def step(name, loop=None, **more):
    content = {"group": "M", "stepType": "ET_A", "name": name, "status": "D"} | more
    return content | ({"loop": loop} if loop is not None else {})


def summary(name, num, ending, **more):
    return step(name, {"idx": None, "num": num, "endingIndex": ending, "passed": num, "failed": 0}, **more)


def messages(*steps):
    report = uut().to_wsjf()
    report["root"]["steps"] = [content | {"id": number} for number, content in enumerate(steps, 2)]
    found = [fault for fault in check(report, now=NOW) if fault.fatal and "id is missing" not in fault.message]
    return [fault.message for fault in found]


def test_a_loop_that_counts_as_servers_want_it_has_no_fault():
    assert not messages(summary("x", 2, 1), step("x", {"idx": 0}), step("x", {"idx": 1}), step("y"))


def test_the_newer_keys_are_read_too():
    newer = step("x", {"n": 2, "endingIndex": 1, "passed": 2, "failed": 0})
    assert not messages(newer, step("x", {"i": 0}), step("x", {"i": 1}))


def test_two_loops_of_one_name_are_told_apart():
    loop = (summary("x", 1, 0), step("x", {"idx": 0}))
    assert not messages(*loop, *loop)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((summary("x", 2, 2), step("x", {"idx": 2})), "loop.num is 2, not endingIndex + 1 = 3"),
        ((summary("x", 3, 2), step("x", {"idx": 1})), "loop.endingIndex is 2, not the highest idx 1"),
        ((summary("x", None, None),), "needs num and endingIndex"),
        ((step("x", {"idx": 0}),), "belongs to no summary step"),
        ((summary("x", 1, 0), step("y", {"idx": 0})), "belongs to no summary step"),
        ((summary("x", 1, 0), step("x", {"idx": "0"})), "must be a whole number"),
        ((step("x", 5),), "must be an object"),
        (
            (summary("x", 1, 0), step("x", {"idx": 0}, stepType="NI_Wait")),
            "stepType differs from that of the loop's summary",
        ),
        (
            (
                summary("x", 1, 0, numericMeas=[{"name": "a", "compOp": "LOG", "status": "P"}]),
                step("x", {"idx": 0}, numericMeas=[{"name": "b", "compOp": "LOG", "status": "P"}]),
            ),
            "numericMeas differs in name",
        ),
        (
            (
                summary("x", 1, 0, stringMeas=[{"compOp": "CASESENSIT", "limit": "a", "status": "P"}]),
                step("x", {"idx": 0}, stringMeas=[{"compOp": "CASESENSIT", "limit": "b", "status": "P"}]),
            ),
            "stringMeas differs in limit",
        ),
        (
            (summary("x", 1, 0, steps=[step("a")]), step("x", {"idx": 0}, steps=[step("b")])),
            'step "b" has no partner of its name',
        ),
        (
            (
                summary("x", 1, 0, steps=[step("a", steps=[step("b")])]),
                step("x", {"idx": 0}, steps=[step("a", steps=[step("c")])]),
            ),
            'step "c" has no partner of its name',
        ),
    ],
)
def test_a_loop_that_a_server_refuses_is_fatal(steps, words):
    found = messages(*steps)
    assert len(found) == 1
    assert words in found[0]
