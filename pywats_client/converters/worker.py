"""What runs in a worker process: bind itself to the service, limit itself, load one converter, convert, answer.

The service speaks first, and one request is answered before the next: `load` (once), then `describe`,
`companions`, `matches` or `convert`, whose reports come one a message before its `done`. What the converter
prints, on whatever descriptor, goes to the service's log and never into the answers.
"""

import faulthandler
import gc
import logging
import os
import signal
from pathlib import Path
from typing import Any

from pywats_client.converters.failures import describe
from pywats_client.converters.messages import Message, Pipe

PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""The `<N>` before a line, as in sd-daemon(3), from which the service takes the line's level."""
_GARBAGE_OBJECTS = 10_000
"""So many, instead of Python's 700, wait to be collected: those of some twenty small reports."""
_LARGE_REPORT_BYTES = 100_000


class _Lines(logging.Formatter):
    """Each line begins with its level, also those of a message of several lines."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


class Worker:
    """One converter, and how to ask it."""

    def __init__(self, pipe: Pipe, setup: dict[str, Any]) -> None:
        """Limit this process, then import the converter and check its arguments."""
        self._pipe, self._setup = pipe, setup
        if os.name == "posix":
            from pywats_client.converters import limits

            limits.limit(setup["memory_limit_mb"])
            self._allow_cpu = limits.allow_cpu
            self._allow_cpu(setup["timeout_seconds"])
        from pywats_client.converters import base, registry, results

        self._source = base.Source
        self._converter = registry.load(setup["module"])()
        station = base.Station(**setup["station"])
        arguments = registry.check_arguments(type(self._converter), setup["arguments"])
        self._context = base.Context(station, arguments, _logger())
        self._finish = results.Finish(station, setup["defaults"])
        gc.freeze()  # what was imported stays, and need not be looked at again
        gc.set_threshold(_GARBAGE_OBJECTS)

    def answer(self, request: Message) -> dict[str, Any]:
        """Do what is asked, and say what came of it; reports are sent as they are made."""
        if os.name == "posix":
            self._allow_cpu(self._setup["timeout_seconds"])
        header = request.header
        if request.kind == "describe":
            from pywats_client.converters import registry
            from pywats_client.converters.describe import describe as described

            kind = registry.load(header["module"]) if header["module"] else type(self._converter)
            return {"kind": "description", **described(kind)}
        companions = tuple(map(Path, header.get("companions", ())))
        source = self._source(Path(header["source"]), companions)
        if request.kind == "companions":
            found = [str(source.path.parent / path) for path in self._converter.companions(source)]
            return {"kind": "companions", "paths": found}
        if request.kind == "matches":
            from pywats_client.converters import auto

            return {"kind": "matches", "confidences": dict(auto.ranked(source))}
        made = self._converter.convert(source, self._context)
        for name, content, facts in self._finish.reports(made, source, bytes.fromhex(header["id_seed"])):
            self._pipe.send({"kind": "report", "queue_id": str(name), "facts": facts}, content)
            if len(content) > _LARGE_REPORT_BYTES:
                gc.collect()  # few objects may hold much memory: steps and their sequence refer to each other
        return {"kind": "done", "peak_bytes": _peak_bytes()}


def _peak_bytes() -> int:
    """The most memory that this process has had so far; 0 where the system does not say.

    Not from getrusage(2), which counts what the process had that started this one.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _logger() -> logging.Logger:
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines("%(message)s"))
    log = logging.getLogger("converter")
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    return log


def _take_pipe() -> Pipe:
    """Move the pipe to descriptors of our own; what is printed goes to the log, and there is nothing to read."""
    pipe = Pipe(os.dup(0), os.dup(1))
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return pipe


def _leaves_something(setup: dict[str, Any]) -> bool:
    """Whether a call has left processes behind, or a scratch folder in which the next would find little room."""
    from pywats_client.converters import limits

    isolation = setup["isolation"]
    return limits.has_children() or bool(isolation and limits.is_half_full(isolation["scratch"]))


def main(parent: int) -> None:
    """Serve the process `parent` until it closes the pipe, or ends."""
    if os.name == "posix":
        from pywats_client.converters import limits

        limits.die_with(parent)
        faulthandler.register(signal.SIGUSR1)  # the service asks where a converter hangs
    pipe = _take_pipe()
    faulthandler.enable()
    os.environ.pop("LC_CTYPE", None)  # Python's own (PEP 538); a converter sees what it was given, no more
    if request := pipe.receive():
        setup = request.header["setup"]
        worker = None
        while request:
            try:
                if worker is None:
                    worker = Worker(pipe, setup)
                    reply: dict[str, Any] = {"kind": "loaded"}
                else:
                    reply = worker.answer(request)
            except BaseException as error:  # noqa: BLE001 -- whatever a converter raises ends this one call only
                reply = describe(error, memory_limit_mb=setup["memory_limit_mb"], isolation=setup["isolation"])
            if os.name == "posix" and _leaves_something(setup):
                reply["spent"] = True  # what was left behind goes with this process
            pipe.send(reply)
            request = pipe.receive()
