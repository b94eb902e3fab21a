"""What went wrong in a converter, as a message for the service. Nothing a converter raises gets past this."""

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pywats_client.converters.refusals import refusal
from pywats_client.errors import ConversionError, NotMine, NotYet, PartlyConverted

MAX_MESSAGE = 20_000
MAX_DETAILS = 20_000
_OURS = str(Path(__file__).parents[1])
_FORMATS = str(Path(__file__).with_name("formats"))


def describe(
    error: BaseException, *, memory_limit_mb: int, isolation: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The header of the reply. `spent`: this process should not convert anything more."""
    if isinstance(error, MemoryError):
        # What filled the memory hangs on the frames: without letting go of it there is none to say so.
        traceback.clear_frames(error.__traceback__)
        return _failed(f"out of memory: the limit is {memory_limit_mb} MB", spent=True)
    try:
        reply = _describe(error)
        if isolation and reply["kind"] == "failed":
            reply["message"] += refusal(error, isolation)
        return reply
    except BaseException:  # noqa: BLE001 -- an exception of a stranger's class may do anything when it is looked at
        return _failed("the converter raised an exception that cannot be shown", spent=True)


def _describe(error: BaseException) -> dict[str, Any]:
    if isinstance(error, NotYet):
        return {"kind": "not_yet", "message": str(error)[:MAX_MESSAGE], "delay": float(error.delay)}
    if isinstance(error, NotMine):
        return {"kind": "not_mine", "message": str(error)[:MAX_MESSAGE]}
    if isinstance(error, ConversionError):
        # str() has the line in front of it, and is made again on the other side.
        message = str(error.args[0]) if error.args else str(error)
        if error.line is not None:
            message = message.removeprefix(f"line {error.line}: ")
        details = error.details or (_own_traceback(error) if error.__cause__ else "")
        kind = "partly" if isinstance(error, PartlyConverted) else "failed"
        return _failed(message, line=error.line, details=details) | {"kind": kind}
    details = _own_traceback(error)
    if isinstance(error, SystemExit):
        return _failed(f"the converter called sys.exit({error.code!r:.80})", details=details, spent=True)
    if isinstance(error, RecursionError):
        return _failed(f"nested too deeply: {error}{_place(error)}", details=details)
    if isinstance(error, SyntaxError) and error.filename:
        return _failed(f"syntax error: {error.msg} ({error.filename}:{error.lineno})", details=details)
    # The traceback module survives exceptions that cannot be turned into text.
    *_, last = traceback.TracebackException.from_exception(error).format_exception_only()
    spent = not isinstance(error, Exception)
    return _failed(last.strip() + _place(error), details=details, spent=spent)


def _failed(message: str, *, line: int | None = None, details: str = "", spent: bool = False) -> dict[str, Any]:
    return {
        "kind": "failed",
        "message": message[:MAX_MESSAGE],
        "line": line if isinstance(line, int) else None,
        "details": details[-MAX_DETAILS:],
        "spent": spent,
    }


def _is_own(frame: traceback.FrameSummary) -> bool:
    """Whether a frame is the converter's: not the machinery around it, nor that of Python's imports."""
    if frame.filename.startswith("<frozen "):
        return False
    return frame.filename.startswith(_FORMATS) or not frame.filename.startswith(_OURS)


def _place(error: BaseException) -> str:
    """Where in the converter's own code the error came up, for the end of a sentence."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame)]
    return f" ({own[-1].filename}:{own[-1].lineno})" if own else ""


def _own_traceback(error: BaseException) -> str:
    """The traceback, and those of its causes, without our frames; empty if nothing of the converter is left."""
    whole = traceback.TracebackException.from_exception(error)
    found = False
    part: traceback.TracebackException | None = whole
    while part:
        part.stack = traceback.StackSummary.from_list([frame for frame in part.stack if _is_own(frame)])
        found = found or bool(part.stack)
        part = part.__cause__ or (None if part.__suppress_context__ else part.__context__)
    return "".join(whole.format()) if found else ""
