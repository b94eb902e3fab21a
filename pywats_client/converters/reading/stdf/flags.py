"""What the flags of a test say: its verdict, and what is to be known beside it."""

from collections.abc import Iterator

from pywats_client.converters.reading.stdf.limits import Limits
from pywats_client.wsjf.model import Status

# TEST_FLG
ALARM, INVALID, NOT_EXECUTED, ABORTED, NO_VERDICT, FAILED = 0x01, 0x02, 0x10, 0x20, 0x40, 0x80
_TEST_REMARKS = {0x04: "the result is unreliable", 0x08: "timeout", ABORTED: "aborted", NOT_EXECUTED: "not executed"}
# PARM_FLG
_PARM_REMARKS = {
    0x01: "scale error",
    0x02: "drift error",
    0x04: "oscillation",
    0x20: "passed by alternate limits, which the file does not hold",
}
_ABOVE, _BELOW = 0x08, 0x10


def verdict_of(flags: int) -> Status | None:
    """P or F; T for a test that was aborted before it failed; None where TEST_FLG says that there is none."""
    if flags & (NO_VERDICT | FAILED) == FAILED:
        return "F"
    if flags & ABORTED:
        return "T"
    return None if flags & NO_VERDICT else "P"


def remarks(flags: int, parm: int, alarm: str, limits: Limits | None = None) -> Iterator[str]:
    """What TEST_FLG and PARM_FLG say beside the verdict."""
    if flags & ALARM:
        yield f"alarm {alarm}".strip()
    yield from (remark for bit, remark in _TEST_REMARKS.items() if flags & bit)
    yield from (remark for bit, remark in _PARM_REMARKS.items() if parm & bit)
    if limits and parm & _ABOVE and limits.high is None:
        yield "the result is above a high limit that the file does not hold"
    if limits and parm & _BELOW and limits.low is None:
        yield "the result is below a low limit that the file does not hold"
    if limits and limits.exist and verdict_of(flags) is None:
        yield "the file gives no verdict"


def joined(*texts: str) -> str:
    """Remarks as one text."""
    return "; ".join(filter(None, texts))
