"""`pywats-client submit`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pywats_client.cli.asking import asking
from pywats_client.cli.known import known_instance
from pywats_client.cli.options import AsJson, Home, InstanceId
from pywats_client.cli.output import print_answer, say
from pywats_client.cli.waiting import Result, exit_code
from pywats_client.cli.waiting import outcomes as outcomes_of
from pywats_client.errors import ExitCode
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.queue.folder import QueueFolder

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Reports as WSJF: one, or a list of them, a file.")]


Wait = Annotated[bool, typer.Option("--wait", help="Return when each has been sent, or has failed.")]


def submit(
    files: Files, wait: Wait = False, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False
) -> None:
    """Put reports straight into the queue of an instance; the service sends them, now or when it next runs.

    Each report is checked first; one with faults is not queued, and the exit code is 1. With --wait, 6 where the
    server rejected one, or else 5 where it was too busy for one; and nothing is queued where no service runs.
    """
    instance = known_instance(instance_id, home)
    outcomes: list[Result] = []
    if wait:
        results, outcomes = _submit_and_wait(files, instance)
    else:
        results = _submit_all(files, instance)
    if as_json:
        became = {outcome.id: outcome for outcome in outcomes}
        print_answer({"reports": [result | _outcome(became.get(result["queue_id"])) for result in results]})
    else:
        for result in results:
            if not result["faults"]:
                print(f"{result['file']}: queued as {result['report_id']}")
        for outcome in outcomes:
            print(f"{outcome.id}  {outcome.result}" + (f": {outcome.why}" if outcome.why else ""))
    is_faulty = any(result["faults"] for result in results)
    if code := exit_code(outcomes) or (ExitCode.FAILED if is_faulty else ExitCode.DONE):
        raise typer.Exit(code)


def _outcome(outcome: Result | None) -> dict[str, Any]:
    return {"result": outcome.result if outcome else None, "why": outcome.why if outcome else None}


def _submit_and_wait(files: list[Path], instance: Instance) -> tuple[list[dict[str, Any]], list[Result]]:
    with asking(instance.id, instance.home) as client:
        told = client.events()
        next(told)  # from here on nothing is missed
        results = _submit_all(files, instance)
        client.request("sync_now")
        queued = [result["queue_id"] for result in results if result["queue_id"]]
        return results, list(outcomes_of(told, queued))


def _submit_all(files: list[Path], instance: Instance) -> list[dict[str, Any]]:
    from pywats_client.clock import Clock
    from pywats_client.disk import Disk
    from pywats_client.queue.folder import QueueFolder

    Disk().make_folder(instance.queue)
    folder = QueueFolder(instance.queue, Disk(), Clock())
    return [result for file in files for result in _submit_file(folder, file)]


def _submit_file(folder: "QueueFolder", file: Path) -> list[dict[str, Any]]:
    import json

    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        return [_refused(file, None, [f"{file} is not JSON that a report could be: {error}"])]
    reports = content if isinstance(content, list) else [content]
    if not reports:
        return [_refused(file, None, [f"{file} holds no report"])]
    return [_submit_report(folder, file, place, report) for place, report in enumerate(reports)]


def _submit_report(folder: "QueueFolder", file: Path, place: int, report: Any) -> dict[str, Any]:
    import json
    from hashlib import sha256

    from pywats_client.queue.folder import Put
    from pywats_client.queue.name import queue_id
    from pywats_client.wsjf.check import check

    seed = sha256(json.dumps(report, sort_keys=True).encode()).digest()
    made_id = queue_id(seed, 0)
    if isinstance(report, dict) and not report.get("id"):
        report = {"id": str(made_id), **report}
    faults = [f"{file}: report {place + 1}: {fault.message}" for fault in check(report) if fault.fatal]
    if faults:
        return _refused(file, place, faults)
    content = json.dumps(report, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    staged = [folder.stage(made_id, content, place=place)]
    folder.commit(staged, [Put.NEW])
    return {"file": str(file), "place": place, "report_id": report["id"], "queue_id": str(made_id), "faults": []}


def _refused(file: Path, place: int | None, faults: list[str]) -> dict[str, Any]:
    for fault in faults:
        say(f"error: {fault}")
    return {"file": str(file), "place": place, "report_id": None, "queue_id": None, "faults": faults}
