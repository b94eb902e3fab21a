"""The moments in the life of a report at which a kill has a name: those of F01 to F08 that are steps on the disk."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """Killed on this `side` of a step of this form, as `Killing` has both; and that in words."""

    side: str
    form: str
    words: str

    def fits(self, side: str, step: str) -> bool:
        """Whether a kill on that side of that step was one at this moment."""
        return side == self.side and re.match(self.form, step) is not None


MOMENTS = {
    "F01": Moment("before", r"fsync .*/queue/\.\S+\.tmp'", "killed before the temporary file is synced"),
    "F02": Moment("after", r"fsync .*/queue/\.\S+\.tmp'", "killed after the file's sync, before it is published"),
    "F03": Moment("after", r"rename .*\.tmp', .*\.queued'", "killed after it is published, before the folder's sync"),
    "F04": Moment(
        "before", r"rename .*/in/[^/]+\.json', .*/Done/", "killed after the folder's sync, before the source is moved"
    ),
    "F06": Moment(
        "after", r"rename .*\.queued', .*\.processing'", "killed between the claim and the first byte of the request"
    ),
    "F08": Moment(
        "before", r"rename .*\.processing', .*\.completed'", "killed after the reply, before it is marked as delivered"
    ),
}

STORED = "F07"
STORED_WORDS = "killed after the server has stored it, before the reply is read"
"""The moment that no step of the disk tells."""
