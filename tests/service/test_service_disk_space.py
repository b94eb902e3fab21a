"""A disk that is full, or errs, at each step of a source's life: the whole service in virtual time."""

import errno
import itertools
from pathlib import Path

import pytest
from whole_service import Life, life

from tests.evidence.plugin import Evidence
from tests.fakes.disk import nth

RESUMED_SECONDS = 30
"""After space returns, converting goes on within so long."""
GOES_ON = "nothing partial is visible, the source is untouched or converted, all goes on by itself"


@pytest.mark.case("F10", "no space at step n of a file's life", injected="ENOSPC once, n = 0 … last", promised=GOES_ON)
@pytest.mark.parametrize("post_action", ["move", "archive", "delete"])
def test_a_full_disk_at_any_one_step_leaves_nothing_half_and_all_goes_on(post_action: str, evidence: Evidence) -> None:
    for step in itertools.count():
        with life(post_action) as lived:
            lived.world.steps.fail(nth(step))
            lived.drop(reports=2)
            lived.go_on(5.0)
            failed = list(lived.world.steps.failed)
            lived.mend_disk()
            lived.seconds_until()
            lived.promises.check_end()
        if not failed:
            break
    assert step > 20
    evidence(runs=step, figure=f"{step} steps, 0 reports partial, all delivered")


@pytest.mark.case(
    "F10", "no space from step n on", injected="ENOSPC until space returns, n = 0 … last", promised="on within 30 s"
)
def test_within_half_a_minute_after_space_returns_converting_goes_on_wherever_it_was(evidence: Evidence) -> None:
    longest = 0
    for step in itertools.count():
        with life() as lived:
            lived.fill_disk(step)
            lived.drop(reports=2)
            lived.go_on(400.0)
            failed = list(lived.world.steps.failed)
            lived.mend_disk()
            longest = max(longest, lived.seconds_until(converted=True))
            lived.seconds_until()
            lived.promises.check_end()
        if not failed:
            break
    assert step > 20
    assert longest <= RESUMED_SECONDS
    evidence(runs=step, figure=f"{step} steps, resumed after {longest} s at most")


class Errs:
    """The nth sync fails with EIO; from then on it is noted what is synced, and what was made anew meanwhile."""

    def __init__(self, lived: Life, wanted: int) -> None:
        self.failed: Path | None = None
        self._syncs, self._wanted, self._steps = itertools.count(), wanted, lived.world.steps
        self._since = 0
        self._steps.fail(self._fails, errno.EIO)

    def _fails(self, number: int, step: str, path: Path) -> bool:
        if step != "fsync" or next(self._syncs) != self._wanted:
            return False
        self.failed, self._since = path, self._steps.count
        return True

    def synced_again(self) -> bool:
        """Whether what could not be synced was synced once more as it was; a folder only where it had changed."""
        before, after = self._steps.log[: self._since], self._steps.log[self._since :]
        until_then = itertools.takewhile(lambda taken: taken != ("fsync", self.failed), after)
        was_made_anew = any(_touches(taken, self.failed) for taken in until_then)
        is_new = any(_touches(taken, self.failed) or taken == ("write", self.failed) for taken in before[-3:])
        return is_new and ("fsync", self.failed) in after and not was_made_anew


def _touches(taken: tuple[str, Path], failed: Path | None) -> bool:
    step, path = taken
    return step in ("unlink", "rename", "mkdir", "rmdir") and failed in (path, path.parent)


@pytest.mark.case(
    "F11",
    "a sync fails",
    injected="EIO from the nth fsync of a file's life",
    promised="the file is abandoned and written anew, never synced again as it was",
)
@pytest.mark.parametrize("post_action", ["move", "archive"])
def test_what_could_not_be_synced_is_made_anew_and_never_synced_again(post_action: str, evidence: Evidence) -> None:
    for wanted in itertools.count():
        with life(post_action) as lived:
            errs = Errs(lived, wanted)
            lived.drop(reports=2)
            lived.go_on(5.0)
            lived.seconds_until()
            lived.promises.check_end()
            if errs.failed is None:
                break
            assert not errs.synced_again(), f"{errs.failed} was synced a second time"
    assert wanted > 5
    evidence(runs=wanted, figure=f"{wanted} syncs, none repeated")


def test_while_no_sync_succeeds_the_source_stays_and_tries_are_few() -> None:
    with life() as lived:
        lived.world.steps.fail(lambda _number, step, _path: step == "fsync", errno.EIO)
        lived.drop(reports=2)
        lived.go_on(3600.0)
        assert not lived.is_converted()
        assert len(lived.world.steps.failed) <= 3600 / 15 + 10
        lived.mend_disk()
        assert lived.seconds_until(converted=True) <= RESUMED_SECONDS
