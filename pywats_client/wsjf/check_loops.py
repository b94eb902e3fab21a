"""Checks of loops, as servers make them: a summary step, then one step of the same name for each iteration."""

from collections.abc import Sequence
from typing import Any

from pywats_client.wsjf.findings import Findings, Place, number_text
from pywats_client.wsjf.rules import integer

_ADVICE = "or leave out all loop objects, and send the repeated steps as plain siblings"


def check_loops(findings: Findings, siblings: Sequence[Place]) -> None:
    """Steps that stand in one sequence: the numbers of their loops, and how iterations match their summary."""
    summary: Place | None = None
    iterations: list[Place] = []
    for step in (step for step in siblings if "loop" in step.value):
        loop = findings.object(step, "loop")
        if loop is None or not _numbers_are_whole(findings, loop):
            continue
        if _index(loop) is None:
            _check_run(findings, summary, iterations)
            summary, iterations = step, []
        elif summary is not None and summary.value.get("name") == step.value.get("name"):
            iterations.append(step)
        else:
            findings.add(step, "loop", f"belongs to no summary step before it: add one, {_ADVICE}")
    _check_run(findings, summary, iterations)


def _numbers_are_whole(findings: Findings, loop: Place) -> bool:
    wrong = False
    for key in ("idx", "i", "num", "n", "endingIndex", "passed", "failed"):
        value = loop.value.get(key)
        if value is not None and (problem := integer(value)):
            findings.add(loop, key, problem)
            wrong = True
    return not wrong


def _check_run(findings: Findings, summary: Place | None, iterations: list[Place]) -> None:
    if summary is None:
        return
    loop = summary.below("loop", summary.value["loop"])
    count, ending = _either(loop, "num", "n"), loop.value.get("endingIndex")
    if count is None or ending is None:
        findings.add(loop, None, f"is no iteration, so it needs num and endingIndex: give them, {_ADVICE}")
    elif count != ending + 1:
        problem = f"is {number_text(count)}, not endingIndex + 1 = {number_text(ending + 1)}: correct it, {_ADVICE}"
        findings.add(loop, "num", problem)
    if iterations:
        highest = max(_index(step.below("loop", step.value["loop"])) or 0 for step in iterations)
        if ending is not None and ending != highest:
            problem = f"is {number_text(ending)}, not the highest idx {number_text(highest)}: correct it, {_ADVICE}"
            findings.add(loop, "endingIndex", problem)
    for iteration in iterations:
        _check_match(findings, summary, iteration)


def _check_match(findings: Findings, summary: Place, iteration: Place) -> None:
    """An iteration, and all steps in it, against the summary."""
    pairs = [(summary, iteration)]
    while pairs:
        model, step = pairs.pop()
        _check_pair(findings, model, step)
        partners = {_name(child): child for child in reversed(_steps(model))}
        for child in _steps(step):
            partner = partners.get(_name(child))
            if partner is None:
                findings.add(child, None, f"has no partner of its name in the loop's summary: add it, {_ADVICE}")
            else:
                pairs.append((partner, child))


def _check_pair(findings: Findings, model: Place, step: Place) -> None:
    if step.value.get("stepType") != model.value.get("stepType"):
        findings.add(step, "stepType", f"differs from that of the loop's summary: use the same, {_ADVICE}")
    for key, traits in (("numericMeas", ("name",)), ("stringMeas", ("compOp", "limit"))):
        for trait in traits:
            if _traits(step, key, trait) != _traits(model, key, trait):
                problem = f"differs in {trait} from the loop's summary: use the same, {_ADVICE}"
                findings.add(step, key, problem)


def _traits(step: Place, key: str, trait: str) -> list[Any]:
    items = step.value.get(key)
    return [item.get(trait) for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _steps(step: Place) -> list[Place]:
    children = step.value.get("steps")
    if not isinstance(children, list):
        return []
    array = step.below("steps", children)
    return [array.below(index, child, is_step=True) for index, child in enumerate(children) if isinstance(child, dict)]


def _name(step: Place) -> str:
    return str(step.value.get("name"))


def _either(loop: Place, key: str, newer: str) -> Any:
    value = loop.value.get(key)
    return loop.value.get(newer) if value is None else value


def _index(loop: Place) -> int | None:
    index: int | None = _either(loop, "idx", "i")
    return index
