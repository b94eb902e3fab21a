"""The report and its JSON form, WSJF: build it, read it, check it. Knows nothing of files or servers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pywats_client.wsjf.check import Fault, check

if TYPE_CHECKING:
    from pywats_client.wsjf.build import SequenceCall
    from pywats_client.wsjf.limits import CompOp
    from pywats_client.wsjf.model import shorten
    from pywats_client.wsjf.report import UurReport, UutReport, read_report
    from pywats_client.wsjf.steps import (
        CallExecutable,
        MessagePopup,
        NumericLimit,
        PassFail,
        Step,
        StringValue,
    )

__all__ = [
    "CallExecutable",
    "CompOp",
    "Fault",
    "MessagePopup",
    "NumericLimit",
    "PassFail",
    "SequenceCall",
    "Step",
    "StringValue",
    "UurReport",
    "UutReport",
    "check",
    "read_report",
    "shorten",
]

_HOME = {
    "SequenceCall": "build",
    "CompOp": "limits",
    "shorten": "model",
    "UurReport": "report",
    "UutReport": "report",
    "read_report": "report",
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for: checking a report needs no models."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'steps')}"), name)
