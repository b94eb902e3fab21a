"""Twenty kills of the real service under load; `make torture` has thousands."""

import pytest

from tests.evidence.plugin import Evidence
from tests.torture import kill_loop

KILLS, SEED = 20, 4


@pytest.mark.case(
    "kill loop",
    "the real service under load is killed again and again",
    injected="SIGKILL at any time, around steps of the disk, while starting and stopping, and of workers",
    promised="each report delivered under one id, no file or process left behind, suspects sent last and alone",
)
def test_a_service_that_is_killed_again_and_again_under_load_loses_and_doubles_nothing(evidence: Evidence) -> None:
    result = kill_loop.run(KILLS, SEED)
    assert not result.faults, str(result)
    evidence(runs=KILLS, figure=result.figure)
