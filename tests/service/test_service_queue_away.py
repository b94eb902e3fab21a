"""The queue folder is taken away, or takes and shows nothing: the service waits for it, and goes on by itself."""

import errno

import pytest
from whole_service import life

from tests.evidence.plugin import Evidence

AWAY_SECONDS = 3600


@pytest.mark.case(
    "F13",
    "the queue folder is taken away for an hour",
    injected="renamed away and back under load",
    promised="told, sources stay, nothing is lost, goes on by itself",
)
def test_a_queue_folder_that_is_away_for_an_hour_is_told_and_waited_for(evidence: Evidence) -> None:
    with life() as lived:
        lived.server_goes()
        lived.drop(5)
        lived.go_on(10.0)
        away = lived.world.queue.rename(lived.world.queue.with_name("away"))
        lived.drop(20)
        lived.world.pump(AWAY_SECONDS)
        assert lived.world.is_up
        assert not lived.world.server.stored
        assert not lived.world.queue.exists()
        assert "the queue folder" in " ".join(lived.degraded.values())
        away.rename(lived.world.queue)
        lived.server_comes()
        waited = lived.seconds_until()
        lived.promises.check_end()
        assert lived.degraded == {}
    evidence(figure=f"25 of 25 delivered {waited} s after its return")


@pytest.mark.case(
    "F13",
    "the queue folder is read-only for an hour",
    injected="EROFS from every step that changes it",
    promised="told, sources stay, goes on by itself",
)
def test_a_queue_folder_that_takes_nothing_for_an_hour_loses_nothing(evidence: Evidence) -> None:
    with life() as lived:
        lived.world.steps.fail(lambda _, step, path: path.is_relative_to(lived.world.queue), errno.EROFS)
        lived.drop(10)
        lived.go_on(AWAY_SECONDS)
        assert lived.world.is_up
        assert lived.degraded
        lived.mend_disk()
        waited = lived.seconds_until()
        lived.promises.check_end()
    evidence(figure=f"10 of 10 delivered {waited} s after its return")
