"""`pywats-client submit`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pywats_client.cli.options import AsJson, Home, InstanceId, known_instance
from pywats_client.cli.output import print_json, say
from pywats_client.errors import ExitCode

if TYPE_CHECKING:
    from pywats_client.queue.folder import QueueFolder

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Reports as WSJF: one, or a list of them, a file.")]


def submit(files: Files, instance_id: InstanceId = "default", home: Home = None, as_json: AsJson = False) -> None:
    """Put reports straight into the queue of an instance; the service sends them, now or when it next runs.

    Each report is checked first; one with faults is not queued, and the exit code is 1.
    """
    from pywats_client.clock import Clock
    from pywats_client.disk import Disk
    from pywats_client.queue.folder import QueueFolder

    instance = known_instance(instance_id, home)
    Disk().make_folder(instance.queue)
    folder = QueueFolder(instance.queue, Disk(), Clock())
    results = [result for file in files for result in _submit_file(folder, file)]
    if as_json:
        print_json(results)
    else:
        for result in results:
            if not result["faults"]:
                print(f"{result['file']}: queued as {result['report_id']}")
    if any(result["faults"] for result in results):
        raise typer.Exit(ExitCode.FAILED)


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
