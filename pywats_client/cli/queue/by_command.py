"""`queue retry` and `queue discard` where a service runs: it alone moves its reports, and does so when asked."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pywats_client.cli.asking import asking
from pywats_client.cli.waiting import FAILED, Result, outcomes
from pywats_client.errors import CommandFailed


def retry(
    instance_id: str, home: Path | None, ids: Sequence[str], states: Sequence[str], *, wait: bool
) -> tuple[list[Result], list[str]]:
    """What became of the reports, and what was given and means none. With `wait`, once each has met the server."""
    with asking(instance_id, home) as client:
        told = client.events()
        if wait:
            next(told)  # from here on nothing is missed
        answer = client.request("retry_reports", ids=ids, states=states)
        left, missing = _untouched(answer, lambda why: Result("", why))
        if not wait:
            return [Result(queue_id, "queued") for queue_id in answer["retried"]] + left, missing
        return [*outcomes(told, answer["retried"]), *left], missing


def discard(instance_id: str, home: Path | None, ids: Sequence[str]) -> tuple[list[Result], list[str]]:
    """What became of the reports, and what was given and means none."""
    with asking(instance_id, home) as client:
        answer = client.request("discard_reports", ids=ids)
    left, missing = _untouched(answer, lambda why: Result("", FAILED, why))
    return [Result(queue_id, "discarded") for queue_id in answer["discarded"]] + left, missing


def _untouched(answer: dict[str, Any], in_conflict: Callable[[str], Result]) -> tuple[list[Result], list[str]]:
    results, missing = [], []
    for item in answer["untouched"]:
        if item["code"] == "not_found":
            missing.append(item["id"])
        elif item["code"] == "conflict":
            results.append(in_conflict(item["why"])._replace(id=item["id"]))
        else:
            results.append(Result(item["id"], FAILED, item["why"]))
    return results, missing


def rest_of(instance_id: str, home: Path | None, given: str) -> tuple[str, str]:
    """Id and state of a report that rests, `completed` or `discarded`; both empty where none is known."""
    with asking(instance_id, home) as client:
        try:
            report = client.request("get_report", id=given, with_content=False)["report"]
        except CommandFailed:
            return "", ""
    return report["id"], report["state"]
